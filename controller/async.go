package controller

import (
	"context"
	"errors"

	"github.com/sluice-sdn/sluice/ofp"
)

// allPortStatus are the reasons of a port status: they come to slaves, too, for the
// list of ports would go wrong without them.
const allPortStatus = 1<<ofp.PortAdded | 1<<ofp.PortDeleted | 1<<ofp.PortModified

// SetAsync chooses which messages the switch sends of its own accord, while this
// controller is master or equal and while it is slave: SET_ASYNC in OpenFlow 1.3
// (section 7.3.10), in earlier versions Open vSwitch's own message. Port status is
// always on. Open vSwitch's notice in 1.3 that another controller became the master
// stays as it is. It fails as Write does.
func (s *Switch) SetAsync(ctx context.Context, masks ofp.AsyncMasks) error {
	for i := range masks.PortStatus {
		masks.PortStatus[i] |= allPortStatus
	}
	var m ofp.Message = &ofp.SetAsync{AsyncMasks: masks}
	if s.Version() < ofp.V13 {
		m = &ofp.NXSetAsyncConfig{AsyncMasks: masks}
	}
	return s.Write(ctx, []ofp.Message{m})
}

// Async returns what SetAsync sets, as the switch has it; OpenFlow 1.3.
func (s *Switch) Async(ctx context.Context) (ofp.AsyncMasks, error) {
	r, err := request[*ofp.GetAsyncReply](ctx, s, &ofp.GetAsyncRequest{})
	if err != nil {
		return ofp.AsyncMasks{}, err
	}
	return r.AsyncMasks, nil
}

// setAsync asks a switch that connects for the messages that the configuration
// wants. A switch that refuses is taken as it is.
func (s *Switch) setAsync(ctx context.Context) error {
	if s.c.cfg.Async == nil {
		return nil
	}
	err := s.SetAsync(ctx, *s.c.cfg.Async)
	switch {
	case errors.Is(err, ErrDisconnected):
		return err
	case err != nil:
		s.log.WithError(err).Warn("switch does not let the controller choose what it sends")
	}
	return nil
}
