package reliable

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluice-sdn/sluice/controller/store"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// serial gives out numbers.
type serial struct{ n atomic.Uint64 }

func (s *serial) next() uint64 { return s.n.Add(1) }

// TestKillSluiced kills sluiced as kill -9 does, at random moments while several
// callers push, and starts it again with the same state directory. Each time: what
// was acknowledged is stored and on the switch; what was refused is neither; what
// was in doubt is there whole or not at all, and is done when it is sent again; and
// the history has every acknowledged revision once, without gaps.
func TestKillSluiced(t *testing.T) {
	l := newLab(t)
	rnd := chance(t)
	bridges := []string{"br0", "br1", "br2"}
	for i, b := range bridges {
		l.bridge(b, uint64(i+1), []string{"OpenFlow13", "OpenFlow13", "OpenFlow10"}[i])
		l.args = append(l.args, "--connect", l.socket(b)) // at once, without the bridge's waiting
		_, err := l.Vsctl(t.Context(), "del-controller", b)
		l.check(err)
	}
	count := new(serial)
	var pushers []*pusher
	for i, owner := range []string{"", "ada", "bob", "eve", ""} {
		pushers = append(pushers, &pusher{
			number: i + 1, owner: owner, rnd: rand.New(rand.NewPCG(rnd.Uint64(), 0)), serial: count, switches: bridges, model: make(map[string]view),
		})
	}
	k := &killing{lab: l, rnd: rnd, bridges: bridges, pushers: pushers}
	rounds, begin := times(40, 200), time.Now()
	for k.round = range rounds {
		if t.Failed() {
			break
		}
		k.once()
	}
	l.start()
	l.ready(bridges...)
	k.settle()
	l.terminate()
	k.noGaps()
	acked, refused := 0, 0
	for _, p := range pushers {
		acked += k.acked[p]
		refused += p.refused
	}
	t.Logf("%d × kill -9 in %.0f s: %d calls acknowledged, %d refused, %d in doubt: %d of these were stored, %d were not; %d sent again; %d revisions",
		rounds, time.Since(begin).Seconds(), acked, refused, k.stored+k.lost, k.stored, k.lost, k.again, k.last)
	if k.stored+k.lost < rounds/2 || acked < rounds {
		t.Errorf("hardly anything was cut short, or went on")
	}
}

// killing is the state of TestKillSluiced.
type killing struct {
	*lab
	rnd     *rand.Rand
	bridges []string
	pushers []*pusher
	round   int

	stored, lost, again int
	acked               map[*pusher]int
	last                store.Revision
}

// once pushes, kills, starts again and looks.
func (k *killing) once() {
	t := k.t
	if k.rnd.IntN(5) == 0 { // killed while it starts, or brings the switches back
		p, err := k.Go("sluiced", append([]string{filepath.Join(bin, "sluiced"), "--state", filepath.Join(k.Dir, "state")}, k.args...)...)
		k.check(err)
		time.Sleep(time.Duration(k.rnd.IntN(150)) * time.Millisecond) // a random moment
		p.Kill()
	}
	k.start()
	k.ready(k.bridges...)
	k.settle()
	var pushing errgroup.Group
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, p := range k.pushers {
		pushing.Go(func() error { return p.push(ctx, k.conn) })
	}
	time.Sleep(time.Duration(3+k.rnd.IntN(250)) * time.Millisecond) // a random moment
	k.kill()
	if err := pushing.Wait(); err != nil {
		t.Errorf("round %d: %v", k.round, err)
	}
	if k.round%10 == 0 {
		k.noGaps()
	}
}

// settle compares what is stored and what is on the switches with what the
// pushers know, resolves what they are in doubt about, and sends some of it again.
func (k *killing) settle() {
	k.t.Helper()
	stored := make(map[string]view)
	degraded := make(map[string]map[string]bool)
	for _, b := range k.bridges {
		stored[b], degraded[b] = make(view), make(map[string]bool)
		for _, item := range k.listState(b) {
			key, x, err := see(item.GetText())
			k.check(err)
			stored[b][key] = x
			switch item.GetCondition() {
			case sluicev1.StateCondition_STATE_CONDITION_INSTALLED:
			case sluicev1.StateCondition_STATE_CONDITION_DEGRADED:
				degraded[b][key] = true
			default:
				k.t.Errorf("round %d: %s: %v", k.round, b, item)
			}
		}
	}
	var again []func()
	for _, p := range k.pushers {
		k.resolve(p, stored, degraded, &again)
		k.historyHas(p)
	}
	for _, b := range k.bridges {
		want := make(view)
		for _, p := range k.pushers {
			for key, x := range p.model[b] {
				want[key] = x
			}
		}
		k.same("stored for "+b, b, stored[b], want)
		has := k.onSwitch(b)
		for key := range degraded[b] {
			if want[key].group != noGroup {
				k.t.Errorf("round %d: %s: %s is degraded", k.round, b, key)
			}
			delete(want, key)
			delete(has, key) // what was there before may still be
		}
		k.same("on "+b, b, has, want)
	}
	for _, f := range again {
		f()
	}
}

// resolve finds out what became of a pusher's call that was cut short.
func (k *killing) resolve(p *pusher, stored map[string]view, degraded map[string]map[string]bool, again *[]func()) {
	r := p.doubt
	if p.doubt = nil; r == nil {
		return
	}
	missing := 0
	for sw, after := range r.after {
		is, was := 0, 0
		for key, x := range after {
			switch stored[sw][key] {
			case p.model[sw][key]:
				was++
			case x:
				is++
			}
			if p.model[sw][key] == x {
				is++ // either way
			}
		}
		switch len(after) {
		case is:
			k.stored++
			p.tell(r, "it was stored for "+sw)
			p.take(r, sw)
		case was:
			k.lost++
			p.tell(r, "it was not stored for "+sw)
			missing++
		default:
			k.t.Errorf("round %d: %s: %d of %d are done on %s, %d are not: neither whole nor not at all", k.round, r.what, is, len(after), sw, was)
		}
	}
	switch {
	case r.poisoned != "":
		for sw := range r.after {
			if !degraded[sw][r.poisoned] && missing == 0 {
				k.t.Errorf("round %d: %s is not degraded", k.round, r.poisoned)
			}
		}
		*again = append(*again, func() { k.unpoison(p) })
	case r.id != "" && (missing > 0 && k.rnd.IntN(2) == 0 || k.rnd.IntN(4) == 0):
		*again = append(*again, func() {
			ctx := k.within(patience)
			revisions, err := r.call(ctx, k.conn)
			if err != nil {
				k.t.Errorf("round %d: %s, sent again: %v", k.round, r.what, err)
				return
			}
			k.again++
			p.tell(r, "sent again")
			p.acked = append(p.acked, &acked{r, revisions, true})
			for sw := range r.after {
				p.take(r, sw)
			}
		})
	}
}

// unpoison deletes what the switch refuses, and what was stored with a call that
// was cut short before it could be undone.
func (k *killing) unpoison(p *pusher) {
	for sw, v := range p.model {
		for key, x := range v {
			if x.group != noGroup {
				continue
			}
			var number, n int
			if _, err := fmt.Sscanf(key, "flow %d %x", &number, &n); err != nil {
				k.t.Fatal(err)
			}
			_, err := sluicev1.NewFlowServiceClient(k.conn).WriteFlows(k.within(patience), &sluicev1.WriteFlowsRequest{
				Switch: sw, Owner: p.owner, Changes: []*sluicev1.FlowChange{{Change: &sluicev1.FlowChange_DeleteStrict{DeleteStrict: spec(p.match(n))}}},
			})
			k.check(err)
			delete(v, key)
		}
	}
}

// historyHas demands that what was acknowledged since the last time is in the
// history, once, at the revision that was told.
func (k *killing) historyHas(p *pusher) {
	if k.acked == nil {
		k.acked = make(map[*pusher]int)
	}
	k.acked[p] += len(p.acked)
	out, err := k.states().ListHistory(k.within(patience), &sluicev1.ListHistoryRequest{Limit: 1000})
	k.check(err)
	at := make(map[uint64]string)
	times := make(map[string]int)
	oldest := uint64(0)
	for _, c := range out.GetChanges() {
		at[c.GetRevision()] = c.GetRequestId()
		times[c.GetRequestId()]++
		oldest = c.GetRevision()
	}
	for _, a := range p.acked {
		for id, rev := range a.revisions {
			// An Apply that finds all done, since it was sent before, is told the last revision.
			if got, there := at[rev]; rev == 0 || (!there || got != id) && rev >= oldest && !a.again && k.changed(a) {
				k.t.Errorf("round %d: %s: acknowledged as revision %d, where the history has request %q, want %q", k.round, a.what, rev, got, id)
			}
			if id != "" && times[id] > 1 {
				k.t.Errorf("round %d: request %q is in the history %d times", k.round, id, times[id])
			}
		}
	}
	p.acked = nil
}

// changed reports whether a call surely has a revision of its own: one that only
// deletes may have found nothing.
func (k *killing) changed(a *acked) bool {
	for _, after := range a.after {
		if !slices.ContainsFunc(slices.Collect(valuesOf(after)), func(x thing) bool { return x.value != 0 }) {
			return false
		}
	}
	return true
}

func valuesOf(v view) func(func(thing) bool) {
	return func(yield func(thing) bool) {
		for _, x := range v {
			if !yield(x) {
				return
			}
		}
	}
}

// onSwitch is what a bridge has.
func (k *killing) onSwitch(bridge string) view {
	v := make(view)
	lines := k.dump("dump-flows", bridge)
	if bridge != k.bridges[len(k.bridges)-1] {
		lines = append(lines, k.dump("dump-groups", bridge)...)
	}
	for _, line := range lines {
		key, x, err := see(line)
		k.check(err)
		v[key] = x
	}
	return v
}

// past tells the last that was done about a flow or group.
func (k *killing) past(bridge, key string) string {
	for _, p := range k.pushers {
		if all := p.past[bridge+key]; all != nil {
			return strings.Join(all[max(0, len(all)-8):], "\n")
		}
	}
	return "nobody's"
}

func (k *killing) same(what, bridge string, got, want view) {
	k.t.Helper()
	for key := range maps.Keys(got) {
		if _, wanted := want[key]; !wanted {
			want[key] = thing{}
		}
	}
	for key, x := range want {
		if got[key] != x {
			k.t.Errorf("round %d: %s: %s is %v, want %v; its past:\n%s", k.round, what, key, got[key], x, k.past(bridge, key))
		}
	}
}

// noGaps opens a copy of the store that the killed controller has left, and
// demands that its history has every revision from its oldest to its last.
func (k *killing) noGaps() {
	k.t.Helper()
	path := filepath.Join(k.t.TempDir(), "state.db")
	from, err := os.Open(filepath.Join(k.Dir, "state", "state.db"))
	k.check(err)
	defer from.Close()
	to, err := os.Create(path)
	k.check(err)
	_, err = io.Copy(to, from)
	k.check(err)
	k.check(to.Close())
	s, err := store.Open(path, store.Options{})
	k.check(err)
	defer s.Close()
	next, err := s.Oldest()
	k.check(err)
	k.check(s.History(k.t.Context(), next-1, func(c store.Change) error {
		if c.Revision != next {
			return fmt.Errorf("revision %d follows revision %d", c.Revision, next-1)
		}
		next++
		return nil
	}))
	if next != s.Revision()+1 || s.Revision() < k.last {
		k.t.Errorf("round %d: the history ends at revision %d, the store is at %d, and was at %d", k.round, next-1, s.Revision(), k.last)
	}
	k.last = s.Revision()
}
