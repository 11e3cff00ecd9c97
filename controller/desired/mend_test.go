package desired

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
)

// TestRefusedWriteLeavesNoOwner: who is refused before anything is stored or sent
// has no number from then on, and no revision is spent.
func TestRefusedWriteLeavesNoOwner(t *testing.T) {
	r := newRig(t, ofp.V10)
	if err := r.try("ann", "add-flow priority=1,ip,actions=output:1"); err != nil {
		t.Fatal(err)
	}
	if err := r.app("add-flow priority=2,arp,actions=drop"); err != nil {
		t.Fatal(err)
	}
	r.d.Limit(Quotas{Of: map[string]int{"few": 1}})
	rev := r.st.Revision()
	taken := parse(t, "add-flow priority=1,ip,actions=output:2")
	claimed := parse(t, "add-flow priority=2,arp,actions=output:2")
	two := parse(t, "add-flow priority=3,ip,actions=drop", "add-flow priority=4,ip,actions=drop")
	unsayable := parse(t, "add-flow priority=3,ip,actions=goto_table:1")
	old := new(rev - 1)
	for what, try := range map[string]func() error{
		"apply: another's": func() error { _, err := r.d.Apply(t.Context(), r.sw, Txn{Owner: "bob", Messages: taken}); return err },
		"apply: an app's":  func() error { _, err := r.d.Apply(t.Context(), r.sw, Txn{Owner: "bob", Messages: claimed}); return err },
		"apply: changed": func() error {
			_, err := r.d.Apply(t.Context(), r.sw, Txn{Owner: "bob", Messages: two, Expected: old})
			return err
		},
		"apply: too many": func() error { _, err := r.d.Apply(t.Context(), r.sw, Txn{Owner: "few", Messages: two}); return err },
		"apply: no bundles": func() error {
			_, err := r.d.Apply(t.Context(), r.sw, Txn{Owner: "bob", Messages: two, Bundle: true})
			return err
		},
		"fulfil: another's": func() error { _, err := r.d.Fulfil(t.Context(), r.sw, Wish{Owner: "bob", Things: taken}); return err },
		"fulfil: an app's":  func() error { _, err := r.d.Fulfil(t.Context(), r.sw, Wish{Owner: "bob", Things: claimed}); return err },
		"fulfil: changed": func() error {
			_, err := r.d.Fulfil(t.Context(), r.sw, Wish{Owner: "bob", Things: two, Expected: old})
			return err
		},
		"fulfil: too many": func() error { _, err := r.d.Fulfil(t.Context(), r.sw, Wish{Owner: "few", Things: two}); return err },
		"fulfil: unsayable": func() error {
			_, err := r.d.Fulfil(t.Context(), r.sw, Wish{Owner: "bob", Things: unsayable})
			return err
		},
		"apply: unsayable": func() error {
			_, err := r.d.Apply(t.Context(), r.sw, Txn{Owner: "bob", Messages: unsayable})
			return err
		},
	} {
		if err := try(); err == nil {
			t.Errorf("%s: it is not refused", what)
		}
		if all := r.d.Owners(nil); len(all) != 2 || r.st.Revision() != rev {
			t.Fatalf("%s: owners %+v, revision %d, was %d", what, all, r.st.Revision(), rev)
		}
	}
	if _, err := r.d.Apply(t.Context(), r.sw, Txn{Owner: "bob", Messages: parse(t, "del-flows udp")}); err != nil || len(r.d.Owners(nil)) != 2 {
		t.Errorf("what deletes nothing: %v, owners %+v", err, r.d.Owners(nil))
	}
	if err := r.try("bob", "add-flow priority=9,idle_timeout=9,ip,actions=drop"); err != nil || len(r.d.Owners(nil)) != 3 {
		t.Errorf("a transient flow, which bears the owner's cookie: %v, owners %+v", err, r.d.Owners(nil))
	}
}

// TestOwnersRaceForANumber: a new owner was expected to be given a number that another
// one is given before anything is stored. It goes by the next one, with all that it
// writes.
func TestOwnersRaceForANumber(t *testing.T) {
	for way, try := range map[string]func(r *rig, owner string) error{
		"apply": func(r *rig, owner string) error { return r.try(owner, "add-flow priority=1,ip,actions=output:1") },
		"fulfil": func(r *rig, owner string) error {
			_, err := r.d.Fulfil(t.Context(), r.sw, Wish{Owner: owner, Things: parse(t, "add-flow priority=1,ip,actions=output:1")})
			return err
		},
	} {
		r := newRig(t, ofp.V13)
		id, second := r.d.expectOwner("first"), ""
		for i := 0; second == ""; i++ {
			if name := fmt.Sprint("x", i); r.d.expectOwner(name) == id {
				second = name
			}
		}
		// What is stored and not sent is sent before the write of the second owner.
		if _, err := r.d.Apply(t.Context(), r.sw, Txn{Level: Stored, Messages: parse(t, "add-flow priority=7,ip,actions=drop")}); err != nil {
			t.Fatal(err)
		}
		r.sw.entered = func() {
			if _, err := r.d.owner(t.Context(), "first"); err != nil {
				t.Error(err)
			}
		}
		if err := try(r, second); err != nil {
			t.Fatalf("%s: %v", way, err)
		}
		now, _ := r.d.knownOwner(second)
		at := parse(t, "del-flow priority=1,ip")[0].(*ofp.FlowMod)
		v := r.d.book(1).value(flowPlace(0, 1, &at.Match))
		if first, _ := r.d.knownOwner("first"); first != id || now == id || now == 0 || v.owner() != now {
			t.Errorf("%s: first is %d, expected %d; second %d; the flow belongs to %d", way, first, id, now, v.owner())
		}
		r.has("priority=7,ip actions=drop", fmt.Sprintf("cookie=%#x,priority=1,ip actions=output:1", now.cookie()))
	}
}

// TestAppIsPermittedWhileAnOwnersFlowIsStored: the place is the owner's alone from then
// on, and nobody else is told that it is the app's.
func TestAppIsPermittedWhileAnOwnersFlowIsStored(t *testing.T) {
	r := newRig(t, ofp.V13)
	r.d.Govern(Foreign{}, []string{"l2switch"})
	r.sw.bundles = true
	r.sw.staged = func() { // decided, and not yet in the book
		if err := r.app("add-flow priority=1,ip,actions=drop"); err != nil {
			t.Error(err)
		}
	}
	if _, err := r.d.Apply(t.Context(), r.sw, Txn{Bundle: true, Messages: parse(t, "add-flow priority=1,ip,actions=output:1")}); err != nil {
		t.Fatal(err)
	}
	r.sw.staged = nil
	r.apply("mod-flow priority=1,ip,actions=output:2", "add-flow priority=1,ip,actions=output:3")
	if err := r.app("add-flow priority=1,ip,actions=drop"); !errors.As(err, new(*OwnerError)) {
		t.Errorf("the app again: %v", err)
	}
	r.apply("del-flow priority=1,ip")
	r.has()
}

// TestNothingToldLeavesItDegraded: a wish that changes only whose a thing is, or its
// wording, tells the switch nothing: what it has refused stays degraded.
func TestNothingToldLeavesItDegraded(t *testing.T) {
	r := newRig(t, ofp.V13)
	lines := []string{"add-flow cookie=5,priority=1,ip,actions=output:1", "add-flow cookie=5,priority=2,ip,actions=output:1"}
	r.apply(lines...)
	was := r.st.Revision()
	r.apply("del-flows ")
	if _, err := r.d.Apply(t.Context(), r.sw, Txn{Owner: "ann", Level: Stored, Messages: parse(t, lines...)}); err != nil {
		t.Fatal(err)
	}
	r.sw.refuse = func(_ int, m ofp.Message) ofp.ErrorReason {
		if f, ok := m.(*ofp.FlowMod); ok && f.Priority == 2 {
			return ofp.FlowModFailedTableFull
		}
		return ofp.ReasonUnknown
	}
	r.reconcile()
	r.stands(0, 1, 1)
	f, err := r.d.AsOf(t.Context(), was)
	if err != nil {
		t.Fatal(err)
	}
	r.sw.sent = nil
	if x := r.fulfil(Wish{Former: f}); len(x.Steps) != 2 || len(r.sw.sent) > 0 {
		t.Fatalf("%v, and sent %v: the test tests nothing", x.Steps, r.sw.sent)
	}
	r.stands(0, 1, 1)
	if items, err := r.d.Items(1); err != nil || len(items) != 2 || items[0].Owner+items[1].Owner != "" || items[0].Why+items[1].Why == "" {
		t.Errorf("%+v, %v", items, err)
	}
}

// TestGoingBackLeavesAppsTheirPlaces: neither a rollback nor a backup that is restored
// puts an owner's flow where an app has one now.
func TestGoingBackLeavesAppsTheirPlaces(t *testing.T) {
	r := diskRig(t)
	r.d.Govern(Foreign{}, []string{"l2switch"})
	r.apply("add-flow priority=1,ip,actions=output:1")
	was, backup := r.st.Revision(), r.backup()
	r.apply("del-flow priority=1,ip")
	line := fmt.Sprintf("cookie=%#x,priority=1,ip", AppCookie("l2switch")|1)
	if err := r.app("add-flow " + line + ",actions=drop"); err != nil {
		t.Fatal(err)
	}
	rev := r.st.Revision()
	f, err := r.d.AsOf(t.Context(), was)
	if err != nil {
		t.Fatal(err)
	}
	_, planned := r.d.Plan(t.Context(), r.sw, Wish{Former: f})
	_, back := r.d.Fulfil(t.Context(), r.sw, Wish{Former: f})
	_, restored := r.d.Recall(t.Context(), bytes.NewReader(backup), Recall{})
	for what, err := range map[string]error{"plan": planned, "rollback": back, "restore": restored} {
		if oe := (*OwnerError)(nil); !errors.As(err, &oe) || !oe.App || oe.Owner != "l2switch" || oe.Index != -1 || strings.Contains(err.Error(), "message") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if r.st.Revision() != rev {
		t.Error("something is stored")
	}
	r.has(line + " actions=drop")
}

// TestRollbackIsSentAgain: with the same request id it is not carried out again, also
// where others have changed the switch meanwhile, and where the revision is past that
// it expects.
func TestRollbackIsSentAgain(t *testing.T) {
	r := newRig(t, ofp.V13)
	r.apply("add-flow priority=1,ip,actions=output:1")
	was := r.st.Revision()
	r.apply("add-flow priority=2,ip,actions=output:2")
	expected := r.st.Revision()
	back := func(at store.Revision, expected *store.Revision) error {
		f, err := r.d.AsOf(t.Context(), at)
		if err == nil {
			_, err = r.d.Fulfil(t.Context(), r.sw, Wish{Author: "ann", Request: "r", Former: f, Expected: expected})
		}
		return err
	}
	if err := back(was, &expected); err != nil {
		t.Fatal(err)
	}
	r.apply("add-flow priority=3,ip,actions=output:3")
	rev, has := r.st.Revision(), r.sw.all()
	for what, expected := range map[string]*store.Revision{"as it was": &expected, "without a revision": nil} {
		if err := back(was, expected); err != nil || r.st.Revision() != rev {
			t.Errorf("%s: %v, revision %d, was %d", what, err, r.st.Revision(), rev)
		}
	}
	if err := back(expected, nil); !errors.Is(err, store.ErrReused) {
		t.Errorf("another rollback: %v", err)
	}
	r.has(has...)
}
