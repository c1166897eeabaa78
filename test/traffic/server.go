// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/xlb-project/xlb/test/netns"
)

// ServeHTTP starts an HTTP server on port 80 of a host; closing it ends its connections too.
func ServeHTTP(h *netns.Host, handler http.Handler) (io.Closer, error) {
	l, err := h.Listen("tcp", ":80")
	if err != nil {
		return nil, err
	}
	srv := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = srv.Serve(l) }() // says that it was closed
	return srv, nil
}

// ServeName starts an HTTP server that answers with the host's name.
func ServeName(h *netns.Host) (io.Closer, error) {
	name := h.Name()
	return ServeHTTP(h, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, name) }))
}

// ServeEcho starts a TCP server that sends back what it gets.
func ServeEcho(h *netns.NS, address string) (io.Closer, error) {
	l, err := h.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(struct{ io.Writer }{conn}, conn)
			}()
		}
	}()
	return l, nil
}

// ServeUDP starts a UDP server that answers with the host's name, a blank, and what it got.
func ServeUDP(h *netns.NS, address string) (io.Closer, error) {
	pc, err := h.ListenPacket("udp", address)
	if err != nil {
		return nil, err
	}
	go func() {
		buf := make([]byte, 2048)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = pc.WriteTo(append([]byte(h.Name()+" "), buf[:n]...), from)
		}
	}()
	return pc, nil
}

// Echo sends a line over a connection to [ServeEcho] and reads it back.
func Echo(conn net.Conn, line string) error {
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte(line)); err != nil {
		return err
	}
	buf := make([]byte, len(line))
	if _, err := io.ReadFull(conn, buf); err != nil {
		return err
	}
	if string(buf) != line {
		return fmt.Errorf("got %q, want %q", buf, line)
	}
	return nil
}
