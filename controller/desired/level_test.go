package desired

import (
	"errors"
	"strings"
	"testing"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
)

func (r *rig) at(level Level, lines ...string) error {
	_, err := r.d.Apply(r.t.Context(), r.sw, Txn{Level: level, Messages: parse(r.t, lines...)})
	return err
}

// TestStoredIsCarriedOutLater: nothing is sent until the switch is compared, or
// until something comes that may need it.
func TestStoredIsCarriedOutLater(t *testing.T) {
	r := newRig(t, ofp.V13)
	if err := r.at(Stored, "add-flow priority=1,ip,actions=output:1", "add-group group_id=1,type=all,bucket=output:1"); err != nil {
		t.Fatal(err)
	}
	r.has()
	r.stands(2, 0, 0)
	r.apply("add-flow priority=2,ip,actions=group:1")
	r.has("priority=2,ip actions=group:1", "priority=1,ip actions=output:1", "group_id=1,type=all,bucket=actions=output:1")
	r.stands(0, 3, 0)

	if err := r.at(Stored, "del-flow priority=2,ip"); err != nil {
		t.Fatal(err)
	}
	r.restart()
	r.reconcile()
	r.has("priority=1,ip actions=output:1", "group_id=1,type=all,bucket=actions=output:1")

	err := r.at(Stored, "add-flow priority=7,ip,actions=output:1", "add-flow priority=8,idle_timeout=3,ip,actions=output:1")
	var we *channel.WriteError
	if !errors.As(err, &we) || we.Errors[0].Index != 1 || !errors.Is(err, ErrTransient) {
		t.Errorf("a flow with a timeout: %v", err)
	}
	r.stands(0, 2, 0)
}

// TestSentIsSettledLater: what the switch confirms is installed, what it refuses is
// degraded and not undone, and what was changed meanwhile is left as it is.
func TestSentIsSettledLater(t *testing.T) {
	r := newRig(t, ofp.V13)
	r.apply("add-flow priority=9,ip,actions=output:1")
	if err := r.at(Sent, "add-flow priority=1,ip,actions=output:1", "add-flow priority=2,ip,actions=group:77", "del-flow priority=9,ip", "add-flow priority=3,ip,actions=output:1"); err != nil {
		t.Fatal(err)
	}
	r.stands(3, 0, 0)
	if err := r.at(Stored, "add-flow priority=3,ip,actions=output:2"); err != nil {
		t.Fatal(err)
	}
	r.sw.answer()
	r.stands(1, 1, 1)
	if s := r.d.Summary(1); s.Tombstones != 0 {
		t.Errorf("%d tombstones are left", s.Tombstones)
	}
	items, err := r.d.Items(1)
	if err != nil || !strings.Contains(items[1].Why, "BAD_OUT_GROUP") {
		t.Errorf("%+v, %v", items, err)
	}
	r.reconcile()
	r.has("priority=3,ip actions=output:2", "priority=1,ip actions=output:1")
	r.stands(0, 2, 1)
}

// TestVerifiedTellsWhatIsThere: a switch that confirms what it does not do is found
// out, and the error says what it has instead.
func TestVerifiedTellsWhatIsThere(t *testing.T) {
	r := newRig(t, ofp.V13)
	if err := r.at(Verified, "add-flow priority=1,ip,actions=output:1"); err != nil {
		t.Fatal(err)
	}
	r.sw.refuse = func(_ int, m ofp.Message) ofp.ErrorReason {
		f, ok := m.(*ofp.FlowMod)
		if ok && f.Priority == 1 {
			f.Instructions = []ofp.Instruction{{Type: ofp.InstructionApplyActions, Actions: []ofp.Action{{Type: ofp.ActionOutput, Arg: 9}}}}
		}
		return ofp.ReasonUnknown
	}
	err := r.at(Verified, "add-flow priority=2,ip,actions=output:2", "mod-flow priority=1,ip,actions=output:2")
	var we *channel.WriteError
	var differ *DifferError
	if !errors.As(err, &we) || len(we.Errors) != 1 || we.Errors[0].Index != 1 || !errors.As(err, &differ) || !strings.Contains(differ.Has, "priority=1,ip actions=output:9") {
		t.Fatalf("%v", err)
	}
	if doubt := (*InDoubtError)(nil); !errors.As(err, &doubt) || doubt.Revision != r.st.Revision() {
		t.Errorf("%v", err)
	}
	r.sw.refuse, r.sw.unread = nil, errUnread
	if err := r.at(Verified, "add-flow priority=3,ip,actions=output:2"); !errors.Is(err, errUnread) {
		t.Errorf("%v", err)
	}
	r.sw.unread = nil
	r.reconcile()
	r.has("priority=3,ip actions=output:2", "priority=2,ip actions=output:2", "priority=1,ip actions=output:2")
	r.stands(0, 3, 0)
}

// TestExpectedRevision: what is written on the ground of something else is refused.
func TestExpectedOfAWrite(t *testing.T) {
	r := newRig(t, ofp.V13)
	r.apply("add-flow priority=1,ip,actions=output:1")
	known := r.st.Revision()
	r.apply("add-flow priority=2,ip,actions=output:1")
	_, err := r.d.Apply(t.Context(), r.sw, Txn{Expected: &known, Messages: parse(t, "del-flows ip")})
	var changed *ChangedError
	if !errors.As(err, &changed) || changed.Expected != known || changed.Revision != r.st.Revision() {
		t.Errorf("%v", err)
	}
	r.stands(0, 2, 0)
	known = r.st.Revision()
	if _, err := r.d.Apply(t.Context(), r.sw, Txn{Expected: &known, Messages: parse(t, "del-flows ip")}); err != nil {
		t.Error(err)
	}
	r.has()
}
