package desired

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
)

// TestForgetSwitch: nothing is left of a switch, in memory and in the store, and if it
// comes back all the same, nothing is done to what it has.
func TestForgetSwitch(t *testing.T) {
	r := diskRig(t)
	r.d.Govern(Foreign{Rule: ForeignRemove}, nil)
	ctx := t.Context()
	forget := func() (Forgotten, error) { return r.d.ForgetSwitch(ctx, 1, "ann", "it is scrap") }
	if _, err := forget(); !errors.Is(err, ErrUnknown) {
		t.Fatal(err)
	}
	if len(r.d.books) != 0 {
		t.Error("to ask for it has made a book")
	}
	records := func() (n int) {
		_, err := r.st.Scan(ctx, nil, func(x store.Record) error {
			if x.Key[0] != kindOwner && x.Key[0] != kindForgotten {
				n++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}

	is := Known{DPID: 1, Name: "br0", Version: ofp.V13}
	r.d.Remember(is)
	fill(t, r)
	before := r.wanted()
	if _, err := r.d.Set(ctx, 1, SettingTxn{Author: "ann", Note: ""}, func() error { return nil }, func(x *Settings) { x.Table(1, 2) }); err != nil {
		t.Fatal(err)
	}
	was := r.d.Revision()
	// Two flows are deleted while it is away.
	gone := func(line string) {
		t.Helper()
		if _, err := r.d.Apply(ctx, r.sw, Txn{Level: Stored, Messages: parse(t, line)}); err != nil {
			t.Fatal(err)
		}
	}
	gone("del-flows arp")
	if s := r.d.Summary(1); s.Tombstones != 1 {
		t.Fatalf("%+v", s)
	}
	r.restart()
	r.d.Govern(Foreign{Rule: ForeignRemove}, nil)
	r.d.Remember(is)

	g := r.d.Guard(1)
	if _, err := forget(); !errors.Is(err, ErrConnected) {
		t.Errorf("connected: %v", err)
	}
	g.Close()
	old := r.d.Revision()
	x, err := forget()
	if d := cmp.Diff(Forgotten{Items: 4, Tombstones: 1, Settings: 1, Revision: old + 1}, x); err != nil || d != "" {
		t.Fatal(err, d)
	}
	if n := records(); n != 0 {
		t.Errorf("%d records are left", n)
	}
	for _, when := range []string{"now", "after a restart"} {
		if s := r.d.Summary(1); s != (Summary{DPID: 1}) || len(r.d.Switches()) > 0 || len(r.d.books) > 0 {
			t.Errorf("%s: %+v, %d books", when, s, len(r.d.books))
		}
		if k := r.d.Known(1); k.Version != 0 {
			t.Errorf("%s: %+v", when, k)
		}
		if x := r.d.Settings(1); !x.empty() {
			t.Errorf("%s: %+v", when, x)
		}
		// What was decided before is not carried out.
		_, err = r.d.Apply(ctx, r.sw, Txn{Expected: &old, Messages: parse(t, "add-flow priority=9,ip,actions=drop")})
		if changed := (*ChangedError)(nil); !errors.As(err, &changed) {
			t.Errorf("%s: with revision %d: %v", when, old, err)
		}
		r.restart()
		r.d.Govern(Foreign{Rule: ForeignRemove}, nil)
	}
	if _, err := forget(); !errors.Is(err, ErrUnknown) {
		t.Errorf("twice: %v", err)
	}

	// It comes back: what it has is foreign, and stays.
	has := r.sw.all()
	r.sw.sent = nil
	if r.reconcile(); len(r.sw.sent) > 0 {
		t.Errorf("sent %v", r.sw.sent)
	}
	r.has(has...)
	if all, err := r.d.ForeignItems(ctx, r.sw); err != nil || len(all) != 5 {
		t.Errorf("%d foreign, %v", len(all), err)
	}

	// The history is there.
	f, err := r.d.AsOf(ctx, was)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.d.Fulfil(ctx, r.sw, Wish{Former: f, Level: Stored}); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before, r.wanted()); d != "" {
		t.Error(d)
	}
	if x := r.reconcile(); x.Same != 5 || x.Changed != 0 || x.Foreign != 0 {
		t.Errorf("%+v", x)
	}
	now := r.d.Revision()
	if _, err := r.d.Apply(ctx, r.sw, Txn{Expected: &now, Messages: parse(t, "add-flow priority=9,ip,actions=drop")}); err != nil {
		t.Error(err)
	}
	// And so is a second time.
	if x, err := forget(); err != nil || x.Items == 0 {
		t.Errorf("%+v, %v", x, err)
	}
	r.restart()
	if _, err = r.d.Apply(ctx, r.sw, Txn{Expected: &now, Messages: parse(t, "add-flow priority=9,ip,actions=drop")}); !errors.Is(err, store.ErrConflict) {
		t.Errorf("after the second time: %v", err)
	}
	if _, err := r.d.Recall(ctx, bytes.NewReader(r.backup()), Recall{PlanOnly: true}); err != nil {
		t.Errorf("a backup: %v", err)
	}
}

// TestForgetOnlyRemembered: a switch of which nothing was ever wanted.
func TestForgetOnlyRemembered(t *testing.T) {
	r := newRig(t, ofp.V13)
	r.d.Remember(Known{DPID: 1, Name: "br0", Version: ofp.V13})
	if _, err := r.d.ForgetSwitch(t.Context(), 1, "", ""); err != nil {
		t.Fatal(err)
	}
	if k := r.d.Known(1); k.Version != 0 || len(r.d.known) > 0 {
		t.Errorf("%+v", k)
	}
}

// TestForgetBesideWriters: whoever waits for the turn of a switch that is being
// forgotten finds it forgotten: what is in memory is what is in the store.
func TestForgetBesideWriters(t *testing.T) {
	r := newRig(t, ofp.V13)
	ctx := t.Context()
	for i := range 40 {
		var wg sync.WaitGroup
		for n := range 3 {
			wg.Go(func() {
				for range 3 {
					line := fmt.Sprintf("add-flow priority=%d,ip,actions=output:%d", n, i+1)
					if _, err := r.d.Apply(ctx, r.sw, Txn{Level: Stored, Messages: parse(t, line)}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Go(func() {
			for range 3 {
				if _, err := r.d.ForgetSwitch(ctx, 1, "ann", ""); err != nil && !errors.Is(err, ErrUnknown) {
					t.Error(err)
				}
			}
		})
		wg.Wait()
		was := r.wanted()
		r.restart()
		if d := cmp.Diff(was, r.wanted()); d != "" {
			t.Fatal(d)
		}
		r.apply(fmt.Sprintf("add-flow priority=9,ip,actions=output:%d", i+1))
	}
}
