// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xlb-project/xlb/test/netns"
)

// TestNginxAndCurl: the main job with the real programs.
func TestNginxAndCurl(t *testing.T) {
	const requests = 10_000
	arms(t, 3, func(t *testing.T, topo *netns.Topology) {
		serveNginx(t, topo.Servers)
		d := webDirector(t, topo, "")
		hits := curl(t, topo, requests)
		total := 0
		for _, h := range topo.Servers {
			n := hits[h.Name()]
			if total += n; n < requests/3 || n > requests/3+1 {
				t.Errorf("%s answered %d of %d requests; rr shares evenly: %v", h.Name(), n, requests, hits)
			}
		}
		if total != requests {
			t.Errorf("%d of %d requests answered: %v", total, requests, hits)
		}
		// A request takes at least SYN, SYN/ACK, ACK, request, answer and two FINs.
		if s := d.stats(); s.Forwarded() < 7*requests {
			t.Errorf("only %d packets went through XDP: %v", s.Forwarded(), s.Reasons)
		} else if s.Reasons["pass_resolve"]+s.Reasons["no_neighbour"] != 0 {
			t.Errorf("packets went without a resolved next hop: %v", s.Reasons)
		}
	})
}

// curl makes n requests, a connection each, and counts the answers by their text.
func curl(t *testing.T, topo *netns.Topology, n int) map[string]int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out, err := topo.Client.Command(ctx, "curl", "-sS", "-H", "Connection: close", "--parallel", "--parallel-max", "50",
		fmt.Sprintf("http://%s/[1-%d]", topo.VIP, n)).Output()
	if err != nil {
		t.Fatalf("curl: %v\n%.2000s", err, out)
	}
	hits := map[string]int{}
	for line := range strings.Lines(string(out)) {
		hits[strings.TrimSpace(line)]++
	}
	return hits
}

// serveNginx starts the real nginx on every host; each page is the host's name.
func serveNginx(t *testing.T, hosts []*netns.Host) {
	t.Helper()
	for _, h := range hosts {
		dir := t.TempDir()
		conf, errors := filepath.Join(dir, "nginx.conf"), filepath.Join(dir, "error.log")
		must(t, os.WriteFile(conf, []byte(nginxConfig(dir, h.Name())), 0o644))
		h.Command(t.Context(), "nginx", "-c", conf, "-p", dir, "-e", errors).Go(t)
		netns.Eventually(t, 10*time.Second, func() error {
			conn, err := h.Dial(t.Context(), "tcp", net.JoinHostPort(h.Addr.String(), "80"))
			if err != nil {
				return err
			}
			return conn.Close()
		})
	}
}

func nginxConfig(dir, page string) string {
	return fmt.Sprintf(`daemon off; worker_processes 1; pid %[1]s/pid; error_log %[1]s/error.log;
events { worker_connections 4096; }
http {
	access_log off;
	client_body_temp_path %[1]s; proxy_temp_path %[1]s; fastcgi_temp_path %[1]s; uwsgi_temp_path %[1]s; scgi_temp_path %[1]s;
	server { listen 80 backlog=4096; location / { return 200 "%[2]s\n"; } }
}
`, dir, page)
}
