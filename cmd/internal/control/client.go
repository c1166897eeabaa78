// SPDX-License-Identifier: Apache-2.0

package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// errNoDaemon: nobody listens on the socket, or there is none.
var errNoDaemon = errors.New("xlbd is not running")

// Client is a [Controller] that asks the daemon.
type Client struct {
	path string
	http *http.Client
}

// slow is how long the daemon may take before the first byte of an answer.
// Attaching to a busy interface and moving a large table take tens of seconds.
const slow = 2 * time.Minute

// NewClient is a client of the daemon whose run directory is runDir. Nothing
// is dialled yet. Close it at the end.
func NewClient(runDir string) *Client {
	path := filepath.Join(runDir, SocketName)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}
	return &Client{path: path, http: &http.Client{Transport: &http.Transport{
		DialContext: dial, ResponseHeaderTimeout: slow, DisableCompression: true,
	}}}
}

// Close lets go of idle connections to the daemon.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// Version says which daemon answers.
func (c *Client) Version(ctx context.Context) (*Version, error) {
	return ask[Version](ctx, c, http.MethodGet, pathVersion, nil)
}

// Status asks the daemon for its status.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	return ask[Status](ctx, c, http.MethodGet, pathStatus, nil)
}

// Services asks the daemon for its virtual servers.
func (c *Client) Services(ctx context.Context) (*Listing, error) {
	return ask[Listing](ctx, c, http.MethodGet, pathServices, nil)
}

// Stats asks the daemon for the node's counters.
func (c *Client) Stats(ctx context.Context) (*Stats, error) {
	return ask[Stats](ctx, c, http.MethodGet, pathStats, nil)
}

// Attach has the daemon attach an interface.
func (c *Client) Attach(ctx context.Context, r AttachRequest) (*AttachResult, error) {
	return ask[AttachResult](ctx, c, http.MethodPost, pathAttach, r)
}

// Detach has the daemon detach.
func (c *Client) Detach(ctx context.Context, r DetachRequest) (*DetachResult, error) {
	return ask[DetachResult](ctx, c, http.MethodPost, pathDetach, r)
}

// Edit has the daemon make changes, as overrides over its file.
func (c *Client) Edit(ctx context.Context, edits []Edit) error {
	_, err := ask[none](ctx, c, http.MethodPost, pathEdit, edits)
	return err
}

// Clear has the daemon remove its virtual servers.
func (c *Client) Clear(ctx context.Context) (*ClearResult, error) {
	return ask[ClearResult](ctx, c, http.MethodPost, pathClear, nil)
}

// Zero has the daemon set counters to 0.
func (c *Client) Zero(ctx context.Context, r ZeroRequest) error {
	_, err := ask[none](ctx, c, http.MethodPost, pathZero, r)
	return err
}

// Reset has the daemon end overrides.
func (c *Client) Reset(ctx context.Context, r ResetRequest) (*ResetResult, error) {
	return ask[ResetResult](ctx, c, http.MethodPost, pathReset, r)
}

// Reload has the daemon read its file again.
func (c *Client) Reload(ctx context.Context) (*ReloadResult, error) {
	return ask[ReloadResult](ctx, c, http.MethodPost, pathReload, nil)
}

// CountConnections has the daemon count.
func (c *Client) CountConnections(ctx context.Context, f ConnFilter) (*ConnCount, error) {
	return ask[ConnCount](ctx, c, http.MethodGet, pathCount+"?"+f.query(), nil)
}

// Connections streams connections from the daemon.
func (c *Client) Connections(ctx context.Context, f ConnFilter) iter.Seq2[Connection, error] {
	return func(yield func(Connection, error) bool) {
		resp, err := c.send(ctx, http.MethodGet, pathConnections+"?"+f.query(), nil)
		if err != nil {
			yield(Connection{}, err)
			return
		}
		defer resp.Body.Close()
		for lines := json.NewDecoder(resp.Body); ; {
			conn, err := nextConnection(lines)
			if errors.Is(err, io.EOF) || !yield(conn, err) || err != nil {
				return
			}
		}
	}
}

// nextConnection reads a line of the stream; io.EOF is its proper end.
func nextConnection(lines *json.Decoder) (Connection, error) {
	var item streamItem
	err := lines.Decode(&item)
	switch {
	case err != nil:
		// io.EOF is wrapped away: here it is not the end of the stream.
		return Connection{}, Errorf(CodeUnavailable, "xlbd cut the list of connections off: %v", err).
			WithHint("see its log: journalctl -u xlbd")
	case item.Error != nil:
		return Connection{}, item.Error
	case item.End:
		return Connection{}, io.EOF
	case item.Connection == nil:
		return Connection{}, Errorf(CodeInternal, "xlbd sent an empty line in the list of connections")
	}
	return *item.Connection, nil
}

// ask sends a request and reads the whole answer.
func ask[Out any](ctx context.Context, c *Client, method, path string, in any) (*Out, error) {
	resp, err := c.send(ctx, method, path, in)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	out := new(Out)
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return nil, Errorf(CodeInternal, "cannot read the answer of xlbd to %s: %w", path, err)
	}
	return out, nil
}

// send sends a request; an answer that is an error becomes one.
func (c *Client) send(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("request to %s: %w", path, err)
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://xlbd"+path, body)
	if err != nil {
		return nil, fmt.Errorf("request to %s: %w", path, err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.failed(ctx, err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	e := new(Error)
	if err := json.NewDecoder(resp.Body).Decode(e); err != nil || e.Code == "" {
		return nil, Errorf(CodeInternal, "xlbd answered %s to %s", resp.Status, path)
	}
	return nil, e
}

// failed says what it means that a request got no answer.
func (c *Client) failed(ctx context.Context, err error) error {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("interrupted: %w", context.Cause(ctx))
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ECONNREFUSED):
		return &Error{Code: CodeUnavailable, Message: "xlbd is not running: nobody listens on " + c.path,
			Hint: "start it: systemctl start xlbd", cause: errNoDaemon}
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return Errorf(CodeUnavailable, "%s may be used by root only", c.path).WithHint("run it with sudo")
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, unix.EAGAIN):
		return c.silent()
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // without the made-up URL
	}
	return Errorf(CodeUnavailable, "xlbd did not answer on %s: %w", c.path, err).
		WithHint("see its log: journalctl -u xlbd")
}

// silent is the error of a daemon that is alive but does not answer. It has
// the virtual servers in hand: nothing may be done behind its back.
func (c *Client) silent() error {
	who := "xlbd"
	if pid := c.listener(); pid > 0 {
		who = fmt.Sprintf("xlbd (process id %d)", pid)
	}
	return Errorf(CodeUnavailable, "%s is alive, but does not answer on %s", who, c.path).
		WithHint("see its log: journalctl -u xlbd; then: systemctl restart xlbd (traffic goes on meanwhile)")
}

// listener is the process that listens on the socket, or 0.
func (c *Client) listener() int {
	conn, err := net.DialTimeout("unix", c.path, time.Second)
	if err != nil {
		return 0
	}
	defer conn.Close()
	cred, err := peerOf(conn)
	if err != nil {
		return 0
	}
	return int(cred.Pid)
}
