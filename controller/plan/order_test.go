package plan

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-sdn/sluice/ofp"
)

// verdict is what becomes of a packet in table 0: the instructions of the flow of
// the highest priority that it matches, "" if it matches none. Packets are
// numbers, and flows match those of which they know some lower bits (as in
// metadata=5/7): so one covers another, is beside it, or is the same.
func (m *model) verdict(packet uint64) string {
	best, says := -1, ""
	for _, f := range m.flows {
		v, mask, _ := f.Match.Uint(ofp.FieldMetadata)
		if packet&mask == v && int(f.Priority) > best {
			best, says = int(f.Priority), ofp.FormatActions(f.Instructions, nil)
		}
	}
	return says
}

// TestNoPacketGoesAThirdWay: at every moment of a plan each packet is treated as
// before it or as after it. Every flow has a priority of its own match's length,
// so that no two that overlap have the same: what goes before another of its
// priority comes is the one moment that a plan cannot spare packets.
func TestNoPacketGoesAThirdWay(t *testing.T) {
	flows := func(t *rapid.T, name string) []ofp.FlowMod {
		all := make(map[string]ofp.FlowMod)
		for i, n := range rapid.SliceOfN(rapid.IntRange(0, 1<<10-1), 0, 12).Draw(t, name) {
			bits := n >> 7 % 4
			value := n & (1<<bits - 1)
			f, err := ofp.ParseFlow(fmt.Sprintf("priority=%d,metadata=%d/%d,actions=output:%d", (n>>5&3)*4+bits, value, 1<<bits-1, i+1), ofp.FlowAdd, nil)
			if err != nil {
				t.Fatal(err)
			}
			all[fmt.Sprintf("%d %s", f.Priority, f.Match.Key())] = *f
		}
		var out []ofp.FlowMod
		for _, key := range slices.Sorted(maps.Keys(all)) {
			out = append(out, all[key])
		}
		return out
	}
	rapid.Check(t, func(t *rapid.T) {
		var has Has
		for _, f := range flows(t, "has") {
			has.Flows = append(has.Flows, stats(f))
		}
		wants := Wants{Flows: flows(t, "wants")}
		sw := Switch{Version: ofp.V13}
		m := newModel(sw, &has)
		var before, after [8]string
		for p := range before {
			before[p] = m.verdict(uint64(p))
		}
		end := newModel(sw, &Has{})
		for i := range wants.Flows {
			if err := end.take(&wants.Flows[i]); err != nil {
				t.Fatal(err)
			}
		}
		for p := range after {
			after[p] = end.verdict(uint64(p))
		}
		for _, msg := range Make(sw, &has, &wants, Rules{}).Messages() {
			if err := m.take(msg); err != nil {
				t.Fatal(err)
			}
			for p := range before {
				if now := m.verdict(uint64(p)); now != before[p] && now != after[p] {
					t.Fatalf("after %v packet %d meets %q, before the plan %q, after it %q", msg, p, now, before[p], after[p])
				}
			}
		}
	})
}

func TestOrder(t *testing.T) {
	lines := texts{"flow priority=5,ip,actions=drop", "flow table=1,priority=1,ip,actions=drop", "flow priority=9,ip,actions=goto_table:1", "flow table=1,priority=7,ip,actions=drop"}
	sw := Switch{Version: ofp.V13}
	for _, tt := range []struct {
		name       string
		has, wants texts
		plan       []string
	}{
		{"come", nil, lines, []string{
			"add flow table=1,priority=7,ip actions=drop", "add flow table=1,priority=1,ip actions=drop",
			"add flow priority=9,ip actions=goto_table:1", "add flow priority=5,ip actions=drop",
		}},
		{"go", lines, nil, []string{
			"delete flow table=0,priority=5,ip", "delete flow table=0,priority=9,ip",
			"delete flow table=1,priority=1,ip", "delete flow table=1,priority=7,ip",
		}},
	} {
		if got := show(Make(sw, tt.has.has(t), tt.wants.wants(t), Rules{})); !slices.Equal(got, tt.plan) {
			t.Errorf("%s:\n%q, want\n%q", tt.name, got, tt.plan)
		}
	}
}

// TestWhatIsUsedDoesNotGo: a group that is to be gone stays as long as something
// wanted uses it, which the switch would remove with it.
func TestWhatIsUsedDoesNotGo(t *testing.T) {
	has := texts{"group group_id=1,type=all,bucket=output:1", "group group_id=2,type=all,bucket=output:1", "meter meter=1,kbps,band=type=drop,rate=1"}
	gone := has.wants(t)
	rules := Rules{Gone: gone}
	wants := texts{"flow ip,actions=meter:1,group:1"}
	want := []string{"add flow ip actions=meter:1,group:1", "barrier", "delete group 2", "kept group 0, in use: true", "kept meter 0, in use: true"}
	if got := show(Make(Switch{Version: ofp.V13}, has.has(t), wants.wants(t), rules)); !slices.Equal(got, want) {
		t.Errorf("%q, want\n%q", got, want)
	}
	wants = texts{"group group_id=3,type=all,bucket=group:2"} // it stays without it
	want = []string{"add group 3", "barrier", "delete group 1", "delete group 2", "delete meter 1"}
	if got := show(Make(Switch{Version: ofp.V13}, has.has(t), wants.wants(t), rules)); !slices.Equal(got, want) {
		t.Errorf("%q, want\n%q", got, want)
	}
}
