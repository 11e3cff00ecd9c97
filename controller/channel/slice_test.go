package channel

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// pacer is a Handler that takes some time for each event.
type pacer struct {
	*watcher
	each   time.Duration
	slices []int
}

func (p *pacer) Events(_ *Conn, b *Batch) {
	time.Sleep(time.Duration(b.Len()) * p.each)
	p.slices = append(p.slices, b.Len())
}

// TestSlices: a batch is handled whole if the apps are quick, and in slices of a
// millisecond or so if they are not; no event is lost.
func TestSlices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &Conn{slice: sliceFirst}
		batch := new(Batch)
		for range 600 {
			batch.keep(ofp.TypePortStatus, nil)
		}
		p := &pacer{}
		run := func(each time.Duration) (slices []int) {
			p.slices, p.each = nil, each
			c.handle(p, batch)
			sum := 0
			for _, n := range p.slices {
				sum += n
			}
			if sum != 600 || batch.Len() != 600 {
				t.Fatalf("%d events are handled, of %d", sum, batch.Len())
			}
			return p.slices
		}
		for range 5 {
			run(100 * time.Nanosecond)
		}
		if s := run(100 * time.Nanosecond); len(s) != 1 {
			t.Errorf("quick apps: slices %v, want one", s)
		}
		run(100 * time.Microsecond)
		for _, n := range run(100 * time.Microsecond) {
			if took := time.Duration(n) * p.each; took > 2*sliceTime {
				t.Errorf("slow apps: a slice of %v", took)
			}
		}
		if s := run(time.Second); len(s) < 590 {
			t.Errorf("very slow apps: %d slices of 600 events", len(s))
		}
		for range 20 {
			run(100 * time.Nanosecond)
		}
		if s := run(100 * time.Nanosecond); len(s) != 1 {
			t.Errorf("quick again: slices %v, want one", s)
		}
	})
}
