package main

import (
	"context"
	"fmt"
	"io"
	"os"
)

const roundsOfCores = 3 // for each repetition of other scenarios

// cores measures what a second core gives. The generator needs a share of the two
// cores, too, and the cheaper an answer is for the controller, the more of them
// it is: if an answer costs the controller c and the generator g, two cores give
// at most 2c/(c+g) times what the controller gives on one. Hence three places:
//
//	apart     controller on one core, generator on the other
//	together  both on one core
//	both      both on two cores, wherever the kernel puts them
//
// Each round has all three, and ratios are taken within a round, since a machine
// that others use is faster in one second than in the next. Besides the rates it
// tells what two cores of its own would give the controller: twice the CPU time
// for an answer on one core over that on two.
func cores(ctx context.Context, p *plan, w io.Writer) ([]aim, error) {
	one, other, two := p.cores[0], p.cores[1], p.cores[0]+","+p.cores[1]
	places := [3]struct{ name, controller, generator, on, beside string }{
		{"apart", one, other, "core " + one, "core " + other},
		{"together", one, one, "core " + one, "core " + one},
		{"both", two, two, "both", "both"},
	}
	const apart, together, both = 0, 1, 2
	var rounds [][3]load
	for i := range roundsOfCores * p.repeat {
		var round [3]load
		for j, at := range places {
			fmt.Fprintf(os.Stderr, "bench: cores %d/%d %s\n", i+1, roundsOfCores*p.repeat, at.name)
			l, err := throughput(ctx, p, "sluiced", at.controller, at.generator, p.switches, p.macs)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", at.name, err)
			}
			round[j] = l
		}
		rounds = append(rounds, round)
	}
	rate := func(r [3]load, at int) float64 { return r[at].Rate.Median }
	cpu := func(r [3]load, at int) float64 { return r[at].CPU.PerMillion }
	own := func(r [3]load, at int) float64 { return r[at].Own / r[at].Rate.Avg * 1e6 }
	middle := func(figure func([3]load, int) float64, at int) float64 {
		return median(rounds, func(r [3]load) float64 { return figure(r, at) })
	}
	more := func(than int) func([3]load) float64 {
		return func(r [3]load) float64 { return rate(r, both) / rate(r, than) }
	}
	fmt.Fprintf(w, "OpenFlow 1.0, %d switches, %d MACs each, %d × %d ms, medians of %d rounds, also of the ratios within a round; the generator uses one thread.\n\n",
		p.switches, p.macs, p.loops-1, p.ms, len(rounds))
	fmt.Fprintf(w, "| sluiced on | generator on | answers/s | × apart | × together | CPU s per million answers: sluiced | generator |\n|---|---|---|---|---|---|---|\n")
	for j, at := range places {
		times := func(than int) float64 {
			return median(rounds, func(r [3]load) float64 { return rate(r, j) / rate(r, than) })
		}
		fmt.Fprintf(w, "| %s | %s | %s | %.2f | %.2f | %.3f | %.3f |\n", at.on, at.beside, perSecond(middle(rate, j)), times(apart), times(together), middle(cpu, j), middle(own, j))
	}
	most := median(rounds, func(r [3]load) float64 { return 2 * cpu(r, apart) / (cpu(r, apart) + own(r, apart)) })
	scale := median(rounds, func(r [3]load) float64 { return 2 * cpu(r, apart) / cpu(r, both) })
	low, high := quartiles(rounds, more(together))
	fmt.Fprintf(w, "\nHalf of the rounds lie between %.2f and %.2f × together. Two cores that the generator shares could give %.2f × apart at most; two cores of sluiced's own, at the CPU time that an answer takes on two, %.2f ×.\n\n", low, high, most, scale)
	return []aim{
		{what: "two cores against one, controller and generator on them: × the rate", got: median(rounds, more(together)), want: 1.6, least: true},
		{what: "two cores of its own against one: × the answers for the CPU time", got: scale, want: 1.6, least: true},
	}, nil
}

// spread measures what many switches and many hosts cost.
func spread(ctx context.Context, p *plan, w io.Writer) ([]aim, error) {
	rows := []struct {
		switches, macs int
		most           float64 // of loss, in %
	}{{16, 100, 0}, {64, 100, 5}, {16, 10_000, 15}}
	found := map[string][][]load{"floor": make([][]load, len(rows)), "sluiced": make([][]load, len(rows))}
	for i := range p.repeat {
		for j, r := range rows {
			for _, name := range []string{"floor", "sluiced"} {
				fmt.Fprintf(os.Stderr, "bench: spread %d/%d %d × %d %s\n", i+1, p.repeat, r.switches, r.macs, name)
				l, err := throughput(ctx, p, name, p.cores[0], p.cores[1], r.switches, r.macs)
				if err != nil {
					return nil, fmt.Errorf("%s, %d switches of %d hosts: %w", name, r.switches, r.macs, err)
				}
				found[name][j] = append(found[name][j], l)
			}
		}
	}
	fmt.Fprintf(w, "OpenFlow 1.0, %d × %d ms, median of %d; the loss is that of answers for the CPU time.\n\n", p.loops-1, p.ms, p.repeat)
	fmt.Fprintf(w, "| switches | hosts each | controller | CPU s per million answers | answers/s | loss |\n|---|---|---|---|---|---|\n")
	var aims []aim
	for j, r := range rows {
		for _, name := range []string{"floor", "sluiced"} {
			cpu := func(j int) float64 {
				return median(found[name][j], func(l load) float64 { return l.CPU.PerMillion })
			}
			loss := 100 * (1 - cpu(0)/cpu(j))
			fmt.Fprintf(w, "| %d | %d | %s | %.3f | %s | %.1f %% |\n", r.switches, r.macs, name, cpu(j),
				perSecond(median(found[name][j], func(l load) float64 { return l.Rate.Median })), loss)
			if j > 0 && name == "sluiced" {
				aims = append(aims, aim{what: fmt.Sprintf("%d switches of %d hosts: loss against 16 of 100", r.switches, r.macs), got: loss, unit: " %", want: r.most})
			}
		}
	}
	fmt.Fprintln(w)
	return aims, nil
}
