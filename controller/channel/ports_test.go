package channel

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestUpdatePorts compares the one pass with a change at a time.
func TestUpdatePorts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		model := make(map[ofp.PortNo]ofp.Port)
		var before []ofp.Port
		for _, no := range rapid.SliceOfNDistinct(rapid.Uint32Range(1, 12), 0, 8, rapid.ID).Draw(t, "ports") {
			before = append(before, ofp.Port{No: ofp.PortNo(no)})
			model[ofp.PortNo(no)] = ofp.Port{No: ofp.PortNo(no)}
		}
		slices.SortFunc(before, byNumber)
		was := slices.Clone(before)
		var ms []ofp.PortStatus
		for i, no := range rapid.SliceOfN(rapid.Uint32Range(1, 12), 0, 30).Draw(t, "changes") {
			m := ofp.PortStatus{Reason: ofp.PortReason(rapid.IntRange(0, 2).Draw(t, "reason")), Port: ofp.Port{No: ofp.PortNo(no), CurrSpeed: uint32(i)}}
			ms = append(ms, m)
			if model[m.Port.No] = m.Port; m.Reason == ofp.PortDeleted {
				delete(model, m.Port.No)
			}
		}
		var want []ofp.Port
		for _, p := range model {
			want = append(want, p)
		}
		slices.SortFunc(want, byNumber)
		if diff := cmp.Diff(want, UpdatePorts(before, ms), cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
		if diff := cmp.Diff(was, before); diff != "" {
			t.Fatalf("the list that was given has changed: %s", diff)
		}
	})
}

func TestPortsAreBounded(t *testing.T) {
	ms := make([]ofp.PortStatus, maxPorts+10)
	for i := range ms {
		ms[i].Port.No = ofp.PortNo(i + 1)
	}
	if n := len(UpdatePorts(nil, ms)); n != maxPorts {
		t.Errorf("%d ports", n)
	}
}

// TestEventsWithoutEnd: a switch that sends more state than its apps take, while
// they wait for it, is cut off in bounded time; nobody is held up for longer.
func TestEventsWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, ofp.V10, Config{})
		r.w.slow = make(chan struct{}) // no batch is ever done
		r.ready()
		frame, err := ofp.Append(nil, ofp.V10, 0, &ofp.PortStatus{Port: ofp.Port{No: 1}})
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			for range 4 * spillLimit / len(frame) {
				if _, err := r.nc.Write(frame); err != nil {
					return
				}
			}
		}()
		e := r.ended()
		if e.Reason != ReasonOverflow || time.Since(begin) > readerPatience+spillPatience {
			t.Errorf("%v after %v", e, time.Since(begin))
		}
		<-sent
		<-r.w.down
	})
}
