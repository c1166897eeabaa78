// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// ping sends datagrams from the client to an echo on the director: traffic
// that the data path passes up, packet by packet.
type ping struct {
	s    *site
	conn net.Conn
	buf  []byte
}

// newPing gives the director an address and an echo.
func newPing(s *site) *ping {
	t := s.t
	t.Helper()
	check(t, s.eth0.AddAddr(netip.MustParsePrefix("192.0.2.1/24")))
	check(t, s.eth0.Peer().AddAddr(netip.MustParsePrefix("192.0.2.2/24")))
	echo, err := s.director.ListenPacket("udp", "192.0.2.1:7")
	check(t, err)
	var wg sync.WaitGroup
	wg.Go(func() {
		b := make([]byte, 1500)
		for {
			n, from, err := echo.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = echo.WriteTo(b[:n], from)
		}
	})
	conn, err := s.client.Dial(context.Background(), "udp", "192.0.2.1:7")
	check(t, err)
	t.Cleanup(func() {
		conn.Close()
		echo.Close()
		wg.Wait()
	})
	return &ping{s, conn, make([]byte, 1500)}
}

// once sends one datagram and waits for its echo: one lost is an error.
func (p *ping) once(n int) error {
	text := fmt.Sprintf("datagram %d", n)
	if _, err := p.conn.Write([]byte(text)); err != nil {
		return err
	}
	if err := p.conn.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return err
	}
	got, err := p.conn.Read(p.buf)
	if err != nil {
		return fmt.Errorf("%s: no echo: %w", text, err)
	}
	if string(p.buf[:got]) != text {
		return fmt.Errorf("%s: the echo is %q", text, p.buf[:got])
	}
	return nil
}

func (p *ping) many(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		check(t, p.once(i))
	}
}

// during pings while f runs, and says how many echoes there were.
func (p *ping) during(t *testing.T, f func()) int {
	t.Helper()
	done := make(chan struct{})
	result := make(chan error, 1)
	n := 0
	go func() {
		for ; ; n++ {
			select {
			case <-done:
				result <- nil
				return
			default:
			}
			if err := p.once(n); err != nil {
				result <- err
				return
			}
		}
	}()
	f()
	close(done)
	check(t, <-result)
	return n
}
