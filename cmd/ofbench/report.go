package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// report prints what a run finds, as text while it goes or as one JSON object at
// its end.
type report struct {
	options *options
	w       io.Writer
}

func (p *report) text(format string, args ...any) {
	if !p.options.json {
		fmt.Fprintf(p.w, format, args...)
	}
}

func (p *report) object(v any) {
	if p.options.json {
		b, err := json.MarshalIndent(v, "", "  ")
		if err != nil { // a NaN, which nothing here computes
			b = []byte(`{"error": "` + err.Error() + `"}`)
		}
		fmt.Fprintf(p.w, "%s\n", b)
	}
}

func (p *report) begin() {
	o := p.options
	mode := "latency: one packet-in of a switch unanswered at a time"
	if o.throughput {
		mode = fmt.Sprintf("throughput: at most %d packet-ins of a switch unanswered at a time", o.window)
	}
	p.text("ofbench: %d switches of OpenFlow %s with %d MACs each, controller %s\n", o.switches, o.version, o.macs, o.addr())
	p.text("   %s\n", mode)
	p.text("   %d tests of %v, the first %d of them to warm up\n", o.loops, o.perTest, o.warmup)
	p.text("   counted: one answer for each packet-in, a flow-mod or packet-out with its buffer id\n")
}

func (p *report) ready(r *result) {
	p.text("   all switches ready after %.2f s\n", r.Ready)
}

// loop prints one test's line as cbench does: how often each switch was
// answered, and the rate of all.
func (p *report) loop(at time.Time, before, after []tally, rate float64, warmup bool) {
	var each strings.Builder
	if len(before) <= 64 {
		for i := range before {
			fmt.Fprintf(&each, "%d  ", after[i].Answered-before[i].Answered)
		}
	}
	note := ""
	if warmup {
		note = "(warm-up)"
	}
	p.text("%s %-3d switches: flows/sec:  %s total = %f per ms %s\n", at.Format("15:04:05.000"), len(before), each.String(), rate/1e3, note)
}

// resultLine is cbench's, to the letter.
func resultLine(switches, tests int, s spread) string {
	return fmt.Sprintf("RESULT: %d switches %d tests min/max/avg/stdev = %.2f/%.2f/%.2f/%.2f responses/s",
		switches, tests, s.Min, s.Max, s.Avg, s.Stdev)
}

func (p *report) end(r *result) {
	p.object(r)
	p.text("%s\n", resultLine(r.Switches, r.Tests, r.Rate))
	l := r.Latency
	p.text("latency: p50 %.1f µs, p90 %.1f µs, p99 %.1f µs, p99.9 %.1f µs, max %.1f µs\n", l.P50, l.P90, l.P99, l.P999, l.Max)
	if c := r.CPU; c != nil {
		p.text("cpu: controller %.3f s per million responses (%.2f s for %d, %.2f of a core), ofbench %.2f of a core\n",
			c.PerMillion, c.Seconds, r.Answered, c.Cores, r.Own)
	} else {
		p.text("cpu: ofbench %.2f of a core\n", r.Own)
	}
	p.text("not counted: %d duplicates, %d late, %d with an unknown buffer id, %d without one; %d of %d packet-ins given up\n",
		r.Duplicate, r.Late, r.Unknown, r.Unbuffered, r.Lost, r.Sent)
}

func (p *report) holding(h *held, ready float64, turn int) {
	again := ""
	if turn > 0 {
		again = fmt.Sprintf(" again (%d of %d)", turn, p.options.reconnect)
	}
	p.text("ofbench: %d switches of OpenFlow %s ready%s after %.2f s, holding them for %v\n", h.Switches, h.OpenFlow, again, ready, p.options.hold)
}

func (p *report) held(h *held) {
	p.object(h)
	p.text("HELD: %d switches, ready after %.2f s, held for %.1f s, %d dropped\n", h.Switches, h.Ready, h.Seconds, h.Dropped)
	if h.RSSAfter > 0 {
		p.text("memory: controller %.1f MB before, %.1f MB at the end, %.1f KB a switch\n",
			float64(h.RSSBefore)/1e6, float64(h.RSSAfter)/1e6, float64(h.PerSwitch)/1e3)
	}
}

// median returns the middle one of some numbers, or the mean of the middle two.
func median(xs []float64) float64 {
	s := slices.Sorted(slices.Values(xs))
	n := len(s)
	if n == 0 {
		return 0
	}
	return (s[(n-1)/2] + s[n/2]) / 2
}
