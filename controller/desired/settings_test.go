package desired

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
)

// set stores settings of switch 1 as they are after change.
func (r *rig) set(change func(*Settings)) {
	r.t.Helper()
	if _, err := r.d.Set(r.t.Context(), 1, SettingTxn{Author: "eve", Note: "set"}, func() error { return nil }, change); err != nil {
		r.t.Fatal(err)
	}
}

// settle has switch 1 take how it is to be set up.
func (r *rig) settle() {
	r.t.Helper()
	if err := r.d.Settle(r.t.Context(), 1, func(Settings) error { return nil }); err != nil {
		r.t.Fatal(err)
	}
}

func port(no ofp.PortNo, name string) *ofp.Port { return &ofp.Port{No: no, Name: name} }

// TestForget: what is forgotten is not in the store either, and nothing else goes.
func TestForget(t *testing.T) {
	r := diskRig(t)
	if _, _, err := r.d.Forget(t.Context(), 1, "", "", "", ""); !errors.Is(err, ErrNoSetting) {
		t.Errorf("nothing was ever set: %v", err)
	}
	r.set(func(s *Settings) {
		s.Port(port(1, "eth1"), ofp.PortDown, ofp.PortDown)
		s.Port(port(2, ""), ofp.PortNoFwd, ofp.PortNoFwd)
		s.Table(ofp.TableAll, 2)
		s.Table(3, 1)
		s.Fragments = new(ofp.FragDrop)
	})
	for _, tt := range []struct {
		kind, name          string
		n                   int
		ports, tables, frag int
	}{
		{PortSettings, "eth2", 0, 2, 2, 1},
		{TableSettings, "eth1", 0, 2, 2, 1},
		{PortSettings, "#2", 1, 1, 2, 1},
		{TableSettings, "all", 1, 1, 1, 1},
		{FragmentSettings, "", 1, 1, 1, 0},
		{TableSettings, "", 1, 1, 0, 0},
		{"", "", 1, 0, 0, 0},
		{"", "", 0, 0, 0, 0},
	} {
		n, rev, err := r.d.Forget(t.Context(), 1, "eve", "forget", tt.kind, tt.name)
		if n != tt.n || (n == 0) != errors.Is(err, ErrNoSetting) || n > 0 && (err != nil || rev != r.d.Revision()) {
			t.Errorf("%+v: %d, %d, %v", tt, n, rev, err)
		}
		r.restart()
		s := r.d.Settings(1)
		frag := 0
		if s.Fragments != nil {
			frag = 1
		}
		if len(s.Ports) != tt.ports || len(s.Tables) != tt.tables || frag != tt.frag {
			t.Errorf("%+v: left are %+v", tt, s)
		}
	}
}

// TestRecallSettings: a backup brings back how switches were set, those of which
// nothing else is desired too, and what it does not say of that goes.
func TestRecallSettings(t *testing.T) {
	r := diskRig(t)
	fill(t, r)
	none := r.backup()
	r.set(func(s *Settings) { s.Port(port(1, "eth1"), ofp.PortDown, ofp.PortDown) })
	was, backup, at := r.d.Settings(1), r.backup(), r.d.Revision()
	r.set(func(s *Settings) { s.Port(port(1, "eth1"), 0, ofp.PortDown); s.Fragments = new(ofp.FragDrop) })
	rev := r.d.Revision()
	want := Recalled{Backup: at, Revision: rev, Switches: []RecalledSwitch{{DPID: 1, Same: 5, Settings: true}}}
	if d := cmp.Diff(want, r.recall(backup, Recall{PlanOnly: true})); d != "" {
		t.Errorf("plan: -want +got\n%s", d)
	}
	want.Revision++
	if d := cmp.Diff(want, r.recall(backup, Recall{})); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if s := r.d.Settings(1); s.Lifted == nil || s.Lifted.Fragments == nil {
		t.Errorf("what the backup does not have is to go: %+v", s)
	}
	r.settle()
	for range 2 {
		if d := cmp.Diff(was, r.d.Settings(1)); d != "" {
			t.Errorf("-want +got\n%s", d)
		}
		if again := r.recall(backup, Recall{}); len(again.Switches) > 0 {
			t.Errorf("a second time: %+v", again)
		}
		r.restart()
	}
	r.recall(none, Recall{})
	r.restart()
	r.settle()
	if s := r.d.Settings(1); !s.empty() {
		t.Errorf("a backup without settings: %+v", s)
	}
	// One that is damaged changes nothing.
	r.set(func(s *Settings) { s.Fragments = new(ofp.ConfigFlags(0x77)) })
	bad, rev := r.backup(), r.d.Revision()
	if _, err := r.d.Recall(t.Context(), bytes.NewReader(bad), Recall{}); !errors.Is(err, store.ErrDamaged) || r.d.Revision() != rev {
		t.Errorf("damaged settings: %v", err)
	}
}
