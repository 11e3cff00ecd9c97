package channel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/sluice-sdn/sluice/ofp"
)

// flushTimeout bounds what is still written when a connection ends.
const flushTimeout = time.Second

// What a full queue may cost in waiting before what may be dropped is dropped.
// The reader waits longer than the dispatcher, so that a switch that is slow to
// read is slowed down rather than robbed; but it waits only a moment while
// somebody, a handler perhaps, waits for a reply that only it can bring.
const (
	readerPatience     = 500 * time.Millisecond
	replyPatience      = 10 * time.Millisecond
	spillPatience      = time.Second // for what must not be dropped
	dispatcherPatience = 200 * time.Millisecond
)

// Handler takes what happens on a connection. Its methods are called one at a
// time, though not by one goroutine: Up first and, if that returns nil, Events any
// number of times and Down last.
type Handler interface {
	// Up is told that the handshake is done. An error refuses the switch: a
	// CloseError says why, and a RefuseError what to tell the switch.
	Up(c *Conn) error
	// Events handles the events of one chunk.
	Events(c *Conn, b *Batch)
	// Down is told that the connection has ended, after Up has returned nil.
	Down(c *Conn)
}

// PromptHandler is a Handler that the reader may give a lone packet-in, if the
// dispatcher has nothing to do: that saves waking it.
type PromptHandler interface {
	Handler
	// Prompt reports whether Events waits for nothing with this batch, neither for
	// the switch nor for anybody else. It is called as Events is, and it waits for
	// nothing.
	Prompt(c *Conn, b *Batch) bool
}

// Conn is one connection. Its methods may be called from any goroutine, and those
// about the switch from Handler.Up on.
type Conn struct {
	nc    net.Conn
	cfg   Config
	stats *Stats
	log   logrus.FieldLogger
	rec   Recording // nil if nobody records; set before the writer starts

	identity identity    // set before the writer starts
	version  ofp.Version // set before the dispatcher starts, as what follows
	features ofp.FeaturesReply
	desc     ofp.Desc
	extended bool // with Open vSwitch's extensions
	ports    []ofp.Port
	portless bool   // the list of ports has not come, or not to its end
	descXID  uint32 // of the reader: under which a description is still to come; 0: none is
	lateDesc atomic.Pointer[ofp.Desc]
	early    *Batch // events of the handshake, but for port status

	out     outbox
	in      inbox
	replies replies
	taps    taps
	role    role
	bundles bundles

	relaying *relaying // of an auxiliary connection's dispatcher
	lost     losses
	slice    int // of the dispatcher: how many events it gives the handler at once

	up        atomic.Bool   // Handler.Up has returned nil
	done      chan struct{} // closed when the connection ends
	endOnce   sync.Once
	end       *CloseError // set before done is closed
	hardClose *time.Timer // set before done is closed; nil if the socket is closed at once

	prompt PromptHandler // nil if the handler is none; set before the reader reads on

	writers     sync.WaitGroup // one at most
	dispatchers sync.WaitGroup // one at most
	waited      bool           // of the dispatcher: for room in the outbox, in vain

	complained sync.Once // about a message that cannot be read

	r    reader // of the reader alone
	soon gather // of the dispatcher alone
	now  atOnce // of the dispatcher alone
}

// New returns a connection over nc that does nothing yet. cfg may have zero
// fields, stats may be shared.
func New(nc net.Conn, cfg Config, stats *Stats, log logrus.FieldLogger) *Conn {
	c := &Conn{
		nc:    nc,
		cfg:   cfg.withDefaults(),
		stats: stats,
		log:   log,
		in:    newInbox(),
		slice: sliceFirst,
		done:  make(chan struct{}),
	}
	c.bundles.turn = make(chan struct{}, 1)
	c.role.slave = &c.out.slave
	c.role.state = ofp.RoleState{Role: ofp.RoleEqual, Generation: ofp.NoGeneration}
	c.out.init(c.cfg.HighWater, c.cfg.MaxWriteBytes, stats)
	c.replies.limit, c.replies.bytes, c.replies.total = c.cfg.MaxRequests, c.cfg.MaxReplyBytes, c.cfg.MaxRepliesBytes
	return c
}

// Run speaks with the peer until the connection ends, because of the peer, of
// Close, or of ctx, and returns why. When it returns, the socket is closed and
// every goroutine of the connection has ended.
func (c *Conn) Run(ctx context.Context, h Handler) *CloseError {
	stop := context.AfterFunc(ctx, func() { c.fail(&CloseError{Reason: ReasonShutdown}) })
	defer stop()
	if c.cfg.Recorder != nil {
		c.rec = c.cfg.Recorder.Record(c.nc)
	}
	c.out.start = func() { c.writers.Go(c.write) }
	c.in.start = func() { c.dispatchers.Go(func() { c.dispatch(h) }) }
	// The handshake goes deep: in a goroutine of its own its stack is given back.
	met := make(chan *CloseError, 1)
	speak := c.nc
	go func() {
		err := c.secure()
		if err != nil {
			speak = c.raw() // the peer may still read why
		} else {
			speak = c.nc
			err = c.handshake()
		}
		met <- err
	}()
	err := <-met
	if err == nil {
		c.recordKnown()
		c.r.raw, c.r.take = rawOf(c.nc), c.r.readNow
		limitUnsent(c.raw())
		c.mayWriteAtOnce()
		c.prompt, _ = h.(PromptHandler)
		c.dispatchers.Go(func() { c.introduce(h) })
		c.r.limits = newLimiter(c.cfg.PacketInLimits, time.Now())
		err = c.read()
		c.tellLosses(true)
	}
	c.fail(err)
	c.writers.Wait()      // no other is started: the outbox is closed
	c.out.standins.Wait() // nor comes another of these
	c.write()             // what is left
	c.linger(speak)
	c.nc.Close()
	c.in.close()
	c.dispatchers.Wait() // no other is started
	if c.up.Load() {
		h.Down(c)
	}
	if c.hardClose != nil {
		c.hardClose.Stop()
	}
	if c.r.chunk != nil {
		c.r.chunk.recycle()
	}
	c.recordEnd()
	if c.up.Load() {
		c.stats.Ended[c.end.Reason].Add(1)
	} else {
		c.stats.Refused[c.end.Reason].Add(1)
	}
	return c.end
}

// Close ends the connection: what waits to be written is given a second, and
// whoever waits for a reply fails with ErrDisconnected. It does not wait.
func (c *Conn) Close(reason Reason, err error) { c.fail(&CloseError{reason, err}) }

// fail ends the connection for the first reason it is given.
func (c *Conn) fail(e *CloseError) {
	c.endOnce.Do(func() {
		c.end = e
		switch e.Reason {
		case ReasonDead, ReasonReplaced, ReasonIO, ReasonPeerClosed, ReasonWriteTimeout:
			c.raw().Close() // nobody listens any more
		default:
			c.hardClose = time.AfterFunc(flushTimeout, func() { c.raw().Close() })
		}
		close(c.done)
		c.out.close()
		c.replies.close()
		// Wakes the reader; it looks at done after it has set a deadline of its
		// own, so that it cannot miss this one.
		_ = c.nc.SetReadDeadline(time.Unix(1, 0))
	})
}

// introduce is the first dispatcher.
func (c *Conn) introduce(h Handler) {
	if err := h.Up(c); err != nil {
		if r, ok := errors.AsType[*RefuseError](err); ok {
			c.out.answerRaw(helloFailed(c.version, 0, ofp.HelloFailedEPERM, r.Text))
		}
		c.fail(asClose(err))
		return
	}
	c.up.Store(true)
	if c.early != nil {
		h.Events(c, c.early)
		c.early = nil
	}
	c.dispatch(h)
}

// dispatch is the dispatcher. It returns when the connection has ended, or is idle
// and nothing waits.
func (c *Conn) dispatch(h Handler) {
	for {
		b, stay := c.in.take()
		if b == nil {
			if !stay {
				return
			}
			select {
			case <-c.in.wake:
				continue
			case <-c.done:
				return
			}
		}
		c.waited = c.awaitOutbox(c.waited)
		if b.Len() > 1 {
			c.gather()
			c.handle(h, b)
			c.ungather()
		} else {
			c.gatherOne()
			h.Events(c, b)
			c.ungatherOne()
		}
		b.recycle()
		select {
		case <-c.done:
			return
		default:
		}
	}
}

// awaitOutbox waits a moment for room in the outbox, unless it has done so in
// vain before and there has been none since.
func (c *Conn) awaitOutbox(waited bool) bool {
	room := c.out.full()
	if room == nil {
		return false
	}
	if waited {
		return true
	}
	t := time.NewTimer(dispatcherPatience)
	defer t.Stop()
	select {
	case <-room:
		return false
	case <-t.C:
		return true
	case <-c.done:
		return true
	}
}

// RefuseError refuses a switch with a text for it.
type RefuseError struct {
	Text string
	Err  *CloseError
}

// Error says why the switch is refused.
func (e *RefuseError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *RefuseError) Unwrap() error { return e.Err }

// Send encodes m into the outbox and does not wait. See Switch.Send of package
// controller.
func (c *Conn) Send(m ofp.Message) error { return c.out.send(m) }

// Version returns the negotiated version.
func (c *Conn) Version() ofp.Version { return c.version }

// Features returns the features reply. Its ports are those of Ports.
func (c *Conn) Features() ofp.FeaturesReply { return c.features }

// Extended reports whether the switch is spoken to with Open vSwitch's
// extensions (Config.Extensions).
func (c *Conn) Extended() bool { return c.extended }

// Desc returns the switch's description, empty if it gave none so far.
func (c *Conn) Desc() ofp.Desc {
	if d := c.lateDesc.Load(); d != nil {
		return *d
	}
	return c.desc
}

// MissesExtensions reports whether Open vSwitch's extensions are wanted and not
// used, because the switch told after the handshake alone that it is Open vSwitch.
func (c *Conn) MissesExtensions() bool {
	return c.cfg.Extensions && !c.extended && c.Desc().Manufacturer == openVSwitch
}

// Ports returns the ports as they were when the handshake was done.
func (c *Conn) Ports() []ofp.Port { return c.ports }

// Portless reports whether the switch was taken before it had told all of its ports.
func (c *Conn) Portless() bool { return c.portless }

// MissSendLen returns how many bytes of a packet the switch is to send.
func (c *Conn) MissSendLen() uint16 { return c.cfg.MissSendLen }

// Addr returns the peer's address.
func (c *Conn) Addr() net.Addr { return c.nc.RemoteAddr() }

// Done is closed when the connection ends.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Queued returns how many batches wait for the dispatcher, how many bytes wait
// to be written, and how many requests wait for a reply.
func (c *Conn) Queued() (batches, bytes, requests int) {
	return c.in.depth(), c.out.waiting(), c.replies.inFlight()
}

// Undecodable counts a message that was received whole and cannot be read,
// tells the switch, and logs the first one of the connection.
func (c *Conn) Undecodable(frame []byte, err error) { c.undecodable(frame, err) }

func (c *Conn) undecodable(frame []byte, err error) {
	c.stats.Undecodable.Add(1)
	c.complained.Do(func() {
		c.log.WithField("error", err).Warn("switch sends messages that cannot be read")
	})
	if h, err := ofp.ParseHeader(frame); err == nil && h.Type() != ofp.TypeError {
		c.out.answer(c.version, h.XID, ofp.NewError(ofp.BadRequestBadLen, frame))
	}
}

// peerGone reports whether err says that the other side has ended the
// connection.
func peerGone(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func (c *Conn) String() string { return fmt.Sprintf("connection from %v", c.nc.RemoteAddr()) }
