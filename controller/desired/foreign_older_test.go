package desired

import (
	"slices"
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestOlderSwitchKeepsItsOwn: a switch that comes back with a version that has no
// words for what is wanted may have it still, and tells it in poorer words. That is
// neither removed nor adopted in its place.
func TestOlderSwitchKeepsItsOwn(t *testing.T) {
	for _, rule := range []ForeignRule{ForeignReport, ForeignRemove, ForeignAdopt} {
		for _, x := range []struct {
			line, poorer string
			foreign      int
		}{
			// Its match can be said: it is known for what it is.
			{"add-flow priority=5,ip,actions=meter:1,output:1", "add-flow priority=5,ip,actions=output:1", 0},
			// It cannot: who knows what this is?
			{"add-flow priority=5,tcp,tcp_flags=+syn,actions=output:1", "add-flow priority=5,tcp,actions=output:1", 1},
		} {
			r := newRig(t, ofp.V13)
			r.d.Govern(Foreign{Rule: rule}, nil)
			r.apply("add-meter meter=1,kbps,band=type=drop,rate=10", x.line)
			wanted := r.wanted()
			r.sw.v, r.sw.dp.Version = ofp.V10, ofp.V10
			r.sw.dp.Restart()
			r.wild(x.poorer)
			before := r.sw.all()
			got := r.reconcile()
			if got.Foreign != x.foreign || got.Adopted != 0 || got.Removed != 0 || !slices.Equal(r.sw.all(), before) {
				t.Errorf("rule %d, %s: %+v; the switch has %v, had %v", rule, x.line, got, r.sw.all(), before)
			}
			if now := r.wanted(); !slices.Equal(now, wanted) {
				t.Errorf("rule %d, %s: wanted are %v, were %v", rule, x.line, now, wanted)
			}
		}
	}
}

// TestAdoptOfAnOlderSwitch: to adopt takes no flow where it may be a wanted one in
// poorer words, and counts those. What is foreign beside flows is taken.
func TestAdoptOfAnOlderSwitch(t *testing.T) {
	r := newRig(t, ofp.V13)
	r.apply("add-flow priority=5,ip,actions=output:1", "add-flow priority=6,tcp,tcp_flags=+syn,actions=output:1")
	wanted := r.wanted()
	r.sw.v, r.sw.dp.Version = ofp.V10, ofp.V10
	r.sw.dp.Restart()
	r.wild("add-flow priority=5,ip,actions=output:1", "add-flow priority=6,tcp,actions=output:1", "add-flow priority=7,udp,actions=output:1")
	udp := filter(t, "udp")
	for _, x := range []struct {
		a       Adoption
		blurred int
	}{{Adoption{PlanOnly: true}, 2}, {Adoption{}, 2}, {Adoption{Filter: &udp}, 1}} {
		got, err := r.d.Adopt(t.Context(), r.sw, x.a)
		if err != nil || got.Blurred != x.blurred || len(got.Messages) != 0 {
			t.Errorf("%+v: %+v, %v", x.a, got, err)
		}
		if now := r.wanted(); !slices.Equal(now, wanted) {
			t.Errorf("%+v: wanted are %v, were %v", x.a, now, wanted)
		}
	}
	// Without the one that cannot be said, what is foreign is known.
	r.sw.v, r.sw.dp.Version = ofp.V13, ofp.V13
	r.apply("del-flows tcp,tcp_flags=+syn")
	r.sw.v, r.sw.dp.Version = ofp.V10, ofp.V10
	if got, err := r.d.Adopt(t.Context(), r.sw, Adoption{}); err != nil || got.Blurred != 0 || len(got.Messages) != 2 {
		t.Errorf("%+v, %v", got, err)
	}
}
