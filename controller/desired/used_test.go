package desired

import (
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestUndoneGroupGoes: a group that a refused transaction has brought goes, though one
// that is wanted has named it before it was there.
func TestUndoneGroupGoes(t *testing.T) {
	r := newRig(t, ofp.V11)
	r.apply("add-group group_id=3,type=all,bucket=output:1", "add-group group_id=2,type=indirect,bucket=group:3", "del-groups group_id=3")
	r.has("group_id=2,type=indirect,bucket=actions=group:3")
	if err := r.try("", "add-group group_id=3,type=all,bucket=output:1", "add-flow priority=1,actions=group:9"); err == nil {
		t.Fatal("the switch has taken a flow of a group that is not there")
	}
	r.has("group_id=2,type=indirect,bucket=actions=group:3")
	if s := r.d.Summary(1); s.Tombstones != 0 {
		t.Errorf("%+v", s)
	}
}

// TestWhatIsUsedIsStillToGo: a group that somebody's flow uses by now stays, is known to
// be Sluice's, and goes after the flow.
func TestWhatIsUsedIsStillToGo(t *testing.T) {
	r := newRig(t, ofp.V13)
	r.apply("add-group group_id=3,type=all,bucket=output:1")
	r.sw.away = 1
	if err := r.try("", "add-flow priority=9,arp,actions=drop", "del-groups group_id=3"); err == nil {
		t.Fatal("the switch was away")
	}
	r.sw.away = 0
	r.apply("add-flow priority=1,actions=group:3")
	for range 2 {
		r.reconcile()
		r.has("priority=9,arp actions=drop", "priority=1 actions=group:3", "group_id=3,type=all,bucket=actions=output:1")
		if s := r.d.Summary(1); s.Tombstones != 1 {
			t.Errorf("%+v, want one to go", s)
		}
		r.restart()
	}
	r.apply("del-flows")
	r.reconcile()
	r.has()
	if s := r.d.Summary(1); s.Tombstones != 0 {
		t.Errorf("%+v, want none to go", s)
	}
}
