package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
)

// meterTimeout bounds what setting the meter of a switch that connects may take.
const meterTimeout = 3 * time.Second

// ErrNoMeter means that the switch has no meter for packets to the controller.
var ErrNoMeter = errors.New("no meter for packets to the controller")

// ControllerMeter is what a switch does about Config.ControllerMeter. The zero value
// means that nothing is set.
type ControllerMeter struct {
	Limit channel.Limit // that the switch keeps, its burst filled in; zero if it keeps none
	Err   error         // why it keeps none
}

// ControllerMeter returns whether a meter in the switch bounds the packets that it
// sends to the controller, as Config.ControllerMeter asks for.
func (s *Switch) ControllerMeter() ControllerMeter {
	if m := s.meter.Load(); m != nil {
		return *m
	}
	return ControllerMeter{}
}

// meterPunts sets the controller's meter (OFPM_CONTROLLER, section 5.7 and 7.3.4.5 of
// OpenFlow 1.3.5), if one is asked for: it adds the meter, or changes it if there is
// one that differs. It is called when the switch connects, by the dispatcher, and
// by remeter. A switch without such a meter is taken as it
// is, and said so once a connection. The error means that the switch is gone.
func (s *Switch) meterPunts() error {
	limit := s.c.cfg.ControllerMeter
	if limit.Rate == 0 || s.ControllerMeter().Limit != (channel.Limit{}) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), meterTimeout)
	defer cancel()
	err := s.setMeter(ctx, limit)
	if errors.Is(err, ErrDisconnected) {
		return err
	}
	if limit.Burst == 0 {
		limit.Burst = limit.Rate
	}
	m := &ControllerMeter{Limit: limit}
	if err != nil {
		m = &ControllerMeter{Err: err}
	}
	s.meter.Store(m)
	if err != nil && !s.meterTold && !errors.Is(err, ErrSlave) {
		s.meterTold = true
		s.log.WithError(err).Warn("switch does not bound the packets that it sends to the controller; --packet-in-rate bounds those that reach the apps")
	}
	return nil
}

// metering says that the meter is being set again beside the dispatcher.
type metering struct {
	mu    sync.Mutex
	on    bool
	again bool // and is to be set once more then
}

// remeter sets the meter again beside the dispatcher, whose events do not wait for
// it: a switch that does not answer takes meterTimeout.
func (s *Switch) remeter() {
	m := &s.metering
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.on {
		m.again = true
		return
	}
	m.on = true
	s.work.Go(func() {
		for more := true; more; {
			s.meter.Store(nil)
			if err := s.meterPunts(); err != nil {
				return // the switch is gone
			}
			m.mu.Lock()
			more = m.again
			m.on, m.again = more, false
			m.mu.Unlock()
		}
	})
}

func (s *Switch) setMeter(ctx context.Context, limit channel.Limit) error {
	if s.Version() < ofp.V13 {
		return fmt.Errorf("%w: OpenFlow %s has no meters", ErrNoMeter, s.Version())
	}
	if s.conn.Slave() {
		return fmt.Errorf("%w: %w, it is the master's to set one", ErrNoMeter, ErrSlave)
	}
	has, err := s.MeterFeatures(ctx)
	if err == nil {
		err = lacks(has)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoMeter, err)
	}
	want := punt(limit)
	all, err := s.Meters(ctx, ofp.MeterAll)
	if err != nil {
		return fmt.Errorf("%w: read the meters: %w", ErrNoMeter, err)
	}
	for i := range all {
		if all[i].Meter != ofp.MeterController {
			continue
		}
		if want.Command = ofp.MeterModify; sameMeter(want, &all[i]) {
			return nil
		}
	}
	if err := s.Write(ctx, []ofp.Message{want}); err != nil {
		return fmt.Errorf("%w: %w", ErrNoMeter, err)
	}
	return nil
}

// punt returns the message that adds the meter.
func punt(l channel.Limit) *ofp.MeterMod {
	burst := l.Burst
	if burst == 0 {
		burst = l.Rate
	}
	return &ofp.MeterMod{
		Command: ofp.MeterAdd, Meter: ofp.MeterController, Flags: ofp.MeterPktps | ofp.MeterBurst | ofp.MeterStats,
		Bands: []ofp.MeterBand{{Type: ofp.BandDrop, Rate: uint32(l.Rate), Burst: uint32(burst)}},
	}
}

// sameMeter reports whether the switch has the meter that m would make. That it
// counts, or not, is no difference.
func sameMeter(m *ofp.MeterMod, has *ofp.MeterConfig) bool {
	return (m.Flags^has.Flags)&^ofp.MeterStats == 0 && slices.EqualFunc(m.Bands, has.Bands, func(a, b ofp.MeterBand) bool {
		return a.Type == b.Type && a.Rate == b.Rate && a.Burst == b.Burst
	})
}

// lacks returns what a switch's meters lack for one of packets to the controller.
func lacks(has *ofp.MeterFeatures) error {
	switch {
	case has.MaxMeter == 0:
		return errors.New("the switch has room for no meter")
	case has.BandTypes&(1<<ofp.BandDrop) == 0:
		return errors.New("the switch's meters do not drop")
	case has.Capabilities&uint32(ofp.MeterPktps) == 0:
		return errors.New("the switch's meters do not count packets")
	}
	return nil
}
