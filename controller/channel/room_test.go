package channel

import (
	"bytes"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestWriteOfNewSlave: a Write that waited for room while the controller asked to be
// a slave sends no command after that, and others that it may send go on.
func TestWriteOfNewSlave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, ofp.V13, Config{MaxWriteBytes: 1})
		c := r.ready()
		full := func(by int) {
			c.out.mu.Lock()
			c.out.leftLocked(-by)
			c.out.mu.Unlock()
		}
		full(1)
		errs := make(chan error, 1)
		go func() { errs <- c.Write(t.Context(), flowMods(2000)) }()
		synctest.Wait()
		slave := ofp.RoleState{Role: ofp.RoleSlave}
		go func() { r.sendX(r.want(ofp.TypeRoleRequest).XID, &ofp.RoleReply{RoleState: slave}) }()
		if _, err := c.RequestRole(t.Context(), slave); err != nil {
			t.Fatal(err)
		}
		full(-1)
		we, ok := errors.AsType[*WriteError](<-errs)
		if !ok || !errors.Is(we, ErrSlave) || we.Sent != 0 || len(we.Errors) != 0 {
			t.Errorf("write: %v", we)
		}
		if err := c.Write(t.Context(), []ofp.Message{&ofp.EchoRequest{}}); err != nil {
			t.Errorf("no command: %v", err)
		}
		r.stop()
		for q := range r.in {
			if q.m.Type() == ofp.TypeFlowMod {
				t.Fatal("a slave sends a flow-mod")
			}
		}
	})
}

// TestWaitingWriteIsNotEncodedAnew: a Write that waits for room costs nothing each
// time another one ends and leaves too little.
func TestWaitingWriteIsNotEncodedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, ofp.V13, Config{MaxWriteBytes: 1})
		c := r.ready()
		ended := func(left int) {
			c.out.mu.Lock()
			c.out.large++
			c.out.leftLocked(c.out.large - left)
			c.out.mu.Unlock()
			synctest.Wait()
		}
		ended(1)
		errs := make(chan error, 1)
		go func() { errs <- c.Write(t.Context(), flowMods(2000)) }()
		synctest.Wait()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 200 {
			ended(1)
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 8<<20 {
			t.Errorf("%d bytes for nothing", n)
		}
		go r.bucket(func(uint64) bool { return false }, 1000)
		ended(0)
		if err := <-errs; err != nil {
			t.Error(err)
		}
	})
}

// TestRoomIsFirstComeFirstServed: a Write as large as may be gets its turn beside a
// stream of others that never ends, small ones and large ones, and who gives up
// keeps nobody waiting.
func TestRoomIsFirstComeFirstServed(t *testing.T) {
	var o outbox
	o.init(1<<20, 1<<20, new(Stats))
	o.version = ofp.V13
	write := func(n int) *push {
		return &push{groups: [][]byte{bytes.Repeat(marked(0, 0, 1000), n)}}
	}
	come := func(p *push, had *ticket) *ticket {
		t.Helper()
		wait, err := o.push(p, true, had)
		if err != nil {
			t.Fatal(err)
		}
		return wait
	}
	ready := func(w *ticket) bool {
		select {
		case <-w.ready:
			return true
		default:
			return false
		}
	}
	if come(write(500), nil) != nil {
		t.Fatal("the first write waits")
	}
	largest := write(1000)
	first := come(largest, nil)
	if first == nil {
		t.Fatal("more than may wait is taken")
	}
	given := come(write(600), nil) // gives up
	last := come(write(100), nil)  // would fit, but comes later
	if given == nil || last == nil {
		t.Fatal("a later one overtakes those that wait")
	}
	o.abandon(given)
	for rounds := 0; !ready(first); rounds++ {
		if rounds > 1000 {
			t.Fatal("the largest write never gets its turn")
		}
		for small := 0; small < 100_000; small += 10_000 { // always as many of them
			if o.pushed > o.large+100_000 {
				break
			}
			if come(write(10), nil) != nil {
				t.Fatal("a small write waits")
			}
		}
		if ready(last) {
			t.Fatal("the last one overtakes the first")
		}
		o.next()
	}
	if come(largest, first) != nil {
		t.Fatal("its room was not kept")
	}
	for !ready(last) {
		if b, _ := o.next(); len(b) == 0 {
			t.Fatal("all is written, and the last one still waits")
		}
	}
	o.abandon(last) // with its room
	for {
		if b, _ := o.next(); len(b) == 0 {
			break
		}
	}
	if o.large != 0 || o.pushed != 0 || len(o.waiters) != 0 {
		t.Errorf("%d and %d bytes, %d waiters are left", o.large, o.pushed, len(o.waiters))
	}
}

// TestNewcomersEndTheRound: Writes that come all the time, more than leave, keep
// neither another Write nor what apps send from its turns.
func TestNewcomersEndTheRound(t *testing.T) {
	var o outbox
	o.init(1<<20, 1<<20, new(Stats))
	o.version = ofp.V13
	push := func(source, n int) *push {
		p := &push{groups: [][]byte{nil}}
		for i := range n {
			p.groups[0] = append(p.groups[0], marked(source, i, 1000)...)
		}
		if _, err := o.push(p, true, nil); err != nil {
			t.Fatal(err)
		}
		return p
	}
	first := push(1, 100)
	for source := range 10 {
		push(2+source, 16)
	}
	o.next()
	if err := o.send(&ofp.EchoRequest{}); err != nil {
		t.Fatal(err)
	}
	left := first.left
	for round := range 20 {
		for one := range 8 {
			push(100+8*round+one, 8)
		}
		o.next()
	}
	if !o.apps.empty() || first.left == left {
		t.Errorf("in 20 slices the apps had a turn: %t, and the first write: %t", o.apps.empty(), first.left < left)
	}
}
