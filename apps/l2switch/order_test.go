package l2switch

import (
	"slices"
	"strings"
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// order is a rig that notes what is sent, in order.
type order struct {
	*rig
	sent []string
}

func (o *order) Send(m ofp.Message) error {
	err := o.rig.Send(m)
	if err == nil {
		what := m.Type().String()
		if f, ok := m.(*ofp.FlowMod); ok && f.Command != ofp.FlowAdd {
			what = "delete"
		}
		o.sent = append(o.sent, what)
	}
	return err
}

func (o *order) Flush() { o.flush(o.Send) }

// TestBarrierAfterAMove: what a switch may carry out in any order is kept in its
// own where it matters: the flows of a host that has moved are deleted before one
// for its new place is added.
func TestBarrierAfterAMove(t *testing.T) {
	for _, v := range ofp.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			o := &order{rig: newRig(t, v, Config{}, simswitch.Config{})}
			o.s = o.app.attach(o, 1)
			o.s.preparing.Wait()
			o.inject(1, eth('*', 'a'))
			o.inject(2, eth('a', 'b'))
			o.inject(1, eth('b', 'a')) // both ways have a flow
			o.sent = nil
			o.inject(3, eth('b', 'a')) // a has moved
			last := -1
			for i, what := range o.sent {
				if what == "delete" {
					last = i
				}
			}
			barrier, flow := slices.Index(o.sent, "barrier_request"), slices.Index(o.sent, "flow_mod")
			if last < 0 || flow < 0 || barrier < last || barrier > flow {
				t.Errorf("sent: %s", strings.Join(o.sent, ", "))
			}
		})
	}
}

// TestGatheredFlowIsSentBeforeItsDelete: the flow that one packet of a batch asks
// for is on the switch when a later packet of the batch has it deleted.
func TestGatheredFlowIsSentBeforeItsDelete(t *testing.T) {
	for _, v := range ofp.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			o := &order{rig: newRig(t, v, Config{}, simswitch.Config{})}
			o.s = o.app.attach(o, 1)
			o.s.preparing.Wait()
			o.inject(1, eth('*', 'a'))
			o.inject(2, eth('*', 'b'))
			o.sent = nil
			for _, p := range []struct {
				in    uint64
				frame []byte
			}{{1, eth('b', 'a')}, {3, eth('b', 'a')}} {
				m := ofp.PacketIn{BufferID: ofp.NoBuffer, TotalLen: uint16(len(p.frame)), Data: p.frame}
				m.Match.SetUint(ofp.FieldInPort, p.in)
				o.s.PacketIn(&m)
			}
			o.Flush()
			i := slices.Index(o.sent, "flow_mod")
			if j := slices.Index(o.sent, "delete"); i < 0 || j < 0 || i > j {
				t.Errorf("sent %s, want a flow_mod before the deletes", strings.Join(o.sent, " "))
			}
		})
	}
}
