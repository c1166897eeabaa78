// SPDX-License-Identifier: Apache-2.0

// Package netns builds laboratories of network namespaces for tests, benchmarks and the demo, and finds what they leave behind.
//
// A [Lab] owns all that it makes: named namespaces (so that `ip netns exec` works for people who want to look), the interfaces
// in them, processes, a private bpffs. [Lab.Close] removes everything, also after half of the building failed. The
// names carry the pid of the owner; what a killed process left behind is removed by the next one ([Reap]).
//
// In a test:
//
//	func TestMain(m *testing.M) { os.Exit(netns.Main(m)) } // a leak fails the run
//
//	func TestForward(t *testing.T) {
//		topo := netns.TwoArmForTest(t, 3) // client -- director -- bridge -- 3 servers
//		l, err := topo.Servers[0].Listen("tcp", "10.2.0.1:80")
//		...
//		conn, err := topo.Client.Dial(t.Context(), "tcp", "10.2.0.1:80")
//	}
//
// A namespace belongs to a thread, and the Go scheduler moves goroutines between threads. [NS.Do] therefore
// runs its function on a thread that is thrown away afterwards: nothing can leak into the rest of the program. A socket keeps the
// namespace it was opened in, so connections and listeners are used from anywhere. A goroutine started inside Do is not in
// the namespace.
//
// XDP on veth needs settings that are easy to forget and fail silently; see [Link.FaceDirector].
//
// All of it needs root and changes nothing in the namespace it is started from.
package netns
