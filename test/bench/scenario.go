package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// scenario is one thing that can be measured. Its run prints a table and returns
// what was aimed at.
type scenario struct {
	name, what string
	run        func(ctx context.Context, p *plan, w io.Writer) ([]aim, error)
}

// scenarios are run in this order.
var scenarios = []scenario{
	{"learn", "a learning switch: CPU time for an answer, throughput and latency, beside floor and peer", learn},
	{"cores", "two cores for sluiced against one, with the generator beside it", cores},
	{"spread", "64 switches, and 10,000 hosts a switch, against 16 switches of 100", spread},
	{"idle", "5,000 idle switches of OpenFlow 1.3: how soon they are ready, their memory, none lost", idle},
	{"reconnect", "1,000 switches reconnect at once while 100 others carry load", reconnect},
	{"storm", "one switch sends all it can while 100 others carry load", storm},
	{"share", "what switches that storm leave to others, on one core and on two", share},
	{"restart", "sluiced begins with 1,000,000 stored flows of 100 switches: how soon it is ready, and its memory", restart},
	{"state", "desired state on Open vSwitch: pushes, comparisons, one flow, a restart with a million flows, beside ovs-ofctl", state},
	{"go", "the Go benchmarks of ofp, controller and l2switch", func(ctx context.Context, _ *plan, w io.Writer) ([]aim, error) {
		return nil, goBenchmarks(ctx, w)
	}},
}

// aim is one figure that was aimed at.
type aim struct {
	what  string
	got   float64
	unit  string
	least bool // got is to be at least want, rather than at most
	want  float64
	more  string // what is wished for beyond
}

func (a aim) met() bool { return a.got <= a.want && !a.least || a.got >= a.want && a.least }

// printAims says what was aimed at and whether it is met.
func printAims(w io.Writer, aims []aim) error {
	if len(aims) == 0 {
		return nil
	}
	var b strings.Builder
	b.WriteString("### Aims\n\n| what | measured | aim | |\n|---|---|---|---|\n")
	for _, a := range aims {
		sign, met := "≤", "missed"
		if a.least {
			sign = "≥"
		}
		if a.met() {
			met = "met"
		}
		more := ""
		if a.more != "" {
			more = " (" + a.more + ")"
		}
		fmt.Fprintf(&b, "| %s | %s%s | %s %s%s%s | %s |\n", a.what, number(a.got), a.unit, sign, number(a.want), a.unit, more, met)
	}
	b.WriteString("\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// number is a figure with three digits, or more if it is a whole one.
func number(x float64) string {
	if x == float64(int64(x)) {
		return fmt.Sprintf("%.0f", x)
	}
	return strings.TrimSuffix(fmt.Sprintf("%.3g", x), ".0")
}

// learn measures every controller with every version.
func learn(ctx context.Context, p *plan, w io.Writer) ([]aim, error) {
	found := make(measurements)
	// Repetitions are the outermost loop, so that what else the machine does
	// troubles all alike.
	for i := range p.repeat {
		for _, v := range p.versions {
			for _, name := range p.controllers {
				fmt.Fprintf(os.Stderr, "bench: learn %d/%d OpenFlow %s %s\n", i+1, p.repeat, v, name)
				m, err := measure(ctx, p, name, v)
				if err != nil {
					return nil, errors.Join(fmt.Errorf("%s, OpenFlow %s: %w", name, v, err), found.print(w, p))
				}
				found[key{name, v}] = append(found[key{name, v}], m)
			}
		}
	}
	return found.aims(), found.print(w, p)
}

// aims compares sluiced's figures with what they are to be.
func (ms measurements) aims() (aims []aim) {
	for _, x := range []struct {
		version string
		want    float64
		wished  string
	}{{"1.0", 0.20, "wished: 0.12"}, {"1.3", 0.24, "wished: 0.15"}} {
		ours, floor := key{"sluiced", x.version}, key{"floor", x.version}
		if len(ms[ours]) == 0 {
			continue
		}
		aims = append(aims, aim{what: "learning switch, OpenFlow " + x.version + ": CPU s per million answers", got: ms.of(ours, cpu), want: x.want, more: x.wished})
		if len(ms[floor]) > 0 {
			aims = append(aims, aim{what: "latency p50, OpenFlow " + x.version + ": × the floor's", got: ms.of(ours, p50) / ms.of(floor, p50), want: 1.15})
		}
	}
	return aims
}
