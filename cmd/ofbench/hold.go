package main

import (
	"context"
	"time"
)

// held is what a run with --hold has measured; its JSON form is what --json
// prints.
type held struct {
	OpenFlow  string   `json:"openflow"`
	Switches  int      `json:"switches"`
	Ready     float64  `json:"ready_seconds"` // to connect and shake hands, with the quiet after it
	Seconds   float64  `json:"held_seconds"`
	Dropped   int      `json:"dropped"`
	RSSBefore int64    `json:"controller_rss_before_bytes,omitempty"` // with --pid
	RSSAfter  int64    `json:"controller_rss_bytes,omitempty"`
	PerSwitch int64    `json:"controller_rss_per_switch_bytes,omitempty"`
	Faults    *faulted `json:"faults,omitempty"` // with --fault
}

// hold connects all switches, has them answer what the controller asks, and
// counts the connections that end before their time.
func hold(ctx context.Context, o *options, out *report) error {
	h := &held{OpenFlow: o.version.String(), Switches: o.switches}
	var err error
	if o.pid > 0 {
		if h.RSSBefore, err = processRSS(o.pid); err != nil {
			return err
		}
	}
	f, err := launch(ctx, o)
	if err != nil {
		return err
	}
	defer f.close()
	h.Ready = time.Since(f.start).Seconds()
	out.holding(h)
	held := time.Now()
	end := time.NewTimer(o.hold)
	defer end.Stop()
	var first error
	for over := false; !over; {
		select {
		case <-end.C:
			over = true
		case <-ctx.Done():
			over = true
		case err := <-f.failures:
			if h.Dropped++; first == nil {
				first = err
			}
		}
	}
	h.Seconds = time.Since(held).Seconds()
	if o.pid > 0 {
		if h.RSSAfter, err = processRSS(o.pid); err != nil {
			return err
		}
		h.PerSwitch = (h.RSSAfter - h.RSSBefore) / int64(o.switches)
	}
	h.Faults = f.faulted()
	out.held(h)
	out.faulted(h.Faults)
	return first
}
