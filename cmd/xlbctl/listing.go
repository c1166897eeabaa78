// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"github.com/xlb-project/xlb/cmd/internal/control"
	"github.com/xlb-project/xlb/lb"
)

// layout is one of the tables of ipvsadm (ipvsadm.c, print_title and
// print_service_entry), whose columns scripts know.
type layout int

const (
	layoutPlain layout = iota
	layoutStats        // --stats
	layoutRate         // --rate
)

// Widths of ipvsadm's first column. An IPv4 name that is longer is cut off.
const (
	serverWidth = 33
	realWidth   = 28
)

// printListing prints virtual servers as ipvsadm does.
func printListing(w io.Writer, l *control.Listing, format layout, names namer) {
	fmt.Fprintf(w, "xlb version %s (size=%d)\n", strings.TrimPrefix(l.Version, "v"), l.TableSize)
	printTitle(w, format)
	for _, s := range byFamily(l.Services) {
		name := strings.ToUpper(s.Protocol) + "  " + names(s.Protocol, s.Key[len(s.Protocol)+1:])
		printServer(w, s, format, cut(name, s.Address, serverWidth))
		for _, r := range sorted(s.Reals) {
			printReal(w, r, format, cut(names(s.Protocol, r.Key), r.Address, realWidth))
		}
	}
}

func printTitle(w io.Writer, format layout) {
	columns := []any{"Prot LocalAddress:Port", "Conns", "InPkts", "OutPkts", "InBytes", "OutBytes"}
	switch format {
	case layoutPlain:
		fmt.Fprint(w, "Prot LocalAddress:Port Scheduler Flags\n"+
			"  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n")
		return
	case layoutRate:
		columns = []any{columns[0], "CPS", "InPPS", "OutPPS", "InBPS", "OutBPS"}
	}
	fmt.Fprintf(w, "%-33s %8s %8s %8s %8s %8s\n  -> RemoteAddress:Port\n", columns...)
}

func printServer(w io.Writer, s control.Service, format layout, name string) {
	if format == layoutPlain {
		fmt.Fprintf(w, "%s %s\n", name, s.Scheduler)
		return
	}
	fmt.Fprintf(w, "%-33s%s\n", name, numbers(format, s.Counters, s.Rates))
}

func printReal(w io.Writer, r control.Real, format layout, name string) {
	if format == layoutPlain {
		fmt.Fprintf(w, "  -> %-28s %-7s %-6d %-10d %-10d\n", name, lb.Method(r.Forward).Word(), r.Weight, r.Active, r.Inactive)
		return
	}
	fmt.Fprintf(w, "  -> %-28s%s\n", name, numbers(format, r.Counters, r.Rates))
}

// numbers are the five columns of --stats or --rate.
func numbers(format layout, n control.Counters, r *control.Rates) string {
	if format == layoutRate && r != nil {
		n = control.Counters{Connections: r.Connections, InPackets: r.InPackets, InBytes: r.InBytes,
			OutPackets: r.OutPackets, OutBytes: r.OutBytes}
	}
	var b strings.Builder
	for _, v := range []uint64{n.Connections, n.InPackets, n.OutPackets, n.InBytes, n.OutBytes} {
		b.WriteString(large(v))
	}
	return b.String()
}

// large is a number in nine columns (ipvsadm.c, print_largenum): cut down to
// thousands and so on, never rounded up.
func large(n uint64) string {
	switch {
	case n < 100_000_000:
		return fmt.Sprintf("%9d", n)
	case n < 1_000_000_000:
		return fmt.Sprintf("%8dK", n/1_000)
	case n < 100_000_000_000:
		return fmt.Sprintf("%8dM", n/1_000_000)
	case n < 100_000_000_000_000:
		return fmt.Sprintf("%8dG", n/1_000_000_000)
	}
	return fmt.Sprintf("%8dT", n/1_000_000_000_000)
}

// byFamily are the virtual servers in ipvsadm's order: IPv4 before IPv6, then
// by protocol, address and port, as they come.
func byFamily(services []control.Service) []control.Service {
	services = slices.Clone(services)
	slices.SortStableFunc(services, func(a, b control.Service) int {
		x, _ := netip.ParseAddr(a.Address)
		y, _ := netip.ParseAddr(b.Address)
		return cmp.Compare(x.BitLen(), y.BitLen())
	})
	return services
}

// sorted are the real servers that are in the kernel, in ipvsadm's order: by
// address and port.
func sorted(reals []control.Real) []control.Real {
	reals = slices.DeleteFunc(slices.Clone(reals), func(r control.Real) bool { return r.Removed })
	slices.SortFunc(reals, func(a, b control.Real) int {
		x, _ := netip.ParseAddr(a.Address)
		y, _ := netip.ParseAddr(b.Address)
		return cmp.Or(x.Compare(y), cmp.Compare(a.Port, b.Port))
	})
	return reals
}

// cut cuts a name off at the width of its column, unless it has an IPv6 address.
func cut(name, address string, width int) string {
	if len(name) <= width || strings.Contains(address, ":") {
		return name
	}
	return name[:width]
}
