package desired

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestQuota: who would have more flows than they may is refused with the numbers,
// and nothing has changed; what a transaction takes away counts; what was there
// before the quota stays.
func TestQuota(t *testing.T) {
	r := newRig(t, ofp.V13)
	line := func(n int) string { return fmt.Sprintf("add-flow priority=%d,ip,actions=output:1", n) }
	r.apply(line(1), line(2), line(3))
	r.d.Limit(Quotas{Each: 2, Of: map[string]int{"ann": 3, "free": 0}})
	over := func(owner string, want QuotaError, lines ...string) {
		t.Helper()
		want.DPID, want.Owner = 1, owner
		before, rev := r.sw.all(), r.st.Revision()
		_, planErr := r.d.Plan(t.Context(), r.sw, Wish{Owner: owner, Things: parse(t, lines...)})
		_, wishErr := r.d.Fulfil(t.Context(), r.sw, Wish{Owner: owner, Things: parse(t, lines...)})
		for _, err := range []error{r.try(owner, lines...), planErr, wishErr} {
			var q *QuotaError
			if !errors.As(err, &q) || *q != want {
				t.Errorf("%s: %v, want %v", owner, err, &want)
			}
		}
		r.has(before...)
		if now := r.st.Revision(); now != rev && owner != "ann" { // who is new gets a number
			t.Errorf("%s: something is stored", owner)
		}
	}
	if err := r.try("ann", line(11), line(12)); err != nil {
		t.Fatal(err)
	}
	over("", QuotaError{Limit: 2, Used: 3, More: 1}, line(4))
	over("ann", QuotaError{Limit: 3, Used: 2, More: 2}, line(13), line(14))
	if err := r.try("ann", line(13), "del-flow priority=11,ip", line(14), line(13)); err != nil {
		t.Errorf("what goes counts: %v", err)
	}
	r.apply("mod-flow priority=1,ip,actions=output:2", "del-flow priority=2,ip", "del-flow priority=3,ip", line(5))
	if err := r.try("free", line(21), line(22), line(23), line(24)); err != nil {
		t.Errorf("0 is no limit: %v", err)
	}
	want := []Owner{{Flows: 2, Limit: 2}, {Name: "ann", Flows: 3, Limit: 3}, {Name: "free", Flows: 4}}
	got := r.d.Owners(nil)
	for i := range got {
		got[i].Cookie = 0
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestOwnersAreCounted draws transactions: the counts of each owner's flows are at
// all times what a look at all of them finds.
func TestOwnersAreCounted(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t, ofp.V13)
		limit := rapid.IntRange(0, 4).Draw(rt, "limit")
		r.d.Limit(Quotas{Each: limit})
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			if rapid.IntRange(0, 5).Draw(rt, "restart") == 0 {
				r.restart()
				r.d.Limit(Quotas{Each: limit})
			}
			r.sw.refuse = nil
			if rapid.Bool().Draw(rt, "refusal") {
				r.sw.refuse = func(i int, _ ofp.Message) ofp.ErrorReason {
					if i == 1 {
						return ofp.FlowModFailedEPERM
					}
					return ofp.ReasonUnknown
				}
			}
			_ = r.try(rapid.SampledFrom([]string{"", "ann", "bob"}).Draw(rt, "owner"), drawLines(rt, ofp.V13)...) // refused or not
			counted := r.d.OwnerFlows()
			for _, o := range r.d.Owners(nil) {
				if o.Flows != counted[o.Name] || limit > 0 && o.Flows > limit {
					rt.Fatalf("%q has %d flows, %d are counted, %d are allowed", o.Name, o.Flows, counted[o.Name], limit)
				}
			}
		}
	})
}
