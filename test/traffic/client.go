// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/xlb-project/xlb/test/netns"
)

// HTTPClient makes a connection per request from a namespace.
func HTTPClient(from *netns.NS) *http.Client {
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return from.Dial(ctx, network, addr)
		},
	}}
}

// Fetch makes one request and returns the body, trimmed.
func Fetch(c *http.Client, url string) (string, error) {
	resp, err := c.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, resp.Status)
	}
	return strings.TrimSpace(string(body)), err
}

// AskUDP sends a question from a connected socket, so that only answers from
// that very address count, and returns the name of the host that answered.
func AskUDP(conn net.Conn, question string) (string, error) {
	if _, err := conn.Write([]byte(question)); err != nil {
		return "", err
	}
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return "", err
	}
	buf := make([]byte, 2048)
	n, err := conn.Read(buf)
	if err != nil {
		return "", err
	}
	name, rest, _ := strings.Cut(string(buf[:n]), " ")
	if rest != question {
		return name, fmt.Errorf("%s answered %q to %q", name, rest, question)
	}
	return name, nil
}
