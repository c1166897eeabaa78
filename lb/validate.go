// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"fmt"
	"strings"
)

// Validate says everything that is wrong with a state for an engine, at once:
// nil, or [Findings]. It looks at the state alone; whether servers can be
// reached from this machine is judged by [CheckReachable].
func Validate(s State, f Features) error {
	var all Findings
	seen := make(map[ServiceKey]bool, len(s.Services))
	for _, svc := range s.Services {
		if seen[svc.ServiceKey] {
			all = append(all, Finding{Service: svc.ServiceKey, Kind: ErrDuplicate,
				What: "is there twice", Fix: "merge the two, or change the port of one"})
		}
		seen[svc.ServiceKey] = true
		all = append(all, ValidateService(svc, f)...)
	}
	all = append(all, checkLimit(len(s.Services), f.MaxServices, "virtual servers", "max_services")...)
	all = append(all, checkLimit(s.Reals(), f.MaxReals, "real servers of all virtual servers together", "max_reals")...)
	all = append(all, checkTimeouts(s.Timeouts)...)
	return all.Err()
}

// ValidateService says everything that is wrong with one virtual server.
func ValidateService(svc Service, f Features) Findings {
	c := checker{service: svc, features: f}
	c.checkService()
	for i, r := range svc.Reals {
		c.real = r
		c.checkReal(i)
	}
	return c.found
}

// checker collects what is wrong with one virtual server.
type checker struct {
	service  Service
	real     Real // the one being looked at; zero: the virtual server itself
	features Features
	found    Findings
}

func (c *checker) add(kind error, fix, what string, args ...any) {
	c.found = append(c.found, Finding{Service: c.service.ServiceKey, Real: c.real.Addr, Kind: kind,
		What: fmt.Sprintf(what, args...), Fix: fix})
}

func (c *checker) checkService() {
	s := c.service
	if _, err := s.Protocol.MarshalText(); err != nil {
		c.add(ErrUnsupported, "balance tcp or udp", "protocol %d cannot be balanced", uint8(s.Protocol))
	}
	c.checkAddr(s.Addr.Addr())
	c.checkPort(s.Addr.Port())
	c.checkScheduler(s.Scheduler)
	if len(s.Owner) > maxOwner || strings.ContainsRune(string(s.Owner), 0) {
		c.add(ErrInvalid, fmt.Sprintf("use at most %d bytes, none of them NUL", maxOwner), "owner %q is no mark", string(s.Owner))
	}
}

func (c *checker) checkReal(place int) {
	r := c.real
	c.checkAddr(r.Addr.Addr())
	c.checkPort(r.Addr.Port())
	if first := c.service.Index(r.Addr); first != place {
		c.add(ErrDuplicate, "give it once, with a higher weight if it should get more", "is there twice")
	}
	if r.Weight < 0 || r.Weight > MaxWeight {
		c.add(ErrInvalid, fmt.Sprintf("use 0 (no new connections) to %d", MaxWeight), "weight %d is out of range", r.Weight)
	}
	if r.Addr.Addr().IsValid() && r.Addr.Addr() == c.service.Addr.Addr() {
		c.add(ErrInvalid, "give the server's own address", "has the address of its virtual server; packets would circle")
	}
	c.checkMethod(r.Method)
	c.checkFamily()
}

func (c *checker) checkScheduler(s Scheduler) {
	switch {
	case c.features.HasScheduler(s):
	case s == "":
		c.add(ErrInvalid, "use "+join(c.features.Schedulers), "has no scheduler")
	case s.Known():
		c.add(ErrUnsupported, "use "+join(c.features.Schedulers), "the engine %s has no scheduler %s", c.features.Engine, s)
	default:
		c.add(ErrInvalid, "use "+join(c.features.Schedulers), "%q is no scheduler%s", string(s), didYouMean(string(s), schedulers()))
	}
}

func (c *checker) checkMethod(m Method) {
	_, err := ParseMethod(string(m))
	switch {
	case c.features.HasMethod(m):
	case m == "":
		c.add(ErrInvalid, "use "+join(c.features.Methods), "has no forwarding method")
	case err == nil:
		c.add(ErrUnsupported, "use "+join(c.features.Methods), "the engine %s has no forwarding method %s", c.features.Engine, m)
	default:
		c.add(ErrInvalid, "use "+join(c.features.Methods), "%v", err)
	}
	if vip := c.service.Addr.Port(); (m == DR || m == TUN) && c.real.Addr.Port() != vip {
		c.add(ErrInvalid, fmt.Sprintf("use port %d, or nat", vip), "%s does not change the port, so it cannot be %d", m, c.real.Addr.Port())
	}
}

// checkLimit is about the state as a whole.
func checkLimit(have, limit int, what, name string) Findings {
	if limit == 0 || have <= limit {
		return nil
	}
	return Findings{{Kind: ErrLimit, What: fmt.Sprintf("%d %s, more than %s = %d", have, what, name, limit),
		Fix: "raise " + name + ", or remove some"}}
}

func checkTimeouts(t Timeouts) Findings {
	var found Findings
	for _, f := range t.fields() {
		if *f.value < 0 || *f.value > MaxTimeout {
			found = append(found, Finding{Kind: ErrInvalid, What: fmt.Sprintf("timeout %s of %s is out of range", *f.value, f.state),
				Fix: fmt.Sprintf("use up to %s; 0 is the default", MaxTimeout)})
		}
	}
	return found
}

func join[T ~string](words []T) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = string(w)
	}
	return strings.Join(texts, ", ")
}
