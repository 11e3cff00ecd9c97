package desired

import (
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestDeleteInOneTableOf10: with Open vSwitch's extensions a delete names its table
// in 1.0, too, and what is the same in another table stays; without them it is
// about all tables.
func TestDeleteInOneTableOf10(t *testing.T) {
	for _, row := range []struct {
		extended bool
		left     int
	}{{true, 1}, {false, 0}} {
		b := newBook(1)
		d := decider{book: b, version: ofp.V10, extended: row.extended}
		for i, m := range parse(t, "add-flow table=0,priority=5,ip,actions=drop", "add-flow table=1,priority=5,ip,actions=drop", "del-flow table=0,priority=5,ip") {
			if err := d.message(i, m); err != nil {
				t.Fatal(err)
			}
		}
		left := 0
		for _, v := range d.overlay {
			if v != nil {
				left++
			}
		}
		if left != row.left {
			t.Errorf("extended %v: %d are left, want %d", row.extended, left, row.left)
		}
	}
}

// TestWhatAVersionCannotSayGoes: what was put on a switch in 1.3 goes, too, when it
// is deleted while the switch speaks 1.0: at once where the match says which it is,
// else when the switch speaks 1.3 again, and until then it is yet to go.
func TestWhatAVersionCannotSayGoes(t *testing.T) {
	r := newRig(t, ofp.V13)
	r.apply("add-group group_id=1,type=all,bucket=output:1", "add-flow priority=1,ip,actions=group:1", "add-flow priority=2,udp,actions=goto_table:1", "add-flow priority=3,arp,actions=drop")
	r.sw.v, r.sw.dp.Version = ofp.V10, ofp.V10
	r.reconcile()
	r.stands(0, 1, 3)
	if _, err := r.d.Fulfil(t.Context(), r.sw, Wish{Prune: true}); err != nil {
		t.Fatal(err)
	}
	r.has("group_id=1,type=all,bucket=actions=output:1")
	r.reconcile()
	r.restart()
	if s := r.d.Summary(1); s.Tombstones != 1 {
		t.Errorf("%+v, want one to go", s)
	}
	r.sw.v, r.sw.dp.Version = ofp.V13, ofp.V13
	r.reconcile()
	r.has()
	if s := r.d.Summary(1); s.Tombstones != 0 {
		t.Errorf("%+v, want none to go", s)
	}
}

// TestSecondDeleteIsUndone: the second of two deletes does nothing to what is
// desired, and all to the switch, if the first is refused.
func TestSecondDeleteIsUndone(t *testing.T) {
	r := newRig(t, ofp.V13)
	r.apply("add-group group_id=2,type=all,bucket=output:1")
	r.sw.refuse = func(i int, m ofp.Message) ofp.ErrorReason {
		if g, ok := m.(*ofp.GroupMod); ok && g.Command == ofp.GroupDelete && i == 0 {
			return ofp.GroupModFailedEPERM
		}
		return ofp.ReasonUnknown
	}
	if err := r.try("", "del-groups group_id=2", "del-groups group_id=2"); err == nil {
		t.Fatal("it was refused")
	}
	r.has("group_id=2,type=all,bucket=actions=output:1")
	r.stands(0, 1, 0)
}
