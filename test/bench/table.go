package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

type key struct{ controller, version string }

type measurements map[key][]measurement

// of returns the median of one figure.
func (ms measurements) of(k key, figure func(measurement) float64) float64 {
	return median(ms[k], figure)
}

// median returns the middle one of some figures, or the mean of the middle two.
func median[T any](of []T, figure func(T) float64) float64 {
	var xs []float64
	for _, x := range of {
		xs = append(xs, figure(x))
	}
	slices.Sort(xs)
	if len(xs) == 0 {
		return 0
	}
	return (xs[(len(xs)-1)/2] + xs[len(xs)/2]) / 2
}

// quartiles are those of the figures: a quarter is below the first, a quarter above the second.
func quartiles[T any](of []T, figure func(T) float64) (low, high float64) {
	var xs []float64
	for _, x := range of {
		xs = append(xs, figure(x))
	}
	if len(xs) == 0 {
		return 0, 0
	}
	slices.Sort(xs)
	return xs[(len(xs)-1)/4], xs[len(xs)-1-(len(xs)-1)/4]
}

func cpu(m measurement) float64 { return m.throughput.CPU.PerMillion }
func p50(m measurement) float64 { return m.latency.Latency.P50 }

// lost is the share of the packet-ins that were given up.
func lost(m measurement) float64 {
	return float64(m.throughput.Lost) / float64(max(m.throughput.Sent, 1))
}

// print writes the table of what has been measured.
func (ms measurements) print(w io.Writer, p *plan) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%d switches, %d MACs each, %d × %d ms, median of %d; latency: 1 switch, generator on the controller's core.\n\n",
		p.switches, p.macs, p.loops-1, p.ms, p.repeat)
	b.WriteString("| OpenFlow | controller | CPU s per million answers | × floor | × ovs-testcontroller | answers/s | controller's core | generator's core | latency p50 | × floor |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|---|\n")
	for _, v := range p.versions {
		floor, peer := key{"floor", v}, key{"ovs-testcontroller", v}
		for _, name := range p.controllers {
			k := key{name, v}
			if len(ms[k]) == 0 {
				continue
			}
			fmt.Fprintf(&b, "| %s | %s | %.3f | %s | %s | %s | %.0f %% | %.0f %% | %.1f µs | %s |\n", v, name,
				ms.of(k, cpu), ratio(ms.of(k, cpu), ms.of(floor, cpu)), ratio(ms.of(k, cpu), ms.of(peer, cpu)),
				perSecond(ms.of(k, func(m measurement) float64 { return m.throughput.Rate.Median })),
				100*ms.of(k, func(m measurement) float64 { return m.throughput.CPU.Cores }),
				100*ms.of(k, func(m measurement) float64 { return m.throughput.Own }),
				ms.of(k, p50), ratio(ms.of(k, p50), ms.of(floor, p50)))
		}
	}
	for _, v := range p.versions {
		for _, name := range p.controllers {
			if share := ms.of(key{name, v}, lost); share > 0 {
				fmt.Fprintf(&b, "\nOpenFlow %s: %s left %.2f %% of the packet-ins unanswered.\n", v, name, 100*share)
			}
		}
	}
	b.WriteString("\n")
	_, err := w.Write(b.Bytes())
	return err
}

func ratio(x, of float64) string {
	switch r := x / of; {
	case of == 0 || x == 0:
		return "–"
	case r < 0.1:
		return fmt.Sprintf("%.3f", r)
	default:
		return fmt.Sprintf("%.2f", r)
	}
}

func perSecond(r float64) string {
	switch {
	case r >= 1e6:
		return fmt.Sprintf("%.2f M", r/1e6)
	case r >= 1e3:
		return fmt.Sprintf("%.0f k", r/1e3)
	}
	return fmt.Sprintf("%.0f", r)
}

var modelName = regexp.MustCompile(`(?m)^model name\s*: (.*)$`)

// printMachine says where and when the figures were taken.
func printMachine(p *plan) {
	model := "unknown processor"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if m := modelName.FindSubmatch(b); m != nil {
			model = string(m[1])
		}
	}
	kernel := "unknown kernel"
	if b, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		kernel = "Linux " + strings.TrimSpace(string(b))
	}
	busy := ""
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		busy = ", load " + strings.Fields(string(b))[0] + " before the run"
	}
	fmt.Printf("%s: %s, %d cores%s, %s, %s; controller on core %s, generator on core %s.\n",
		time.Now().UTC().Format("2006-01-02"), model, runtime.NumCPU(), busy, kernel, runtime.Version(), p.cores[0], p.cores[1])
}

// goBenchmarks runs the benchmarks of the parts that a packet-in goes through.
// The packages are those with any; -run none leaves the tests out.
func goBenchmarks(ctx context.Context, w io.Writer) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "none", "-bench", ".", "-benchmem", "-benchtime", "200ms",
		"./ofp", "./controller/...", "./apps/l2switch")
	cmd.WaitDelay = stopDeadline
	out, err := cmd.CombinedOutput()
	var lines []string
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "Benchmark") || strings.HasPrefix(line, "pkg:") {
			lines = append(lines, line)
		}
	}
	fmt.Fprintf(w, "Go benchmarks:\n\n```\n%s```\n", strings.Join(lines, ""))
	if err != nil {
		return fmt.Errorf("go benchmarks: %w\n%s", err, out)
	}
	return nil
}
