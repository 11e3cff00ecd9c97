package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"
)

// carriers are the switches that carry load while something happens beside them.
const carriers = 100

// besideLoops tests of besideMS each are how long they do.
const (
	besideLoops = 48
	besideMS    = 250
	aloneLoops  = 12
)

// beside is the load of the carriers without and with something beside it.
type beside struct {
	alone, with load
	during      []float64 // rates of the tests that lie within what happened
	lost        error     // what ofbench complained of: a connection that ended
}

func (b *beside) loss() float64 {
	return 100 * (1 - mean(b.during)/b.alone.Rate.Avg)
}

func mean(xs []float64) float64 {
	var sum float64
	for _, x := range xs {
		sum += x
	}
	return sum / max(float64(len(xs)), 1)
}

// measureBeside measures the carriers' load with nothing beside it, and then once
// more while happen runs a second generator on the same core. The load's
// arguments say how much it is.
func measureBeside(ctx context.Context, p *plan, happen func(context.Context, *child) (from, to float64, err error), args ...string) (*beside, error) {
	c, err := start(ctx, p, "sluiced", p.cores[0])
	if err != nil {
		return nil, err
	}
	defer c.stop()
	b := new(beside)
	args = append([]string{"--of", "1.3", "-s", strconv.Itoa(carriers), "-t", "-m", strconv.Itoa(besideMS), "-w", "4"}, args...)
	if err := c.ofbench(ctx, p, p.cores[1], &b.alone, append(args, "-l", strconv.Itoa(aloneLoops))...); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	carried := make(chan error, 1)
	go func() {
		carried <- c.ofbench(ctx, p, p.cores[1], &b.with, append(args, "-l", strconv.Itoa(besideLoops))...)
	}()
	// It is under way after its warm-up, wherever that begins: what happens counts
	// only from its first test on.
	timer := time.NewTimer(2500 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case err := <-carried:
		return nil, fmt.Errorf("the load ended early: %w", err)
	}
	from, to, err := happen(ctx, c)
	if err != nil {
		cancel()
		b.lost = <-carried // of no interest: it was ended
		return nil, err
	}
	b.lost = <-carried
	if b.lost != nil && len(b.with.Each) == 0 {
		return nil, b.lost
	}
	for _, t := range b.with.Each {
		if t.End-besideMS/1e3 >= from && t.End <= to {
			b.during = append(b.during, t.Rate)
		}
	}
	fmt.Fprintf(os.Stderr, "bench: answers/s in each test beside it: %.0f\n", b.during)
	if len(b.during) == 0 {
		return nil, fmt.Errorf("no test of the load lies within the %.1f s of what happened beside it", to-from)
	}
	return b, nil
}

const besideHead = "| load | answers/s alone | beside | loss | least in 250 ms | p99 alone | beside | connections lost |\n|---|---|---|---|---|---|---|---|\n"

func (b *beside) row(w io.Writer, name string) {
	least := b.during[0]
	for _, x := range b.during {
		least = min(least, x)
	}
	lost := "none"
	if b.lost != nil {
		lost = b.lost.Error()
	}
	fmt.Fprintf(w, "| %s | %s | %s | %.1f %% | %s | %.1f ms | %.1f ms | %s |\n", name, perSecond(b.alone.Rate.Avg), perSecond(mean(b.during)), b.loss(),
		perSecond(least), b.alone.Latency.P99/1e3, b.with.Latency.P99/1e3, lost)
}

// aims are those of the carriers: under so much loss, and no connection lost.
func (b *beside) aims(what string, most float64) []aim {
	lost := 0.0
	if b.lost != nil {
		lost = 1
	}
	return []aim{
		{what: what + ": loss of the others' rate", got: b.loss(), unit: " %", want: most},
		{what: what + ": failures of the others", got: lost, want: 0},
	}
}

// reconnect drops and connects many switches at once, six times, while the
// carriers have a load of a known rate, and while it is half of what they can
// have. With all that they can have the generators' core, which is the other
// limit, would be what the two fight for.
func reconnect(ctx context.Context, p *plan, w io.Writer) ([]aim, error) {
	fmt.Fprintf(w, "%d switches of OpenFlow 1.3 carry load, %d others reconnect six times, all at once; both generators share core %s.\n\n", carriers, p.reconnect, p.cores[1])
	fmt.Fprint(w, besideHead)
	fmt.Fprintf(os.Stderr, "bench: reconnect, how much the %d can have\n", carriers)
	top, err := throughput(ctx, p, "sluiced", p.cores[0], p.cores[1], carriers, p.macs, "--of", "1.3")
	if err != nil {
		return nil, err
	}
	half := int(top.Rate.Median / 2)
	var aims []aim
	var h held
	for _, row := range []struct {
		name string
		args []string
	}{
		{perSecond(float64(p.load)) + "/s", []string{"--rate", strconv.Itoa(p.load)}},
		{perSecond(float64(half)) + "/s, half of what they can", []string{"--rate", strconv.Itoa(half)}},
	} {
		fmt.Fprintf(os.Stderr, "bench: reconnect, load: %s\n", row.name)
		b, err := measureBeside(ctx, p, func(ctx context.Context, c *child) (float64, float64, error) {
			h = held{}
			err := c.ofbench(ctx, p, p.cores[1], &h, "--of", "1.3", "-s", strconv.Itoa(p.reconnect), "--dpid-offset", "100001", "--hold", "100ms", "--reconnect", "5", "--ready-timeout", "60s")
			return h.Began, h.End, err
		}, row.args...)
		if err != nil {
			return aims, err
		}
		b.row(w, row.name)
		longest := h.Ready
		for _, x := range h.Again {
			longest = max(longest, x)
		}
		fmt.Fprintf(os.Stderr, "bench: reconnect: all ready after %.2f s at the longest\n", longest)
		aims = append(aims, b.aims(fmt.Sprintf("%d switches reconnect, others carry %s", p.reconnect, row.name), 10)...)
	}
	fmt.Fprintln(w)
	return aims, nil
}

// storm lets one switch send all it can, far more than is answered, while the
// carriers have a load of a known rate.
func storm(ctx context.Context, p *plan, w io.Writer) ([]aim, error) {
	fmt.Fprintf(w, "%d switches of OpenFlow 1.3 carry load, one other sends packet-ins as fast as it can; both generators share core %s.\n\n", carriers, p.cores[1])
	fmt.Fprint(w, besideHead)
	name := perSecond(float64(p.load)) + "/s"
	fmt.Fprintf(os.Stderr, "bench: storm, load: %s\n", name)
	var l load
	b, err := measureBeside(ctx, p, func(ctx context.Context, c *child) (float64, float64, error) {
		from := float64(time.Now().UnixMicro()) / 1e6
		err := c.ofbench(ctx, p, p.cores[1], &l, "--of", "1.3", "-s", "1", "--dpid-offset", "100001", "-t", "--window", "65536", "-l", "5", "-m", "1000")
		return from + 1, float64(time.Now().UnixMicro()) / 1e6, err
	}, "--rate", strconv.Itoa(p.load))
	if err != nil {
		return nil, err
	}
	b.row(w, name)
	fmt.Fprintf(w, "\nThe one was answered %s times a second; %d of its %d packet-ins were not.\n\n", perSecond(l.Rate.Avg), l.Lost, l.Sent)
	return b.aims("a storm from one switch, others carry "+name, 10), nil
}
