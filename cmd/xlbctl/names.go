// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/xlb-project/xlb/cmd/internal/control"
)

// namer is how ADDR:PORT is shown.
type namer func(protocol, addrPort string) string

// numeric shows the numbers.
func numeric(_, addrPort string) string { return addrPort }

// lookup is how long all names together may take: who asks for a list does not
// want to wait for a name server that is away.
const lookup = 500 * time.Millisecond

// resolve looks up the names of every address and port of a listing. What has
// none, or none in time, shows its numbers.
func resolve(ctx context.Context, l *control.Listing) namer {
	var addrs []string
	for _, s := range l.Services {
		addrs = append(addrs, s.Address)
		for _, r := range s.Reals {
			addrs = append(addrs, r.Address)
		}
	}
	hosts := hostNames(ctx, addrs, net.DefaultResolver.LookupAddr)
	ports := map[portKey]string{}
	if f, err := os.Open("/etc/services"); err == nil {
		defer f.Close()
		ports = readServices(f)
	}
	return func(protocol, addrPort string) string { return named(protocol, addrPort, hosts, ports) }
}

// named puts names in the place of the numbers that have one.
func named(protocol, addrPort string, hosts map[string]string, ports map[portKey]string) string {
	ap, err := netip.ParseAddrPort(addrPort)
	if err != nil {
		return addrPort
	}
	i := strings.LastIndexByte(addrPort, ':')
	host, port := addrPort[:i], addrPort[i+1:]
	if name := hosts[ap.Addr().String()]; name != "" {
		host = name
		if ap.Addr().Is6() {
			host = "[" + name + "]" // as ipvsadm does
		}
	}
	if name := ports[portKey{port, protocol}]; name != "" {
		port = name
	}
	return host + ":" + port
}

// hostNames asks for the names of addresses, all at once.
func hostNames(ctx context.Context, addrs []string,
	ask func(context.Context, string) ([]string, error)) map[string]string {
	ctx, cancel := context.WithTimeout(ctx, lookup)
	defer cancel()
	found := map[string]string{}
	asked := map[string]bool{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, addr := range addrs {
		if asked[addr] {
			continue
		}
		asked[addr] = true
		wg.Go(func() {
			names, err := ask(ctx, addr)
			if err != nil || len(names) == 0 {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			found[addr] = strings.TrimSuffix(names[0], ".")
		})
	}
	wg.Wait()
	return found
}

// portKey is a port of a protocol, both as text.
type portKey struct{ port, protocol string }

// readServices reads services(5): "http 80/tcp www # comment". The first name
// of a port counts, as in getservbyport(3).
func readServices(r io.Reader) map[portKey]string {
	ports := map[portKey]string{}
	for lines := bufio.NewScanner(r); lines.Scan(); {
		text, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(text)
		if len(fields) < 2 {
			continue
		}
		port, protocol, ok := strings.Cut(fields[1], "/")
		k := portKey{port, protocol}
		if _, known := ports[k]; ok && !known {
			ports[k] = fields[0]
		}
	}
	return ports
}
