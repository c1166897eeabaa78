// SPDX-License-Identifier: Apache-2.0

package config

// keepalived gives hints to those who type its keywords from memory.
func keepalived(keyword string) (hint string, ok bool) {
	hint, ok = map[string]string{
		"virtual_server":     `; here: "virtual_servers", a list`,
		"real_server":        `; here: "real_servers", a list`,
		"lb_algo":            `; here: "scheduler"`,
		"lvs_sched":          `; here: "scheduler"`,
		"lb_kind":            `; here: "forward"`,
		"lvs_method":         `; here: "forward"`,
		"protocol":           `; here: the first word of "listen", as in tcp:192.0.2.1:80`,
		"delay_loop":         `; here: "interval" in "check"`,
		"connect_timeout":    `; here: "timeout" in "check"`,
		"connect_port":       `; here: "port" in "check"`,
		"nb_get_retry":       `; here: "retry" in "check"`,
		"TCP_CHECK":          `; here: "check: {type: tcp}"`,
		"delay_before_retry": `; it belongs into "check"`,
		"vrrp_instance":      "; this version has no VRRP",
	}[keyword]
	return hint, ok
}
