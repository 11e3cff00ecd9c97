package controller

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
)

// ErrNoAsync means that nobody can choose, or can tell, what a switch sends of its
// own accord: its version of OpenFlow has no words for it.
var ErrNoAsync = errors.New("switch does not let controllers choose what it sends")

// asyncs is what switches were told to send of their own accord, after the
// configuration, for when they come back. When there are maxRoles, that of more
// switches is not remembered, and the configuration's is set when they come back.
type asyncs struct {
	mu sync.Mutex
	of map[ofp.DPID]ofp.AsyncMasks
}

func (a *asyncs) remember(dpid ofp.DPID, masks ofp.AsyncMasks) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.of == nil {
		a.of = make(map[ofp.DPID]ofp.AsyncMasks)
	}
	if _, ok := a.of[dpid]; ok || len(a.of) < maxRoles {
		a.of[dpid] = masks
	}
}

func (a *asyncs) forget(dpid ofp.DPID) {
	a.mu.Lock()
	delete(a.of, dpid)
	a.mu.Unlock()
}

func (a *asyncs) wanted(dpid ofp.DPID) (ofp.AsyncMasks, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	masks, ok := a.of[dpid]
	return masks, ok
}

// Async returns which messages the switch sends of its own accord: in OpenFlow 1.3
// as the switch says (section 7.3.10 of OpenFlow 1.3.5), in earlier versions, which
// cannot ask, what it has confirmed on this connection. Where that is nothing it is
// ErrNoAsync. It fails as Request does.
func (s *Switch) Async(ctx context.Context) (ofp.AsyncMasks, error) {
	if s.Version() < ofp.V13 {
		if set := s.async.Load(); set != nil {
			return *set, nil
		}
		return ofp.AsyncMasks{}, fmt.Errorf("%w: OpenFlow %s cannot ask for it, and it was not set since the switch connected", ErrNoAsync, s.Version())
	}
	r, err := request[*ofp.GetAsyncReply](ctx, s, &ofp.GetAsyncRequest{})
	if err != nil {
		return ofp.AsyncMasks{}, s.noAsync(err)
	}
	return r.AsyncMasks, nil
}

// SetAsync chooses which messages the switch sends of its own accord, while this
// controller is master or equal and while it is slave: with SET_ASYNC in OpenFlow
// 1.3, in earlier versions with Open vSwitch's own message, where other switches
// have none (ErrNoAsync). Without port status Ports stays as it is until port
// status is set again, when the ports are read. Open vSwitch's notice in 1.3 that
// another controller became the master stays as it is. The masks are set again
// whenever the switch comes back, for as long as the controller runs. It fails as
// Write does.
func (s *Switch) SetAsync(ctx context.Context, masks ofp.AsyncMasks) error {
	_, err := s.UpdateAsync(ctx, func(m *ofp.AsyncMasks) error {
		*m = masks
		return nil
	})
	return err
}

// UpdateAsync is SetAsync with what change makes of the masks that the switch has
// now: those of Async, or ofp.DefaultAsync where there are none. It returns those
// that the switch has then. What change returns is returned as it is, and nothing
// is sent.
func (s *Switch) UpdateAsync(ctx context.Context, change func(*ofp.AsyncMasks) error) (ofp.AsyncMasks, error) {
	unlock, err := s.lockRole(ctx)
	if err != nil {
		return ofp.AsyncMasks{}, err
	}
	defer unlock()
	before, err := s.Async(ctx)
	if s.Version() < ofp.V13 && errors.Is(err, ErrNoAsync) {
		before, err = ofp.DefaultAsync(), nil
	}
	if err != nil {
		return before, err
	}
	masks := before
	if err := change(&masks); err != nil {
		return before, err
	}
	now, err := s.putAsync(ctx, before, masks)
	if err == nil {
		s.c.asyncs.remember(s.dpid, masks)
	}
	return now, err
}

// ResetAsync is UpdateAsync to the configuration's masks, or ofp.DefaultAsync where
// it has none, and forgets what was set for the switch.
func (s *Switch) ResetAsync(ctx context.Context) (ofp.AsyncMasks, error) {
	unlock, err := s.lockRole(ctx)
	if err != nil {
		return ofp.AsyncMasks{}, err
	}
	defer unlock()
	masks := ofp.DefaultAsync()
	if s.c.cfg.Async != nil {
		masks = *s.c.cfg.Async
	}
	now, err := s.putAsync(ctx, ofp.AsyncMasks{}, masks)
	if err == nil {
		s.c.asyncs.forget(s.dpid)
	}
	return now, err
}

// putAsync sets masks in the place of others, and returns what the switch has then.
func (s *Switch) putAsync(ctx context.Context, before, masks ofp.AsyncMasks) (ofp.AsyncMasks, error) {
	var m ofp.Message = &ofp.SetAsync{AsyncMasks: masks}
	if s.Version() < ofp.V13 {
		m = &ofp.NXSetAsyncConfig{AsyncMasks: masks}
	}
	if err := s.Write(ctx, []ofp.Message{m}); err != nil {
		return before, s.noAsync(err)
	}
	s.async.Store(&masks)
	now, err := s.Async(ctx)
	if err != nil {
		return now, fmt.Errorf("what the switch sends is set, but not what it says of it: %w", err)
	}
	for who := range now.PortStatus {
		if now.PortStatus[who]&^before.PortStatus[who] != 0 {
			return now, s.rereadPorts(ctx)
		}
	}
	return now, nil
}

// noAsync makes ErrNoAsync of an error that says that the switch does not know the
// message.
func (s *Switch) noAsync(err error) error {
	why := reason(err)
	if we, ok := errors.AsType[*WriteError](err); ok && len(we.Errors) > 0 {
		why = reason(we.Errors[0].Err)
	}
	switch why {
	case ofp.BadRequestBadType, ofp.BadRequestBadExperimenter, ofp.BadRequestBadExperimenterType:
	default:
		return err
	}
	if s.Version() < ofp.V13 {
		return fmt.Errorf("%w: OpenFlow %s has no message for it, and the switch does not know Open vSwitch's", ErrNoAsync, s.Version())
	}
	return fmt.Errorf("%w: it does not know OpenFlow %s's message for it", ErrNoAsync, s.Version())
}

// rereads is how often the ports are read if they change meanwhile.
const rereads = 3

// rereadPorts reads the ports, of whose changes the switch has perhaps not told.
// Changes that it tells of while they are read may be newer than what is read: the
// ports are read again then, rereads times at most.
func (s *Switch) rereadPorts(ctx context.Context) error {
	for range rereads {
		seen := s.ports.seen()
		sorted, err := s.askPorts(ctx)
		if err != nil {
			return fmt.Errorf("read the ports again: %w", err)
		}
		if s.ports.replace(sorted, seen) {
			break
		}
	}
	return nil
}

// askPorts returns the ports as the switch has them now, by ascending number.
func (s *Switch) askPorts(ctx context.Context) ([]ofp.Port, error) {
	var has []ofp.Port
	if s.Version() >= ofp.V13 {
		r, err := ask[*ofp.PortDescReply](ctx, s, &ofp.PortDescRequest{})
		if err != nil {
			return nil, err
		}
		has = r.Ports
	} else {
		r, err := request[*ofp.FeaturesReply](ctx, s, &ofp.FeaturesRequest{})
		if err != nil {
			return nil, err
		}
		has = r.Ports
	}
	all := make([]ofp.PortStatus, len(has))
	for i := range has {
		all[i] = ofp.PortStatus{Reason: ofp.PortAdded, Port: has[i]}
	}
	return channel.UpdatePorts(nil, all), nil
}

// setAsync asks a switch that connects for the messages that were chosen for it, or
// else by the configuration. A switch that refuses is taken as it is.
func (s *Switch) setAsync(ctx context.Context) error {
	masks, ok := s.c.asyncs.wanted(s.dpid)
	if !ok && s.c.cfg.Async == nil {
		return nil
	}
	if !ok {
		masks = *s.c.cfg.Async
	}
	// The ports were read a moment ago, while the switch told of changes.
	_, err := s.putAsync(ctx, masks, masks)
	switch {
	case errors.Is(err, ErrDisconnected):
		return err
	case err != nil:
		s.log.WithError(err).Warn("switch does not let the controller choose what it sends")
	}
	return nil
}
