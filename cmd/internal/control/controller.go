// SPDX-License-Identifier: Apache-2.0

package control

import (
	"context"
	"iter"
)

// APIVersion is the version of everything that the socket and "-o json" say.
// It changes when a field is renamed, removed or changes its meaning.
const APIVersion = "v1"

// Controller is all that an operator can ask for. [Client], [Direct] and the
// daemon implement it. Every error that it returns is, or wraps, an [*Error];
// anything else counts as [CodeInternal].
//
// Methods may be called at the same time from several goroutines.
type Controller interface {
	// Version says who answers.
	Version(context.Context) (*Version, error)
	// Status is the whole picture on one page: interfaces, tables, daemon.
	// It works, and says so, when nothing is attached.
	Status(context.Context) (*Status, error)
	// Services lists the virtual servers with their counters.
	Services(context.Context) (*Listing, error)
	// Stats are the node's counters: packets by reason, tables, drift.
	Stats(context.Context) (*Stats, error)

	// Attach puts xlb onto one interface. Idempotent: the result says when it
	// was there already.
	Attach(context.Context, AttachRequest) (*AttachResult, error)
	// Detach takes xlb off one interface, or off everything, pins and maps
	// included. An interface that is not attached is [CodeNotFound].
	Detach(context.Context, DetachRequest) (*DetachResult, error)

	// Edit makes all the changes in their order, or none of them.
	Edit(context.Context, []Edit) error
	// Clear removes every virtual server ("ipvsadm -C").
	Clear(context.Context) (*ClearResult, error)
	// Zero sets the traffic counters to 0 ("ipvsadm -Z"), of one virtual
	// server or of all.
	Zero(context.Context, ZeroRequest) error

	// Connections lists connections. A large table takes seconds; the
	// sequence ends at the first error. It may be used once.
	Connections(context.Context, ConnFilter) iter.Seq2[Connection, error]
	// CountConnections counts what Connections would list.
	CountConnections(context.Context, ConnFilter) (*ConnCount, error)

	// Reset ends operator's overrides, so that the file has the say again.
	// Only a daemon has overrides; without one it is [CodeUnavailable].
	Reset(context.Context, ResetRequest) (*ResetResult, error)
	// Reload reads the daemon's file again and returns when it is applied.
	// A bad file is [CodeConflict] with every finding in the message, and
	// changes nothing. Without a daemon: [CodeUnavailable].
	Reload(context.Context) (*ReloadResult, error)
}

// Version says who answers.
type Version struct {
	APIVersion string `json:"api_version"`
	// Version of the program, as cmd/internal/version says it.
	Version string `json:"version"`
	// PID of the daemon; 0 without one.
	PID int `json:"pid,omitempty"`
}

// ClearResult says what Clear removed.
type ClearResult struct {
	APIVersion string `json:"api_version"`
	Removed    int    `json:"removed"` // virtual servers
	Foreign    int    `json:"foreign"` // virtual servers that were left alone: not the daemon's
}

// ZeroRequest says whose counters become 0.
type ZeroRequest struct {
	// Server is a virtual server, PROTO:ADDR:PORT; empty: all, and the node's.
	Server string `json:"server,omitempty"`
}

// ResetRequest says which overrides end.
type ResetRequest struct {
	// Server is a virtual server, PROTO:ADDR:PORT; empty: all.
	Server string `json:"server,omitempty"`
}

// ResetResult says which overrides ended.
type ResetResult struct {
	APIVersion string `json:"api_version"`
	Ended      []Edit `json:"ended"`
}

// ReloadResult says what a reload changed.
type ReloadResult struct {
	APIVersion string `json:"api_version"`
	File       string `json:"file"`
	Changed    int    `json:"changed"` // virtual servers that were added, changed or removed
	// Stale are overrides that no longer fit the file ("not found"), and are
	// kept until a reset.
	Stale []Edit `json:"stale,omitempty"`
}
