package faultproxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Config says what a Proxy stands between.
type Config struct {
	// Target is the controller's TCP address.
	Target string
	// Dial is used instead of Target, if it is given: what it returns must be a
	// *net.TCPConn.
	Dial func(context.Context) (net.Conn, error)
	// Listen is where switches connect. Default 127.0.0.1:0.
	Listen string
	// Listener is used instead of Listen, if it is given; the proxy owns it. It
	// must be one for TCP.
	Listener net.Listener
	// Faults are those of the beginning.
	Faults Faults
	// Seed decides what is left to chance.
	Seed uint64
}

// dialTimeout bounds connecting to the controller.
const dialTimeout = 10 * time.Second

// Counts says how often each kind of fault has happened: to a message, to a
// connection where it ends one, and for a throttle or a split to a write.
type Counts [NumKinds]uint64

// Proxy is a running proxy. Its methods may be called from any goroutine.
type Proxy struct {
	dial   func(context.Context) (net.Conn, error)
	seed   uint64
	ln     net.Listener
	ctx    context.Context // ends with Close; of dialling alone
	cancel context.CancelFunc
	all    sync.WaitGroup
	counts [NumKinds]atomic.Uint64

	mu       sync.Mutex // taken before that of a direction
	faults   Faults
	set      int // how often Set was called
	accepted int64
	pairs    map[*pair]struct{}
	closed   bool
	dialErr  error
}

// Start listens and proxies until Close.
func Start(cfg Config) (*Proxy, error) {
	ln := cfg.Listener
	if ln == nil {
		var err error
		addr := cfg.Listen
		if addr == "" {
			addr = "127.0.0.1:0"
		}
		if ln, err = net.Listen("tcp", addr); err != nil {
			return nil, fmt.Errorf("listen for switches: %w", err)
		}
	}
	dial := cfg.Dial
	if dial == nil {
		dial = func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", cfg.Target)
		}
	}
	p := &Proxy{dial: dial, seed: cfg.Seed, ln: ln, faults: slices.Clone(cfg.Faults), pairs: map[*pair]struct{}{}}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.all.Go(p.accept)
	return p, nil
}

// Addr is where switches connect.
func (p *Proxy) Addr() string { return p.ln.Addr().String() }

// Close ends every connection with a reset, and returns when all is over.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	for c := range p.pairs {
		c.abort()
	}
	p.mu.Unlock()
	p.cancel()
	p.ln.Close()
	p.all.Wait()
}

// Set replaces the faults, also those of connections that exist; for these the
// windows of the new faults begin now, at their next message. What is lost stays
// lost, but an end of a connection that a cut held back passes once there is no
// cut.
func (p *Proxy) Set(faults ...Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = slices.Clone(faults)
	p.set++
	for c := range p.pairs {
		c.set(p.faults, p.set)
	}
}

// Connections returns how many there are.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.pairs)
}

// Counts returns how often each kind of fault has happened so far.
func (p *Proxy) Counts() (c Counts) {
	for i := range c {
		c[i] = p.counts[i].Load()
	}
	return c
}

// Err returns why the controller could not be reached the last time, or nil.
func (p *Proxy) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dialErr
}

// accept is the goroutine that takes switches in.
func (p *Proxy) accept() {
	for {
		c, err := p.ln.Accept()
		switch {
		case err == nil:
			p.mu.Lock()
			p.accepted++
			n := p.accepted
			p.mu.Unlock()
			p.all.Go(func() { p.connect(c.(*net.TCPConn), n) })
		case errors.Is(err, net.ErrClosed):
			return
		default: // out of descriptors, most likely
			select {
			case <-time.After(10 * time.Millisecond):
			case <-p.ctx.Done():
				return
			}
		}
	}
}

// connect serves one switch until its connection is over.
func (p *Proxy) connect(down *net.TCPConn, n int64) {
	ctx, cancel := context.WithTimeout(p.ctx, dialTimeout)
	c, err := p.dial(ctx)
	cancel()
	p.mu.Lock()
	p.dialErr = err
	if err != nil || p.closed {
		p.mu.Unlock()
		reset(down)
		if err == nil {
			c.Close()
		}
		return
	}
	pr := newPair(p, n, down, c.(*net.TCPConn))
	pr.set(p.faults, p.set)
	p.pairs[pr] = struct{}{}
	p.mu.Unlock()
	pr.run()
	p.mu.Lock()
	delete(p.pairs, pr)
	p.mu.Unlock()
}

// reset closes a connection with a reset.
func reset(c *net.TCPConn) {
	_ = c.SetLinger(0) // fails only if it is closed
	c.Close()
}
