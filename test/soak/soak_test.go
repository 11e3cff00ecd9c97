// Package soak holds one test that wears sluiced out: cycle after cycle of storms,
// reconnects, bulk pushes, statistics, streams that are opened and let go, and
// hostile bytes; and after each a rest. What it holds at rest must not grow:
// goroutines and descriptors return to what they were after the first cycle, and
// memory is in the last third of the cycles what it was in the first.
//
// SOAK says how long: 20s by default, and 10m in `make soak`. SOAK_SVG names a
// file for a graph of it.
package soak

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/simswitch"
	"github.com/sluice-sdn/sluice/test/sluiced"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

const (
	leastCycles = 3
	restLimit   = 90 * time.Second // for goroutines and descriptors to return
	cycleLimit  = 4 * time.Minute  // for the work of a cycle, on a machine with one busy core
)

// The last third of the cycles may have so much more memory at rest than the
// first, in the median: a part of it, as the runtime gives back what was in use at
// some time or other, and a few MB of its own.
const (
	growth  = 1.25
	growthB = 12 << 20
)

// rig is all that a cycle needs.
type rig struct {
	daemon  *sluiced.Daemon
	ofbench string
	conn    *grpc.ClientConn
	sw      *simswitch.Switch // stays connected
}

// switchName names the one that stays.
const switchName = "00000000000b0b0b"

func TestSoak(t *testing.T) {
	length := 20 * time.Second
	if s := os.Getenv("SOAK"); s != "" {
		var err error
		if length, err = time.ParseDuration(s); err != nil || length <= 0 {
			t.Fatalf("SOAK=%q: want a duration such as 10m", s)
		}
	}
	r := start(t)
	ctx := t.Context()
	watch := newWatch(r.daemon)
	defer watch.stop()

	var rests []sample
	begin := time.Now()
	for n := 0; n <= leastCycles || time.Since(begin) < length; n++ {
		if err := r.cycle(ctx, n); err != nil {
			t.Log(r.daemon.Dump())
			t.Fatalf("cycle %d: %v", n, err)
		}
		var base *sample
		if n > 0 {
			base = &rests[0]
		}
		s, err := rest(ctx, r.daemon, base)
		if err != nil {
			t.Log(r.daemon.Dump())
			t.Fatalf("after cycle %d: %v", n, err)
		}
		rests = append(rests, s)
		t.Logf("%6.1f s: cycle %d: at rest %d goroutines, %d descriptors, %.1f MB resident, %.1f MB of heap in use",
			time.Since(begin).Seconds(), n, s.goroutines, s.files, float64(s.rss)/1e6, float64(s.heap)/1e6)
	}
	samples := watch.stop()
	if path := os.Getenv("SOAK_SVG"); path != "" {
		if err := os.WriteFile(path, graph(samples), 0o644); err != nil {
			t.Error(err)
		}
	}
	if err := watch.err(); err != nil {
		t.Error(err)
	}
	cycles := rests[1:] // the first one warms up
	third := max(len(cycles)/3, 1)
	for _, m := range []struct {
		what string
		of   func(sample) int64
	}{
		{"resident memory", func(s sample) int64 { return s.rss }},
		{"heap in use", func(s sample) int64 { return s.heap }},
	} {
		first, last := medianOf(cycles[:third], m.of), medianOf(cycles[len(cycles)-third:], m.of)
		t.Logf("%s at rest: %.1f MB in the first third, %.1f MB in the last", m.what, float64(first)/1e6, float64(last)/1e6)
		if float64(last) > growth*float64(first)+growthB {
			t.Errorf("%s at rest grows: from %d to %d bytes in %d cycles", m.what, first, last, len(cycles))
		}
	}
}

func medianOf(ss []sample, of func(sample) int64) int64 {
	var xs []int64
	for _, s := range ss {
		xs = append(xs, of(s))
	}
	slices.Sort(xs)
	return xs[len(xs)/2]
}

// start builds and starts the controller, and connects the switch that stays.
func start(t *testing.T) *rig {
	dir := t.TempDir()
	if err := sluiced.Build(t.Context(), dir, "ofbench"); err != nil {
		t.Fatal(err)
	}
	r := &rig{ofbench: filepath.Join(dir, "ofbench")}
	var err error
	if r.daemon, err = sluiced.Start(t.Context(), filepath.Join(dir, "sluiced"), "--log-level", "info"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.daemon.End(t) })
	if r.conn, err = grpc.NewClient(r.daemon.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20))); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.conn.Close() })
	r.sw = simswitch.New(simswitch.Config{DPID: 0xb0b0b, Versions: []ofp.Version{ofp.V13}})
	if err := r.sw.Dial(t.Context(), r.daemon.OpenFlow); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.sw.Close)
	return r
}

// cycle does all that is to be done once, all at once, and returns when all of it
// is over and let go.
func (r *rig) cycle(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, cycleLimit, fmt.Errorf("not done after %v", cycleLimit))
	defer cancel()
	work, ctx := errgroup.WithContext(ctx)
	for _, w := range works {
		work.Go(func() error {
			if err := w.do(r, ctx, n); err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
			return nil
		})
	}
	return work.Wait()
}

// rest waits until goroutines and descriptors are those of base, or, without
// one, until they no longer change, and returns how it is then.
func rest(ctx context.Context, d *sluiced.Daemon, base *sample) (sample, error) {
	deadline := time.Now().Add(restLimit)
	var last sample
	for same := 0; ; {
		s, err := take(ctx, d)
		if err != nil {
			return s, err
		}
		switch {
		case base != nil && s.goroutines <= base.goroutines && s.files <= base.files:
			return s, nil
		case base == nil && s.goroutines == last.goroutines && s.files == last.files:
			if same++; same == 8 {
				return s, nil
			}
		default:
			same = 0
		}
		if time.Now().After(deadline) {
			if base == nil {
				return s, fmt.Errorf("it does not come to rest in %v: %d goroutines, %d descriptors", restLimit, s.goroutines, s.files)
			}
			return s, fmt.Errorf("something is left: %d goroutines and %d descriptors, were %d and %d after the first cycle", s.goroutines, s.files, base.goroutines, base.files)
		}
		last = s
		select {
		case <-time.After(250 * time.Millisecond):
		case <-ctx.Done():
			return s, context.Cause(ctx)
		}
	}
}
