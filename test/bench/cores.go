package main

import (
	"context"
	"fmt"
	"io"
	"os"
)

// cores measures what a second core gives. The generator needs a share of the two
// cores, too, and the cheaper an answer is for the controller, the more of them
// it is: if an answer costs the controller c and the generator g, two cores give
// at most 2c/(c+g) times what the controller gives on one. Hence three places:
//
//	apart     controller on one core, generator on the other
//	together  both on one core
//	both      both on two cores, wherever the kernel puts them
//
// and, besides the rates, what two cores of its own would give the controller:
// twice the CPU time for an answer on one core over that on two.
func cores(ctx context.Context, p *plan, w io.Writer) ([]aim, error) {
	one, other, two := p.cores[0], p.cores[1], p.cores[0]+","+p.cores[1]
	places := []struct{ name, controller, generator string }{
		{"apart", one, other}, {"together", one, one}, {"both", two, two},
	}
	found := map[string][]load{}
	for i := range p.repeat {
		for _, at := range places {
			fmt.Fprintf(os.Stderr, "bench: cores %d/%d %s\n", i+1, p.repeat, at.name)
			l, err := throughput(ctx, p, "sluiced", at.controller, at.generator, p.switches, p.macs)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", at.name, err)
			}
			found[at.name] = append(found[at.name], l)
		}
	}
	rate := func(name string) float64 { return median(found[name], func(l load) float64 { return l.Rate.Median }) }
	cpu := func(name string) float64 {
		return median(found[name], func(l load) float64 { return l.CPU.PerMillion })
	}
	own := func(name string) float64 {
		return median(found[name], func(l load) float64 { return l.Own / l.Rate.Avg * 1e6 })
	}
	fmt.Fprintf(w, "OpenFlow 1.0, %d switches, %d MACs each, %d × %d ms, median of %d; the generator uses one thread.\n\n", p.switches, p.macs, p.loops-1, p.ms, p.repeat)
	fmt.Fprintf(w, "| sluiced on | generator on | answers/s | × apart | × together | CPU s per million answers: sluiced | generator |\n|---|---|---|---|---|---|---|\n")
	for i, at := range [][2]string{{"core " + one, "core " + other}, {"core " + one, "core " + one}, {"both", "both"}} {
		n := places[i].name
		fmt.Fprintf(w, "| %s | %s | %s | %.2f | %.2f | %.3f | %.3f |\n", at[0], at[1], perSecond(rate(n)), rate(n)/rate("apart"), rate(n)/rate("together"), cpu(n), own(n))
	}
	most := 2 * cpu("apart") / (cpu("apart") + own("apart"))
	scale := 2 * cpu("apart") / cpu("both")
	fmt.Fprintf(w, "\nTwo cores that the generator shares could give %.2f × apart at most; two cores of sluiced's own, at the CPU time that an answer takes on two, %.2f ×.\n\n", most, scale)
	return []aim{
		{what: "two cores against one, controller and generator on them: × the rate", got: rate("both") / rate("together"), want: 1.6, least: true},
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
