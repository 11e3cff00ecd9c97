package channel

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestNothingOvertakesSlave: what has passed the look at the role before the
// controller asks to be a slave, and comes to the outbox after that, is refused
// there, whether it was sent or gathered.
func TestNothingOvertakesSlave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, ofp.V13, Config{})
		// Gathering is the dispatcher's, which calls Up.
		r.w.onUp = func(c *Conn) {
			// A batch in which something was gathered while the role still allowed it.
			c.gather()
			for _, m := range []ofp.Message{&ofp.FlowMod{}, &ofp.EchoRequest{}, &ofp.PacketOut{}} {
				if err := c.SendSoon(m); err != nil {
					t.Error(err)
				}
			}
			slave := ofp.RoleState{Role: ofp.RoleSlave}
			go func() { r.sendX(r.want(ofp.TypeRoleRequest).XID, &ofp.RoleReply{RoleState: slave}) }()
			if _, err := c.RequestRole(t.Context(), slave); err != nil {
				t.Error(err)
			}
			c.ungather()
		}
		c := r.ready()
		for _, m := range []ofp.Message{&ofp.FlowMod{}, &ofp.PacketOut{}, &ofp.MeterMod{}} {
			if err := c.Send(m); !errors.Is(err, ErrSlave) {
				t.Errorf("%s of a slave: %v", m.Type(), err)
			}
		}
		if _, err := c.Request(t.Context(), ofp.Request(&ofp.TableFeaturesRequest{Tables: []ofp.TableFeatures{{Table: 1}}})); !errors.Is(err, ErrSlave) {
			t.Errorf("table features of a slave: %v", err)
		}
		if err := c.Send(&ofp.EchoRequest{}); err != nil {
			t.Errorf("what a slave may send: %v", err)
		}
		if n := r.stats.Drops[DropSlave].Load(); n != 6 {
			t.Errorf("%d are counted as dropped", n)
		}
		synctest.Wait()
		r.stop()
		echoes := 0
		for q := range r.in {
			switch {
			case Forbidden(q.m):
				t.Errorf("a slave sends %s", q.m.Type())
			case q.m.Type() == ofp.TypeEchoRequest:
				echoes++
			}
		}
		if out := r.stats.Out[ofp.TypeFlowMod].Load() + r.stats.Out[ofp.TypePacketOut].Load(); echoes != 2 || out != 0 {
			t.Errorf("%d echoes came, %d commands are counted as sent", echoes, out)
		}
	})
}
