package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/sluice-sdn/sluice/test/faultproxy"
)

const (
	dialsAtOnce = 128
	expireEvery = 250 * time.Millisecond
	drainAtMost = time.Second           // for the last answers, so that no connection ends with bytes under way
	pollEvery   = 20 * time.Millisecond // for the end of the handshakes
)

// fleet is all fake switches. Its goroutines are one for each switch, and a loop
// for each core that serve all connections in throughput mode, or else one reader
// and one writer a connection; with --rate one more paces them. close ends them and
// waits for them.
type fleet struct {
	options  *options
	addr     string            // where the switches connect
	proxy    *faultproxy.Proxy // between them and the controller; nil without --fault
	switches []*fakeSwitch
	loops    []*loop
	start    time.Time
	failures chan error // one at most from each switch
	cancel   context.CancelFunc
	all      sync.WaitGroup

	mu      sync.Mutex // guards what follows
	ended   uint64     // connections that came back
	lastEnd error
}

// launch connects all switches and waits until their handshakes are over. ctx
// ends them as close does.
func launch(ctx context.Context, o *options) (*fleet, error) {
	ctx, cancel := context.WithCancel(ctx)
	f := &fleet{options: o, addr: o.addr(), start: time.Now(), failures: make(chan error, o.switches), cancel: cancel}
	if len(o.faults) > 0 {
		if err := f.breakConnections(); err != nil {
			cancel()
			return nil, err
		}
	}
	if o.looped() {
		for range o.procs {
			l, err := startLoop()
			if err != nil {
				f.close()
				return nil, fmt.Errorf("start to serve connections: %w", err)
			}
			f.loops = append(f.loops, l)
		}
	}
	turn := make(chan struct{}, dialsAtOnce)
	for i := range o.switches {
		s, err := newFakeSwitch(o, i, f.start)
		if err != nil {
			f.close()
			return nil, err
		}
		if len(f.loops) > 0 {
			s.loop = f.loops[i%len(f.loops)]
		}
		f.switches = append(f.switches, s)
		f.all.Go(func() {
			for {
				turn <- struct{}{}
				err := s.connect(ctx, f.addr)
				<-turn
				if err == nil {
					err = s.run(ctx)
				}
				if err == nil || ctx.Err() != nil {
					return
				}
				err = fmt.Errorf("switch %d (dpid %s): %w", i+1, s.dpid, err)
				if !f.comeBack(ctx, err) {
					f.failures <- err // has room for one of each switch
					return
				}
				s.renew()
			}
		})
	}
	if err := f.shakeHands(ctx); err != nil {
		f.close()
		return nil, err
	}
	if o.rate > 0 && o.hold == 0 {
		f.limit(0)
		f.all.Go(func() { f.pace(ctx) })
	}
	return f, nil
}

// shakeHands waits until every switch is ready.
func (f *fleet) shakeHands(ctx context.Context) error {
	deadline := time.NewTimer(f.options.readyTimeout)
	defer deadline.Stop()
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for ready := 0; ; {
		var missing string
		for ready < len(f.switches) {
			var ok bool
			if ok, missing = f.switches[ready].ready(); !ok {
				break
			}
			ready++
		}
		if ready == len(f.switches) {
			return nil
		}
		select {
		case <-poll.C:
		case err := <-f.failures:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline.C:
			err := fmt.Errorf("after %v switch %d of %d %s", f.options.readyTimeout, ready+1, len(f.switches), missing)
			if ended := f.faulted(); ended != nil && ended.Last != "" {
				err = fmt.Errorf("%w; %d connections ended, the last one: %s", err, ended.Ended, ended.Last)
			}
			return err
		}
	}
}

// close ends all connections and waits for their goroutines.
func (f *fleet) close() {
	f.cancel()
	if f.proxy != nil {
		f.proxy.Close()
	}
	f.all.Wait()
	for _, l := range f.loops {
		l.close()
	}
}

// setRunning starts or stops the packet-ins of all switches.
func (f *fleet) setRunning(on bool) {
	for _, s := range f.switches {
		s.setRunning(on)
	}
}

// wait lets d pass and gives up packet-ins meanwhile. It returns early with an
// error if a connection or ctx ends.
func (f *fleet) wait(ctx context.Context, d time.Duration) error {
	end := time.NewTimer(d)
	defer end.Stop()
	expire := time.NewTicker(expireEvery)
	defer expire.Stop()
	for {
		select {
		case <-end.C:
			return nil
		case err := <-f.failures:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-expire.C:
			f.expire()
		}
	}
}

// drain stops the packet-ins and waits for the last answers, but not for long.
func (f *fleet) drain(ctx context.Context) {
	f.setRunning(false)
	deadline := time.Now().Add(drainAtMost)
	for f.waiting() && time.Now().Before(deadline) {
		if f.wait(ctx, pollEvery) != nil {
			return
		}
	}
}

// waiting reports whether any switch waits for an answer.
func (f *fleet) waiting() bool {
	for _, s := range f.switches {
		s.mu.Lock()
		n := s.traffic.waiting
		s.mu.Unlock()
		if n > 0 {
			return true
		}
	}
	return false
}

// expire gives up what is overdue, and wakes the writers whose window it opens.
func (f *fleet) expire() {
	for _, s := range f.switches {
		s.mu.Lock()
		before := s.traffic.Lost
		s.traffic.expire(s.now(), int64(f.options.answerTimeout))
		lost := s.traffic.Lost > before
		s.mu.Unlock()
		if lost {
			s.wakeWriter()
		}
	}
}

// tallies returns what each switch has counted so far, in one go.
func (f *fleet) tallies() []tally {
	ts := make([]tally, len(f.switches))
	for i, s := range f.switches {
		s.mu.Lock()
		ts[i] = s.traffic.tally
		s.mu.Unlock()
	}
	return ts
}

// measureLatency begins to note how long answers take.
func (f *fleet) measureLatency() {
	for _, s := range f.switches {
		s.mu.Lock()
		s.traffic.latency = new(histogram)
		s.mu.Unlock()
	}
}

// latency ends it, and returns what was noted.
func (f *fleet) latency() *histogram {
	sum := new(histogram)
	for _, s := range f.switches {
		s.mu.Lock()
		if h := s.traffic.latency; h != nil {
			sum.add(h)
			s.traffic.latency = nil
		}
		s.mu.Unlock()
	}
	return sum
}
