package desired

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
)

// wish returns a wish for lines, that prunes.
func (r *rig) wish(lines ...string) Wish { return Wish{Things: parse(r.t, lines...), Prune: true} }

func (r *rig) fulfil(w Wish) Outlook {
	r.t.Helper()
	x, err := r.d.Fulfil(r.t.Context(), r.sw, w)
	if err != nil {
		r.t.Fatal(err)
	}
	return x
}

// steps are those of a plan in short: + for what comes, - for what goes, ~ for
// what changes.
func steps(all []Step) (out []string) {
	for _, s := range all {
		switch {
		case s.Before == nil:
			out = append(out, "+ "+describe(s.After))
		case s.After == nil:
			out = append(out, "- "+describe(s.Before))
		default:
			out = append(out, "~ "+describe(s.After))
		}
	}
	return out
}

// wishLines are things that versions from the given one on can have; no two have
// the same place unless they differ in what they do.
var wishLines = []struct {
	from ofp.Version
	text string
}{
	{ofp.V13, "add-meter meter=1,kbps,band=type=drop,rate=10"},
	{ofp.V13, "add-meter meter=1,kbps,band=type=drop,rate=20"},
	{ofp.V13, "add-meter meter=2,pktps,band=type=drop,rate=5"},
	{ofp.V11, "add-group group_id=1,type=all,bucket=output:1"},
	{ofp.V11, "add-group group_id=1,type=all,bucket=output:2"},
	{ofp.V11, "add-group group_id=2,type=indirect,bucket=output:2"},
	{ofp.V10, "add-flow priority=1,ip,actions=output:1"},
	{ofp.V10, "add-flow priority=1,ip,actions=output:2"},
	{ofp.V10, "add-flow priority=1,cookie=5,ip,actions=output:2"},
	{ofp.V10, "add-flow priority=2,arp,actions=drop"},
	{ofp.V10, "add-flow priority=2,send_flow_rem,arp,actions=drop"},
	{ofp.V10, "add-flow priority=3,tcp,actions=mod_nw_dst:10.0.0.1,output:1"},
	{ofp.V10, "add-flow priority=3,ip,nw_dst=10.0.0.0/8,actions=drop"},
	{ofp.V11, "add-flow table=1,priority=3,udp,actions=drop"},
	{ofp.V11, "add-flow priority=4,in_port=1,actions=goto_table:1"},
}

// TestWishesAreFulfilled goes from wish to wish at random, and from each to what was
// wished before: book and switch have what is wished, the plan has said so, and the
// plan after it is empty.
func TestWishesAreFulfilled(t *testing.T) {
	for _, v := range []ofp.Version{ofp.V10, ofp.V11, ofp.V12, ofp.V13} {
		t.Run(v.String(), func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, uint64(v)))
			r := newRig(t, v)
			// Somebody else's, which no wish touches.
			if err := r.try("else", "add-flow priority=9,cookie=9,udp,actions=drop"); err != nil {
				t.Fatal(err)
			}
			var before []string
			for range 200 {
				var lines []string
				taken := make(map[string]bool)
				for _, i := range random.Perm(len(wishLines)) {
					x := wishLines[i]
					what := describe(parse(t, x.text)[0])
					if x.from <= v && !taken[what] && random.IntN(2) == 0 {
						lines, taken[what] = append(lines, x.text), true
					}
				}
				w := r.wish(lines...)
				planned, err := r.d.Plan(t.Context(), r.sw, w)
				if err != nil {
					t.Fatal(err)
				}
				w.Expected = &planned.Revision
				did := r.fulfil(w)
				if diff := cmp.Diff(steps(planned.Steps), steps(did.Steps)); diff != "" || planned.Same != did.Same {
					t.Fatalf("-planned +done\n%s", diff)
				}
				fresh := newRig(t, v)
				fresh.fulfil(fresh.wish(append(lines, "add-flow priority=9,cookie=9,udp,actions=drop")...))
				if diff := cmp.Diff(sortedStrings(fresh.sw.all()), sortedStrings(r.sw.all())); diff != "" {
					t.Fatalf("-wished +has\n%s\nafter %q and then %q", diff, before, lines)
				}
				if again, err := r.d.Plan(t.Context(), r.sw, r.wish(lines...)); err != nil || len(again.Steps) > 0 || again.Same != len(lines) {
					t.Fatalf("planned again: %v, %d same of %d, %v", steps(again.Steps), again.Same, len(lines), err)
				}
				r.restart()
				r.d.Reconcile(t.Context(), r.sw)
				if random.IntN(3) == 0 && len(did.Steps) > 0 {
					r.fulfil(did.Back(""))
					fresh = newRig(t, v)
					fresh.fulfil(fresh.wish(append(slices.Clone(before), "add-flow priority=9,cookie=9,udp,actions=drop")...))
					if diff := cmp.Diff(sortedStrings(fresh.sw.all()), sortedStrings(r.sw.all())); diff != "" {
						t.Fatalf("-before +back\n%s", diff)
					}
					continue
				}
				before = lines
			}
		})
	}
}

func sortedStrings(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

func TestWishOrder(t *testing.T) {
	r := newRig(t, ofp.V13)
	x := r.fulfil(r.wish("add-flow priority=1,ip,actions=meter:1,group:2", "add-group group_id=2,type=all,bucket=group:1", "add-group group_id=1,type=all,bucket=output:1", "add-meter meter=1,kbps,band=type=drop,rate=10"))
	want := []string{"+ meter 1", "+ group 1", "+ group 2", "+ flow table=0,priority=1,ip"}
	if diff := cmp.Diff(want, steps(x.Steps)); diff != "" {
		t.Error(diff)
	}
	x = r.fulfil(r.wish())
	want = []string{"- flow table=0,priority=1,ip", "- group 2", "- group 1", "- meter 1"}
	if diff := cmp.Diff(want, steps(x.Steps)); diff != "" || len(r.sw.all()) != 0 {
		t.Error(diff, r.sw.all())
	}
}

// TestWishesThatCannotBe: each is refused with what it is about, and nothing has
// changed in the store or on the switch.
func TestWishesThatCannotBe(t *testing.T) {
	for _, row := range []struct {
		name  string
		owner string
		lines []string
		thing int
		says  string
	}{
		{"timeouts", "", []string{"add-flow arp,actions=drop", "add-flow idle_timeout=5,ip,actions=drop"}, 1, "timeouts"},
		{"twice", "", []string{"add-flow arp,actions=drop", "add-flow arp,actions=output:1"}, 1, "wanted twice"},
		{"version", "", []string{"add-flow arp,actions=drop", "add-flow ip,actions=dec_mpls_ttl,set_field:5->mpls_label"}, 1, ""},
		{"somebody else's", "me", []string{"add-flow priority=7,udp,actions=drop", "add-flow priority=1,ip,actions=group:1"}, 1, "default owner"},
		{"group in use by another", "", []string{"add-flow priority=1,ip,actions=drop"}, -1, "uses group 1, which would go"},
		{"group in use by a wish", "", []string{"add-flow priority=3,ip,actions=group:1"}, 0, "uses group 1, which would go"},
		{"refused by the switch", "", []string{"add-group group_id=1,type=all,bucket=output:1", "add-flow arp,actions=drop", "add-flow priority=66,ip,actions=drop"}, 2, "refused"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := newRig(t, ofp.V12)
			r.apply("add-group group_id=1,type=all,bucket=output:1", "add-flow priority=1,ip,actions=group:1")
			if err := r.try("else", "add-flow priority=6,udp,actions=group:1"); err != nil {
				t.Fatal(err)
			}
			r.sw.refuse = func(_ int, m ofp.Message) ofp.ErrorReason {
				if f, ok := m.(*ofp.FlowMod); ok && f.Priority == 66 && f.Command == ofp.FlowAdd {
					return ofp.FlowModFailedTableFull
				}
				return ofp.ReasonUnknown
			}
			switchBefore := r.sw.all()
			items, err := r.d.Items(1)
			if err != nil {
				t.Fatal(err)
			}
			if row.name == "version" {
				row.lines[1] = "add-meter meter=1,kbps,band=type=drop,rate=10"
			}
			w := r.wish(row.lines...)
			w.Owner = row.owner
			_, err = r.d.Fulfil(t.Context(), r.sw, w)
			thing := -2
			var te *ThingError
			var oe *OwnerError
			var we *channel.WriteError
			switch {
			case errors.As(err, &te):
				thing = te.Thing
			case errors.As(err, &oe):
				thing = oe.Index
			case errors.As(err, &we):
				thing = we.Errors[0].Index
			}
			if err == nil || thing != row.thing || !strings.Contains(err.Error(), row.says) && row.says != "refused" {
				t.Errorf("about %d: %v", thing, err)
			}
			if diff := cmp.Diff(switchBefore, r.sw.all()); diff != "" {
				t.Errorf("-before +after\n%s", diff)
			}
			after, err := r.d.Items(1)
			if err != nil || len(after) != len(items) {
				t.Errorf("%d things are desired, before %d; %v", len(after), len(items), err)
			}
		})
	}
}

func TestExpectedRevision(t *testing.T) {
	r := newRig(t, ofp.V13)
	r.apply("add-flow priority=1,ip,actions=drop")
	w := r.wish("add-flow priority=2,arp,actions=drop")
	x, err := r.d.Plan(t.Context(), r.sw, w)
	if err != nil {
		t.Fatal(err)
	}
	r.apply("add-flow priority=3,udp,actions=drop")
	w.Expected = &x.Revision
	_, err = r.d.Fulfil(t.Context(), r.sw, w)
	var changed *ChangedError
	if !errors.As(err, &changed) || !errors.Is(err, store.ErrConflict) || changed.Revision != r.d.Revision() {
		t.Errorf("%v", err)
	}
	if n := len(r.sw.all()); n != 2 {
		t.Errorf("%d flows", n)
	}
	x.Revision = r.d.Revision()
	r.fulfil(w)
	if n := len(r.sw.all()); n != 1 {
		t.Errorf("%d flows", n)
	}
}

// TestAsOf goes back to each of several revisions, over owners and a restart.
func TestAsOf(t *testing.T) {
	r := newRig(t, ofp.V13)
	type point struct {
		rev  store.Revision
		has  []string
		mine int
	}
	var points []point
	note := func() {
		items, err := r.d.Items(1)
		if err != nil {
			t.Fatal(err)
		}
		mine := 0
		for _, x := range items {
			if x.Owner == "me" {
				mine++
			}
		}
		points = append(points, point{r.d.Revision(), sortedStrings(r.sw.all()), mine})
	}
	note()
	r.apply("add-group group_id=1,type=all,bucket=output:1", "add-flow priority=1,ip,actions=group:1")
	note()
	if err := r.try("me", "add-flow priority=2,ip,actions=group:1", "add-flow priority=3,ip,actions=drop"); err != nil {
		t.Fatal(err)
	}
	note()
	r.apply("mod-group group_id=1,type=all,bucket=output:2", "add-flow priority=1,cookie=7,ip,actions=group:1")
	note()
	r.apply("del-flow priority=1,ip")
	if err := r.try("me", "del-flow priority=2,ip", "del-flow priority=3,ip"); err != nil {
		t.Fatal(err)
	}
	r.apply("add-flow priority=3,ip,actions=drop") // another's now
	note()
	for _, i := range []int{3, 0, 4, 1, 2, 4} {
		p := points[i]
		if i%2 == 0 {
			r.restart()
			if _, err := r.d.Reconcile(t.Context(), r.sw); err != nil {
				t.Fatal(err)
			}
		}
		f, err := r.d.AsOf(t.Context(), p.rev)
		if err != nil {
			t.Fatal(err)
		}
		r.fulfil(Wish{Former: f})
		if diff := cmp.Diff(p.has, sortedStrings(r.sw.all())); diff != "" {
			t.Errorf("back to %d: -was +is\n%s", p.rev, diff)
		}
		items, _ := r.d.Items(1)
		mine := 0
		for _, x := range items {
			if x.Owner == "me" {
				mine++
			}
		}
		if mine != p.mine {
			t.Errorf("back to %d: %d are mine, were %d", p.rev, mine, p.mine)
		}
		if x, err := r.d.Plan(t.Context(), r.sw, Wish{Former: f}); err != nil || len(x.Steps) > 0 || x.Same != len(items) {
			t.Errorf("still to do: %v, %d same of %d, %v", steps(x.Steps), x.Same, len(items), err)
		}
	}
	if _, err := r.d.AsOf(t.Context(), 1000); !errors.Is(err, ErrFuture) {
		t.Error(err)
	}
}

// TestSwitchesThatWereOtherwise: what has come and gone again since a revision needs
// no bringing back.
func TestSwitchesThatWereOtherwise(t *testing.T) {
	r := newRig(t, ofp.V13)
	r.apply("add-flow priority=1,ip,actions=output:1")
	known := r.st.Revision()
	for _, step := range []struct {
		line string
		want []ofp.DPID
	}{
		{"add-flow priority=2,ip,actions=output:1", []ofp.DPID{1}},
		{"del-flow priority=2,ip", nil},
		{"add-flow priority=1,ip,actions=output:2", []ofp.DPID{1}},
		{"add-flow priority=1,ip,actions=output:1", nil},
	} {
		r.apply(step.line)
		f, err := r.d.AsOf(t.Context(), known)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Switches(); !slices.Equal(got, step.want) {
			t.Errorf("after %s: %v, want %v", step.line, got, step.want)
		}
	}
}
