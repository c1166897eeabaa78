// SPDX-License-Identifier: Apache-2.0

// Package xdp is the engine that balances in XDP: it makes the data path's
// pinned maps say what [lb.Dataplane] is asked for, and reads them back.
//
// The kernel is the store. An [Engine] may die at any moment and another may
// take its place: what it needs it reads from the maps, and what a dead one
// left half done it finishes or takes back ([New]). Packets flow all the while,
// so everything is written before anything points at it, a change of a virtual
// server takes effect by one eight-byte word (its slots) or by one entry (its
// key), and nothing is reused while packets or connections may refer to it.
//
// A removed real server is retired: it gets no new connections, those that it
// has go on, and it finds them again if it is added again. [Engine.Swept] frees
// what no connection refers to any more.
//
// An Engine starts no goroutine. A daemon runs [Engine.Follow], which keeps
// next hops true, and package sweep; without a daemon the data path looks after
// itself.
package xdp
