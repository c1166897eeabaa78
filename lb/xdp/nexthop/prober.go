// SPDX-License-Identifier: Apache-2.0

package nexthop

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/packet"
)

// prober asks everybody on the link where a neighbour is: often for one whose
// last known address does not answer, now and then for every other. The kernel
// asks the last known address alone until it gives up, most of a minute later,
// since it does not see the packets that go unanswered; a server with a new NIC
// hears only a broadcast. The answer goes to the kernel, whose neighbour table
// is where we learn it from.
type prober struct {
	kernel  *kernel
	search  *pace                // for those who do not answer
	confirm *pace                // for all
	conns   map[int]*packet.Conn // by interface index; they send and never receive
}

func newProber(k *kernel) *prober {
	return &prober{kernel: k, search: newPace(searching()), confirm: newPace(confirming()), conns: make(map[int]*packet.Conn)}
}

func (p *prober) close() error {
	var errs []error
	for index, c := range p.conns {
		errs = append(errs, c.Close())
		delete(p.conns, index)
	}
	return errors.Join(errs...)
}

// ask sends the requests that are due.
func (p *prober) ask(due []Via, links map[int]Link) error {
	var errs []error
	for _, via := range due {
		if err := p.request(links[via.Ifindex], via.Addr); err != nil {
			errs = append(errs, fmt.Errorf("asking for %v: %w", via, err))
		}
	}
	return errors.Join(errs...)
}

func (p *prober) request(l Link, addr netip.Addr) error {
	frame, err := requestFrame(l, addr)
	if err != nil {
		return err
	}
	c, err := p.conn(l)
	if err != nil {
		return err
	}
	if _, err := c.WriteTo(frame, &packet.Addr{HardwareAddr: ethernet.Broadcast}); err != nil {
		delete(p.conns, l.Index)
		return errors.Join(err, c.Close())
	}
	return nil
}

// conn is a packet socket of protocol 0, which is given no packets.
func (p *prober) conn(l Link) (*packet.Conn, error) {
	if c, ok := p.conns[l.Index]; ok {
		return c, nil
	}
	var c *packet.Conn
	err := p.kernel.do(func() (err error) {
		c, err = packet.Listen(&net.Interface{Index: l.Index, Name: l.Name}, packet.Raw, 0, nil)
		return err
	})
	if err != nil {
		return nil, err
	}
	p.conns[l.Index] = c
	return c, nil
}

// requestFrame is an ARP request (RFC 826) to everybody on the link.
func requestFrame(l Link, addr netip.Addr) ([]byte, error) {
	unknown := make(net.HardwareAddr, len(l.MAC))
	req, err := arp.NewPacket(arp.OperationRequest, l.MAC[:], l.source(addr), unknown, addr)
	if err != nil {
		return nil, err
	}
	body, err := req.MarshalBinary()
	if err != nil {
		return nil, err
	}
	frame := ethernet.Frame{Destination: ethernet.Broadcast, Source: l.MAC[:], EtherType: ethernet.EtherTypeARP, Payload: body}
	return frame.MarshalBinary()
}
