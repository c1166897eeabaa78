// SPDX-License-Identifier: Apache-2.0

package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
)

// Paths of the requests. What only reads is GET; the rest is POST with JSON.
const (
	pathVersion     = "/" + APIVersion + "/version"
	pathStatus      = "/" + APIVersion + "/status"
	pathServices    = "/" + APIVersion + "/services"
	pathStats       = "/" + APIVersion + "/stats"
	pathAttach      = "/" + APIVersion + "/attach"
	pathDetach      = "/" + APIVersion + "/detach"
	pathEdit        = "/" + APIVersion + "/edit"
	pathClear       = "/" + APIVersion + "/clear"
	pathZero        = "/" + APIVersion + "/zero"
	pathReset       = "/" + APIVersion + "/reset"
	pathReload      = "/" + APIVersion + "/reload"
	pathConnections = "/" + APIVersion + "/connections" // lines of streamItem
	pathCount       = "/" + APIVersion + "/connections/count"
)

// maxBody is more than any request needs: some ten thousand edits.
const maxBody = 4 << 20

// none is the request or the answer of what has none.
type none struct{}

// Handler answers the control socket's requests by asking c.
func Handler(c Controller) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+pathVersion, get(c.Version))
	mux.Handle("GET "+pathStatus, get(c.Status))
	mux.Handle("GET "+pathServices, get(c.Services))
	mux.Handle("GET "+pathStats, get(c.Stats))
	mux.Handle("POST "+pathAttach, post(c.Attach))
	mux.Handle("POST "+pathDetach, post(c.Detach))
	mux.Handle("POST "+pathEdit, post(func(ctx context.Context, edits []Edit) (none, error) {
		return none{}, c.Edit(ctx, edits)
	}))
	mux.Handle("POST "+pathClear, get(c.Clear))
	mux.Handle("POST "+pathZero, post(func(ctx context.Context, r ZeroRequest) (none, error) {
		return none{}, c.Zero(ctx, r)
	}))
	mux.Handle("POST "+pathReset, post(c.Reset))
	mux.Handle("POST "+pathReload, get(c.Reload))
	mux.Handle("GET "+pathConnections, connections(c))
	mux.Handle("GET "+pathCount, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := c.CountConnections(r.Context(), filterOf(r.URL.Query()))
		reply(w, n, err)
	}))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		reply(w, nil, Errorf(CodeUnavailable, "this xlbd does not know %s %s", r.Method, r.URL.Path).
			WithHint("xlbctl and xlbd are of different versions: restart xlbd"))
	})
	return guard(mux)
}

// guard lets only those in who may.
func guard(next http.Handler) http.Handler {
	self := uint32(os.Geteuid())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !allowed(r.Context(), self) {
			reply(w, nil, Errorf(CodeUnavailable, "only root may use the control socket").WithHint("run it with sudo"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// get answers a request that says nothing but its name.
func get[Out any](f func(context.Context) (Out, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out, err := f(r.Context())
		reply(w, out, err)
	})
}

// post answers a request with a JSON body. Fields that are not known here are
// an error: doing half of what was asked is worse than nothing.
func post[In, Out any](f func(context.Context, In) (Out, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in In
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
		d.DisallowUnknownFields()
		if err := d.Decode(&in); err != nil && !errors.Is(err, io.EOF) {
			reply(w, nil, Errorf(CodeUsage, "request to %s: %w", r.URL.Path, err).
				WithHint("xlbctl and xlbd may be of different versions: restart xlbd"))
			return
		}
		out, err := f(r.Context(), in)
		reply(w, out, err)
	})
}

// reply writes an answer, or an [Error] with a status that fits.
func reply(w http.ResponseWriter, out any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		e := AsError(err)
		w.WriteHeader(httpStatus(e.Code))
		out = e
	}
	_ = json.NewEncoder(w).Encode(out) // the peer is gone, or these types cannot be encoded: a test's matter
}

func httpStatus(c Code) int {
	switch c {
	case CodeUsage:
		return http.StatusBadRequest
	case CodeNotFound:
		return http.StatusNotFound
	case CodeExists, CodeConflict:
		return http.StatusConflict
	case CodeUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// streamItem is a line of a stream of connections. The last one has End or
// Error; a stream without it was cut off.
type streamItem struct {
	Connection *Connection `json:"connection,omitempty"`
	Error      *Error      `json:"error,omitempty"`
	End        bool        `json:"end,omitempty"`
}

// connections streams a list that may be longer than memory should hold.
func connections(c Controller) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		buffered := bufio.NewWriterSize(w, 64<<10)
		lines := json.NewEncoder(buffered)
		last := streamItem{End: true}
		for conn, err := range c.Connections(r.Context(), filterOf(r.URL.Query())) {
			if err != nil {
				last = streamItem{Error: AsError(err)}
				break
			}
			if lines.Encode(streamItem{Connection: &conn}) != nil {
				return // the peer is gone
			}
		}
		_ = lines.Encode(last)
		_ = buffered.Flush()
	})
}

// query is a filter as it stands in a URL.
func (f ConnFilter) query() string {
	v := url.Values{}
	for name, value := range map[string]string{
		"server": f.Server, "real": f.Real, "client": f.Client, "state": f.State,
	} {
		if value != "" {
			v.Set(name, value)
		}
	}
	return v.Encode()
}

// filterOf is the inverse of query.
func filterOf(v url.Values) ConnFilter {
	return ConnFilter{Server: v.Get("server"), Real: v.Get("real"), Client: v.Get("client"), State: v.Get("state")}
}
