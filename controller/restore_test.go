package controller

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/controller/desired"
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
	r.done(start, desired.Report{}, nil)
	for i := range 100 {
		r.told(start.Add(time.Duration(i) * time.Millisecond))
	}
	if at, _ := r.next(); !at.Equal(start.Add(retryFirst)) {
		t.Errorf("compared again after %v, want %v", at.Sub(start), retryFirst)
	}
	r.begin()
	r.done(start, desired.Report{}, nil)
	once := start.Add(2 * retryFirst)
	r.told(once)
	if at, _ := r.next(); !at.Equal(once) {
		t.Errorf("compared %v after it was told", at.Sub(once))
	}
}
