// SPDX-License-Identifier: Apache-2.0

package control

import (
	"context"
	"net"

	"golang.org/x/sys/unix"
)

// peerKey is where a request's context keeps who is at the other end.
type peerKey struct{}

// withPeer notes the other end's credentials in the context of a connection's
// requests (http.Server.ConnContext).
func withPeer(ctx context.Context, c net.Conn) context.Context {
	cred, err := peerOf(c)
	if err != nil {
		return ctx
	}
	return context.WithValue(ctx, peerKey{}, cred)
}

// peerOf asks the kernel who is at the other end (SO_PEERCRED, unix(7)). Of a
// client's connection that is who called listen.
func peerOf(c net.Conn) (*unix.Ucred, error) {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return nil, Errorf(CodeInternal, "%s is no Unix socket", c.LocalAddr().Network())
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return nil, err
	}
	var cred *unix.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) {
		cred, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err != nil {
		return nil, err
	}
	return cred, failed
}

// allowed says whether the peer of a request may use the socket: root, and
// whoever the daemon runs as. The socket's mode says the same; this holds
// where someone has changed the mode.
func allowed(ctx context.Context, self uint32) bool {
	cred, ok := ctx.Value(peerKey{}).(*unix.Ucred)
	return ok && (cred.Uid == 0 || cred.Uid == self)
}
