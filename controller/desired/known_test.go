package desired

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestSwitchIsRemembered: over a restart, once something was written to it, and as
// it was at its last connection.
func TestSwitchIsRemembered(t *testing.T) {
	r := newRig(t, ofp.V13)
	is := Known{DPID: 1, Name: "br0", Version: ofp.V13, Extensions: true, Tables: 254}
	r.d.Remember(is)
	r.d.Remember(Known{DPID: 2, Name: "br0", Version: ofp.V10})
	if d := cmp.Diff([]ofp.DPID{1, 2}, r.d.KnownAs("br0")); d != "" {
		t.Error(d)
	}
	r.apply("add-flow priority=1,ip,actions=output:1")
	if r.st.Revision() != 1 {
		t.Errorf("revision %d", r.st.Revision())
	}
	r.restart()
	if d := cmp.Diff(is, r.d.Known(1)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(Known{DPID: 2}, r.d.Known(2)); d != "" {
		t.Errorf("nothing was written to it: %s", d)
	}
	is.Name = "br7"
	r.d.Remember(is)
	r.apply("add-flow priority=2,ip,actions=output:1")
	r.restart()
	if d := cmp.Diff(is, r.d.Known(1)); d != "" {
		t.Error(d)
	}
}

// TestBackupRemembersSwitches: what is remembered of switches, and how they were set
// up, is in a backup, and does not keep it from being restored.
func TestBackupRemembersSwitches(t *testing.T) {
	r := diskRig(t)
	r.d.Remember(Known{DPID: 1, Name: "br0", Version: ofp.V13})
	r.apply("add-flow priority=1,ip,actions=output:1")
	if _, err := r.d.Set(t.Context(), 1, SettingTxn{Author: "ann"}, func() error { return nil }, func(x *Settings) { x.Table(1, 2) }); err != nil {
		t.Fatal(err)
	}
	backup := r.backup()
	r.apply("del-flows ip")
	if got := r.recall(backup, Recall{}); len(got.Switches) != 1 || got.Switches[0].Added != 1 {
		t.Fatalf("%+v", got)
	}
	r.stands(1, 0, 0)
	if x := r.d.Settings(1); x.Tables[1] != 2 {
		t.Errorf("%+v", x)
	}
}
