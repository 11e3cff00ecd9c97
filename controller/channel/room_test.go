package channel

import (
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
			c.out.pushed += by
			if room := c.out.room; by < 0 && room != nil {
				c.out.room = nil
				close(room)
			}
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
			c.out.pushed = left
			if room := c.out.room; room != nil {
				c.out.room = nil
				close(room)
			}
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
