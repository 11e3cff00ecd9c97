package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-sdn/sluice/ofp"
)

// Groups returns one group, or all with ofp.GroupAll. No version of OpenFlow can
// ask for one: all are read.
func (s *Switch) Groups(ctx context.Context, id uint32) ([]ofp.GroupDesc, error) {
	r, err := ask[*ofp.GroupDescReply](ctx, s, &ofp.GroupDescRequest{})
	if err != nil {
		return nil, err
	}
	if id == ofp.GroupAll {
		return r.Groups, nil
	}
	return slices.DeleteFunc(r.Groups, func(g ofp.GroupDesc) bool { return g.Group != id }), nil
}

// GroupStats returns the counters of one group, or of all with ofp.GroupAll.
func (s *Switch) GroupStats(ctx context.Context, id uint32) ([]ofp.GroupStats, error) {
	r, err := ask[*ofp.GroupStatsReply](ctx, s, &ofp.GroupStatsRequest{Group: id})
	if err != nil {
		return nil, err
	}
	return r.Groups, nil
}

// GroupFeatures returns what groups the switch can have; OpenFlow 1.2 and later.
func (s *Switch) GroupFeatures(ctx context.Context) (*ofp.GroupFeatures, error) {
	return ask[*ofp.GroupFeatures](ctx, s, &ofp.GroupFeaturesRequest{})
}

// Meters returns one meter, or all with ofp.MeterAll.
func (s *Switch) Meters(ctx context.Context, id uint32) ([]ofp.MeterConfig, error) {
	r, err := ask[*ofp.MeterConfigReply](ctx, s, &ofp.MeterConfigRequest{Meter: id})
	if err != nil {
		return nil, err
	}
	return r.Meters, nil
}

// MeterStats returns the counters of one meter, or of all with ofp.MeterAll.
func (s *Switch) MeterStats(ctx context.Context, id uint32) ([]ofp.MeterCounters, error) {
	r, err := ask[*ofp.MeterStatsReply](ctx, s, &ofp.MeterStatsRequest{Meter: id})
	if err != nil {
		return nil, err
	}
	return r.Meters, nil
}

// MeterFeatures returns what meters the switch can have.
func (s *Switch) MeterFeatures(ctx context.Context) (*ofp.MeterFeatures, error) {
	return ask[*ofp.MeterFeatures](ctx, s, &ofp.MeterFeaturesRequest{})
}

// QueueStats returns the counters of a port's queues, or of all ports' with
// ofp.PortAny; of one queue, or of all with ofp.QueueAll.
func (s *Switch) QueueStats(ctx context.Context, port ofp.PortNo, queue uint32) ([]ofp.QueueStats, error) {
	r, err := ask[*ofp.QueueStatsReply](ctx, s, &ofp.QueueStatsRequest{Port: port, Queue: queue})
	if err != nil {
		return nil, err
	}
	return r.Queues, nil
}

// Queues returns the queues of a port, or of all ports with ofp.PortAny, each with
// its port. OpenFlow 1.0 and 1.1 can ask for those of one port only (sections
// 5.3.4 and A.3.6): the ports that the switch has are asked one after the other,
// and one that goes away meanwhile has no queues.
func (s *Switch) Queues(ctx context.Context, port ofp.PortNo) ([]ofp.Queue, error) {
	if port != ofp.PortAny || s.Version() >= ofp.V12 {
		return s.queuesOf(ctx, port)
	}
	var all []ofp.Queue
	for _, p := range s.Ports() {
		if p.No.Reserved() {
			continue // they have no queues, and cannot be asked for
		}
		list, err := s.queuesOf(ctx, p.No)
		var se *SwitchError
		if errors.As(err, &se) && se.Reply.Reason == ofp.QueueOpFailedBadPort {
			if _, there := s.Port(p.No); !there {
				continue
			}
		}
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

func (s *Switch) queuesOf(ctx context.Context, port ofp.PortNo) ([]ofp.Queue, error) {
	r, err := request[*ofp.QueueGetConfigReply](ctx, s, &ofp.QueueGetConfigRequest{Port: port})
	if err != nil {
		return nil, err
	}
	if s.Version() < ofp.V12 {
		for i := range r.Queues {
			r.Queues[i].Port = r.Port // which is said once
		}
	}
	return r.Queues, nil
}

// TableFeatures returns what the switch's flow tables can do; OpenFlow 1.3.
func (s *Switch) TableFeatures(ctx context.Context) ([]ofp.TableFeatures, error) {
	r, err := ask[*ofp.TableFeaturesReply](ctx, s, &ofp.TableFeaturesRequest{})
	if err != nil {
		return nil, err
	}
	return r.Tables, nil
}

// Config returns how the switch treats fragments, and how much of a packet it
// sends to the controller.
func (s *Switch) Config(ctx context.Context) (ofp.SwitchConfig, error) {
	r, err := request[*ofp.GetConfigReply](ctx, s, &ofp.GetConfigRequest{})
	if err != nil {
		return ofp.SwitchConfig{}, err
	}
	return r.SwitchConfig, nil
}

// ModifyPort changes a port's configuration and returns when the switch has
// confirmed it. A switch does not tell the controller that asked for it (section
// 7.4.3 of OpenFlow 1.3.5): Ports has the change from then on, and apps are not
// told either. It fails as Write does.
func (s *Switch) ModifyPort(ctx context.Context, m *ofp.PortMod) error {
	if err := s.Write(ctx, []ofp.Message{m}); err != nil {
		return err
	}
	if p, ok := s.Port(m.Port); ok {
		p.Config = p.Config&^m.Mask | m.Config&m.Mask
		s.ports.change(&ofp.PortStatus{Reason: ofp.PortModified, Port: p})
	}
	return nil
}

// SetFragments sets how the switch treats IP fragments, to ofp.FragNormal,
// FragDrop, FragReasm or FragNXMatch, and returns its configuration after that:
// one that cannot do it says nothing.
func (s *Switch) SetFragments(ctx context.Context, how ofp.ConfigFlags) (ofp.SwitchConfig, error) {
	c, err := s.Config(ctx)
	if err != nil {
		return c, err
	}
	const all = ofp.FragDrop | ofp.FragReasm | ofp.FragNXMatch
	c.Flags = c.Flags&^all | how&all
	if err := s.Write(ctx, []ofp.Message{&ofp.SetConfig{SwitchConfig: c}}); err != nil {
		return c, err
	}
	return s.Config(ctx)
}

// request sends a message and returns its reply.
func request[T ofp.Message](ctx context.Context, s *Switch, q ofp.Message) (T, error) {
	var none T
	m, err := s.conn.Request(ctx, q)
	if err != nil {
		return none, err
	}
	r, ok := m.(T)
	if !ok {
		return none, fmt.Errorf("%s: %w", q.Type(), &ReplyError{What: m.Type().String()})
	}
	return r, nil
}
