package faultproxy

import (
	"net"
	"sync"
	"sync/atomic"
)

// socketBuffer is the length of the kernel's buffers, so that not much of what
// is under way is beyond the reach of a throttle or of an end.
const socketBuffer = 64 << 10

// pair is a switch's connection and the one to the controller.
type pair struct {
	p        *Proxy
	n        int64 // counted from 1
	up, down direction
	done     chan struct{} // closed by abort
	once     sync.Once
	ended    atomic.Int32  // sources that have ended
	silent   chan struct{} // closed when both have
}

func newPair(p *Proxy, n int64, sw, ctl *net.TCPConn) *pair {
	c := &pair{p: p, n: n, done: make(chan struct{}), silent: make(chan struct{})}
	for _, x := range []*net.TCPConn{sw, ctl} {
		_ = x.SetReadBuffer(socketBuffer) // a wish
		_ = x.SetWriteBuffer(socketBuffer)
	}
	c.up.init(c, true, sw, ctl, &c.down)
	c.down.init(c, false, ctl, sw, &c.up)
	return c
}

// run serves the connections until they are over.
func (c *pair) run() {
	var wg sync.WaitGroup
	for _, d := range []*direction{&c.up, &c.down} {
		wg.Go(d.read)
		wg.Go(d.write)
	}
	wg.Wait()
	c.up.src.Close()
	c.down.src.Close()
}

// abort resets both connections, which ends all four goroutines.
func (c *pair) abort() {
	c.once.Do(func() {
		reset(c.up.src)
		reset(c.down.src)
		close(c.done)
	})
}

// sourceEnded is told once by each reader.
func (c *pair) sourceEnded() {
	if c.ended.Add(1) == 2 {
		close(c.silent)
	}
}

// set gives both directions new faults. The nth time a connection has other
// draws than the first.
func (c *pair) set(faults []Fault, nth int) {
	c.up.set(faults, nth)
	c.down.set(faults, nth)
}
