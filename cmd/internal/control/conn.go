// SPDX-License-Identifier: Apache-2.0

package control

import (
	"context"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"github.com/xlb-project/xlb/lb"
)

// ConnFilter selects connections; empty fields select all.
type ConnFilter struct {
	Server string `json:"server,omitempty"` // PROTO:ADDR:PORT
	Real   string `json:"real,omitempty"`   // ADDR:PORT
	Client string `json:"client,omitempty"` // ADDR or ADDR/BITS
	State  string `json:"state,omitempty"`  // "ESTABLISHED", ... in any case
}

// Connection is one balanced connection.
type Connection struct {
	Protocol string `json:"protocol"` // "tcp", "udp"
	// ExpiresMS is the time until it is removed if nothing comes, in
	// milliseconds.
	ExpiresMS int64  `json:"expires_ms"`
	State     string `json:"state"`   // as "ipvsadm -Lnc" prints it
	Client    string `json:"client"`  // ADDR:PORT
	Virtual   string `json:"virtual"` // ADDR:PORT of the virtual server
	Real      string `json:"real"`    // ADDR:PORT
	Forward   string `json:"forward"` // "nat", "dr", "tun"
}

// ConnCount counts connections.
type ConnCount struct {
	APIVersion string         `json:"api_version"`
	Count      int            `json:"count"`
	ByState    map[string]int `json:"by_state"`
}

// NewConnection is an engine's connection as it is listed.
func NewConnection(c lb.Connection) Connection {
	return Connection{
		Protocol: c.Service.Protocol.String(), ExpiresMS: c.Expires.Milliseconds(), State: c.State,
		Client: c.Client.String(), Virtual: c.Service.Addr.String(), Real: c.Real.String(), Forward: string(c.Method),
	}
}

// States are the states that a connection can have, as ipvsadm prints them.
func States() []string {
	return []string{"NONE", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT", "TIME_WAIT",
		"CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "SYNACK", "UDP"}
}

// Parse is the filter as an engine takes it. Errors are [CodeUsage].
func (f ConnFilter) Parse() (out lb.ConnFilter, err error) {
	if f.Server != "" {
		key, err := ParseServer(f.Server)
		if err != nil {
			return out, err
		}
		out.Service = &key
	}
	if f.Real != "" {
		if out.Real, err = ParseReal(f.Real); err != nil {
			return out, err
		}
	}
	if f.Client != "" {
		if out.Client, err = parsePrefix(f.Client); err != nil {
			return out, err
		}
	}
	if f.State != "" {
		out.State = strings.ToUpper(f.State)
		if !slices.Contains(States(), out.State) {
			return out, Errorf(CodeUsage, "%q is no state of a connection", f.State).
				WithHint("there are: %s", strings.Join(States(), ", "))
		}
	}
	return out, nil
}

// parsePrefix reads ADDR or ADDR/BITS.
func parsePrefix(s string) (netip.Prefix, error) {
	bad := Errorf(CodeUsage, "%q is no client: neither an address nor a network", s).
		WithHint("write 198.51.100.7 or 198.51.100.0/24")
	if strings.Contains(s, "/") {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return netip.Prefix{}, bad
		}
		return p.Masked(), nil
	}
	addr, err := netip.ParseAddr(s)
	if err != nil || addr.Zone() != "" {
		return netip.Prefix{}, bad
	}
	return netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()), nil
}

// ConnectionsOf is [Controller.Connections] over an engine.
func ConnectionsOf(ctx context.Context, engine lb.Dataplane, f ConnFilter) iter.Seq2[Connection, error] {
	return func(yield func(Connection, error) bool) {
		filter, err := f.Parse()
		if err != nil {
			yield(Connection{}, err)
			return
		}
		for c, err := range engine.Connections(ctx, filter) {
			if err != nil {
				yield(Connection{}, fmt.Errorf("reading connections: %w", err))
				return
			}
			if !yield(NewConnection(c), nil) {
				return
			}
		}
	}
}

// CountOf is [Controller.CountConnections] over an engine.
func CountOf(ctx context.Context, engine lb.Dataplane, f ConnFilter) (*ConnCount, error) {
	filter, err := f.Parse()
	if err != nil {
		return nil, err
	}
	n := &ConnCount{APIVersion: APIVersion, ByState: map[string]int{}}
	for c, err := range engine.Connections(ctx, filter) {
		if err != nil {
			return nil, fmt.Errorf("counting connections: %w", err)
		}
		n.Count++
		n.ByState[c.State]++
	}
	return n, nil
}
