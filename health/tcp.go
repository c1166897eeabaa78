// SPDX-License-Identifier: Apache-2.0

package health

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"
)

// TCP is keepalived's TCP_CHECK: a target is well when it accepts a
// connection. The zero value is ready.
type TCP struct {
	dialer net.Dialer
}

// Probe connects and closes.
func (p *TCP) Probe(ctx context.Context, addr netip.AddrPort) error {
	began := time.Now()
	conn, err := p.dialer.DialContext(ctx, "tcp", addr.String())
	switch {
	case err == nil:
		return conn.Close()
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("connect %s: no answer after %v: %w", addr, time.Since(began).Round(time.Millisecond), err)
	}
	return fmt.Errorf("connect %s: %w", addr, cause(err))
}

// cause is the system call's error, without what the caller says already.
func cause(err error) error {
	var call *os.SyscallError
	if errors.As(err, &call) {
		return call.Err
	}
	return err
}
