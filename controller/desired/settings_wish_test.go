package desired

import (
	"errors"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
)

const down, noFwd = ofp.PortDown, ofp.PortNoFwd

// ports are settings of ports by name, bits set and bits cleared.
func ports(all map[string][2]ofp.PortConfig) Settings {
	var s Settings
	for name, bits := range all {
		s.Port(&ofp.Port{Name: name}, bits[0], bits[0]|bits[1])
	}
	return s
}

func texts(s Settings) string {
	var all []string
	for _, x := range s.List() {
		all = append(all, strings.TrimSpace(x.Kind+" "+x.Text))
	}
	if s.Lifted != nil {
		all = append(all, "lifted: "+texts(*s.Lifted))
	}
	return strings.Join(all, "; ")
}

// TestSettingsWishedFor: what a wish makes of settings, and what a switch is told.
func TestSettingsWishedFor(t *testing.T) {
	was := ports(map[string][2]ofp.PortConfig{"a": {down}, "b": {noFwd, down}})
	was.Tables, was.Fragments = map[uint8]uint32{3: 2, ofp.TableAll: 1}, new(ofp.FragDrop)
	for _, tt := range []struct {
		name  string
		wish  SettingsWish
		prune bool
		want  string
	}{
		{"nothing", SettingsWish{}, true, "port a down; port b up,no-forward; table 3 drop; table all continue; fragments drop"},
		{"more bits", SettingsWish{Settings: ports(map[string][2]ofp.PortConfig{"a": {noFwd}}), Whole: []string{PortSettings}}, false,
			"port a down,no-forward; port b up,no-forward; table 3 drop; table all continue; fragments drop"},
		{"these ports alone", SettingsWish{Settings: ports(map[string][2]ofp.PortConfig{"a": {noFwd}}), Whole: []string{PortSettings}}, true,
			"port a no-forward; table 3 drop; table all continue; fragments drop; lifted: port a up; port b forward"},
		{"no tables, no fragments", SettingsWish{Whole: []string{TableSettings, FragmentSettings}}, true,
			"port a down; port b up,no-forward; lifted: table 3 controller; table all controller; fragments normal"},
		{"one table goes, and all are said", SettingsWish{Settings: Settings{Tables: map[uint8]uint32{ofp.TableAll: 1}}, Whole: []string{TableSettings}}, true,
			"port a down; port b up,no-forward; table all continue; fragments drop"},
	} {
		after := tt.wish.on(&was, tt.prune)
		if got := texts(moved(&was, &after)); got != tt.want {
			t.Errorf("%s:\n%s, want\n%s", tt.name, got, tt.want)
		}
	}
	// What is lifted stays so until the switch has it, or it is set again.
	bare := moved(&was, &Settings{})
	again := moved(&bare, new(ports(map[string][2]ofp.PortConfig{"a": {down}})))
	if got := texts(again); got != "port a down; lifted: port b forward; table 3 controller; table all controller; fragments normal" {
		t.Error(got)
	}
}

// wishFor has the wish of the default owner carried out.
func (r *rig) wishFor(w Wish, lines ...string) (Outlook, error) {
	w.Things = append(w.Things, parse(r.t, lines...)...)
	w.Author = "eve"
	return r.d.Fulfil(r.t.Context(), r.sw, w)
}

// TestSettingsWithFlows: settings and flows are one change, all or nothing, and are
// rolled back together.
func TestSettingsWithFlows(t *testing.T) {
	r := newRig(t, ofp.V13)
	r.set(func(s *Settings) { s.Port(port(1, "a"), down, down) })
	first := r.d.Revision()
	b := &SettingsWish{Settings: ports(map[string][2]ofp.PortConfig{"b": {noFwd}})}
	out, err := r.wishFor(Wish{Settings: b}, "add-flow priority=1,arp,actions=drop")
	if err != nil || len(out.Steps) != 2 || out.Steps[1].Setting == nil || *out.Steps[1].Setting != (SettingStep{PortSettings, "", "b no-forward"}) {
		t.Fatalf("%+v, %v", out, err)
	}
	if out.Revision != first+1 || len(r.sw.settled) != 1 || texts(r.sw.settled[0]) != "port a down; port b no-forward" {
		t.Fatalf("revision %d after %d: %v", out.Revision, first, r.sw.settled)
	}
	again, err := r.wishFor(Wish{Settings: b}, "add-flow priority=1,arp,actions=drop")
	if err != nil || again.Same != 2 || len(again.Steps) > 0 || r.d.Revision() != out.Revision {
		t.Errorf("a second time: %+v, %v", again, err)
	}

	// Refused settings undo the flows, and refused flows the settings.
	un := &UnsettledError{Items: []channel.ItemError{{Message: &ofp.PortMod{}, Err: &SettingError{PortSettings, "c", errors.New("no")}}}}
	r.sw.unsettled = func(s Settings) error {
		if s.Ports["c"].Mask != 0 {
			return un
		}
		return nil
	}
	c := &SettingsWish{Settings: ports(map[string][2]ofp.PortConfig{"c": {down}, "a": {0, down}})}
	had := r.sw.all()
	if _, err = r.wishFor(Wish{Settings: c}, "add-flow priority=2,udp,actions=drop"); !errors.As(err, new(*UndoneError)) || !strings.Contains(err.Error(), "port c: no") {
		t.Errorf("%v", err)
	}
	last := func() string { return texts(r.sw.settled[len(r.sw.settled)-1]) }
	if d := cmp.Diff(had, r.sw.all()); d != "" || last() != "port a down; port b no-forward; lifted: port c up" || texts(r.d.Settings(1)) != "port a down; port b no-forward" {
		t.Errorf("%s%s; kept are %s", d, last(), texts(r.d.Settings(1)))
	}
	r.sw.unsettled = nil
	r.sw.refuse = func(int, ofp.Message) ofp.ErrorReason { return ofp.FlowModFailedTableFull }
	told := len(r.sw.settled)
	if _, err = r.wishFor(Wish{Settings: c}, "add-flow priority=2,udp,actions=drop"); !errors.As(err, new(*UndoneError)) {
		t.Errorf("%v", err)
	}
	r.sw.refuse = nil
	if texts(r.d.Settings(1)) != "port a down; port b no-forward" || len(r.sw.settled) > told+1 {
		t.Errorf("kept are %s", texts(r.d.Settings(1)))
	}

	// Back to what was set first, also after a restart.
	r.restart()
	former, err := r.d.AsOf(t.Context(), first)
	if err != nil || cmp.Diff([]ofp.DPID{1}, former.Switches()) != "" {
		t.Fatalf("%v, %v", former, err)
	}
	out, err = r.wishFor(Wish{Former: former})
	if err != nil || len(out.Steps) != 2 || last() != "port a down; lifted: port b forward" || texts(r.d.Settings(1)) != "port a down" || len(r.sw.all()) > 0 {
		t.Errorf("%+v, %v: %s", out, err, last())
	}
	// And back from there, as where another switch has failed.
	if _, err := r.d.Fulfil(t.Context(), r.sw, out.Back("back")); err != nil || texts(r.d.Settings(1)) != "port a down; port b no-forward" || len(r.sw.all()) != 1 {
		t.Errorf("%v: %s", err, texts(r.d.Settings(1)))
	}
}

// TestSettingsOnly: a wish for settings alone, also one that is only stored.
func TestSettingsOnly(t *testing.T) {
	for _, level := range []Level{Confirmed, Stored, Sent, Verified} {
		r := newRig(t, ofp.V12)
		w := Wish{Settings: &SettingsWish{Settings: Settings{Tables: map[uint8]uint32{3: 2}}}, Level: level, Request: "one"}
		first, err := r.wishFor(w)
		if want := map[bool]int{true: 0, false: 1}[level == Stored]; err != nil || len(r.sw.settled) != want || len(r.sw.sent) > 0 {
			t.Errorf("%v: %v, %v", level, err, r.sw.settled)
		}
		if again, err := r.wishFor(w); err != nil || len(again.Steps) > 0 || r.d.Revision() != first.Revision {
			t.Errorf("%v, again: %+v, %v", level, again, err)
		}
		r.restart()
		if texts(r.d.Settings(1)) != "table 3 drop" {
			t.Errorf("%v: %s", level, texts(r.d.Settings(1)))
		}
	}
	r := newRig(t, ofp.V13)
	var no *SettingError
	for _, s := range []Settings{{Tables: map[uint8]uint32{3: 2}}, ports(map[string][2]ofp.PortConfig{"a": {ofp.PortNoFlood}})} {
		if _, err := r.wishFor(Wish{Settings: &SettingsWish{Settings: s}}); !errors.As(err, &no) || !errors.Is(err, ofp.ErrVersion) || r.d.Revision() != 0 {
			t.Errorf("%v", err)
		}
	}
}

// TestSettingsAreExpected: changes of settings count for expected revisions, and are
// made once for each request id.
func TestSettingsAreExpected(t *testing.T) {
	r := newRig(t, ofp.V13)
	r.apply("add-flow priority=1,arp,actions=drop")
	before := r.d.Revision()
	done := 0
	set := func(x SettingTxn, bits ofp.PortConfig) (store.Revision, error) {
		x.Author = "eve"
		return r.d.Set(t.Context(), 1, x, func() error { done++; return nil }, func(s *Settings) { s.Port(port(1, "a"), bits, bits) })
	}
	rev, err := set(SettingTxn{Request: "one", Expected: &before}, down)
	if err != nil || rev != before+1 || done != 1 {
		t.Fatalf("%d, %v", rev, err)
	}
	if again, err := set(SettingTxn{Request: "one", Expected: &before}, down); err != nil || again != rev || done != 1 {
		t.Errorf("again: %d, %v", again, err)
	}
	if _, err := set(SettingTxn{Request: "one"}, noFwd); !errors.Is(err, store.ErrReused) || done != 1 {
		t.Errorf("for something else: %v", err)
	}
	var changed *ChangedError
	if _, err := set(SettingTxn{Expected: &before}, noFwd); !errors.As(err, &changed) || changed.Revision != rev || done != 1 {
		t.Errorf("%v", err)
	}
	if _, err := r.wishFor(Wish{Expected: &before}, "add-flow priority=2,udp,actions=drop"); !errors.As(err, &changed) {
		t.Errorf("a plan from before: %v", err)
	}
}

// TestSettingsHistory tells what each change of settings did, also where a later one
// has changed them again, and where what was lifted is noted without being told.
func TestSettingsHistory(t *testing.T) {
	r := newRig(t, ofp.V12)
	r.set(func(s *Settings) { s.Port(port(1, "a"), down, down) })
	r.set(func(s *Settings) { s.Table(ofp.TableAll, 2) })
	if _, err := r.wishFor(Wish{Settings: &SettingsWish{Whole: []string{PortSettings}}, Prune: true}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		var got []string
		_, err := r.d.Follow(t.Context(), 0, func(c Change, items iter.Seq2[ItemChange, error]) error {
			for x, err := range items {
				if err != nil || x.Superseded || x.Setting == nil || x.DPID != 1 {
					t.Errorf("%+v, %v", x, err)
					continue
				}
				got = append(got, x.Setting.Before+" > "+x.Setting.After)
			}
			return nil
		})
		if d := cmp.Diff([]string{" > a down", " > all drop", "a down > "}, got); d != "" || err != nil {
			t.Errorf("%v, -want +got\n%s", err, d)
		}
		all, err := r.d.History(t.Context(), 10)
		if err != nil || len(all) != 3 || all[0].Gone != 1 || all[1].Added != 1 || all[1].Changed != 0 {
			t.Errorf("%+v, %v", all, err)
		}
		r.restart()
	}
}
