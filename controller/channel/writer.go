package channel

import (
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// write is the writer. It returns when it has nothing to do on an idle connection,
// when the outbox is closed and empty, or when the socket takes nothing any more.
func (c *Conn) write() {
	for {
		b, stay := c.out.next()
		if len(b) == 0 {
			if !stay {
				return
			}
			<-c.out.wake
			continue
		}
		if !c.out.told {
			c.hearSent(b)
		}
		if err := c.writeAll(b); err != nil {
			c.fail(err)
			return
		}
	}
}

// unsentBytes is how much may wait in a socket that was never sent, where the
// system can be told so: two slices, so that the writer is woken before the wire
// runs dry.
const unsentBytes = 128 << 10

// lingerTimeout is how long a refused peer may take to read why and to hang up.
const lingerTimeout = 250 * time.Millisecond

// linger ends our side of a refused connection, or of the socket below it, and waits a moment for the
// peer's end: closing a socket with unread bytes would reset the connection, and
// the peer might never see the error that tells why.
func (c *Conn) linger(nc net.Conn) {
	select {
	case <-c.done:
	default:
		return
	}
	switch c.end.Reason {
	case ReasonIncompatible, ReasonDuplicate, ReasonAuxiliary, ReasonPin, ReasonTLSHandshake, ReasonPlain:
	default:
		return
	}
	half, ok := nc.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil || nc.SetReadDeadline(time.Now().Add(lingerTimeout)) != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, nc, 1<<20)
}

// hearSent lets those who listen hear whole messages before they are written: so
// they hear a request before its reply.
func (c *Conn) hearSent(b []byte) {
	c.taps.hear(true, b)
	if c.rec != nil && len(b) > 0 {
		c.rec.Sent(b)
	}
}

// writeAll writes b, and waits. A deadline that passes is an error only if the
// peer has taken no byte since it was set.
func (c *Conn) writeAll(b []byte) *CloseError {
	for len(b) > 0 {
		if err := c.nc.SetWriteDeadline(time.Now().Add(c.cfg.WriteTimeout)); err != nil {
			return &CloseError{ReasonIO, err}
		}
		n, err := c.nc.Write(b)
		b = b[n:]
		switch {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded):
			if n == 0 {
				return closef(ReasonWriteTimeout, "the switch took nothing for %v", c.cfg.WriteTimeout)
			}
		default:
			return writeError(err)
		}
	}
	return nil
}

// writeError says why nothing more can be written.
func writeError(err error) *CloseError {
	if peerGone(err) {
		return &CloseError{ReasonPeerClosed, err}
	}
	return &CloseError{ReasonIO, err}
}
