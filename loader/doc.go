// SPDX-License-Identifier: Apache-2.0

// Package loader puts the data path into the kernel, finds it there again, and
// takes it away: probing the kernel, judging an interface, attaching, pinning,
// adopting what is pinned, migrating it when its layout or size changes.
//
// What it makes outlives the process. Below the pin directory, which must be on
// a bpffs, are
//
//	maps/NAME           every map; meta, which says what the others are, last
//	programs/NAME       xlb_dispatch, xlb_ingress, xlb_expire
//	links/INTERFACE     the dispatcher's attachment; "." in a name becomes ":"
//	ports/NUMBER        a symbolic link to ../links/INTERFACE: whose number it is
//	incoming/           what a migration is about to put in place of the above
//
// Everything that writes there holds [Lock] in the run directory. A crash at
// any moment leaves something that the next [Attach] or [DetachAll] repairs.
//
// One pin directory serves one network namespace, that of the calling thread:
// functions here do all their work on the caller's thread, so a caller that
// has switched namespaces must stay locked to it.
package loader
