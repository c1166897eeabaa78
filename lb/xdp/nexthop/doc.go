// SPDX-License-Identifier: Apache-2.0

// Package nexthop keeps the next hops of the data path true: which MAC
// address, which interface and which MTU a packet to a real server, or to a
// gateway towards clients, leaves with.
//
// Connections hold the number of a next hop, never its content. A server with
// a new NIC, a gateway that moved or an interface with a new address is
// therefore one write to one record, and costs no connection.
//
// [Core] decides, without I/O: it is given links, routes, neighbours and
// attached ports as they are, and answers what to write. [Follower] feeds it
// from netlink, carries out what it answers, and stays in the network
// namespace in which it was opened. The kernel's neighbour table is the only
// source of MAC addresses; neighbours are kept resolved ahead of need as
// managed entries (NTF_EXT_MANAGED, Linux 5.16), with NTF_USE where these are
// missing, and ARP requests of our own find a server whose answer the kernel
// waits for in vain.
//
// Routes are those of the main table; policy rules are not followed.
package nexthop
