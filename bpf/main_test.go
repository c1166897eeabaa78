// SPDX-License-Identifier: Apache-2.0

// Package bpf_test runs the data path's programs on single frames, through BPF_PROG_TEST_RUN, and judges all that can be seen from outside:
// the verdict, every byte that comes out, every counter, and what the tables hold.
//
// A test makes a [director], gives it virtual servers, and plays a [flow]: each frame states what it must bring about, as an [outcome].
// Expected frames are built from scratch by test/packet, never from the frame that went in.
package bpf_test

import (
	"os"
	"testing"

	"github.com/xlb-project/xlb/test/netns"
)

func TestMain(m *testing.M) { os.Exit(netns.Main(m)) }
