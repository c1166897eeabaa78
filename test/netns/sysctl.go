// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"fmt"
	"os"
	"strings"
)

// SetSysctl writes a setting of the namespace, such as "net.ipv4.ip_forward". A key with slashes is taken as a path below /proc/sys, for
// interfaces with dots in their names.
func (ns *NS) SetSysctl(key, value string) error {
	err := ns.Do(func() error { return os.WriteFile(sysctlPath(key), []byte(value), 0) })
	if err != nil {
		return fmt.Errorf("netns: set %s to %q in %v: %w", key, value, ns, err)
	}
	return nil
}

// Sysctl reads a setting of the namespace; see [NS.SetSysctl].
func (ns *NS) Sysctl(key string) (string, error) {
	data, err := get(ns, func() ([]byte, error) { return os.ReadFile(sysctlPath(key)) })
	if err != nil {
		return "", fmt.Errorf("netns: read %s in %v: %w", key, ns, err)
	}
	return strings.TrimSpace(string(data)), nil
}

func sysctlPath(key string) string {
	if !strings.Contains(key, "/") {
		key = strings.ReplaceAll(key, ".", "/")
	}
	return "/proc/sys/" + key
}
