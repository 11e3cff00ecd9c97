package controller

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// metered is a peer with meters.
func metered(t *testing.T, v ofp.Version, features ofp.MeterFeatures, has ...ofp.MeterConfig) *peer {
	p := newPeer(t, v, 1)
	p.reply = func(_ uint32, m ofp.Message) []ofp.Message {
		q, ok := m.(*ofp.MultipartRequest)
		if !ok {
			return nil
		}
		switch q.Body.(type) {
		case *ofp.MeterFeaturesRequest:
			return []ofp.Message{&ofp.MultipartReply{Body: &features}}
		case *ofp.MeterConfigRequest:
			return []ofp.Message{&ofp.MultipartReply{Body: &ofp.MeterConfigReply{Meters: has}}}
		}
		return nil
	}
	return p
}

// TestControllerMeter: the meter is added, changed where it differs, left as it is
// where it does not, and where the switch can have none that is said once.
func TestControllerMeter(t *testing.T) {
	able := ofp.MeterFeatures{MaxMeter: 10, BandTypes: 1 << ofp.BandDrop, Capabilities: uint32(ofp.MeterPktps | ofp.MeterBurst)}
	band := func(rate, burst uint32) []ofp.MeterBand {
		return []ofp.MeterBand{{Type: ofp.BandDrop, Rate: rate, Burst: burst}}
	}
	const flags = ofp.MeterPktps | ofp.MeterBurst
	other := ofp.MeterConfig{Meter: 7, Flags: flags, Bands: band(5, 5)}
	limit := channel.Limit{Rate: 1000, Burst: 50}
	want := ofp.MeterMod{Meter: ofp.MeterController, Flags: flags | ofp.MeterStats, Bands: band(1000, 50)}
	for _, row := range []struct {
		name     string
		version  ofp.Version
		features ofp.MeterFeatures
		has      []ofp.MeterConfig
		command  ofp.MeterCommand
		sends    bool
		why      string
	}{
		{"none there", ofp.V13, able, []ofp.MeterConfig{other}, ofp.MeterAdd, true, ""},
		{"another rate there", ofp.V13, able, []ofp.MeterConfig{other, {Meter: ofp.MeterController, Flags: flags, Bands: band(999, 50)}}, ofp.MeterModify, true, ""},
		{"another unit there", ofp.V13, able, []ofp.MeterConfig{{Meter: ofp.MeterController, Flags: ofp.MeterKbps | ofp.MeterBurst, Bands: band(1000, 50)}}, ofp.MeterModify, true, ""},
		{"the same there", ofp.V13, able, []ofp.MeterConfig{{Meter: ofp.MeterController, Flags: flags, Bands: band(1000, 50)}}, 0, false, ""},
		{"no room", ofp.V13, ofp.MeterFeatures{BandTypes: able.BandTypes, Capabilities: able.Capabilities}, nil, 0, false, "room for no meter"},
		{"no drop", ofp.V13, ofp.MeterFeatures{MaxMeter: 1, Capabilities: able.Capabilities}, nil, 0, false, "do not drop"},
		{"no packets", ofp.V13, ofp.MeterFeatures{MaxMeter: 1, BandTypes: able.BandTypes, Capabilities: uint32(ofp.MeterKbps)}, nil, 0, false, "do not count packets"},
		{"OpenFlow 1.0", ofp.V10, able, nil, 0, false, "OpenFlow 1.0 has no meters"},
		{"OpenFlow 1.2", ofp.V12, able, nil, 0, false, "OpenFlow 1.2 has no meters"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := serve(t, Config{ControllerMeter: limit})
			p := metered(t, row.version, row.features, row.has...).dial(c.addr)
			s := c.sw(t, 1)
			m := s.ControllerMeter()
			lines := c.logs.with("switch does not bound the packets that it sends to the controller; --packet-in-rate bounds those that reach the apps")
			if row.why == "" {
				if m.Err != nil || m.Limit != limit || len(lines) != 0 || gauge(t, c, "sluice_switches_metered") != 1 {
					t.Errorf("%+v, %d lines", m, len(lines))
				}
			} else {
				if !errors.Is(m.Err, ErrNoMeter) || !strings.Contains(m.Err.Error(), row.why) || m.Limit.Rate != 0 || len(lines) != 1 || gauge(t, c, "sluice_switches_metered") != 0 {
					t.Errorf("%+v, %d lines", m, len(lines))
				}
			}
			sent := 0
			for len(p.in) > 0 {
				if got, ok := (<-p.in).(*ofp.MeterMod); ok {
					sent++
					want.Command = row.command
					if diff := cmp.Diff(&want, got); diff != "" {
						t.Errorf("meter-mod (-want +got):\n%s", diff)
					}
				}
			}
			if (sent == 1) != row.sends {
				t.Errorf("%d meter-mods", sent)
			}
		})
	}
}

// TestControllerMeterRefused: a switch that refuses the meter is taken all the same.
func TestControllerMeterRefused(t *testing.T) {
	c := serve(t, Config{ControllerMeter: channel.Limit{Rate: 5}})
	p := metered(t, ofp.V13, ofp.MeterFeatures{MaxMeter: 1, BandTypes: 1 << ofp.BandDrop, Capabilities: uint32(ofp.MeterPktps)})
	answer := p.reply
	p.reply = func(xid uint32, m ofp.Message) []ofp.Message {
		if m.Type() == ofp.TypeMeterMod {
			return []ofp.Message{&ofp.Error{Reason: ofp.MeterModFailedInvalidMeter}}
		}
		return answer(xid, m)
	}
	p.dial(c.addr)
	if m := c.sw(t, 1).ControllerMeter(); !errors.Is(m.Err, ErrNoMeter) || !strings.Contains(m.Err.Error(), "INVALID_METER") {
		t.Errorf("%+v", m)
	}
	if _, err := New(Config{ControllerMeter: channel.Limit{Rate: -1}}); err == nil {
		t.Error("a negative rate passes")
	}
}

// TestControllerMeterOfMaster: a slave's switch has no meter of its, and the meter is
// looked at again when the role has changed.
func TestControllerMeterOfMaster(t *testing.T) {
	limit := channel.Limit{Rate: 5, Burst: 5}
	c := serve(t, Config{Role: ofp.RoleMaster, ControllerMeter: limit})
	sim := simulated(t, c, ofp.V13, simswitch.Config{})
	sw := c.sw(t, 1)
	if m := sw.ControllerMeter(); m.Limit != limit {
		t.Fatalf("%+v", m)
	}
	del := &ofp.MeterMod{Command: ofp.MeterDelete, Meter: ofp.MeterController}
	if err := sw.Write(t.Context(), []ofp.Message{del}); err != nil { // the other master does
		t.Fatal(err)
	}
	mods := sim.Received(ofp.TypeMeterMod)
	sim.Elect(5)
	if _, err := sw.AskRole(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the slave has no meter", func() bool { return sw.ControllerMeter().Err != nil })
	if _, err := sw.SetRole(t.Context(), ofp.RoleState{Role: ofp.RoleMaster, Generation: ofp.NoGeneration}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the master sets it again", func() bool { return sim.Received(ofp.TypeMeterMod) == mods+1 && sw.ControllerMeter().Limit == limit })
}
