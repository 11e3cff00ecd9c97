package desired

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/ofp"
)

// wild puts things on the switch that nobody wants.
func (r *rig) wild(lines ...string) {
	r.t.Helper()
	if err := r.sw.Write(r.t.Context(), parse(r.t, lines...)); err != nil {
		r.t.Fatal(err)
	}
	r.sw.sent = nil
}

// mixed is what nobody wants: foreign flows, and those that are not.
func (r *rig) mixed() {
	r.wild("add-flow priority=90,udp,actions=drop", "add-flow priority=91,cookie=0x10,tcp,actions=drop", "add-flow priority=92,arp,actions=drop",
		"add-flow priority=93,idle_timeout=60,ip,actions=drop", "add-flow priority=94,hard_timeout=60,ip,actions=drop",
		fmt.Sprintf("add-flow priority=0,cookie=%#x,actions=CONTROLLER", AppCookie("l2switch")|1))
}

func filter(t *testing.T, text string) ofp.FlowFilter {
	t.Helper()
	m, err := ofp.ParseFlow(text, ofp.FlowDelete, nil)
	if err != nil {
		t.Fatal(err)
	}
	return ofp.FlowFilter{Table: m.Table, OutPort: m.OutPort, OutGroup: m.OutGroup, Cookie: m.Cookie, CookieMask: m.CookieMask, Match: m.Match}
}

func (r *rig) priorities() (got []int) {
	q := ofp.AllFlows()
	for _, f := range r.sw.dp.Flows(&q) {
		got = append(got, int(f.Priority))
	}
	slices.Sort(got)
	return got
}

// TestForeignAreRemoved: only what is foreign goes: no flow with a timeout, no app's,
// none that is excepted; nothing where the reading fails, and nothing of a switch of
// which nothing was ever wanted.
func TestForeignAreRemoved(t *testing.T) {
	for _, v := range ofp.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			r := newRig(t, v)
			all := []int{0, 90, 91, 92, 93, 94}
			govern := func() {
				r.d.Govern(Foreign{Rule: ForeignRemove, Except: []ofp.FlowFilter{filter(t, "cookie=0x10/0xff"), filter(t, "arp")}}, []string{"l2switch"})
			}
			govern()
			r.mixed()
			if got := r.reconcile(); got.Removed > 0 || len(r.sw.sent) > 0 {
				t.Errorf("a switch of which nothing was ever wanted: %+v", got)
			}
			r.apply("add-flow priority=1,ip,actions=output:1")
			r.sw.unread = errUnread
			if _, err := r.d.Reconcile(t.Context(), r.sw); !errors.Is(err, errUnread) {
				t.Error(err)
			}
			r.sw.unread = nil
			if d := cmp.Diff(slices.Insert(slices.Clone(all), 1, 1), r.priorities()); d != "" {
				t.Error(d)
			}
			r.restart()
			govern()
			got := r.reconcile()
			if got.Removed != 1 || got.Foreign != 2 || len(got.RemovedFlows) != 1 || got.Changed != 1 {
				t.Errorf("%+v", got)
			}
			if d := cmp.Diff([]int{0, 1, 91, 92, 93, 94}, r.priorities()); d != "" {
				t.Error(d)
			}
			r.sw.sent = nil
			if got := r.reconcile(); got.Removed > 0 || len(r.sw.sent) > 0 {
				t.Errorf("a second time: %+v, %v", got, r.sw.sent)
			}
			r.apply("del-flow priority=1,ip")
			r.wild("add-flow priority=95,udp,actions=drop")
			if got := r.reconcile(); got.Removed != 1 { // all that was wanted is gone
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestForeignAreTold: each with the time since when, and whose cookie it has.
func TestForeignAreTold(t *testing.T) {
	r := newRig(t, ofp.V13)
	r.d.Govern(Foreign{Except: []ofp.FlowFilter{filter(t, "arp")}}, []string{"l2switch"})
	if err := r.try("ann", "add-flow priority=1,ip,actions=output:1"); err != nil {
		t.Fatal(err)
	}
	r.mixed()
	id, _ := r.d.knownOwner("ann")
	r.wild(fmt.Sprintf("add-flow priority=95,cookie=%#x,icmp,actions=drop", id.cookie()), "add-group group_id=7,type=all,bucket=output:1", "add-meter meter=3,kbps,band=type=drop,rate=1")
	items, err := r.d.ForeignItems(t.Context(), r.sw)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range items {
		line := fmt.Sprint(x.Message)
		if x.Known {
			line += ", of " + x.Owner
		}
		if x.Excepted {
			line += ", excepted"
		}
		if _, flow := x.Message.(*ofp.FlowMod); flow == (x.Since.IsZero() || time.Since(x.Since) > time.Hour || time.Until(x.Since) > 0) {
			line += fmt.Sprint(", since ", x.Since)
		}
		got = append(got, line)
	}
	slices.Sort(got)
	want := []string{
		fmt.Sprintf("cookie=%#x,priority=95,icmp actions=drop, of ann", id.cookie()), "cookie=0x10,priority=91,tcp actions=drop",
		"group_id=7,type=all,bucket=actions=output:1", "meter=3,kbps,bands=type=drop,rate=1",
		"priority=90,udp actions=drop", "priority=92,arp actions=drop, excepted",
	}
	slices.Sort(want)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if r.reconcile(); r.d.Summary(1).Foreign != 4 { // groups and meters are not read where none is wanted
		t.Errorf("%d are counted", r.d.Summary(1).Foreign)
	}
	r.sw.unread = errUnread
	if _, err := r.d.ForeignItems(t.Context(), r.sw); !errors.Is(err, errUnread) {
		t.Error(err)
	}
}

// TestAdopt: what is adopted is an owner's, and comes back after a restart of the
// switch with the groups that it uses; nothing is sent for it.
func TestAdopt(t *testing.T) {
	for _, byRule := range []bool{false, true} {
		t.Run(fmt.Sprint("by rule: ", byRule), func(t *testing.T) {
			r := newRig(t, ofp.V13)
			govern := func() {
				f := Foreign{Except: []ofp.FlowFilter{filter(t, "arp")}}
				if byRule {
					f.Rule, f.Owner = ForeignAdopt, "old"
				}
				r.d.Govern(f, []string{"l2switch"})
			}
			govern()
			r.mixed()
			r.wild("add-group group_id=8,type=all,bucket=output:1", "add-group group_id=7,type=all,bucket=group:8", "add-group group_id=9,type=all,bucket=output:2",
				"add-meter meter=3,kbps,band=type=drop,rate=1", "add-flow priority=96,icmp,actions=meter:3,group:7")
			want := 4 // the flow, the groups 7 and 8, and the meter
			if byRule {
				want = 7 // three flows, three groups, and the meter
				if got := r.reconcile(); got.Adopted != want || got.Foreign != 1 || got.Fault != nil {
					t.Fatalf("%+v", got)
				}
			} else {
				q := filter(t, "icmp")
				planned, err := r.d.Adopt(t.Context(), r.sw, Adoption{Owner: "old", Filter: &q, PlanOnly: true})
				if err != nil || len(planned.Messages) != want || r.st.Revision() != 0 {
					t.Fatalf("a plan: %v, %v, revision %d", planned.Messages, err, r.st.Revision())
				}
				done, err := r.d.Adopt(t.Context(), r.sw, Adoption{Owner: "old", Filter: &q})
				if err != nil || len(done.Messages) != want || done.Revision != r.st.Revision() {
					t.Fatalf("%v, %v", done.Messages, err)
				}
			}
			if len(r.sw.sent) > 0 {
				t.Errorf("sent: %v", r.sw.sent)
			}
			r.stands(0, want, 0)
			err := r.try("", "del-flow priority=96,icmp")
			var oe *OwnerError
			if !errors.As(err, &oe) || oe.Owner != "old" {
				t.Errorf("%v", err)
			}
			r.sw.dp.Restart()
			r.restart()
			govern()
			if got := r.reconcile(); got.Changed != want || got.Refused > 0 {
				t.Errorf("after a restart: %+v", got)
			}
			r.sw.sent = nil
			if got := r.reconcile(); got.Same != want || len(r.sw.sent) > 0 {
				t.Errorf("a second time: %+v, %v", got, r.sw.sent)
			}
		})
	}
}

// TestAdoptionKeepsToTheQuota: what is too much is not adopted, by command or rule,
// and the comparison goes on.
func TestAdoptionKeepsToTheQuota(t *testing.T) {
	r := newRig(t, ofp.V13)
	r.d.Limit(Quotas{Each: 2})
	r.d.Govern(Foreign{Rule: ForeignAdopt}, []string{"l2switch"})
	r.mixed()
	var q *QuotaError
	if _, err := r.d.Adopt(t.Context(), r.sw, Adoption{}); !errors.As(err, &q) || q.More != 3 {
		t.Error(err)
	}
	if got := r.reconcile(); got.Adopted != 0 || got.Foreign != 3 || !errors.As(got.Fault, &q) {
		t.Errorf("%+v", got)
	}
	if r.st.Revision() != 0 {
		t.Error("something is stored")
	}
}
