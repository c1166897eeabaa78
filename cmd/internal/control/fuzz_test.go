// SPDX-License-Identifier: Apache-2.0

package control

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// FuzzHandler sends anything to every request that takes a body. Whatever
// comes, it is an answer or an [Error] in JSON.
func FuzzHandler(f *testing.F) {
	paths := []string{pathAttach, pathDetach, pathEdit, pathZero, pathReset}
	for i, seed := range []string{
		`{"interface":"eth0","mode":"auto"}`, `{"all":true}`, `[{"op":"server-add","server":"tcp:192.0.2.1:80"}]`,
		`{"server":""}`, `{`, `null`, `[[[[`, "", `{"server":"\ud800"}`,
	} {
		f.Add(uint(i), seed)
	}
	f.Fuzz(func(t *testing.T, n uint, body string) {
		ctx := context.WithValue(t.Context(), peerKey{}, &unix.Ucred{})
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, paths[n%uint(len(paths))], strings.NewReader(body))
		Handler(new(sample)).ServeHTTP(w, r)
		if !json.Valid(w.Body.Bytes()) {
			t.Fatalf("%q is answered with %q", body, w.Body)
		}
		var e Error
		if w.Code != http.StatusOK && (json.Unmarshal(w.Body.Bytes(), &e) != nil || e.Code != CodeUsage || e.Message == "") {
			t.Errorf("%q is answered with %d %q", body, w.Code, w.Body)
		}
	})
}

// FuzzStream reads anything as a list of connections: it ends, and only a
// proper last line ends it without an error.
func FuzzStream(f *testing.F) {
	for _, seed := range []string{
		`{"connection":{"protocol":"tcp"}}` + "\n" + `{"end":true}`, `{"error":{"code":"conflict"}}`, `{}`, `[`, ``,
		`{"end":true,"connection":null}`, `{"connection":{"expires_ms":1e99}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lines := json.NewDecoder(strings.NewReader(text))
		for range len(text) + 1 {
			_, err := nextConnection(lines)
			if errors.Is(err, io.EOF) && !strings.Contains(strings.ToLower(text), `end"`) && !strings.Contains(text, `\u`) {
				t.Errorf("%q counts as complete", text)
			}
			if err != nil {
				return
			}
		}
		t.Errorf("%q does not end", text)
	})
}

// FuzzConnFilter: a filter is the same behind a URL, and what parses selects.
func FuzzConnFilter(f *testing.F) {
	f.Add("tcp:192.0.2.1:80", "10.0.0.1:80", "198.51.100.0/24", "established")
	f.Add("", "", "2001:db8::/129", "?&=%zz")
	f.Fuzz(func(t *testing.T, server, real, client, state string) {
		filter := ConnFilter{Server: server, Real: real, Client: client, State: state}
		values, err := url.ParseQuery(filter.query())
		if err != nil || filterOf(values) != filter {
			t.Errorf("%+v comes out of a URL as %+v, %v", filter, filterOf(values), err)
		}
		parsed, err := filter.Parse()
		switch {
		case err != nil && !errors.Is(err, ErrUsage):
			t.Errorf("%+v: %v is no usage error", filter, err)
		case err == nil && (server != "") != (parsed.Service != nil), err == nil && (client != "") != parsed.Client.IsValid():
			t.Errorf("%+v was read as %+v", filter, parsed)
		}
	})
}
