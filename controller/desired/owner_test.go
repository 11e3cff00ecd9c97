package desired

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestOwnersCookie: what an owner with a name writes without a cookie has the
// owner's on the switch, in every version and by every way; a cookie that is given
// is kept whole, and the default owner's flows have none.
func TestOwnersCookie(t *testing.T) {
	for _, v := range ofp.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			r := newRig(t, v)
			if err := r.try("ann", "add-flow priority=1,ip,actions=output:1", "add-flow priority=2,cookie=0x123456789abcdef0,ip,actions=output:1",
				"add-flow priority=3,idle_timeout=60,ip,actions=output:1", "mod-flow priority=4,ip,actions=output:2"); err != nil {
				t.Fatal(err)
			}
			r.apply("add-flow priority=5,ip,actions=output:1")
			if _, err := r.d.Fulfil(t.Context(), r.sw, Wish{Owner: "ann", Things: parse(t, "add-flow priority=6,ip,actions=output:1")}); err != nil {
				t.Fatal(err)
			}
			id, _ := r.d.knownOwner("ann")
			cookie := fmt.Sprintf("%#x", uint64(id)<<48)
			want := []string{"priority=6 " + cookie, "priority=5 0x0", "priority=3 " + cookie, "priority=2 0x123456789abcdef0", "priority=1 " + cookie}
			if v <= ofp.V11 { // there to modify what is not there adds it
				want = slices.Insert(want, 2, "priority=4 "+cookie)
			}
			q := ofp.AllFlows()
			var got []string
			for _, f := range r.sw.dp.Flows(&q) {
				got = append(got, fmt.Sprintf("priority=%d %#x", f.Priority, f.Cookie))
			}
			if d := cmp.Diff(want, got); id == 0 || d != "" {
				t.Errorf("owner %d: %s", id, d)
			}
			r.restart()
			r.sw.sent = nil
			if report := r.reconcile(); len(r.sw.sent) > 0 {
				t.Errorf("a comparison sends %v: %+v", r.sw.sent, report)
			}
			items, err := r.d.Items(1)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range items { // told as it was written
				if f := x.Message.(*ofp.FlowMod); (f.Cookie != 0) != (f.Priority == 2) {
					t.Errorf("it is told as %v", f)
				}
			}
			x, err := r.d.Fulfil(t.Context(), r.sw, Wish{Owner: "ann", Prune: true, Things: slices.Collect(func(yield func(ofp.Message) bool) {
				for _, x := range items {
					if x.Owner == "ann" && !yield(x.Message) {
						return
					}
				}
			})})
			if err != nil || len(x.Steps) > 0 {
				t.Errorf("what is told is no wish for the same: %v, %v", x.Steps, err)
			}
		})
	}
}

// TestOwnersNumberComesFromTheName: so that an owner's cookie is the same in a
// store that is begun anew.
func TestOwnersNumberComesFromTheName(t *testing.T) {
	ids := make(map[string]ownerID)
	for _, order := range [][]string{{"ann", "bob", "carol"}, {"carol", "ann", "bob"}} {
		r := newRig(t, ofp.V13)
		for _, name := range order {
			expected := r.d.expectOwner(name)
			id, err := r.d.owner(t.Context(), name)
			if err != nil || id == 0 || id >= maxOwners || expected != id {
				t.Fatalf("%s: %d, expected %d, %v", name, id, expected, err)
			}
			if first, ok := ids[name]; ok && first != id {
				t.Errorf("%s has %d, and then %d", name, first, id)
			}
			ids[name] = id
		}
	}
}

// TestConflictChangesNothing: whichever way an owner comes, what is another's stays,
// the error says whose it is and which item it was, and neither the store nor the
// switch has changed.
func TestConflictChangesNothing(t *testing.T) {
	r := newRig(t, ofp.V13)
	if err := r.try("ann", "add-flow priority=1,ip,actions=output:1"); err != nil {
		t.Fatal(err)
	}
	if err := r.try("bob", "add-flow priority=2,ip,actions=output:1"); err != nil {
		t.Fatal(err)
	}
	before, rev := r.sw.all(), r.st.Revision()
	things := parse(t, "add-flow priority=3,ip,actions=output:1", "add-flow priority=1,ip,actions=output:1")
	check := func(way string, err error) {
		t.Helper()
		var oe *OwnerError
		if !errors.As(err, &oe) || oe.Index != 1 || oe.Owner != "ann" || oe.What != "flow table=0,priority=1,ip" {
			t.Errorf("%s: %v", way, err)
		}
		r.has(before...)
		if r.st.Revision() != rev {
			t.Errorf("%s: something is stored", way)
		}
	}
	_, err := r.d.Apply(t.Context(), r.sw, Txn{Owner: "bob", Messages: things})
	check("apply", err)
	_, err = r.d.Fulfil(t.Context(), r.sw, Wish{Owner: "bob", Things: things})
	check("fulfil", err)
	_, err = r.d.Plan(t.Context(), r.sw, Wish{Owner: "bob", Things: things})
	check("plan", err)
	_, err = r.d.Plan(t.Context(), r.sw, Wish{Owner: "somebody new", Things: things})
	check("plan of somebody new", err)
}
