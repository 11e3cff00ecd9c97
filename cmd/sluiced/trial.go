package main

import (
	"context"
	"fmt"
	"time"

	"github.com/sluice-sdn/sluice/controller/store"
)

// trialPause is how often a store that could not be written is tried again: what
// asks /readyz need not send a write to find out.
const trialPause = 2 * time.Second

// tryStore tries the store again while it cannot be written, and logs when that
// begins and ends, until ctx ends.
func (d *daemon) tryStore(ctx context.Context) {
	tick := time.NewTicker(trialPause)
	defer tick.Stop()
	for told := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		h := d.store.Health()
		if h.Err != nil && !told {
			told = true
			d.log.WithError(h.Err).Error("store cannot be written: nothing new is acknowledged")
		}
		if h.Err != nil {
			_ = d.store.Try() // Health tells the outcome
			h = d.store.Health()
		}
		if h.Err == nil && told {
			told = false
			d.log.Info("store can be written again")
		}
	}
}

// unwritable says why and since when a store cannot be written, "" if it can.
func unwritable(s store.Store) string {
	if s == nil {
		return ""
	}
	h := s.Health()
	if h.Err == nil {
		return ""
	}
	return fmt.Sprintf("the store (--state) cannot be written since %s: %v", h.Since.Format(time.DateTime), h.Err)
}

// lastingWrite says how long a write to the store lasts that is going on, if it is one
// to speak of: nobody can end that but the disk.
func lastingWrite(s store.Store) string {
	if s == nil {
		return ""
	}
	lasted := time.Since(s.Health().Writing)
	if s.Health().Writing.IsZero() || lasted < time.Second {
		return ""
	}
	return fmt.Sprintf(": the disk of --state has not answered for %v, and nobody knows whether what was written last is stored; the process may stay until the disk answers", lasted.Round(time.Second))
}
