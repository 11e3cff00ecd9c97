package controller

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/controller/desired"
	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// stateful is a controller that keeps desired state and maintains it.
func stateful(t testing.TB, cfg Config) *served {
	t.Helper()
	d, err := desired.New(t.Context(), store.NewMemory(store.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Desired = d
	c := serve(t, cfg)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { c.Maintain(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return c
}

func parsed(t testing.TB, text string) []ofp.Message {
	t.Helper()
	f, err := ofp.ParseFlow(text, ofp.FlowAdd, nil)
	if err != nil {
		t.Fatal(err)
	}
	return []ofp.Message{f}
}

func apply(t testing.TB, sw *Switch, text string) {
	t.Helper()
	if _, err := sw.Apply(t.Context(), Txn{Messages: parsed(t, text)}); err != nil {
		t.Fatal(err)
	}
}

func connected(t testing.TB, c *served) (sw *Switch) {
	t.Helper()
	eventually(t, "a switch", func() bool {
		all := c.Switches()
		if len(all) == 1 {
			sw = all[0]
		}
		return sw != nil
	})
	return sw
}

// TestRestoredOnConnect: a switch that comes back empty has its flows before any
// app sees it.
func TestRestoredOnConnect(t *testing.T) {
	for _, v := range ofp.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			var s *simswitch.Switch
			seen := make(chan int, 10)
			app := testApp{"witness", func(*Switch) Session { seen <- len(s.Flows()); return nil }}
			c := stateful(t, Config{Apps: []App{app}})
			s = simswitch.New(simswitch.Config{Versions: []ofp.Version{v}})
			t.Cleanup(s.Close)
			dial := func() *Switch {
				t.Helper()
				if err := s.Dial(t.Context(), c.addr); err != nil {
					t.Fatal(err)
				}
				return connected(t, c)
			}
			sw := dial()
			if n := <-seen; n != 0 {
				t.Errorf("%d flows at first", n)
			}
			apply(t, sw, "priority=1,ip,actions=output:1")
			apply(t, sw, "priority=2,ip,actions=output:2")
			s.Disconnect()
			eventually(t, "the end", func() bool { return len(c.Switches()) == 0 })
			s.Restart()
			sw = dial()
			if n := <-seen; n != 2 {
				t.Errorf("the app saw %d flows, want 2", n)
			}
			if x, err := sw.StateSummary(); err != nil || x.Installed != 2 {
				t.Errorf("%+v, %v", x, err)
			}
		})
	}
}

// TestLostFlowComesBack: a flow that somebody else deletes is put back at once if
// the switch tells of it.
func TestLostFlowComesBack(t *testing.T) {
	c := stateful(t, Config{})
	s := simulated(t, c, ofp.V13, simswitch.Config{})
	sw := connected(t, c)
	apply(t, sw, "priority=7,send_flow_rem,ip,actions=output:1")
	del := ofp.NewFlowMod(ofp.FlowDelete)
	del.Table = 0
	// Past the desired state, as another controller would.
	if err := sw.Write(t.Context(), []ofp.Message{del}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the flow", func() bool { return len(s.Flows()) == 1 })
}

// TestSlaveDoesNotRestore: a slave leaves the switch alone, and brings it to its
// state once it is a slave no more.
func TestSlaveDoesNotRestore(t *testing.T) {
	c := stateful(t, Config{})
	s := simulated(t, c, ofp.V13, simswitch.Config{})
	sw := connected(t, c)
	apply(t, sw, "priority=7,ip,actions=output:1")
	if _, err := sw.SetRole(t.Context(), slave(ofp.NoGeneration)); err != nil {
		t.Fatal(err)
	}
	if _, err := sw.Apply(t.Context(), Txn{Messages: parsed(t, "priority=8,actions=drop")}); !errors.Is(err, ErrSlave) {
		t.Errorf("a slave's transaction: %v", err)
	}
	if _, err := sw.Reconcile(t.Context()); !errors.Is(err, ErrSlave) {
		t.Errorf("a slave's comparison: %v", err)
	}
	s.Disconnect()
	eventually(t, "the end", func() bool { return len(c.Switches()) == 0 })
	s.Restart()
	if err := s.Dial(t.Context(), c.addr); err != nil {
		t.Fatal(err)
	}
	sw = connected(t, c)
	if n := len(s.Flows()); n != 0 || sw.Role().Role != ofp.RoleSlave {
		t.Fatalf("%d flows of a switch whose controller is %s", n, sw.Role().Role)
	}
	if _, err := sw.SetRole(t.Context(), master(ofp.NoGeneration)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the flow", func() bool { return len(s.Flows()) == 1 })

	// Nothing else makes it due: it has just been compared.
	if _, err := sw.Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	before, _ := sw.StateSummary()
	for _, r := range []ofp.RoleState{slave(ofp.NoGeneration), master(ofp.NoGeneration)} {
		if _, err := sw.SetRole(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "another comparison", func() bool { x, _ := sw.StateSummary(); return x.Checked.After(before.Checked) })
}

// TestFailedComparisonIsTriedAgain: what the switch refuses is tried again at
// growing intervals.
func TestFailedComparisonIsTriedAgain(t *testing.T) {
	var r restore
	now := time.Unix(1000, 0)
	if !r.due(now) {
		t.Error("a switch that nobody has compared is not due")
	}
	var waited []time.Duration
	for range 8 {
		r.done(now, StateReport{Refused: 1}, nil)
		begin := now
		for !r.due(now) {
			now = now.Add(time.Second)
		}
		waited = append(waited, now.Sub(begin)/time.Second)
	}
	for i, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		if waited[i] != want {
			t.Errorf("waited %v s", waited)
			break
		}
	}
	r.done(now, StateReport{}, nil)
	if r.due(now.Add(restorePeriod-1)) || !r.due(now.Add(restorePeriod)) {
		t.Error("the period is not kept")
	}
	r.soon(now)
	if !r.due(now) {
		t.Error("soon is not now")
	}
}

func TestNoState(t *testing.T) {
	c := serve(t, Config{})
	simulated(t, c, ofp.V13, simswitch.Config{})
	sw := connected(t, c)
	apply(t, sw, "priority=7,ip,actions=output:1")
	if _, err := sw.Reconcile(t.Context()); !errors.Is(err, ErrNoState) {
		t.Error(err)
	}
	if _, err := c.State(); !errors.Is(err, ErrNoState) {
		t.Error(err)
	}
}

// TestRestoreAgain: what is lost while a comparison runs has another one follow soon.
func TestRestoreAgain(t *testing.T) {
	now := time.Now()
	var r restore
	if !r.due(now) {
		t.Error("a new switch is not due")
	}
	r.begin()
	r.done(now, desired.Report{}, nil)
	if r.due(now.Add(time.Minute)) || !r.due(now.Add(restorePeriod)) {
		t.Errorf("after a comparison: %v", r.at.Sub(now))
	}
	r.begin()
	r.soon(now)
	r.done(now, desired.Report{}, nil)
	if r.due(now) || !r.due(now.Add(retryFirst)) {
		t.Errorf("asked for meanwhile: %v", r.at.Sub(now))
	}
	r.begin()
	r.done(now, desired.Report{}, nil)
	if r.due(now.Add(time.Minute)) {
		t.Error("asked for twice")
	}
}
