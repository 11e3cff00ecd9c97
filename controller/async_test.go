package controller

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// TestAsync: what the configuration says, what is set for one switch, that it is set
// again when the switch comes back, and how it ends.
func TestAsync(t *testing.T) {
	configured := ofp.AsyncMasks{PacketIn: [2]uint32{7, 1}, PortStatus: [2]uint32{7, 7}, FlowRemoved: [2]uint32{3, 0}}
	for _, v := range ofp.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			c := serve(t, Config{Async: &configured})
			sim := simulated(t, c, v, simswitch.Config{})
			sw := c.sw(t, 1)
			check := func(what string, want, said ofp.AsyncMasks, err error) {
				t.Helper()
				if diff := cmp.Diff(want, sim.Async()); diff != "" {
					t.Errorf("%s: the switch has\n%s", what, diff)
				}
				if err != nil || said != want {
					t.Errorf("%s: it is said to be %+v, %v", what, said, err)
				}
			}
			got, err := sw.Async(t.Context())
			check("configured", configured, got, err)

			want := configured
			want.PortStatus[0], want.PacketIn[1] = 0, 4
			got, err = sw.UpdateAsync(t.Context(), func(m *ofp.AsyncMasks) error {
				m.PortStatus[0], m.PacketIn[1] = 0, 4
				return nil
			})
			check("updated", want, got, err)

			wrong := errors.New("wrong")
			if _, err := sw.UpdateAsync(t.Context(), func(m *ofp.AsyncMasks) error { m.PacketIn[0] = 0; return wrong }); !errors.Is(err, wrong) {
				t.Error(err)
			}
			check("refused by the caller", want, want, nil)

			sim.Disconnect()
			<-sw.Done()
			if err := sim.Dial(t.Context(), c.addr); err != nil {
				t.Fatal(err)
			}
			sw = c.after(t, sw)
			got, err = sw.Async(t.Context())
			check("back", want, got, err)

			got, err = sw.ResetAsync(t.Context())
			check("reset", configured, got, err)
			sim.Disconnect()
			<-sw.Done()
			if err := sim.Dial(t.Context(), c.addr); err != nil {
				t.Fatal(err)
			}
			got, err = c.after(t, sw).Async(t.Context())
			check("back after a reset", configured, got, err)
		})
	}
}

// TestAsyncUnknown: what a version, or a switch, has no words for.
func TestAsyncUnknown(t *testing.T) {
	for _, v := range ofp.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			c := serve(t, Config{})
			sim := simulated(t, c, v, simswitch.Config{})
			sw := c.sw(t, 1)
			if _, err := sw.Async(t.Context()); v < ofp.V13 && (!errors.Is(err, ErrNoAsync) || !strings.Contains(err.Error(), "OpenFlow "+v.String())) {
				t.Errorf("never set: %v", err)
			}
			sim.SetFaults(func(_ int, _ ofp.Header, m ofp.Message) simswitch.Fault {
				switch m.(type) {
				case *ofp.SetAsync, *ofp.GetAsyncRequest, *ofp.NXSetAsyncConfig:
					return simswitch.Fault{Refuse: ofp.BadRequestBadType}
				}
				return simswitch.Fault{}
			})
			if err := sw.SetAsync(t.Context(), ofp.DefaultAsync()); !errors.Is(err, ErrNoAsync) || !strings.Contains(err.Error(), "OpenFlow "+v.String()) {
				t.Errorf("refused: %v", err)
			}
			sim.SetFaults(nil)
			sim.Disconnect()
			<-sw.Done()
			if err := sim.Dial(t.Context(), c.addr); err != nil {
				t.Fatal(err)
			}
			c.after(t, sw)
			if got := sim.Async(); got != ofp.DefaultAsync() {
				t.Errorf("what was refused is set again: %+v", got)
			}
		})
	}
}

// TestPortsAfterAsync: ports that come and go while port status is off are known
// when it is on again.
func TestPortsAfterAsync(t *testing.T) {
	for _, v := range ofp.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			c := serve(t, Config{})
			sim := simulated(t, c, v, simswitch.Config{})
			sw := c.sw(t, 1)
			set := func(mask uint32) {
				t.Helper()
				if _, err := sw.UpdateAsync(t.Context(), func(m *ofp.AsyncMasks) error { m.PortStatus[0] = mask; return nil }); err != nil {
					t.Fatal(err)
				}
			}
			set(0)
			before := len(sw.Ports())
			sim.SetPort(ofp.Port{No: 77, Name: "late"})
			if err := sw.Barrier(t.Context()); err != nil || len(sw.Ports()) != before {
				t.Fatalf("%v, %d ports after %d", err, len(sw.Ports()), before)
			}
			set(7)
			if p, ok := sw.Port(77); !ok || p.Name != "late" || len(sw.Ports()) != before+1 {
				t.Errorf("the ports are %v", sw.Ports())
			}
		})
	}
}
