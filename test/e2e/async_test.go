package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"

	"github.com/sirupsen/logrus"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/ovs"
)

// counting is an app that counts what comes from its one switch.
type counting struct {
	packets, removed, ports atomic.Int64
}

func (*counting) Name() string                                   { return "counting" }
func (c *counting) Attach(*controller.Switch) controller.Session { return c }
func (c *counting) PacketIn(*ofp.PacketIn) bool                  { c.packets.Add(1); return true }
func (c *counting) FlowRemoved(*ofp.FlowRemoved)                 { c.removed.Add(1) }
func (c *counting) PortStatus(*ofp.PortStatus)                   { c.ports.Add(1) }

// engine serves a controller in the switch's namespace, and returns its switch of
// the bridge.
func engine(t *testing.T, n *ovs.Net, addr string, cfg controller.Config) func(bridge string) *controller.Switch {
	t.Helper()
	log := logrus.New()
	log.SetOutput(io.Discard)
	cfg.Logger = log
	c, err := controller.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := n.Listen(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Serve(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return func(bridge string) (sw *controller.Switch) {
		ctx, cancel := context.WithTimeout(t.Context(), heal)
		defer cancel()
		if err := ovs.Wait(ctx, bridge, func(context.Context) (err error) {
			sw, err = c.Find(bridge)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return sw
	}
}

// TestAsync: what Open vSwitch sends of its own accord to a master and to a slave, by
// itself and as it is asked to.
func TestAsync(t *testing.T) {
	ovs.Require(t)
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			n := ovs.New(t)
			var master, plain, keen counting
			masterOf := engine(t, n, "127.0.0.1:6653", controller.Config{Role: ofp.RoleMaster, Apps: []controller.App{&master},
				Async: &ofp.AsyncMasks{PacketIn: [2]uint32{3, 0}, PortStatus: [2]uint32{7, 7}}}) // no flow-removed
			plainOf := engine(t, n, "127.0.0.1:6654", controller.Config{Role: ofp.RoleSlave, Apps: []controller.App{&plain}})
			keenOf := engine(t, n, "127.0.0.1:6655", controller.Config{Role: ofp.RoleSlave, Apps: []controller.App{&keen},
				Async: &ofp.AsyncMasks{PacketIn: [2]uint32{3, 3}, PortStatus: [2]uint32{7, 7}, FlowRemoved: [2]uint32{15, 15}}})
			if err := n.AddBridge(t.Context(), ovs.Bridge{Name: v.bridge, DPID: uint64(v.net), Protocols: []string{v.protocol},
				Controllers: []string{ovs.ControllerAddr, "tcp:127.0.0.1:6654", "tcp:127.0.0.1:6655"}}); err != nil {
				t.Fatal(err)
			}
			m, p, k := masterOf(v.bridge), plainOf(v.bridge), keenOf(v.bridge)
			if m.Role().Role != ofp.RoleMaster || p.Role().Role != ofp.RoleSlave || k.Role().Role != ofp.RoleSlave {
				t.Fatalf("roles %v, %v, %v", m.Role(), p.Role(), k.Role())
			}
			from, err := n.AddHost(t.Context(), v.bridge, "h1", "10.0.0.1/24")
			if err != nil {
				t.Fatal(err)
			}
			to, err := n.AddHost(t.Context(), v.bridge, "h2", "10.0.0.2/24")
			if err != nil {
				t.Fatal(err)
			}
			within := func(what string, ok func() bool) {
				t.Helper()
				ctx, cancel := context.WithTimeout(t.Context(), heal)
				defer cancel()
				if err := ovs.Wait(ctx, what, func(context.Context) error {
					if !ok() {
						return errors.New("it has not happened")
					}
					return nil
				}); err != nil {
					t.Errorf("%v: master %s, plain %s, keen %s", err, &master, &plain, &keen)
				}
			}
			within("port status for all", func() bool {
				return master.ports.Load() > 0 && plain.ports.Load() > 0 && keen.ports.Load() > 0
			})
			// A table miss sends packets in 1.0 to 1.2; a flow does in 1.3.
			flow := ofp.NewFlowMod(ofp.FlowAdd)
			flow.Flags = ofp.FlowSendFlowRem
			flow.Instructions = []ofp.Instruction{ofp.Apply(ofp.Output(ofp.PortController))}
			if v.net == 13 {
				if err := m.Write(t.Context(), []ofp.Message{flow}); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := from.Ping(t.Context(), to, 1); err != nil {
				t.Fatal(err)
			}
			within("packets for the master and the one that asked", func() bool { return master.packets.Load() > 0 && keen.packets.Load() > 0 })
			if v.net != 13 {
				if err := m.Write(t.Context(), []ofp.Message{flow}); err != nil {
					t.Fatal(err)
				}
			}
			if err := m.Write(t.Context(), []ofp.Message{ofp.NewFlowMod(ofp.FlowDelete)}); err != nil {
				t.Fatal(err)
			}
			within("flow-removed for the one that asked", func() bool { return keen.removed.Load() > 0 })
			for _, sw := range []*controller.Switch{m, p} { // what they were sent before has come
				if err := sw.Barrier(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if master.removed.Load() != 0 || plain.packets.Load() != 0 || plain.removed.Load() != 0 {
				t.Errorf("not asked for: master %s, plain %s", &master, &plain)
			}
			if v.net == 13 {
				want := ofp.AsyncMasks{PacketIn: [2]uint32{3, 0}, PortStatus: [2]uint32{7, 7}}
				if got, err := m.Async(t.Context()); err != nil || got != want {
					t.Errorf("the switch says %+v, %v; want %+v", got, err, want)
				}
				// Who has chosen is still told of another master.
				if _, err := p.SetRole(t.Context(), ofp.RoleState{Role: ofp.RoleMaster, Generation: ofp.NoGeneration}); err != nil {
					t.Fatal(err)
				}
				within("the master to be told that it is none", func() bool { return m.Role().Role == ofp.RoleSlave })
			}
		})
	}
}

func (c *counting) String() string {
	return fmt.Sprintf("%d packets, %d removed, %d ports", c.packets.Load(), c.removed.Load(), c.ports.Load())
}
