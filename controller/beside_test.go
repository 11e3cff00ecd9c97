package controller

import (
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/controller/desired"
	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// comesBack returns a switch that is away and should have a flow, and that is given to
// apps before it is compared.
func comesBack(t *testing.T) (*served, *simswitch.Switch) {
	t.Helper()
	st, err := desired.New(t.Context(), store.NewMemory(store.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	c := serve(t, Config{Desired: st, restoreWait: time.Millisecond})
	sim := simulated(t, c, ofp.V13, simswitch.Config{})
	if _, err := c.sw(t, 1).Apply(t.Context(), Txn{Messages: aFlow()}); err != nil {
		t.Fatal(err)
	}
	sim.Disconnect()
	eventually(t, "no switches", func() bool { return len(c.Switches()) == 0 })
	return c, sim
}

// TestSlowSwitchIsGivenToApps: a switch that does not tell which flows it has comes
// to the apps all the same, and is brought to its desired state when it tells.
func TestSlowSwitchIsGivenToApps(t *testing.T) {
	c, sim := comesBack(t)
	sim.Restart() // without its flows
	if n := len(sim.Flows()); n != 0 {
		t.Fatalf("%d flows after a restart", n)
	}
	tells := make(chan struct{})
	sim.SetFaults(func(_ int, _ ofp.Header, m ofp.Message) simswitch.Fault {
		if q, ok := m.(*ofp.MultipartRequest); ok && q.Body.Kind() == ofp.PartFlow {
			return simswitch.Fault{Hold: tells}
		}
		return simswitch.Fault{}
	})
	if err := sim.Dial(t.Context(), c.addr); err != nil {
		t.Fatal(err)
	}
	c.sw(t, 1) // it is there
	if n := len(c.logs.with("switch is slow to tell what it has: apps get it while it is compared with its desired state")); n != 1 {
		t.Errorf("%d lines", n)
	}
	if n := len(sim.Flows()); n != 0 {
		t.Errorf("%d flows were sent by one who does not know what is there", n)
	}
	close(tells)
	eventually(t, "the flow is back", func() bool { return len(sim.Flows()) == 1 })
}

// TestGoneWhileItIsCompared: a switch that goes away while it is compared beside the
// apps is let go at once.
func TestGoneWhileItIsCompared(t *testing.T) {
	c, sim := comesBack(t)
	sim.SetFaults(func(_ int, _ ofp.Header, m ofp.Message) simswitch.Fault {
		q, ok := m.(*ofp.MultipartRequest)
		return simswitch.Fault{Silent: ok && q.Body.Kind() == ofp.PartFlow}
	})
	if err := sim.Dial(t.Context(), c.addr); err != nil {
		t.Fatal(err)
	}
	c.sw(t, 1)
	sim.Disconnect()
	eventually(t, "no switches", func() bool { return len(c.Switches()) == 0 })
}

// TestEventsDoNotWaitForTheMeter: apps hear of a new role while a switch does not
// answer what is asked about its meters.
func TestEventsDoNotWaitForTheMeter(t *testing.T) {
	heard := make(chan ControllerMeter, 8)
	c := serve(t, Config{Role: ofp.RoleMaster, ControllerMeter: channel.Limit{Rate: 5}, Apps: []App{testApp{"roles", func(sw *Switch) Session {
		return hearsRole(func(ofp.RoleState) { heard <- sw.ControllerMeter() })
	}}}})
	sim := simulated(t, c, ofp.V13, simswitch.Config{})
	sw := c.sw(t, 1)
	sim.SetFaults(func(_ int, _ ofp.Header, m ofp.Message) simswitch.Fault {
		_, ok := m.(*ofp.MultipartRequest)
		return simswitch.Fault{Silent: ok}
	})
	// The first may come before the meter is forgotten; at the second the first
	// questions are under way.
	for _, role := range []ofp.Role{ofp.RoleEqual, ofp.RoleMaster} {
		if _, err := sw.SetRole(t.Context(), ofp.RoleState{Role: role, Generation: ofp.NoGeneration}); err != nil {
			t.Fatal(err)
		}
		if m := <-heard; m.Err != nil {
			t.Errorf("the app is told of the role %s after the questions about meters have failed: %v", role, m.Err)
		}
	}
	sim.SetFaults(nil)
	eventually(t, "the meter is set at last", func() bool { return sw.ControllerMeter().Limit.Rate == 5 })
}

// hearsRole is a session that hears of roles.
type hearsRole func(ofp.RoleState)

func (f hearsRole) Role(now ofp.RoleState) { f(now) }
