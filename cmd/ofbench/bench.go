package main

import (
	"context"
	"fmt"
	"math"
	"time"
)

// result is what a run has measured; its JSON form is what --json prints.
type result struct {
	OpenFlow string   `json:"openflow"`
	Mode     string   `json:"mode"` // throughput or latency
	Switches int      `json:"switches"`
	Hosts    int      `json:"hosts_per_switch"`
	InFlight int      `json:"in_flight_per_switch"` // packet-ins unanswered at a time, at most
	Ready    float64  `json:"ready_seconds"`        // to connect and shake hands, with the quiet after it
	Tests    int      `json:"tests"`                // that count
	Seconds  float64  `json:"seconds"`              // of the tests that count
	Rate     spread   `json:"responses_per_second"`
	Each     []test   `json:"each_test"`
	tally             // of the tests that count
	Latency  latency  `json:"latency_microseconds"`
	CPU      *usage   `json:"controller_cpu,omitempty"` // with --pid
	Own      float64  `json:"ofbench_cores"`            // that ofbench itself kept busy
	Faults   *faulted `json:"faults,omitempty"`         // with --fault
}

type spread struct {
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	Avg    float64 `json:"avg"`
	Stdev  float64 `json:"stdev"`
	Median float64 `json:"median"`
}

// test is one test that counts.
type test struct {
	End  float64 `json:"end_unix_seconds"`
	Rate float64 `json:"responses_per_second"`
}

type latency struct {
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}

type usage struct {
	Seconds    float64 `json:"seconds"`
	PerMillion float64 `json:"seconds_per_million_answers"`
	Cores      float64 `json:"cores"`
}

// spreadOf describes rates as cbench does: stdev is that of the whole
// population.
func spreadOf(rates []float64) spread {
	if len(rates) == 0 {
		return spread{}
	}
	s := spread{Min: math.Inf(1), Max: math.Inf(-1), Median: median(rates)}
	for _, r := range rates {
		s.Min, s.Max = min(s.Min, r), max(s.Max, r)
		s.Avg += r / float64(len(rates))
	}
	for _, r := range rates {
		s.Stdev += (r - s.Avg) * (r - s.Avg) / float64(len(rates))
	}
	s.Stdev = math.Sqrt(s.Stdev)
	return s
}

// bench runs all tests and reports them.
func bench(ctx context.Context, o *options, out *report) error {
	out.begin()
	f, err := launch(ctx, o)
	if err != nil {
		return err
	}
	defer f.close()
	r := &result{
		OpenFlow: o.version.String(), Mode: "latency", Switches: o.switches, Hosts: o.macs,
		InFlight: o.inFlight(), Ready: time.Since(f.start).Seconds(),
	}
	if o.throughput {
		r.Mode = "throughput"
	}
	out.ready(r)
	err = measure(ctx, f, o, r, out)
	f.drain(ctx)
	if err != nil && r.Tests == 0 {
		return err
	}
	r.Faults = f.faulted()
	out.end(r)
	out.faulted(r.Faults)
	switch {
	case err != nil:
		return err
	case r.Answered == 0:
		return fmt.Errorf("the controller answered no packet-in: %d were sent, and %d flow-mods and packet-outs without a buffer id and %d with an unknown one came back",
			total(f.tallies()).Sent, r.Unbuffered, r.Unknown)
	}
	return nil
}

// measure has packet-ins flow, and runs the tests back to back. If one fails, r
// tells of those that were over by then.
func measure(ctx context.Context, f *fleet, o *options, r *result, out *report) error {
	var (
		rates          []float64
		began          time.Time // of the tests that count
		base           tally
		cpuBase, ownAt time.Duration
	)
	last, lastAt := f.tallies(), time.Now()
	for i := range o.loops {
		if i == o.warmup {
			f.measureLatency()
			if o.pid > 0 {
				var err error
				if cpuBase, err = processCPU(o.pid); err != nil {
					return err
				}
			}
			ownAt = ownCPU()
			last, lastAt = f.tallies(), time.Now()
			began, base = lastAt, total(last)
		}
		if i == 0 { // after the first look: so without a warm-up all is counted
			f.setRunning(true)
		}
		if err := f.wait(ctx, o.perTest-time.Since(lastAt)); err != nil {
			return err
		}
		now, at := f.tallies(), time.Now()
		seconds := at.Sub(lastAt).Seconds()
		done := total(now).minus(total(last))
		out.loop(at, last, now, float64(done.Answered)/seconds, i < o.warmup)
		last, lastAt = now, at
		if i < o.warmup {
			continue
		}
		rates = append(rates, float64(done.Answered)/seconds)
		r.Each = append(r.Each, test{unix(at), float64(done.Answered) / seconds})
		r.Tests, r.Rate = len(rates), spreadOf(rates)
		r.tally, r.Seconds = total(now).minus(base), at.Sub(began).Seconds()
		r.Own = (ownCPU() - ownAt).Seconds() / r.Seconds
		if o.pid > 0 {
			cpu, err := processCPU(o.pid)
			if err != nil {
				return err
			}
			r.CPU = &usage{Seconds: (cpu - cpuBase).Seconds(), Cores: (cpu - cpuBase).Seconds() / r.Seconds}
			if r.Answered > 0 {
				r.CPU.PerMillion = r.CPU.Seconds / float64(r.Answered) * 1e6
			}
		}
	}
	h := f.latency()
	us := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
	r.Latency = latency{us(h.quantile(.5)), us(h.quantile(.9)), us(h.quantile(.99)), us(h.quantile(.999)), us(time.Duration(h.max))}
	return nil
}

func total(ts []tally) (sum tally) {
	for _, t := range ts {
		sum = sum.plus(t)
	}
	return sum
}
