// Command peers measures package ofp against its floor (test/floor/codec), against
// two other codecs in Go and against ovs-ofctl, all in one run. It is a module of
// its own, so that nobody who uses Sluice gets the peers too.
//
// Each row is measured in turns: a batch of the floor, one of each codec, again
// and again. The table shows medians, and the median of the ratios that were
// taken within one turn, which a busy machine moves least.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"
)

func main() {
	turns := flag.Int("turns", 41, "how many times each piece of work is measured")
	batch := flag.Duration("batch", 2*time.Millisecond, "how long one measurement takes, about")
	lines := flag.Int("lines", 100_000, "flow lines to parse")
	flag.Parse()
	fmt.Println("| work | codec | ns | × floor | allocations | × Sluice |")
	fmt.Println("|---|---|---|---|---|---|")
	for _, r := range rows() {
		r.measure(*turns, *batch)
	}
	fmt.Println()
	if err := parseLines(*lines, 5); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// row is a piece of work, done by each codec; the first is the floor, the second
// Sluice. Each reports whether it did the work.
type row struct {
	name string
	by   []codec
}

type codec struct {
	name string
	work func() bool
}

func (r row) measure(turns int, batch time.Duration) {
	calls := make([]int, len(r.by))
	for i, c := range r.by {
		calls[i] = 1
		for { // as many calls as take about one batch
			if took := timed(r.name, c, calls[i]); took >= batch || calls[i] >= 1<<24 {
				break
			}
			calls[i] *= 2
		}
	}
	ns := make([][]float64, len(r.by))
	for range turns {
		for i, c := range r.by {
			ns[i] = append(ns[i], float64(timed(r.name, c, calls[i]).Nanoseconds())/float64(calls[i]))
		}
	}
	for i, c := range r.by {
		allocs := testing.AllocsPerRun(100, func() { c.work() })
		fmt.Printf("| %s | %s | %.1f | %.2f | %.0f | %.2f |\n", r.name, c.name, median(ns[i]), ratio(ns[i], ns[0]), allocs, ratio(ns[i], ns[1]))
	}
}

// timed runs the work n times.
func timed(name string, c codec, n int) time.Duration {
	start := time.Now()
	for range n {
		if !c.work() {
			fmt.Fprintf(os.Stderr, "peers: %s: %s does not do it\n", name, c.name)
			os.Exit(1)
		}
	}
	return time.Since(start)
}

func median(x []float64) float64 {
	s := slices.Sorted(slices.Values(x))
	return s[len(s)/2]
}

func ratio(a, b []float64) float64 {
	var r []float64
	for i := range a {
		r = append(r, a[i]/b[i])
	}
	return median(r)
}
