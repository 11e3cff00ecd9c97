package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"
)

// askers are the switches that have one packet-in unanswered at a time: each asks
// for as much of the processor as it is let have, and is the first to starve.
const askers = 15

// stormLead is how long a storm rages before the askers are measured.
const stormLead = time.Second

// share measures what switches that storm leave to others, on one core and on two.
func share(ctx context.Context, p *plan, w io.Writer) ([]aim, error) {
	one, two := p.cores[0], p.cores[0]+","+p.cores[1]
	rows := []struct {
		name, cores string
		storms      int
		most        float64 // of loss, in %; 0: no aim
	}{
		{"one core", one, 0, 0}, {"one core", one, 1, 50}, {"one core", one, 4, 0},
		{"two cores", two, 0, 0}, {"two cores", two, 1, 50}, {"two cores", two, 4, 0},
	}
	asked, stormed := make([][]load, len(rows)), make([][]load, len(rows))
	for i := range p.repeat {
		for j, r := range rows {
			fmt.Fprintf(os.Stderr, "bench: share %d/%d %s, %d storm\n", i+1, p.repeat, r.name, r.storms)
			a, s, err := ask(ctx, p, r.cores, r.storms)
			if err != nil {
				return nil, fmt.Errorf("%s, %d storm: %w", r.name, r.storms, err)
			}
			asked[j], stormed[j] = append(asked[j], a), append(stormed[j], s)
		}
	}
	fmt.Fprintf(w, "%d switches of OpenFlow 1.3 have one packet-in unanswered at a time, while others storm (16,384 unanswered at a time); both generators share core %s. %d × %d ms, median of %d.\n\n",
		askers, p.cores[1], p.loops-1, p.ms, p.repeat)
	fmt.Fprintf(w, "| sluiced on | storming | answers/s of the %d | of those alone | p50 | p99 | answers/s of those that storm |\n|---|---|---|---|---|---|---|\n", askers)
	rate := func(l load) float64 { return l.Rate.Median }
	var alone float64
	var aims []aim
	for j, r := range rows {
		got := median(asked[j], rate)
		storm := "–"
		if r.storms == 0 {
			alone = got
		} else {
			storm = perSecond(median(stormed[j], rate))
		}
		fmt.Fprintf(w, "| %s | %d | %s | %.0f %% | %.0f µs | %.0f µs | %s |\n", r.name, r.storms, perSecond(got), 100*got/alone,
			median(asked[j], func(l load) float64 { return l.Latency.P50 }), median(asked[j], func(l load) float64 { return l.Latency.P99 }), storm)
		if r.most > 0 {
			aims = append(aims, aim{what: fmt.Sprintf("%d storming beside %d that ask, on %s: loss of these", r.storms, askers, r.name), got: 100 * (1 - got/alone), unit: " %", want: r.most})
		}
	}
	fmt.Fprintln(w)
	return aims, nil
}

// ask measures the askers beside a storm of so many switches.
func ask(ctx context.Context, p *plan, cores string, storms int) (asked, stormed load, err error) {
	c, err := start(ctx, p, "sluiced", cores)
	if err != nil {
		return asked, stormed, err
	}
	defer c.stop()
	over := make(chan error, 1)
	if storms == 0 {
		over <- nil
	} else {
		// It goes on for as long as the askers are measured, and then some.
		ms := time.Duration(p.loops*p.ms)*time.Millisecond + 4*stormLead
		go func() {
			over <- c.ofbench(ctx, p, p.cores[1], &stormed, "--of", "1.3", "-s", strconv.Itoa(storms), "--dpid-offset", "100001", "-t", "--window", "16384",
				"-l", strconv.Itoa(int(ms/(500*time.Millisecond))), "-m", "500")
		}()
		select {
		case <-time.After(stormLead):
		case <-ctx.Done():
			return asked, stormed, errors.Join(context.Cause(ctx), <-over)
		}
	}
	err = c.ofbench(ctx, p, p.cores[1], &asked, "--of", "1.3", "-s", strconv.Itoa(askers))
	if e := <-over; err == nil {
		err = e
	}
	return asked, stormed, err
}
