package controller

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/controller/desired"
	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// TestMuteSwitchesLeaveRoom: switches that failed the last time take half of the
// places at most, however many there are and however long they are due.
func TestMuteSwitchesLeaveRoom(t *testing.T) {
	at := func(n int) time.Time { return time.Unix(int64(n), 0) }
	var due []dueSwitch
	for i := range 20 {
		due = append(due, dueSwitch{at: at(i), failed: true})
	}
	for i := 25; i > 20; i-- {
		due = append(due, dueSwitch{at: at(i)})
	}
	for _, row := range []struct {
		name          string
		places, again int
		want          []int64
	}{
		{"all places are free", 8, 4, []int64{0, 1, 2, 3, 21, 22, 23, 24}},
		{"those that failed have theirs", 4, 0, []int64{21, 22, 23, 24}},
		{"one place", 1, 4, []int64{0}},
		{"no place", 0, 4, nil},
	} {
		var got []int64
		for _, d := range admitDue(due, row.places, row.again) {
			got = append(got, d.at.Unix())
		}
		if d := cmp.Diff(row.want, got); d != "" {
			t.Errorf("%s: %s", row.name, d)
		}
	}
}

// TestSwitchThatSaysMuch: however often a switch says that it has lost something, it is
// not compared all the time; and at once if it says so now and then.
func TestSwitchThatSaysMuch(t *testing.T) {
	start := time.Unix(1000, 0)
	var r restore
	r.begin()
	r.done(start, time.Hour, desired.Report{}, nil)
	for i := range 100 {
		r.drifted(start.Add(time.Duration(i)*time.Millisecond), driftGap)
	}
	if at, _ := r.next(); !at.Equal(start.Add(driftGap)) {
		t.Errorf("compared again after %v, want %v", at.Sub(start), driftGap)
	}
	r.begin()
	r.done(start, time.Hour, desired.Report{}, nil)
	once := start.Add(2 * driftGap)
	r.drifted(once, driftGap)
	if at, _ := r.next(); !at.Equal(once) {
		t.Errorf("compared %v after it was told", at.Sub(once))
	}
}

// TestDriftIsDebounced: the first thing that tells of a difference has the switch
// compared at once, and however many follow, there is time after each comparison.
func TestDriftIsDebounced(t *testing.T) {
	now := time.Unix(1000, 0)
	at := func(r *restore) time.Duration {
		at, _ := r.next()
		return at.Sub(now)
	}
	r := restore{at: now.Add(time.Hour)}
	r.drifted(now, driftGap)
	if got := at(&r); got != 0 {
		t.Errorf("the first is compared after %v", got)
	}
	r.begin()
	r.drifted(now, driftGap) // which the comparison may have passed by
	r.done(now, time.Hour, desired.Report{Duration: time.Millisecond}, nil)
	if got := at(&r); got != driftGap {
		t.Errorf("what came meanwhile is compared after %v, want %v", got, driftGap)
	}
	r.begin()
	r.done(now, time.Hour, desired.Report{Duration: 2 * time.Second}, nil)
	if got := at(&r); got < 48*time.Minute || got > 72*time.Minute {
		t.Errorf("the next one comes by itself after %v", got)
	}
	for range 100 {
		r.drifted(now, driftGap)
	}
	if got := at(&r); got != 8*time.Second {
		t.Errorf("after a comparison of 2s the next one comes after %v", got)
	}
	r.drifted(now.Add(time.Minute), driftGap)
	if got := at(&r); got != 8*time.Second {
		t.Errorf("another one puts it off, to %v", got)
	}
	r.begin()
	r.done(now, -1, desired.Report{}, nil)
	if got := at(&r); got < 1000*time.Hour {
		t.Errorf("with no period there is a comparison after %v", got)
	}
}

// TestSwitchThatIsNeverAsItShouldBe: a switch that tells of differences again and
// again, and has some each time, is compared ever less often, and this is told; until
// one comparison finds nothing.
func TestSwitchThatIsNeverAsItShouldBe(t *testing.T) {
	for _, row := range []struct {
		name   string
		report desired.Report
		err    error
	}{
		{"it loses what it has confirmed", desired.Report{Changed: 1}, nil},
		{"it refuses", desired.Report{Refused: 1}, nil},
		{"it cannot be read", desired.Report{}, errors.New("no answer")},
	} {
		start := time.Unix(1000, 0)
		var r restore
		now, compared := start, 0
		for now.Before(start.Add(10 * time.Minute)) {
			r.drifted(now, driftGap)
			if at, _ := r.next(); at.After(now) {
				now = at
			}
			r.begin()
			r.drifted(now, driftGap)
			r.done(now, time.Hour, row.report, row.err)
			compared++
		}
		if compared > 40 {
			t.Errorf("%s: compared %d times in ten minutes", row.name, compared)
		}
		if times, gap := r.restless(now); times != compared || gap != mendGapMost {
			t.Errorf("%s: after %d it is told that it was %d times, and every %v", row.name, compared, times, gap)
		}
		r.begin()
		r.done(now, time.Hour, desired.Report{}, nil)
		if times, _ := r.restless(now); times != 0 {
			t.Errorf("%s: restless after a comparison that found nothing", row.name)
		}
		r.drifted(now.Add(time.Second), driftGap)
		if at, _ := r.next(); !at.Equal(now.Add(time.Second)) {
			t.Errorf("%s: then it is compared after %v", row.name, at.Sub(now))
		}
	}
	var r restore // who asks for a comparison again and again is nobody's fault
	for range 100 {
		r.begin()
		r.done(time.Unix(1000, 0), time.Hour, desired.Report{Changed: 1}, nil)
	}
	if times, _ := r.restless(time.Unix(1000, 0)); times != 0 {
		t.Error("restless without a word of the switch")
	}
}

// TestRestlessNowAndThen: what a switch has lost now and then for long makes it no
// less than others, also if it refuses something all the while and is never compared
// without being told of a difference.
func TestRestlessNowAndThen(t *testing.T) {
	for _, report := range []desired.Report{{Changed: 1}, {Changed: 1, Refused: 1}, {Changed: 1, Duration: 20 * time.Second}} {
		var r restore
		now := time.Unix(1000, 0)
		for n := range 5 * mendsFree {
			now = now.Add(5 * time.Minute)
			r.begin() // of the period, or once more
			r.done(now, -1, desired.Report{Refused: 1}, nil)
			now = now.Add(driftShare * report.Duration).Add(driftGap)
			r.drifted(now, driftGap)
			if at, _ := r.next(); at.After(now) {
				t.Fatalf("%+v: time %d is made good only after %v", report, n, at.Sub(now))
			}
			r.begin()
			r.done(now, -1, report, nil)
		}
		if times, _ := r.restless(now); times != 0 {
			t.Errorf("%+v: restless, after %d times", report, times)
		}
		// What it was is over once it is quiet, without any other comparison.
		for range 2 * mendsFree {
			r.drifted(now, driftGap)
			r.begin()
			r.done(now, -1, report, nil)
		}
		if times, _ := r.restless(now.Add(time.Second)); times == 0 {
			t.Errorf("%+v: not restless", report)
		}
		if times, gap := r.restless(now.Add(10 * time.Minute)); times != 0 {
			t.Errorf("%+v: restless (%d times, every %v) after ten minutes without a word", report, times, gap)
		}
	}
}

// TestHintsOfDrift: a port that comes where something is lacking, and an error about
// a flow that nobody waits for, have the switch compared before the period is over;
// others do not.
func TestHintsOfDrift(t *testing.T) {
	st, err := desired.New(t.Context(), store.NewMemory(store.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	c := serve(t, Config{Desired: st, ReconcilePeriod: time.Hour})
	sim := simulated(t, c, ofp.V13, simswitch.Config{})
	s := c.sw(t, 1)
	if _, err := s.Apply(t.Context(), Txn{Messages: aFlow()}); err != nil {
		t.Fatal(err)
	}
	send := func(ms ...ofp.Message) func() {
		return func() {
			for _, m := range ms {
				if err := sim.Send(0, m); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	came := send(&ofp.PortStatus{Reason: ofp.PortAdded, Port: ofp.Port{No: 9}})
	for _, tt := range []struct {
		what string
		do   func()
		due  bool
	}{
		{"a port where all is installed", came, false},
		{"a port where something is pending", func() { st.Gone(1); came() }, true},
		{"a port that goes", send(&ofp.PortStatus{Reason: ofp.PortDeleted, Port: ofp.Port{No: 9}}), false},
		{"an error about a flow", send(ofp.NewError(ofp.FlowModFailedTableFull, nil)), true},
		{"an error about a group", send(ofp.NewError(ofp.GroupModFailedOutOfGroups, nil)), true},
		{"an error about a packet", send(ofp.NewError(ofp.BadActionBadOutPort, nil)), false},
	} {
		s.restore.mu.Lock() // as an hour after a comparison
		s.restore.at, s.restore.ended = time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
		s.restore.mu.Unlock()
		due := func() bool { at, _ := s.restore.next(); return !time.Now().Before(at) }
		tt.do()
		if tt.due {
			eventually(t, tt.what, due)
			continue
		}
		mark := ofp.PortNo(100 + time.Now().UnixNano()%1e6)
		send(&ofp.PortStatus{Reason: ofp.PortModified, Port: ofp.Port{No: mark}})()
		eventually(t, "what came after it", func() bool { _, ok := s.Port(mark); return ok })
		if due() {
			t.Errorf("%s has the switch compared", tt.what)
		}
	}
}
