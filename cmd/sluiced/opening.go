package main

import (
	"net"
	"sync"
	"sync/atomic"
)

// openingBytes is what a gRPC client says at least before the first call: the
// preface and the header of a SETTINGS frame (section 3.4 of RFC 9113).
const openingBytes = 24 + 9

// openings is a listener for gRPC that knows its connections. A server of gRPC
// that ends, gracefully or not, waits for those whose client has not opened the
// connection yet, and knows of no way to close them.
type openings struct {
	net.Listener
	mu    sync.Mutex
	conns map[*opening]struct{}
	ended bool // all are closed, and none is taken any more
}

func newOpenings(ln net.Listener) *openings {
	return &openings{Listener: ln, conns: make(map[*opening]struct{})}
}

// Accept returns the next connection.
func (o *openings) Accept() (net.Conn, error) {
	conn, err := o.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &opening{Conn: conn, of: o}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended {
		_ = conn.Close() // whoever reads it is told
		return c, nil
	}
	o.conns[c] = struct{}{}
	return c, nil
}

// closeSilent closes the connections that are not open yet, or all of them and
// those to come.
func (o *openings) closeSilent(all bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = o.ended || all
	for c := range o.conns {
		if all || c.heard.Load() < openingBytes {
			_ = c.Conn.Close() // whoever reads it is told
		}
	}
}

// opening is a connection that counts what was read from it.
type opening struct {
	net.Conn
	of    *openings
	heard atomic.Int64
}

func (c *opening) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.heard.Add(int64(n))
	}
	return n, err
}

func (c *opening) Close() error {
	c.of.mu.Lock()
	delete(c.of.conns, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}
