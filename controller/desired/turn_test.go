package desired

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestSwitchesThatCameAndWentAreForgotten: of switches of which nothing is wanted no
// more is kept than is said.
func TestSwitchesThatCameAndWentAreForgotten(t *testing.T) {
	r := newRig(t, ofp.V13)
	r.apply("add-flow priority=1,ip,actions=output:1")
	come := func(dpid ofp.DPID) {
		g := r.d.Guard(dpid)
		r.d.Remember(Known{DPID: dpid, Name: fmt.Sprint("s", uint64(dpid)), Version: ofp.V13})
		if _, err := r.d.Reconcile(t.Context(), numbered{r.sw, dpid}); err != nil {
			t.Fatal(err)
		}
		r.d.Gone(dpid)
		g.Close()
	}
	for dpid := ofp.DPID(2); dpid < 100; dpid++ {
		come(dpid)
	}
	if n := len(r.d.books); n != 1 {
		t.Errorf("there are %d books, want 1", n)
	}
	if s := r.d.Summary(1); s.Installed != 1 || s.Fault != "" {
		t.Errorf("%+v", s)
	}
	if x := r.d.Known(99); x.Name != "s99" {
		t.Errorf("%+v", x)
	}
	r.d.Remember(Known{DPID: 1, Name: "br0", Version: ofp.V13})
	for dpid := ofp.DPID(100); dpid < maxKnown+200; dpid++ {
		come(dpid)
	}
	if n := len(r.d.known); n != maxKnown {
		t.Errorf("%d switches are remembered, want %d", n, maxKnown)
	}
	for dpid, want := range map[ofp.DPID]string{1: "br0", 2: "s2", maxKnown + 199: ""} {
		if x := r.d.Known(dpid); x.Name != want {
			t.Errorf("%d: %q, want %q", dpid, x.Name, want)
		}
	}
	if all := r.d.Switches(); len(all) != 1 {
		t.Errorf("%v", all)
	}
	// A connected one is known however many there are.
	g := r.d.Guard(1 << 40)
	r.d.Remember(Known{DPID: 1 << 40, Name: "late", Version: ofp.V13})
	if x := r.d.KnownAs("late"); len(x) != 1 {
		t.Errorf("%v", x)
	}
	g.Close()
}

// TestBookStaysForSomebody: what is asked about a switch leaves no book behind; what
// is yet to come, or stored, keeps it.
func TestBookStaysForSomebody(t *testing.T) {
	r := newRig(t, ofp.V13)
	ctx := t.Context()
	books := func(want int, after string) {
		t.Helper()
		if n := len(r.d.books); n != want {
			t.Errorf("%s: %d books, want %d", after, n, want)
		}
		for _, b := range r.d.books {
			if len(b.turn) > 0 {
				t.Errorf("%s: somebody has the turn", after)
			}
		}
	}
	if _, err := r.d.Plan(ctx, r.sw, Wish{Things: parse(t, "add-flow priority=1,ip,actions=output:1")}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.d.ForeignItems(ctx, r.sw); err != nil {
		t.Fatal(err)
	}
	if err := r.try("", "add-flow idle_timeout=9,priority=1,ip,actions=output:1"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.d.Set(ctx, 1, SettingTxn{}, func() error { return errUnread }, func(*Settings) {}); err == nil {
		t.Fatal("want an error")
	}
	books(0, "nothing is stored")

	first, second := r.d.Guard(1), r.d.Guard(1)
	first.Close()
	books(1, "the second guard")
	second.Close()
	books(0, "no guard")

	b, err := r.d.take(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	late, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := r.d.take(late, 1); err == nil {
		t.Error("the turn was given twice")
	}
	if r.d.look(1) != b {
		t.Error("who gave up waiting took the book with it")
	}
	r.d.release(b)
	books(0, "the turn is over")

	if _, err := r.d.Apply(ctx, r.sw, Txn{Level: Sent, Messages: parse(t, "add-flow priority=1,ip,actions=output:1")}); err != nil {
		t.Fatal(err)
	}
	if b := r.d.look(1); b.holds != 1 {
		t.Errorf("%d holds, want that of the answer", b.holds)
	}
	r.sw.answer()
	r.stands(0, 1, 0)
	if b := r.d.look(1); b.holds != 0 {
		t.Errorf("%d holds", b.holds)
	}
	books(1, "a flow is stored")
	if _, err := r.d.Recall(ctx, bytes.NewReader(diskRig(t).backup()), Recall{PlanOnly: true}); err != nil {
		t.Fatal(err)
	}
	if b := r.d.look(1); b.holds != 0 {
		t.Errorf("%d holds", b.holds)
	}
}

// numbered is a switch with another DPID.
type numbered struct {
	Switch
	dpid ofp.DPID
}

func (n numbered) DPID() ofp.DPID { return n.dpid }

// TestNothingIsLostBesideComingAndGoing: switches come and go, are compared and asked
// about, and backups are restored, while each of them gets its first flow: what was
// acknowledged is there, in memory and in the store, and is on the switch; and of the
// others nothing is left. The switches take no lock: two that had the turn of one at
// once would be a race.
func TestNothingIsLostBesideComingAndGoing(t *testing.T) {
	const switches = 60
	r := diskRig(t)
	backup := backupOf(t, 1000, 1000+switches)
	plain := backupOf(t, 5000, 5000+switches) // planned with alone
	ctx := t.Context()
	fail := func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
	beside := func(dpid ofp.DPID, sw Switch, times int) {
		for i := range times {
			g := r.d.Guard(dpid)
			r.d.Remember(Known{DPID: dpid, Name: "s", Version: ofp.V13})
			_, err := r.d.Reconcile(ctx, sw)
			fail(err)
			fail(g.Permit(parse(t, "add-flow priority=7,udp,actions=output:9")[0].(*ofp.FlowMod)))
			switch i % 4 {
			case 0:
				_, err = r.d.Plan(ctx, sw, Wish{Things: parse(t, "add-flow priority=3,ip,actions=output:1")})
			case 1:
				_, err = r.d.ForeignItems(ctx, sw)
			case 2:
				err = r.d.Settle(ctx, dpid, func(Settings) error { return nil })
			case 3:
				r.d.Summary(dpid)
				r.d.Switches()
			}
			fail(err)
			r.d.Gone(dpid)
			g.Close()
		}
	}
	var wg sync.WaitGroup
	sws := make([]*fake, switches)
	for i := range sws {
		dpid := ofp.DPID(1 + i)
		sws[i] = newFake(t, ofp.V13)
		sw := numbered{sws[i], dpid}
		wg.Go(func() { beside(dpid, sw, 8) })
		wg.Go(func() { beside(dpid, sw, 8) })
		wg.Go(func() {
			level := []Level{Confirmed, Stored, Sent, Verified}[i%4]
			_, err := r.d.Apply(ctx, sw, Txn{Level: level, Messages: parse(t, "add-flow priority=1,ip,actions=output:1")})
			fail(err)
			if i%2 == 0 {
				_, err := r.d.Fulfil(ctx, sw, Wish{Things: parse(t, "add-flow priority=2,tcp,actions=output:2")})
				fail(err)
			}
		})
		// These come and go, and nothing is wanted of them.
		none := ofp.DPID(9000 + i)
		wg.Go(func() { beside(none, numbered{newFake(t, ofp.V13), none}, 4) })
	}
	wg.Go(func() {
		for range 8 {
			_, err := r.d.Recall(ctx, bytes.NewReader(plain), Recall{PlanOnly: true})
			fail(err)
		}
	})
	wg.Wait()
	for i, sw := range sws {
		sw.answer()
		_, err := r.d.Reconcile(ctx, numbered{sw, ofp.DPID(1 + i)})
		fail(err)
	}
	check := func(when string, first ofp.DPID) {
		t.Helper()
		for i := range switches {
			items, err := r.d.Items(first + ofp.DPID(i))
			fail(err)
			if want := 2 - i%2; first == 1 && len(items) != want {
				t.Errorf("%s: switch %d has %d flows, want %d", when, i+1, len(items), want)
			} else if first != 1 && len(items) != 1 {
				t.Errorf("%s: switch %v has %d flows, want 1", when, first+ofp.DPID(i), len(items))
			}
		}
		if n := len(r.d.Switches()); n != switches {
			t.Errorf("%s: something is wanted of %d switches, want %d", when, n, switches)
		}
	}
	check("now", 1)
	for i, sw := range sws {
		if all := sw.all(); len(all) != 2-i%2 {
			t.Errorf("switch %d has %q", i+1, all)
		}
	}
	if n := len(r.d.books); n != switches {
		t.Errorf("%d books, want %d", n, switches)
	}
	r.restart()
	check("after a restart", 1)

	// And what comes from a backup.
	for i := range switches {
		dpid := ofp.DPID(1000 + i)
		sw := numbered{newFake(t, ofp.V13), dpid}
		wg.Go(func() { beside(dpid, sw, 8) })
		if i == switches/2 {
			wg.Go(func() {
				_, err := r.d.Recall(ctx, bytes.NewReader(backup), Recall{})
				fail(err)
			})
		}
	}
	wg.Wait()
	for i, sw := range sws { // what is to go there goes
		_, err := r.d.Reconcile(ctx, numbered{sw, ofp.DPID(1 + i)})
		fail(err)
	}
	check("restored", 1000)
	r.restart()
	check("restored, after a restart", 1000)
}

// backupOf is a backup with a flow on each of some switches.
func backupOf(t *testing.T, from, to ofp.DPID) []byte {
	r := diskRig(t)
	for dpid := from; dpid < to; dpid++ {
		if _, err := r.d.Apply(t.Context(), numbered{r.sw, dpid}, Txn{Level: Stored, Messages: parse(t, "add-flow priority=1,ip,actions=output:1")}); err != nil {
			t.Fatal(err)
		}
	}
	return r.backup()
}
