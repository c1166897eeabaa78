// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"
)

// pingTimeout is how long Ping waits when its context has no deadline.
const pingTimeout = 5 * time.Second

// Ping sends an ICMP echo request (RFC 792) to an IPv4 address from inside the namespace and waits for the reply, until the deadline of ctx or
// for 5 s.
func (ns *NS) Ping(ctx context.Context, to netip.Addr) error {
	conn, err := ns.Dial(ctx, "ip4:icmp", to.String())
	if err != nil {
		return fmt.Errorf("netns: ping %v from %v: %w", to, ns, err)
	}
	defer conn.Close()
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(pingTimeout)
	}
	if err := conn.SetDeadline(deadline); err != nil {
		return fmt.Errorf("netns: ping %v from %v: %w", to, ns, err)
	}
	ip, ok := conn.(*net.IPConn)
	if !ok {
		return fmt.Errorf("netns: ping %v from %v: dialling gave a %T", to, ns, conn)
	}
	if err := echo(ip); err != nil {
		return fmt.Errorf("netns: ping %v from %v: %w", to, ns, err)
	}
	return nil
}

// echo sends a request and reads messages until its reply comes.
func echo(conn *net.IPConn) error {
	body := binary.BigEndian.AppendUint32(nil, uint32(os.Getpid())) // identifier and sequence number
	body = append(body, "xlb test"...)
	if _, err := conn.Write(append([]byte{8, 0}, append(echoChecksum(8, body), body...)...)); err != nil {
		return err
	}
	buf := make([]byte, 1500)
	for {
		n, _, err := conn.ReadFrom(buf) // without the IP header
		if err != nil {
			return err
		}
		if n >= 4 && buf[0] == 0 && bytes.Equal(buf[4:n], body) {
			return nil
		}
	}
}

// echoChecksum returns the checksum of an ICMP message with code 0 and a body of even length.
func echoChecksum(typ uint8, body []byte) []byte {
	sum := uint32(typ) << 8
	for i := 0; i < len(body); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(body[i:]))
	}
	sum = sum>>16 + sum&0xffff
	sum += sum >> 16
	return binary.BigEndian.AppendUint16(nil, ^uint16(sum))
}
