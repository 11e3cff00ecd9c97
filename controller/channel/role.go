package channel

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// role is this controller's role towards the switch. The reader keeps it, in the
// order of the wire: a reply to the last request for a role, an error that says
// that the controller is a slave, or a notice that another one took its place.
type role struct {
	slave *atomic.Bool // the outbox's, which refuses what a slave must not send

	mu      sync.Mutex
	state   ofp.RoleState
	xid     uint32   // of the last request that has no answer yet, or 0
	want    ofp.Role // that it asks for
	changes RoleChanges
	since   time.Time // of the last change; zero: there was none
	taken   bool      // that was not asked for
}

// RoleChanges counts how often the role became another one.
type RoleChanges struct {
	All     int
	Unasked int // of All, those to a role that was not asked for
}

// Role returns what the switch has last said of this controller's role, which is
// equal where nothing was ever said (section 6.3.4 of OpenFlow 1.3.5).
func (c *Conn) Role() ofp.RoleState {
	c.role.mu.Lock()
	defer c.role.mu.Unlock()
	return c.role.state
}

// RoleChanges returns how often the role has become another one so far.
func (c *Conn) RoleChanges() RoleChanges {
	c.role.mu.Lock()
	defer c.role.mu.Unlock()
	return c.role.changes
}

// RoleSince returns when the role became what it is, zero if it was never another one,
// and whether nobody here asked for that.
func (c *Conn) RoleSince() (since time.Time, taken bool) {
	c.role.mu.Lock()
	defer c.role.mu.Unlock()
	return c.role.since, c.role.taken
}

// Slave reports whether what a slave must not send (Forbidden) would be refused by
// the switch, as far as anybody here knows: while the role is slave, and from when
// it is asked for on.
func (c *Conn) Slave() bool { return c.role.slave.Load() }

// Abstain makes the controller a slave of its own accord, where the switch has no
// roles to give, or ends that.
func (c *Conn) Abstain(slave bool) {
	s := ofp.RoleState{Role: ofp.RoleEqual, Generation: ofp.NoGeneration}
	if slave {
		s.Role = ofp.RoleSlave
	}
	if c.role.set(s, true) {
		b := new(Batch)
		b.keep(ofp.TypeRoleStatus, nil)
		c.in.post(b)
	}
}

// set notes a role, and reports whether it is another one than before.
func (r *role) set(s ofp.RoleState, asked bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.setLocked(s, asked)
}

func (r *role) setLocked(s ofp.RoleState, asked bool) bool {
	changed := r.state.Role != s.Role
	if changed {
		r.since, r.taken = time.Now(), !asked
		r.changes.All++
		if !asked {
			r.changes.Unasked++
		}
	}
	r.state = s
	r.slave.Store(s.Role == ofp.RoleSlave)
	return changed
}

// RequestRole asks the switch for a role, or with ofp.RoleNoChange what the role
// is, and returns what the switch answers, which Role tells from then on, even if
// the answer comes when nobody waits for it any more. It fails as Request does. A
// controller that asks to be a slave is taken for one before it asks, and what it
// has sent until then is processed before; if it gets no answer, it stays one.
// One request at a time.
func (c *Conn) RequestRole(ctx context.Context, want ofp.RoleState) (ofp.RoleState, error) {
	if want.Role == ofp.RoleSlave {
		// The outbox looks at it with its mutex held: what passes is encoded before
		// quiet's barrier.
		was := c.role.slave.Swap(true)
		if !was {
			if err := c.quiet(ctx); err != nil {
				c.role.restore()
				return ofp.RoleState{}, fmt.Errorf("before role_request: %w", err)
			}
		}
	}
	m, err := c.Request(ctx, &ofp.RoleRequest{RoleState: want})
	if err != nil {
		if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
			c.role.restore()
		}
		return ofp.RoleState{}, err
	}
	got := m.(*ofp.RoleReply).RoleState
	if !known(got.Role) {
		c.role.restore()
		return ofp.RoleState{}, fmt.Errorf("role_request: the switch answers %s", got.Role)
	}
	return got, nil
}

// quiet returns when the switch has processed what was given to Write and Send
// before.
func (c *Conn) quiet(ctx context.Context) error {
	select {
	case <-c.replies.awaitIdle():
	case <-ctx.Done():
		return fmt.Errorf("writes are in flight: %w", ctx.Err())
	}
	_, err := c.Request(ctx, &ofp.BarrierRequest{})
	return err
}

// awaitIdle returns a channel that is closed when no Write is in flight.
func (r *replies) awaitIdle() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.idle == nil {
		r.idle = make(chan struct{})
	}
	idle := r.idle
	r.idleLocked()
	return idle
}

func (r *replies) idleLocked() {
	if len(r.writes) == 0 && r.idle != nil {
		close(r.idle)
		r.idle = nil
	}
}

// restore goes back to what the role allows.
func (r *role) restore() {
	r.mu.Lock()
	r.slave.Store(r.state.Role == ofp.RoleSlave)
	r.mu.Unlock()
}

// known reports whether a controller can have the role.
func known(r ofp.Role) bool {
	return r == ofp.RoleEqual || r == ofp.RoleMaster || r == ofp.RoleSlave
}

// hearRole takes what a message of the switch says about the role. If that is a
// change, the dispatcher gets to know it as an event of the type role_status, in
// its place among the others.
func (c *Conn) hearRole(h ofp.Header, typ ofp.Type, frame []byte) {
	var s ofp.RoleState
	switch typ {
	case ofp.TypeRoleReply:
		var m ofp.RoleReply
		if c.r.dec.Decode(frame, &m) == nil && c.role.answered(h.XID, m.RoleState) {
			c.tellRole(frame)
		}
		return
	case ofp.TypeRoleStatus:
		_, m, err := ofp.Decode(frame)
		if err != nil {
			c.undecodable(frame, err)
			return
		}
		s = m.(*ofp.RoleStatus).RoleState
	case ofp.TypeError: // which says nothing of the generation
		s = ofp.RoleState{Role: ofp.RoleSlave, Generation: ofp.NoGeneration}
	}
	if known(s.Role) && c.role.set(s, false) {
		c.tellRole(frame)
	}
}

// enslaves reports whether an error says that the controller is a slave. OpenFlow
// 1.0 and 1.1 have no number for that: Open vSwitch says to the command of one who was
// the master that it is not permitted.
func (c *Conn) enslaves(m *ofp.Error) bool {
	if m.Reason == ofp.BadRequestIsSlave {
		return true
	}
	if m.Reason != ofp.BadRequestEPERM || c.version >= ofp.V12 || c.Role().Role != ofp.RoleMaster {
		return false
	}
	typ := ofp.TypeOf(m.Data)
	if h, err := ofp.ParseHeader(m.Data); typ == ofp.TypeUnknown && err == nil {
		typ = h.Type()
	}
	return forbidden>>typ&1 != 0
}

// asks notes a request for a role, whose answer is believed whenever it comes.
func (r *role) asks(xid uint32, want ofp.Role) {
	r.mu.Lock()
	r.xid, r.want = xid, want
	r.mu.Unlock()
}

// answered takes a reply, if it is the first one to the last request, and reports
// whether the role is another one then.
func (r *role) answered(xid uint32, s ofp.RoleState) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if xid == 0 || xid != r.xid {
		return false
	}
	r.xid = 0
	return known(s.Role) && r.setLocked(s, s.Role == r.want)
}

// tellRole puts the frame that the reader has just cut off among the events.
func (c *Conn) tellRole(frame []byte) {
	at := uint32(c.r.start)
	c.r.chunk.events = append(c.r.chunk.events, event{start: at - uint32(len(frame)), end: at, typ: ofp.TypeRoleStatus})
}

// forbidden are the types of messages that a slave must not send: those that
// change the switch or send a packet (section 6.3.4 of OpenFlow 1.3.5), and the
// extensions that do.
const forbidden = 1<<ofp.TypePacketOut | 1<<ofp.TypeFlowMod | 1<<ofp.TypeGroupMod | 1<<ofp.TypePortMod | 1<<ofp.TypeTableMod |
	1<<ofp.TypeMeterMod | 1<<ofp.TypeSetConfig | 1<<ofp.TypeNXFlowMod | 1<<ofp.TypeNXGroupMod | 1<<ofp.TypeNXResume |
	1<<ofp.TypeNXTLVTableMod | 1<<ofp.TypeNXCTFlush | 1<<ofp.TypeNXCTFlushZone | 1<<ofp.TypeBundleControl | 1<<ofp.TypeBundleAdd

// Forbidden reports whether a slave must not send m.
func Forbidden(m ofp.Message) bool {
	typ := m.Type()
	if typ != ofp.TypeMultipartRequest {
		return forbidden>>typ&1 != 0
	}
	q, ok := m.(*ofp.MultipartRequest)
	if !ok {
		return false
	}
	set, ok := q.Body.(*ofp.TableFeaturesRequest)
	return ok && len(set.Tables) > 0
}
