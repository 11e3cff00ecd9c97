package desired

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
)

// drawLines draws what a user may ask for, in ovs-ofctl's words.
func drawLines(t *rapid.T, v ofp.Version) (lines []string) {
	number := func(of string, n int) int { return rapid.IntRange(0, n-1).Draw(t, of) }
	for range 1 + number("messages", 4) {
		priority, match := 1+number("priority", 3), []string{"ip", "arp", "in_port=1", "tcp", "in_port=2,ip"}[number("match", 5)]
		table := ""
		if v >= ofp.V11 {
			table = fmt.Sprintf("table=%d,", number("table", 2))
		}
		action := fmt.Sprintf("output:%d", 1+number("port", 3))
		if v >= ofp.V11 && number("to a group", 4) == 0 {
			action = fmt.Sprintf("group:%d", 1+number("group", 2))
		}
		switch number("verb", 9) {
		case 0, 1, 2:
			lines = append(lines, fmt.Sprintf("add-flow %spriority=%d,cookie=%d,%s,actions=%s", table, priority, number("cookie", 3), match, action))
		case 3:
			lines = append(lines, fmt.Sprintf("mod-flows %s%s,actions=%s", table, match, action))
		case 4:
			lines = append(lines, fmt.Sprintf("mod-flow %spriority=%d,%s,actions=%s", table, priority, match, action))
		case 5:
			lines = append(lines, "del-flows "+table+match)
		case 6:
			lines = append(lines, fmt.Sprintf("del-flow %spriority=%d,%s", table, priority, match))
		case 7:
			if v >= ofp.V11 {
				lines = append(lines, fmt.Sprintf("add-group group_id=%d,type=all,bucket=%s", 1+number("new group", 2), fmt.Sprintf("output:%d", 1+number("bucket", 3))))
			}
		case 8:
			if v >= ofp.V11 {
				lines = append(lines, fmt.Sprintf("del-groups group_id=%d", 1+number("old group", 2)))
			}
		}
	}
	return lines
}

// TestDesiredComesTrue draws transactions, refusals, lost connections, restarts of
// switch and controller, and changes by others. Beside the switch stands one to
// which nothing bad happens, and that is given the transactions that were
// acknowledged or left in doubt: after a comparison both have the same, and a
// second comparison sends nothing.
func TestDesiredComesTrue(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		v := rapid.SampledFrom(ofp.Versions()).Draw(rt, "version")
		r := newRig(t, v)
		r.sw.bundles = v == ofp.V13 && rapid.Bool().Draw(rt, "bundles")
		quiet := newFake(t, v)
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			switch rapid.IntRange(0, 9).Draw(rt, "step") {
			case 0:
				r.restart()
			case 1:
				r.sw.dp.Restart()
				r.d.Gone(1)
				reconcileOr(rt, r)
			case 2: // somebody else changes what is ours
				all := ofp.AllFlows()
				if flows := r.sw.dp.Flows(&all); len(flows) > 0 {
					f := rapid.SampledFrom(flows).Draw(rt, "a victim")
					m := ofp.NewFlowMod(rapid.SampledFrom([]ofp.FlowCommand{ofp.FlowDeleteStrict, ofp.FlowModifyStrict}).Draw(rt, "deed"))
					m.Table, m.Priority, m.Match = f.Table, f.Priority, f.Match
					m.Instructions = []ofp.Instruction{ofp.Apply(ofp.Output(9))}
					r.sw.dp.FlowMod(m)
				}
				reconcileOr(rt, r)
			default:
				lines := drawLines(rt, v)
				r.sw.away, r.sw.refuse = 0, nil
				switch rapid.IntRange(0, 4).Draw(rt, "fault") {
				case 0:
					r.sw.away = rapid.IntRange(1, 4).Draw(rt, "messages before it is away")
				case 1:
					nth := rapid.IntRange(0, 3).Draw(rt, "refused")
					entered := 0
					r.sw.entered = func() { entered++ }
					r.sw.refuse = func(i int, _ ofp.Message) ofp.ErrorReason {
						if entered == 1 && i == nth {
							return ofp.FlowModFailedEPERM
						}
						return ofp.ReasonUnknown
					}
				}
				before := ours(r.sw)
				err := r.try("", lines...)
				r.sw.away, r.sw.refuse, r.sw.entered = 0, nil, nil
				var doubt *InDoubtError
				var refused *channel.WriteError
				switch {
				case err == nil, errors.As(err, &doubt):
					msgs := parse(t, lines...)
					if werr := quiet.Write(t.Context(), msgs); werr != nil {
						// What the switch would have refused, had it not been away, is
						// wanted all the same: nobody was told that it is refused.
						if doubt == nil {
							rt.Fatalf("%v was acknowledged, and is refused: %v", lines, werr)
						}
						return
					}
					if doubt != nil {
						reconcileOr(rt, r)
					}
				case errors.As(err, &refused):
					if d := cmp.Diff(before, ours(r.sw), cmpopts.EquateEmpty()); d != "" {
						rt.Fatalf("%v was refused, and left: %s", lines, d)
					}
				default:
					rt.Fatalf("%v: %v", lines, err)
				}
			}
		}
		reconcileOr(rt, r)
		if d := cmp.Diff(ours(quiet), ours(r.sw), cmpopts.EquateEmpty()); d != "" {
			rt.Fatalf("-want +got\n%s", d)
		}
		r.sw.sent = nil
		if got := reconcileOr(rt, r); len(r.sw.sent) > 0 || got.Changed > 0 {
			rt.Fatalf("a second comparison sends %v", r.sw.sent)
		}
		if s := r.d.Summary(1); s.Pending+s.Degraded+s.Tombstones > 0 {
			rt.Fatalf("at the end: %+v", s)
		}
	})
}

func reconcileOr(t *rapid.T, r *rig) Report {
	report, err := r.d.Reconcile(r.t.Context(), r.sw)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// ours is what a switch has, in an order of its own.
func ours(f *fake) []string {
	all := f.all()
	slices.Sort(all)
	return slices.DeleteFunc(all, func(s string) bool { return strings.Contains(s, "priority=9,") })
}

// TestStoreCarriesAllThereIs stores and reads again what the versions can say.
func TestStoreCarriesAllThereIs(t *testing.T) {
	var p packer
	for _, line := range []string{
		"add-flow table=3,priority=7,cookie=0x1234567890abcdef,tcp,reg1=5/7,tun_id=9,actions=set_field:1->reg0,learn(table=1,eth_src=eth_dst,output:in_port),ct(commit,zone=1),goto_table:9",
		"add-flow priority=1,actions=enqueue:1:2", "add-flow priority=1,actions=mod_vlan_vid:9,mod_vlan_pcp:2,output:1", "add-flow priority=1,ip,actions=mod_tp_dst:80,mod_nw_tos:4,output:1",
		"add-flow priority=1,ipv6,ipv6_src=2001:db8::/32,send_flow_rem,no_packet_counts,actions=meter:3,write_actions(output:2),write_metadata:1/3",
		"add-group group_id=1,type=select,bucket=weight:3,watch_port:2,set_field:1->reg0,output:1",
		"add-meter meter=7,pktps,burst,stats,bands=type=drop,rate=5,burst_size=9",
	} {
		m := parse(t, line)[0]
		v, err := p.pack(7, m)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		again, err := v.message()
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if want, got := fmt.Sprint(m), fmt.Sprint(again); want != got || v.owner() != 7 {
			t.Errorf("stored\n%s\nread\n%s", want, got)
		}
	}
	if _, err := value("\x02\x00\x00\x04").message(); !errors.Is(err, store.ErrFormat) {
		t.Error(err)
	}
}
