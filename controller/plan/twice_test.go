package plan

import (
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestFlowToldTwice: a switch that tells a wanted flow twice has it once. Nothing is
// sent, whatever becomes of flows that nobody wants.
func TestFlowToldTwice(t *testing.T) {
	f, other := flow(t, "priority=5,arp,actions=drop"), flow(t, "priority=6,arp,actions=drop")
	has := &Has{Flows: []ofp.FlowStats{stats(f), stats(other), stats(f), stats(f)}}
	p := Make(Switch{Version: ofp.V13}, has, &Wants{Flows: []ofp.FlowMod{f}}, Rules{})
	if p.Same != 1 || len(p.Kept) != 0 || p.Changes() != 1 || p.Stages[0].Changes[0].Have != 1 {
		t.Errorf("plan is %+v, want the other flow alone removed", p)
	}
}
