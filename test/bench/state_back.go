package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sluice-sdn/sluice/test/ovs"
)

// storedThere are those of storedSwitches that are connected.
const storedThere = 10

// back starts sluiced with a store of many flows, without switches and with some
// that have theirs: how long until these are compared, and what memory that takes.
func (l *stateLab) back(ctx context.Context, w io.Writer) (aims []aim, err error) {
	if err := l.sluiced.Terminate(10 * time.Second); err != nil {
		return nil, fmt.Errorf("end sluiced: %w", err)
	}
	if lines := ovs.Trouble(l.sluiced.Output()); len(lines) > 0 {
		return nil, fmt.Errorf("sluiced: %s", strings.Join(lines, "\n"))
	}
	dir := filepath.Join(l.net.Dir, "stored")
	each := l.p.stored / storedSwitches
	start := time.Now()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := fill(ctx, filepath.Join(dir, "state.db"), l.p.stored); err != nil {
		return nil, fmt.Errorf("store flows: %w", err)
	}
	fmt.Fprintf(os.Stderr, "bench: state: a store with %d flows is made: %.1f s\n", l.p.stored, time.Since(start).Seconds())
	for i := range storedThere {
		name := fmt.Sprintf("st%d", i)
		if err := l.net.AddBridge(ctx, ovs.Bridge{Name: name, DPID: uint64(i + 1), Protocols: []string{"OpenFlow13"}, Controllers: []string{"tcp:127.0.0.1:6654"}}); err != nil {
			return nil, err
		}
	}
	info, err := os.Stat(filepath.Join(dir, "state.db"))
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(w, "%d flows of %d switches in a store of %.0f MB, %d bytes a flow.\n\n", l.p.stored, storedSwitches, float64(info.Size())/1e6, int(info.Size())/l.p.stored)
	fmt.Fprintf(w, "| sluiced starts with | ready after | all compared after | resident | a flow |\n|---|---|---|---|---|\n")
	empty := 0
	for _, run := range []struct {
		name, dir, openflow string
	}{
		{"an empty store", filepath.Join(l.net.Dir, "empty"), "127.0.0.1:6653"},
		{"all flows, no switch", dir, "127.0.0.1:6653"},
		{fmt.Sprintf("%d switches that have none yet", storedThere), dir, "127.0.0.1:6654"},
		{fmt.Sprintf("%d switches that have theirs", storedThere), dir, "127.0.0.1:6654"},
	} {
		there := 0
		if run.openflow == "127.0.0.1:6654" {
			there = storedThere
		}
		start := time.Now()
		l.sluiced, err = l.net.StartSluiced(ctx, filepath.Join(l.p.bin, "sluiced"), append(l.arguments(), "--state", run.dir, "--openflow", run.openflow)...)
		if err != nil {
			return aims, err
		}
		ready := time.Since(start).Seconds()
		compared := "–"
		if there > 0 {
			wait, cancel := context.WithTimeout(ctx, commandDeadline)
			err := ovs.Wait(wait, "all switches to be compared", func(ctx context.Context) error {
				n, err := l.metric(ctx, "sluice_state_items", `condition="installed"`)
				if err == nil && int(n) != there*each {
					err = fmt.Errorf("%v of %d flows are installed", n, there*each)
				}
				return err
			})
			cancel()
			if err != nil {
				return aims, err
			}
			compared = fmt.Sprintf("%.2f s", time.Since(start).Seconds())
		}
		m, err := residentMemory(l.sluiced.PID())
		if err != nil {
			return aims, err
		}
		rss := int(m.own)
		flow := "–"
		if run.dir == dir {
			flow = fmt.Sprintf("%d B", (rss-empty)/l.p.stored)
			aims = append(aims,
				aim{what: "restart with " + run.name + ": ready after", got: ready, unit: " s", want: 10},
				aim{what: "restart with " + run.name + ": memory a flow", got: float64((rss - empty) / l.p.stored), unit: " B", want: 600})
		} else {
			empty = rss
		}
		fmt.Fprintf(w, "| %s | %.2f s | %s | %.0f MB | %s |\n", run.name, ready, compared, float64(rss)/1e6, flow)
		if err := l.sluiced.Terminate(10 * time.Second); err != nil {
			return aims, fmt.Errorf("end sluiced: %w", err)
		}
		if lines := ovs.Trouble(l.sluiced.Output()); len(lines) > 0 {
			return aims, errors.New(strings.Join(lines, "\n"))
		}
	}
	return aims, nil
}
