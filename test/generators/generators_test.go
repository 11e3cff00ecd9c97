// Package generators holds tests of sluiced, as it comes, against the switches
// that load generators play: they send packet-ins right behind their features
// reply and leave most of what a controller asks unanswered.
package generators

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/sluiced"
	"go.uber.org/goleak"
)

var program string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "generators-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		if err := sluiced.Build(context.Background(), dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		program = filepath.Join(dir, "sluiced")
		code := m.Run()
		if code == 0 {
			if err := goleak.Find(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
		}
		return code
	}())
}

// enough is how many answers every switch must get, and patience how long all of
// them may take together: far longer than they do, also on a busy machine.
const (
	enoughLatency    = 200
	enoughThroughput = 50_000
	patience         = 2 * time.Minute
)

// TestGeneratorsAreServed runs every conduct in both modes, twice with the same
// DPIDs on one controller, as one run of a generator follows another.
func TestGeneratorsAreServed(t *testing.T) {
	d, err := sluiced.Start(t.Context(), program)
	if err != nil {
		t.Fatal(err)
	}
	defer d.End(t)
	for _, c := range conducts {
		for _, mode := range []struct {
			name           string
			throughput     bool
			switches, macs int
			enough         int
		}{
			{"latency", false, 16, 100, enoughLatency},
			{"throughput", true, 16, 100, enoughThroughput},
			{"throughput, many hosts", true, 4, 100_000, enoughThroughput},
		} {
			for _, turn := range []string{"first", "again"} {
				t.Run(fmt.Sprintf("%s %s/%s/%s", c.name, c.version, mode.name, turn), func(t *testing.T) {
					serve(t, d, c, mode.throughput, mode.switches, mode.macs, mode.enough)
				})
			}
		}
	}
}

// serve connects switches and waits until each has got its answers.
func serve(t *testing.T, d *sluiced.Daemon, c conduct, throughput bool, switches, macs, enough int) {
	var peers []*peer
	defer func() {
		for _, p := range peers {
			p.close()
		}
	}()
	for i := range switches {
		p, err := open(c, d.OpenFlow, ofp.DPID(i+1), macs, throughput)
		if err != nil {
			t.Fatal(err)
		}
		peers = append(peers, p)
	}
	start := time.Now()
	for i, p := range peers {
		for p.count() < enough {
			if time.Since(start) > patience {
				t.Fatalf("switch %d has %d answers of %d after %v", i+1, p.count(), enough, patience)
			}
			p.mu.Lock()
			closed, err := p.closed, p.err
			p.mu.Unlock()
			if closed {
				t.Fatalf("switch %d: %v after %d answers", i+1, err, p.count())
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	took := time.Since(start)
	var firsts []time.Duration
	sum := 0
	for _, p := range peers {
		p.mu.Lock()
		firsts = append(firsts, p.first)
		sum += p.answered
		p.mu.Unlock()
	}
	t.Logf("first answers after %v to %v; %.0f answers/s", slices.Min(firsts).Round(time.Millisecond), slices.Max(firsts).Round(time.Millisecond), float64(sum)/took.Seconds())
}
