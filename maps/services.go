// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/xlb-project/xlb/bpf"
)

// Scheduler says how slots are chosen.
type Scheduler uint8

// The schedulers.
const (
	SchedulerRR  = Scheduler(bpf.LbSchedulerSchedulerRr)
	SchedulerWRR = Scheduler(bpf.LbSchedulerSchedulerWrr)
	SchedulerLC  = Scheduler(bpf.LbSchedulerSchedulerLc)
	SchedulerWLC = Scheduler(bpf.LbSchedulerSchedulerWlc)
	SchedulerSH  = Scheduler(bpf.LbSchedulerSchedulerSh)
	SchedulerDH  = Scheduler(bpf.LbSchedulerSchedulerDh)
)

// Service is a virtual server's record.
type Service struct {
	Slots     SlotRange
	Scheduler Scheduler
	Instance  uint16 // VRRP instance, index into Gates; 0: none
	// Owner says who made it, at most eight bytes of text without NUL; empty:
	// made by hand. The data path does not look at it.
	Owner string
}

// Words of struct service.
const (
	serviceSlots = iota
	serviceConfig
	serviceOwner
)

// Services are the virtual servers by id. Id 0 is never used.
type Services struct {
	*mapped[bpf.LbService]
}

// Len is one more than the largest id.
func (s *Services) Len() uint32 { return s.len() }

// Get reads a record.
func (s *Services) Get(id uint32) (Service, error) {
	v, err := s.get(id)
	return decodeService(v), err
}

// Set writes a whole record: for a virtual server that packets cannot find yet.
func (s *Services) Set(id uint32, v Service) error {
	w, err := encodeService(v)
	if err != nil {
		return fmt.Errorf("map %s: id %d: %w", s.name, id, err)
	}
	return s.put(id, w, serviceSlots)
}

// Clear zeroes a record that packets cannot find any more.
func (s *Services) Clear(id uint32) error { return s.clear(id, serviceSlots) }

// SetConfig changes scheduler and instance of a virtual server in use.
func (s *Services) SetConfig(id uint32, scheduler Scheduler, instance uint16) error {
	return s.store(id, serviceConfig, packConfig(scheduler, instance))
}

// SetOwner changes the owner of a virtual server in use.
func (s *Services) SetOwner(id uint32, owner string) error {
	w, err := packOwner(owner)
	if err != nil {
		return fmt.Errorf("map %s: id %d: %w", s.name, id, err)
	}
	return s.store(id, serviceOwner, w)
}

// SwapSlots commits another slot range, if the present one, cursor included,
// is still old. The data path moves the cursor at the same time; on false read
// again and repeat. The slots of the old range may be in use by packets for an
// RCU grace period longer.
func (s *Services) SwapSlots(id uint32, old, new SlotRange) (bool, error) {
	return s.swap(id, serviceSlots, old.Pack(), new.Pack())
}

func packConfig(scheduler Scheduler, instance uint16) uint64 {
	return uint64(scheduler) | uint64(instance)<<16
}

func packOwner(owner string) (uint64, error) {
	if len(owner) > 8 || bytes.IndexByte([]byte(owner), 0) >= 0 {
		return 0, fmt.Errorf("owner %q: at most 8 bytes, none of them NUL", owner)
	}
	var b [8]byte
	copy(b[:], owner)
	return binary.NativeEndian.Uint64(b[:]), nil
}

func unpackOwner(w uint64) string {
	var b [8]byte
	binary.NativeEndian.PutUint64(b[:], w)
	text, _, _ := bytes.Cut(b[:], []byte{0})
	return string(text)
}

func encodeService(v Service) (bpf.LbService, error) {
	owner, err := packOwner(v.Owner)
	return bpf.LbService{Slots: v.Slots.Pack(), Config: packConfig(v.Scheduler, v.Instance), Owner: owner}, err
}

func decodeService(v bpf.LbService) Service {
	return Service{
		Slots:     UnpackSlots(v.Slots),
		Scheduler: Scheduler(v.Config),
		Instance:  uint16(v.Config >> 16),
		Owner:     unpackOwner(v.Owner),
	}
}
