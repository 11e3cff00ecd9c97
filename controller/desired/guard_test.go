package desired

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sluice-sdn/sluice/ofp"
)

// app sends a line as an app does.
func (r *rig) app(line string) error {
	m := parse(r.t, line)[0].(*ofp.FlowMod)
	if err := r.d.Guard(1).Permit(m); err != nil {
		return err
	}
	return r.sw.Write(r.t.Context(), []ofp.Message{m})
}

// TestAppsAndOwners: neither changes what the other has, and both are told whose it
// is; what an owner says about all flows that match leaves the app its own.
func TestAppsAndOwners(t *testing.T) {
	for _, v := range ofp.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			r := newRig(t, v)
			r.d.Govern(Foreign{}, []string{"l2switch"})
			miss := fmt.Sprintf("priority=0,cookie=%#x,actions=CONTROLLER:65535", AppCookie("l2switch")|1)
			if err := r.try("ann", "add-flow priority=7,cookie=0xf000000000000005,ip,actions=output:1"); err != nil {
				t.Fatal(err)
			}
			for _, line := range []string{"add-flow " + miss, "add-flow priority=100,idle_timeout=5,arp,actions=drop", "add-flow priority=7,idle_timeout=5,arp,actions=drop", "add-flow priority=8,ip,actions=drop"} {
				if err := r.app(line); err != nil {
					t.Errorf("%s: %v", line, err)
				}
			}
			for _, line := range []string{
				"add-flow priority=7,idle_timeout=5,ip,actions=drop", "add-flow priority=7,ip,actions=drop", "mod-flow priority=7,ip,actions=drop", "del-flow priority=7,ip",
				"mod-flows ip,actions=drop", "del-flows ip", "del-flows ",
			} {
				var oe *OwnerError
				if err := r.app(line); !errors.As(err, &oe) || oe.Owner != "ann" || oe.App || oe.What != "flow table=0,priority=7,ip" {
					t.Errorf("the app: %s: %v", line, err)
				}
			}
			if v >= ofp.V11 { // a user's cookie may be any
				if err := r.app("del-flows cookie=0xf000000000000005/-1"); !errors.As(err, new(*OwnerError)) {
					t.Error(err)
				}
				if err := r.app(fmt.Sprintf("del-flows cookie=%#x/0xffff000000000001", AppCookie("l2switch"))); err != nil {
					t.Error(err)
				}
			}
			before := r.sw.all()
			for _, line := range []string{"add-flow priority=0,actions=drop", "add-flow priority=0,idle_timeout=5,actions=drop", "mod-flow priority=0,actions=drop", "del-flow priority=0"} {
				var oe *OwnerError
				if err := r.try("", line); !errors.As(err, &oe) || oe.Owner != "l2switch" || !oe.App || !strings.HasSuffix(err.Error(), `belongs to the app "l2switch"`) {
					t.Errorf("an owner: %s: %v", line, err)
				}
			}
			_, err := r.d.Fulfil(t.Context(), r.sw, Wish{Things: parse(t, "add-flow priority=8,ip,actions=output:1")})
			if oe := (*OwnerError)(nil); !errors.As(err, &oe) || !oe.App || oe.Owner != "" {
				t.Errorf("a wish: %v", err)
			}
			r.has(before...)
			if err := r.try("ann", "del-flows "); err != nil {
				t.Fatal(err)
			}
			want := []string{"priority=8,ip actions=drop", strings.Replace(strings.Replace(miss, "priority=0,cookie", "cookie", 1), ",actions", ",priority=0 actions", 1)}
			if d := cmp.Diff(want, r.sw.all()); d != "" {
				t.Errorf("all is deleted: -want +has\n%s", d)
			}
			if items, err := r.d.ForeignItems(t.Context(), r.sw); err != nil || len(items) > 0 {
				t.Errorf("the app's are foreign: %v, %v", items, err)
			}
			if err := r.app("del-flow priority=8,ip"); err != nil {
				t.Error(err)
			}
			r.apply("add-flow priority=8,ip,actions=output:1") // nobody's now
			r.d.Gone(1)
			r.apply("add-flow priority=0,actions=drop")
		})
	}
}

// TestPermitAllocatesNothing: for a flow with a timeout, of a kind that no owner has.
func TestPermitAllocatesNothing(t *testing.T) {
	r := newRig(t, ofp.V13)
	r.apply("add-flow priority=7,ip,actions=output:1")
	g, m := r.d.Guard(1), parse(t, "add-flow priority=100,idle_timeout=5,in_port=1,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02,actions=output:2")[0].(*ofp.FlowMod)
	if n := testing.AllocsPerRun(100, func() {
		if err := g.Permit(m); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestNobodyOverwritesAnother draws what apps and owners do in turn: what the book
// has stands on the switch as the book has it, whatever apps send; and what an app
// was let add, and has not deleted, stands as the app has it. (Before 1.2 to modify
// what is not there adds it, which depends on what the switch has of others.)
func TestNobodyOverwritesAnother(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		v := rapid.SampledFrom([]ofp.Version{ofp.V12, ofp.V13}).Draw(rt, "version")
		r := newRig(t, v)
		r.d.Govern(Foreign{}, []string{"l2switch"})
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			lines := drawLines(rt, v)
			if rapid.Bool().Draw(rt, "an app's") {
				if len(lines) == 0 || strings.Contains(lines[0], "group") { // which the switch may not have
					continue
				}
				_ = r.app(lines[0]) // permitted or not, refused or not
				if f := parse(t, lines[0])[0].(*ofp.FlowMod); f.Command != ofp.FlowAdd {
					continue
				}
			} else {
				_ = r.try(rapid.SampledFrom([]string{"", "ann"}).Draw(rt, "owner"), lines...)
			}
			l, err := r.d.book(1).list()
			if err != nil {
				rt.Fatal(err)
			}
			q := ofp.AllFlows()
			has := make(map[place]string)
			for _, f := range r.sw.dp.Flows(&q) {
				has[flowPlace(f.Table, f.Priority, &f.Match)] = ofp.FormatActions(f.Instructions, nil)
			}
			for p, f := range r.d.book(1).claims { // what the switch has refused the app is not there
				if got, want := has[p], ofp.FormatActions(f.Instructions, nil); got != want && got != "" {
					rt.Fatalf("after %v: the app's %v has actions %q", lines, f, got)
				}
			}
			for _, f := range l.wants.Flows {
				if got, want := has[flowPlace(f.Table, f.Priority, &f.Match)], ofp.FormatActions(f.Instructions, nil); got != want {
					rt.Fatalf("after %v: %v has actions %q", lines, &f, got)
				}
			}
		}
	})
}
