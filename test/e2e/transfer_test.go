// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/xlb-project/xlb/test/director"
	"github.com/xlb-project/xlb/test/netns"
	"github.com/xlb-project/xlb/test/traffic"
)

// TestBulk: a transfer of a gigabyte arrives as it was sent.
func TestBulk(t *testing.T) {
	const size = 1 << 30
	seed := [32]byte{1, 2, 3}
	want := sha256.New()
	_, err := io.CopyN(want, rand.NewChaCha8(seed), size)
	must(t, err)
	arms(t, 1, func(t *testing.T, topo *netns.Topology) {
		until(t)(traffic.ServeHTTP(topo.Servers[0], http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.CopyN(w, rand.NewChaCha8(seed), size)
		})))
		webDirector(t, topo, "")
		client := traffic.HTTPClient(topo.Client.NS)
		client.Timeout = 3 * time.Minute
		resp, err := client.Get("http://" + topo.VIP.String())
		must(t, err)
		defer resp.Body.Close()
		got := sha256.New()
		if n, err := io.Copy(got, resp.Body); err != nil || n != size {
			t.Fatalf("%d of %d bytes: %v", n, size, err)
		}
		if !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
			t.Error("the checksums differ")
		}
	})
}

// TestGeneric: where the driver has no XDP, the stack hands over what it has
// merged, frames far above the MTU; they pass as well.
func TestGeneric(t *testing.T) {
	const size = 64 << 20
	topo := netns.TwoArmForTest(t, 1)
	until(t)(traffic.ServeHTTP(topo.Servers[0], http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.CopyN(w, rand.NewChaCha8([32]byte{}), size)
	})))
	d := newDirector(t, topo)
	d.Mode = "generic"
	must(t, d.Write("virtual_servers:\n"+director.VirtualServer(topo, "tcp", 80, director.CheckNone, topo.Servers)))
	d.start()
	got, err := traffic.Fetch(traffic.HTTPClient(topo.Client.NS), "http://"+topo.VIP.String())
	if err != nil || len(got) < size-64 { // Fetch trims blanks
		t.Errorf("%d of %d bytes: %v", len(got), size, err)
	}
	status, err := d.Status()
	must(t, err)
	for _, i := range status.Interfaces {
		if i.Mode != "generic" {
			t.Errorf("%s is attached in mode %q", i.Name, i.Mode)
		}
	}
	if s := d.stats(); s.Reasons["too_big"] != 0 {
		t.Errorf("frames were too big: %v", s.Reasons)
	}
}

// TestUDP: datagrams of a socket go to one server and come back from the virtual address.
func TestUDP(t *testing.T) {
	arms(t, 3, func(t *testing.T, topo *netns.Topology) {
		for _, h := range topo.Servers {
			until(t)(traffic.ServeUDP(h.NS, ":53"))
		}
		runDirector(t, topo, "virtual_servers:\n"+director.VirtualServer(topo, "udp", 53, director.CheckNone, topo.Servers))
		servers := map[string]int{}
		for i := range 30 {
			servers[askTwice(t, topo, i)]++
		}
		for _, h := range topo.Servers {
			if servers[h.Name()] != 10 {
				t.Errorf("rr gave %v, want 10 each", servers)
			}
		}
	})
}

// askTwice asks twice from one socket and returns the name of the server that answered both times.
func askTwice(t *testing.T, topo *netns.Topology, i int) string {
	t.Helper()
	conn, err := topo.Client.Dial(t.Context(), "udp", topo.VIP.String()+":53")
	must(t, err)
	defer conn.Close()
	first, err := traffic.AskUDP(conn, fmt.Sprintf("question %d", i))
	must(t, err)
	second, err := traffic.AskUDP(conn, fmt.Sprintf("question %d again", i))
	must(t, err)
	if second != first {
		t.Errorf("%s answered first, then %s", first, second)
	}
	return first
}
