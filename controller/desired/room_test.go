package desired

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// TestTableFull: what does not fit is degraded with the reason, and as long as there
// is no room a comparison tries one flow; when there is, all come.
func TestTableFull(t *testing.T) {
	for _, bundles := range []bool{false, true} {
		t.Run(fmt.Sprintf("bundles %v", bundles), func(t *testing.T) {
			r := newRig(t, ofp.V13)
			limit := 10
			tried := 0
			r.sw.bundles = bundles
			r.sw.refuse = func(_ int, m ofp.Message) ofp.ErrorReason {
				f, ok := m.(*ofp.FlowMod)
				if !ok || f.Command != ofp.FlowAdd {
					return ofp.ReasonUnknown
				}
				tried++
				q := ofp.AllFlows()
				q.Table = f.Table
				if f.Table == 0 && len(r.sw.dp.Flows(&q)) >= limit {
					return ofp.FlowModFailedTableFull
				}
				return ofp.ReasonUnknown
			}
			var lines []string
			for i := range 30 {
				lines = append(lines, fmt.Sprintf("add-flow priority=%d,ip,actions=output:1", i+1))
			}
			lines = append(lines, "add-flow table=1,priority=1,arp,actions=drop")
			if err := r.at(Stored, lines...); err != nil {
				t.Fatal(err)
			}
			r.reconcile()
			r.stands(0, 11, 20)
			if tried > 80 {
				t.Errorf("%d flows were tried", tried)
			}
			items, _ := r.d.Items(1)
			for _, x := range items {
				if x.Condition == Degraded && !strings.Contains(x.Why, "TABLE_FULL") {
					t.Errorf("%v: %q", x.Message, x.Why)
				}
			}
			for range 3 {
				tried = 0
				r.reconcile()
				r.stands(0, 11, 20)
				if tried != 1 || !r.d.Short(1) {
					t.Errorf("%d flows were tried while there is no room", tried)
				}
			}
			r.apply("del-flow priority=30,ip", "del-flow priority=1,ip")
			tried = 0
			r.reconcile()
			if s := r.d.Summary(1); s.Installed != 11 || tried > 4 {
				t.Errorf("with room for some: %+v, %d flows were tried", s, tried)
			}
			limit, tried = 100, 0
			r.reconcile()
			r.stands(0, 29, 0)
			if tried != 18 || r.d.Short(1) {
				t.Errorf("%d flows were tried when there was room", tried)
			}
		})
	}
}

// TestNoRoomForGroups: the flows that use a group for which there is no room are
// not tried either, and others are.
func TestNoRoomForGroups(t *testing.T) {
	r := newRig(t, ofp.V13)
	room, tried := false, 0
	r.sw.refuse = func(_ int, m ofp.Message) ofp.ErrorReason {
		if m.Type() != ofp.TypeBarrierRequest {
			tried++
		}
		if g, ok := m.(*ofp.GroupMod); ok && g.Command == ofp.GroupAdd && !room {
			return ofp.GroupModFailedOutOfGroups
		}
		return ofp.ReasonUnknown
	}
	if err := r.at(Stored, "add-group group_id=1,type=all,bucket=output:1", "add-flow priority=1,ip,actions=group:1", "add-flow priority=2,ip,actions=output:1"); err != nil {
		t.Fatal(err)
	}
	r.reconcile()
	tried = 0
	r.reconcile()
	r.stands(0, 1, 2)
	if tried != 1 {
		t.Errorf("%d messages were tried", tried)
	}
	room = true
	r.reconcile()
	r.stands(0, 3, 0)
}

// TestPourStops: the rest is not sent.
func TestPourStops(t *testing.T) {
	r := newRig(t, ofp.V13)
	r.sw.dp = simswitch.NewDatapath(simswitch.Config{MaxFlows: 5})
	r.sw.dp.Version = ofp.V13
	var lines []string
	for i := range 100 {
		lines = append(lines, fmt.Sprintf("add-flow priority=%d,ip,actions=output:1", i))
	}
	err := pour(t.Context(), r.sw, parse(t, lines...))
	we, ok := err.(*channel.WriteError)
	if !ok || len(we.Errors) != 95 || we.Errors[0].Index != 5 || we.Errors[94].Index != 99 || len(r.sw.sent) != 1+2+4 {
		t.Errorf("%v; %d were tried", err, len(r.sw.sent))
	}
}
