package controller

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
)

const (
	// probeTimeout is how long a switch may take to show that it is alive when a
	// second connection has its DPID.
	probeTimeout = 2 * time.Second
	// detachTimeout is how long the apps may take to let go of a replaced switch.
	detachTimeout = 5 * time.Second
)

// Switches returns the connected, ready switches by ascending DPID.
func (c *Controller) Switches() []*Switch {
	c.mu.Lock()
	all := make([]*Switch, 0, len(c.switches))
	for _, s := range c.switches {
		all = append(all, s)
	}
	c.mu.Unlock()
	slices.SortFunc(all, func(a, b *Switch) int { return cmp.Compare(a.dpid, b.dpid) })
	return all
}

// Find returns the switch of that name or DPID. A DPID written in full, sixteen
// hexadecimal digits with or without colons, goes before any name, so that no
// switch can take another's place by its name. Otherwise the name of a connected
// switch goes first, even one that could be read as a number, such as "b0"; then
// a DPID without its leading zeros. Find fails with ErrNoSwitch, or with
// ErrAmbiguous and the DPIDs in its text if several switches have the name.
func (c *Controller) Find(ref string) (*Switch, error) {
	dpid, err := ofp.ParseDPID(ref)
	isDPID := err == nil
	if isDPID && len(strings.NewReplacer(":", "", "-", "").Replace(ref)) == 16 {
		if s := c.byDPID(dpid); s != nil {
			return s, nil
		}
	}
	var named []*Switch
	for _, s := range c.Switches() {
		if s.Name() == ref {
			named = append(named, s)
		}
	}
	switch {
	case len(named) == 1:
		return named[0], nil
	case len(named) > 1:
		dpids := make([]string, len(named))
		for i, s := range named {
			dpids[i] = s.dpid.String()
		}
		return nil, fmt.Errorf("%w: %q is the name of %s; use the DPID", ErrAmbiguous, ref, strings.Join(dpids, ", "))
	case isDPID:
		if s := c.byDPID(dpid); s != nil {
			return s, nil
		}
	}
	return nil, fmt.Errorf("%w: %q is neither the name nor the DPID of a connected switch", ErrNoSwitch, ref)
}

func (c *Controller) byDPID(dpid ofp.DPID) *Switch {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.switches[dpid]
}

// claim takes s's DPID for it, until publish or release. If another switch has
// the DPID, that one is asked for an echo: if it answers, claim fails; else it is
// closed, and its apps have let go of it when claim returns.
func (c *Controller) claim(s *Switch) error {
	for {
		c.mu.Lock()
		busy, old := c.claims[s.dpid], c.switches[s.dpid]
		if busy == nil {
			c.claims[s.dpid] = make(chan struct{})
		}
		c.mu.Unlock()
		if busy == nil {
			if old == nil {
				return nil
			}
			err := c.oust(old, s)
			if err != nil {
				c.release(s)
			}
			return err
		}
		select {
		case <-busy:
		case <-s.conn.Done():
			return ErrDisconnected
		}
	}
}

// oust closes old in favour of s unless it is alive.
func (c *Controller) oust(old, s *Switch) error {
	ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
	defer cancel()
	if err := old.conn.Probe(ctx); err == nil {
		text := fmt.Sprintf("dpid %s is connected from %v, which answers", s.dpid, old.Addr())
		return &channel.RefuseError{Text: text, Err: &channel.CloseError{Reason: channel.ReasonDuplicate, Err: fmt.Errorf("%s", text)}}
	}
	old.conn.Close(channel.ReasonReplaced, fmt.Errorf("silent when a connection from %v came with its dpid", s.Addr()))
	timer := time.NewTimer(detachTimeout)
	defer timer.Stop()
	select {
	case <-old.detached:
	case <-timer.C:
		s.log.Warn("apps still hold the switch that is being replaced")
	case <-s.conn.Done():
		return ErrDisconnected
	}
	return nil
}

// publish makes a claimed switch known.
func (c *Controller) publish(s *Switch) {
	c.mu.Lock()
	c.switches[s.dpid] = s
	if c.arrival != nil {
		close(c.arrival)
		c.arrival = nil
	}
	c.mu.Unlock()
	c.release(s)
}

// release ends a claim.
func (c *Controller) release(s *Switch) {
	c.mu.Lock()
	close(c.claims[s.dpid])
	delete(c.claims, s.dpid)
	c.mu.Unlock()
}

// forget takes a switch that is gone out of the registry.
func (c *Controller) forget(s *Switch) {
	c.mu.Lock()
	known := c.switches[s.dpid] == s
	if known {
		delete(c.switches, s.dpid)
	}
	c.mu.Unlock()
	if known {
		s.forgetState()
	}
}
