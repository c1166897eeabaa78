// SPDX-License-Identifier: Apache-2.0

// Package packet builds Ethernet frames for tests and judges frames that came back, independently of the code under test.
//
// Building and judging share no code, so that a mistake in one is seen by the other. [Build] puts layers together
// with gopacket; [Dissect] reads a frame with a small parser of its own and recomputes every checksum from scratch, never by
// a delta, because deltas are what the data path does. [Check], [Diff] and [TupleOf] are views of a dissection.
//
// A test states the frame that goes in and the frame that it wants out, and compares:
//
//	in := packet.Build(
//		packet.Ethernet{Src: clientMAC, Dst: directorMAC},
//		packet.IPv4{Src: client, Dst: vip},
//		packet.TCP{SrcPort: 40000, DstPort: 80, Flags: packet.SYN},
//	)
//	if err := packet.Check(out); err != nil {
//		t.Error(err)
//	}
//	if diff := packet.Diff(want, out); diff != "" {
//		t.Errorf("unexpected frame (-want +got):\n%s", diff)
//	}
//
// What a test gets wrong itself (an IPv6 address in an IPv4 header, options longer than a header can hold) panics: it is a bug of
// the test and has no place in its error handling. Bytes from outside never panic.
package packet
