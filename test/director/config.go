// SPDX-License-Identifier: Apache-2.0

package director

import (
	"fmt"
	"strings"

	"github.com/xlb-project/xlb/test/netns"
)

// Checks of the real servers, as the configuration writes them.
const (
	CheckTCP  = "{type: tcp, interval: 1s, timeout: 1s, retry: 0}" // notices within two seconds
	CheckNone = "{type: none}"
)

// VirtualServer is the configuration of one virtual server at the topology's
// virtual address over the given hosts, the same port everywhere.
func VirtualServer(topo *netns.Topology, proto string, port int, check string, hosts []*netns.Host) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  - listen: %s:%s:%d\n    scheduler: rr\n    forward: nat\n    check: %s\n    real_servers:\n", proto, topo.VIP, port, check)
	for _, h := range hosts {
		fmt.Fprintf(&b, "      - {address: \"%s:%d\"}\n", h.Addr, port)
	}
	return b.String()
}
