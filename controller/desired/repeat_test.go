package desired

import (
	"context"
	"errors"
	"testing"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
)

// TestRefusedRequestIsNoSuccess: what was refused and undone is tried anew when it is
// sent again under its id, and not taken for done.
func TestRefusedRequestIsNoSuccess(t *testing.T) {
	for _, level := range []Level{Confirmed, Verified} {
		r := newRig(t, ofp.V13)
		again := Txn{Author: "ann", Request: "r1", Level: level, Messages: parse(t, "add-flow priority=1,ip,actions=group:9")}
		for range 2 {
			var undone *UndoneError
			if _, err := r.d.Apply(t.Context(), r.sw, again); !errors.As(err, &undone) {
				t.Fatalf("%v: %v, want the switch's refusal", level, err)
			}
			r.stands(0, 0, 0)
		}
		r.apply("add-group group_id=9,type=all,bucket=output:1")
		first, err := r.d.Apply(t.Context(), r.sw, again)
		if err != nil {
			t.Fatal(err)
		}
		if now, err := r.d.Apply(t.Context(), r.sw, again); err != nil || now != first {
			t.Errorf("%v: then revision %d, %v; want %d", level, now, err, first)
		}
		r.has("priority=1,ip actions=group:9", "group_id=9,type=all,bucket=actions=output:1")
	}
}

// TestRequestWithARevision: that the first time has changed what was expected is no
// conflict of the second.
func TestRequestWithARevision(t *testing.T) {
	r := newRig(t, ofp.V13)
	r.apply("add-flow priority=1,ip,actions=output:1")
	known := r.st.Revision()
	write := Txn{Author: "ann", Request: "r1", Expected: &known, Messages: parse(t, "add-flow priority=2,ip,actions=output:1")}
	first, err := r.d.Apply(t.Context(), r.sw, write)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := r.d.Apply(t.Context(), r.sw, write); err != nil || again != first {
		t.Errorf("a write again: revision %d, %v; want %d", again, err, first)
	}
	write.Request = "r2"
	if _, err := r.d.Apply(t.Context(), r.sw, write); !errors.Is(err, store.ErrConflict) {
		t.Errorf("another write: %v, want a conflict", err)
	}
	known = r.st.Revision()
	wish := Wish{Author: "ann", Request: "w1", Expected: &known, Things: parse(t, "add-flow priority=3,ip,actions=output:1")}
	done, err := r.d.Fulfil(t.Context(), r.sw, wish)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := r.d.Plan(t.Context(), r.sw, wish); err != nil || again.Steps != nil {
		t.Errorf("a plan of what was done: %+v, %v", again, err)
	}
	if again, err := r.d.Fulfil(t.Context(), r.sw, wish); err != nil || again.Revision != done.Revision || again.Steps != nil {
		t.Errorf("a wish again: %+v, %v; want revision %d", again, err, done.Revision)
	}
}

// TestWishBroughtBackIsForgotten: a wish that was undone because another switch failed
// is carried out when it is sent again.
func TestWishBroughtBackIsForgotten(t *testing.T) {
	r := newRig(t, ofp.V13)
	wish := Wish{Author: "ann", Request: "w1", Things: parse(t, "add-flow priority=3,ip,actions=output:1")}
	for range 2 {
		done, err := r.d.Fulfil(t.Context(), r.sw, wish)
		if err != nil || len(done.Steps) != 1 {
			t.Fatalf("%+v, %v; want a step", done, err)
		}
		if _, err := r.d.Fulfil(t.Context(), r.sw, done.Back("another switch failed")); err != nil {
			t.Fatal(err)
		}
		r.has()
	}
}

// TestRepeatedRequestIsConfirmed: a request whose first time was cut off is done when
// the switch has it, and not before.
func TestRepeatedRequestIsConfirmed(t *testing.T) {
	r := newRig(t, ofp.V13)
	cut := Txn{Author: "ann", Request: "r1", Messages: parse(t, "add-flow priority=1,ip,actions=output:1", "add-flow priority=2,ip,actions=group:9")}
	r.sw.away = 1
	var doubt *InDoubtError
	first, err := r.d.Apply(t.Context(), r.sw, cut)
	if !errors.As(err, &doubt) {
		t.Fatalf("%v, want doubt", err)
	}
	if _, err := r.d.Apply(t.Context(), r.sw, cut); !errors.As(err, &doubt) {
		t.Errorf("again, and the switch is away still: %v", err)
	}
	r.sw.away = 0
	again, err := r.d.Apply(t.Context(), r.sw, cut)
	var we *channel.WriteError
	if again != first || !errors.As(err, &doubt) || !errors.As(err, &we) || len(we.Errors) != 1 || we.Errors[0].Index != 1 {
		t.Errorf("it refuses one: revision %d, %v", again, err)
	}
	r.apply("add-group group_id=9,type=all,bucket=output:1")
	r.reconcile()
	if again, err := r.d.Apply(t.Context(), r.sw, cut); err != nil || again != first {
		t.Errorf("it has all: revision %d, %v", again, err)
	}
	r.has("priority=2,ip actions=group:9", "priority=1,ip actions=output:1", "group_id=9,type=all,bucket=actions=output:1")
}

// TestRepeatedDeleteLeavesOthers: what came after the first time is not deleted by
// the second, though nothing that is kept is there to delete.
func TestRepeatedDeleteLeavesOthers(t *testing.T) {
	r := newRig(t, ofp.V13)
	r.apply("add-flow priority=1,ip,actions=output:1")
	del := Txn{Author: "ann", Request: "r1", Messages: parse(t, "del-flows ip")}
	if _, err := r.d.Apply(t.Context(), r.sw, del); err != nil {
		t.Fatal(err)
	}
	r.apply("add-flow priority=2,ip,idle_timeout=9,actions=output:1")
	if _, err := r.d.Apply(t.Context(), r.sw, del); err != nil {
		t.Fatal(err)
	}
	if got := r.sw.all(); len(got) != 1 {
		t.Errorf("the switch has %q, want the flow that came later", got)
	}
}

// failing is a store that takes nothing.
type failing struct{ store.Store }

func (failing) Commit(context.Context, store.Txn) (store.Done, error) {
	return store.Done{}, errors.New("no space left on device")
}

// TestForeignStayAfterAFailedWrite: a switch for which nothing was ever stored, because
// the store did not take it, loses nothing.
func TestForeignStayAfterAFailedWrite(t *testing.T) {
	r := newRig(t, ofp.V13)
	r.st = failing{r.st}
	r.restart()
	r.d.Govern(Foreign{Rule: ForeignRemove}, nil)
	if err := r.sw.Write(t.Context(), parse(t, "add-flow priority=5,udp,actions=drop")); err != nil {
		t.Fatal(err)
	}
	if err := r.try("", "add-flow priority=1,ip,actions=output:1"); err == nil {
		t.Fatal("the store has taken it")
	}
	r.reconcile()
	r.has("priority=5,udp actions=drop")
}

// TestAppsFlowsComeBackAfterAll: who deletes all flows and does not wait for the
// answer does not take the apps' along.
func TestAppsFlowsComeBackAfterAll(t *testing.T) {
	r := newRig(t, ofp.V13)
	app := parse(t, "add-flow priority=0,actions=controller")
	if err := r.d.Guard(1).Permit(app[0].(*ofp.FlowMod)); err != nil {
		t.Fatal(err)
	}
	if err := r.sw.Write(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	asked := 0
	r.sw.entered = func() {
		if asked++; asked == 1 {
			cancel()
		}
	}
	sw := &impatient{r.sw}
	_, _ = r.d.Apply(ctx, sw, Txn{Messages: parse(t, "del-flows")})
	if got := r.sw.all(); len(got) != 1 {
		t.Errorf("the switch has %q, want the app's flow", got)
	}
}

// impatient sends nothing for who has given up.
type impatient struct{ *fake }

func (f *impatient) Write(ctx context.Context, msgs []ofp.Message) error {
	if err := ctx.Err(); err != nil {
		return &channel.WriteError{Err: err}
	}
	return f.fake.Write(ctx, msgs)
}

// TestRepeatedWishIsConfirmed: a wish whose first time was cut off is nothing to
// plan, and is done when the switch has it.
func TestRepeatedWishIsConfirmed(t *testing.T) {
	r := newRig(t, ofp.V13)
	w := r.wish("add-flow priority=1,ip,actions=output:1", "add-flow priority=2,ip,actions=output:2", "add-flow priority=3,ip,actions=output:3")
	w.Author, w.Request = "ann", "r1"
	r.sw.away = 1
	var doubt *InDoubtError
	if _, err := r.d.Fulfil(t.Context(), r.sw, w); !errors.As(err, &doubt) {
		t.Fatalf("%v, want doubt", err)
	}
	if _, err := r.d.Fulfil(t.Context(), r.sw, w); !errors.As(err, &doubt) {
		t.Errorf("again, and the switch is away still: %v", err)
	}
	r.sw.away = 0
	if x, err := r.d.Fulfil(t.Context(), r.sw, w); err != nil || len(x.Steps) != 0 {
		t.Errorf("%+v, %v", x, err)
	}
	r.has("priority=3,ip actions=output:3", "priority=2,ip actions=output:2", "priority=1,ip actions=output:1")
	r.apply("del-flows ip")
	if x, err := r.d.Plan(t.Context(), r.sw, w); err != nil || len(x.Steps) != 0 {
		t.Errorf("plan: %+v, %v", x, err)
	}
	w.Things = nil
	if _, err := r.d.Plan(t.Context(), r.sw, w); !errors.Is(err, store.ErrReused) {
		t.Errorf("plan of another wish: %v", err)
	}
}
