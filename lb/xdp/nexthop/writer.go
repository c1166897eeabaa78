// SPDX-License-Identifier: Apache-2.0

package nexthop

// Writer is where decisions go: the maps. It is called by one goroutine at a
// time.
type Writer interface {
	// Ports lists the attached interfaces, which somebody else attaches and
	// detaches.
	Ports() ([]Port, error)
	// Hops lists the records that are not free, and the registered gateways.
	Hops() ([]Record, []Gateway, error)
	// SetPort changes the MAC address and MTU of an attached interface.
	SetPort(Port) error
	// SetHop makes a record be so; a free one is taken into use. Packets see
	// the old or the new hop, never a mixture.
	SetHop(Record) error
	// ClearHop frees a record that nothing points at any more.
	ClearHop(id uint32) error
	// SetGateway registers a gateway, whose record is there already.
	SetGateway(Gateway) error
	// DeleteGateway withdraws a gateway. One that is not there is no error.
	DeleteGateway(Via) error
}
