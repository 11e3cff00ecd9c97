package soak

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/sluice-sdn/sluice/test/sluiced"
)

// sample is what the controller holds at a moment.
type sample struct {
	at         time.Duration // since the watch began
	rss, heap  int64         // bytes: resident, and heap in use
	goroutines int
	files      int // open descriptors
	switches   int
}

// take asks the controller and the kernel. The request itself is part of what it
// finds: one descriptor and a few goroutines, the same each time.
func take(ctx context.Context, d *sluiced.Daemon) (s sample, err error) {
	m, err := d.Metrics(ctx)
	if err != nil {
		return s, err
	}
	s.heap = int64(m["go_memstats_heap_inuse_bytes"])
	s.goroutines = int(m["go_goroutines"])
	s.files = int(m["process_open_fds"])
	s.switches = int(m["sluice_switches_connected"])
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", d.PID()))
	if err != nil {
		return s, err
	}
	fields := bytes.Fields(b)
	if len(fields) < 2 {
		return s, fmt.Errorf("read memory: %q is not what proc_pid_statm(5) promises", b)
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	s.rss = pages * int64(os.Getpagesize())
	return s, err
}

// watch takes a sample each second until it is stopped.
type watch struct {
	cancel  context.CancelFunc
	done    sync.WaitGroup
	samples []sample
	failed  error
}

func newWatch(d *sluiced.Daemon) *watch {
	ctx, cancel := context.WithCancel(context.Background())
	w := &watch{cancel: cancel}
	begin := time.Now()
	w.done.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			s, err := take(ctx, d)
			switch {
			case ctx.Err() != nil:
				return
			case err != nil:
				w.failed = fmt.Errorf("watch: %w", err)
				return
			}
			s.at = time.Since(begin)
			w.samples = append(w.samples, s)
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
	return w
}

// stop ends the watch and returns what it has seen.
func (w *watch) stop() []sample {
	w.cancel()
	w.done.Wait()
	return w.samples
}

// err is why the watch ended early. It may be called after stop.
func (w *watch) err() error { return w.failed }
