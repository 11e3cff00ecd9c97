package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/sluice-sdn/sluice/test/faultproxy"
)

// A switch whose connection a fault has ended comes back after a time between
// these.
const (
	comeBackSoonest = 50 * time.Millisecond
	comeBackLatest  = 150 * time.Millisecond
)

// faulted is what --fault has done; its JSON form is a part of what --json
// prints.
type faulted struct {
	Spec   string            `json:"spec"`
	Seed   uint64            `json:"seed"`
	Counts map[string]uint64 `json:"happened"` // by the fault's name
	Ended  uint64            `json:"connections_ended"`
	Last   string            `json:"last_end,omitempty"` // why the latest of them ended
}

// breakConnections puts a proxy with the faults of the options between the
// switches and the controller.
func (f *fleet) breakConnections() (err error) {
	f.proxy, err = faultproxy.Start(faultproxy.Config{Target: f.addr, Faults: f.options.faults, Seed: f.options.seed})
	if err == nil {
		f.addr = f.proxy.Addr()
	}
	return err
}

// comeBack takes note of a connection that has ended, and reports whether its
// switch is to connect again, after a moment: as long as ctx lasts where
// connections are being broken, and never otherwise.
func (f *fleet) comeBack(ctx context.Context, why error) bool {
	if f.proxy == nil {
		return false
	}
	if err := f.proxy.Err(); err != nil {
		why = err // what the switch has seen is only that the proxy had no use for it
	}
	f.mu.Lock()
	f.ended++
	f.lastEnd = why
	f.mu.Unlock()
	t := time.NewTimer(comeBackSoonest + rand.N(comeBackLatest-comeBackSoonest))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// faulted returns what the faults have done so far, or nil without faults.
func (f *fleet) faulted() *faulted {
	if f.proxy == nil {
		return nil
	}
	out := &faulted{Spec: f.options.faults.String(), Seed: f.options.seed, Counts: map[string]uint64{}}
	for k, n := range f.proxy.Counts() {
		if n > 0 {
			out.Counts[faultproxy.Kind(k).String()] = n
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if out.Ended = f.ended; f.lastEnd != nil {
		out.Last = f.lastEnd.Error()
	}
	return out
}

func (p *report) faulted(f *faulted) {
	if f == nil {
		return
	}
	var happened strings.Builder
	for _, name := range slices.Sorted(maps.Keys(f.Counts)) {
		fmt.Fprintf(&happened, "%s %d, ", name, f.Counts[name])
	}
	p.text("faults: %s with seed %d: %s%d connections ended\n", f.Spec, f.Seed, happened.String(), f.Ended)
	if f.Last != "" {
		p.text("   the last one: %s\n", f.Last)
	}
}

// renew makes the switch ready for another connection. What its packet-ins of
// the last one were not answered, they never will be.
func (s *fakeSwitch) renew() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn, s.pending, s.complaint = nil, nil, ""
	s.featuresAt, s.lastControl = 0, 0
	if s.traffic != nil {
		s.traffic.abandon()
	}
}

// abandon gives up all that waits for an answer.
func (t *traffic) abandon() {
	for i := range t.slots {
		if s := &t.slots[i]; s.state == slotWaiting {
			s.state = slotLost
			t.waiting--
			t.Lost++
		}
	}
}
