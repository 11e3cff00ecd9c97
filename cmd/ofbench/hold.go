package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// held is what a run with --hold has measured; its JSON form is what --json
// prints.
type held struct {
	OpenFlow  string    `json:"openflow"`
	Switches  int       `json:"switches"`
	Ready     float64   `json:"ready_seconds"`               // to connect and shake hands, with the quiet after it
	Again     []float64 `json:"reconnect_seconds,omitempty"` // the same for each time of --reconnect
	Began     float64   `json:"began_unix_seconds"`          // when the first switch connected
	End       float64   `json:"end_unix_seconds"`
	Seconds   float64   `json:"held_seconds"`
	Dropped   int       `json:"dropped"`
	RSSBefore int64     `json:"controller_rss_before_bytes,omitempty"` // with --pid
	RSSAfter  int64     `json:"controller_rss_bytes,omitempty"`
	PerSwitch int64     `json:"controller_rss_per_switch_bytes,omitempty"`
	Faults    *faulted  `json:"faults,omitempty"` // with --fault; of the last time
}

// hold connects all switches, has them answer what the controller asks, and
// counts the connections that end before their time.
func hold(ctx context.Context, o *options, out *report) error {
	h := &held{OpenFlow: o.version.String(), Switches: o.switches, Began: unix(time.Now())}
	var err error
	if o.pid > 0 {
		if h.RSSBefore, err = processRSS(o.pid); err != nil {
			return err
		}
	}
	first := h.once(ctx, o, out, 0)
	for i := 0; i < o.reconnect && ctx.Err() == nil && !errors.Is(first, errNotReady); i++ {
		if err := h.once(ctx, o, out, i+1); first == nil {
			first = err
		}
	}
	h.End = unix(time.Now())
	if errors.Is(first, errNotReady) {
		return first
	}
	out.held(h)
	out.faulted(h.Faults)
	return first
}

// errNotReady is about switches of which some did not come to an end with their
// handshake.
var errNotReady = errors.New("not all switches are ready")

// once connects all switches, holds them, and drops them all at once. It returns
// why the first of those that ended before their time did so.
func (h *held) once(ctx context.Context, o *options, out *report, turn int) (first error) {
	f, err := launch(ctx, o)
	if err != nil {
		return fmt.Errorf("%w: %w", errNotReady, err)
	}
	defer f.close()
	ready := time.Since(f.start).Seconds()
	if turn == 0 {
		h.Ready = ready
	} else {
		h.Again = append(h.Again, ready)
	}
	out.holding(h, ready, turn)
	held := time.Now()
	end := time.NewTimer(o.hold)
	defer end.Stop()
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
	h.Seconds += time.Since(held).Seconds()
	if o.pid > 0 {
		rss, err := processRSS(o.pid)
		if err != nil {
			return err
		}
		h.RSSAfter, h.PerSwitch = rss, (rss-h.RSSBefore)/int64(o.switches)
	}
	h.Faults = f.faulted()
	return first
}

func unix(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }
