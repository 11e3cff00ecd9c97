package desired

import (
	"errors"
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
)

// degraded has a flow that the switch refuses be wanted.
func degraded(t *testing.T) *rig {
	r := newRig(t, ofp.V13)
	r.sw.refuse = func(_ int, m ofp.Message) ofp.ErrorReason { // ports that it does not have
		if f, ok := m.(*ofp.FlowMod); ok && f.Command == ofp.FlowAdd && f.Instructions[0].Actions[0].Arg >= 8 {
			return ofp.BadActionBadOutPort
		}
		return ofp.ReasonUnknown
	}
	if _, err := r.d.Apply(t.Context(), r.sw, Txn{Level: Stored, Messages: parse(t, "add-flow priority=1,ip,actions=output:9")}); err != nil {
		t.Fatal(err)
	}
	r.reconcile()
	r.stands(0, 0, 1)
	return r
}

// TestModifyOfWhatIsNotThere: a switch confirms that it has modified a flow which it
// does not have. That is neither success nor installed.
func TestModifyOfWhatIsNotThere(t *testing.T) {
	for _, line := range []string{"mod-flow priority=1,ip,actions=output:8", "mod-flows ip,actions=output:8"} {
		r := degraded(t)
		var doubt *InDoubtError
		if err := r.try("", line); !errors.As(err, &doubt) {
			t.Errorf("%s: %v, want doubt", line, err)
		}
		r.stands(0, 0, 1)
		r.has()
		if err := r.try("", "mod-flows ip,actions=output:3"); err != nil {
			t.Error(err)
		}
		r.stands(0, 1, 0)
		r.has("priority=1,ip actions=output:3")
	}
}

// TestSentModifyOfWhatIsNotThere: nor is it with level sent.
func TestSentModifyOfWhatIsNotThere(t *testing.T) {
	r := degraded(t)
	if _, err := r.d.Apply(t.Context(), r.sw, Txn{Level: Sent, Messages: parse(t, "mod-flows ip,actions=output:8")}); err != nil {
		t.Fatal(err)
	}
	for _, f := range r.sw.answers {
		f()
	}
	r.stands(0, 0, 1)
}

// TestUndoneStandsAsBefore: what is degraded stays so when something else in its
// place is refused, too.
func TestUndoneStandsAsBefore(t *testing.T) {
	r := degraded(t)
	before, _ := r.d.Items(1)
	var undone *UndoneError
	if err := r.try("", "add-flow priority=1,ip,actions=output:8"); !errors.As(err, &undone) {
		t.Fatalf("%v, want a refusal", err)
	}
	r.stands(0, 0, 1)
	if now, _ := r.d.Items(1); now[0].Since != before[0].Since || now[0].Why != before[0].Why {
		t.Errorf("it stands as %+v, want %+v", now[0], before[0])
	}
}
