package controller

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
)

// TestHostileRole: what a switch may answer to a request for a role, and when.
func TestHostileRole(t *testing.T) {
	ask := func(t *testing.T, answer func(p *peer, xid uint32, m *ofp.RoleRequest)) (*Switch, func(time.Duration) error) {
		c := serve(t, Config{})
		p := newPeer(t, ofp.V13, 1)
		p.reply = func(xid uint32, m ofp.Message) []ofp.Message {
			if q, ok := m.(*ofp.RoleRequest); ok {
				answer(p, xid, q)
				return []ofp.Message{}
			}
			return nil
		}
		p.dial(c.addr)
		sw := c.sw(t, 1)
		return sw, func(d time.Duration) error {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			_, err := sw.SetRole(ctx, master(3))
			return err
		}
	}
	// giveUp asks for a role, and for no longer than until the switch has been
	// asked, which asked says.
	giveUp := func(t *testing.T, sw *Switch, state ofp.RoleState, asked <-chan struct{}) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() {
			defer cancel()
			select {
			case <-asked:
			case <-t.Context().Done():
			}
		}()
		if _, err := sw.SetRole(ctx, state); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	tell := func(g uint64, r ofp.Role) *ofp.RoleReply {
		return &ofp.RoleReply{RoleState: ofp.RoleState{Role: r, Generation: g}}
	}
	t.Run("never", func(t *testing.T) {
		asked := make(chan struct{})
		sw, _ := ask(t, func(*peer, uint32, *ofp.RoleRequest) { close(asked) })
		giveUp(t, sw, master(3), asked)
		if sw.Role() != equal {
			t.Errorf("%+v", sw.Role())
		}
	})
	t.Run("under another xid", func(t *testing.T) {
		asked := make(chan struct{})
		sw, _ := ask(t, func(p *peer, xid uint32, q *ofp.RoleRequest) {
			p.send(xid+100, tell(3, ofp.RoleMaster))
			p.send(0, tell(3, ofp.RoleMaster))
			close(asked)
		})
		giveUp(t, sw, master(3), asked)
		if err := sw.Barrier(t.Context()); err != nil || sw.Role() != equal {
			t.Errorf("%v; %+v", err, sw.Role())
		}
	})
	t.Run("late", func(t *testing.T) {
		asked, late := make(chan struct{}), make(chan func(), 1)
		sw, _ := ask(t, func(p *peer, xid uint32, q *ofp.RoleRequest) {
			late <- func() { p.send(xid, tell(3, ofp.RoleMaster)) }
			close(asked)
		})
		giveUp(t, sw, master(3), asked)
		(<-late)()
		eventually(t, "what the switch has done is known", func() bool { return sw.Role() == master(3) })
	})
	t.Run("twice", func(t *testing.T) {
		sw, set := ask(t, func(p *peer, xid uint32, q *ofp.RoleRequest) {
			p.send(xid, tell(3, ofp.RoleMaster), tell(4, ofp.RoleSlave))
		})
		if err := set(5 * time.Second); err != nil {
			t.Error(err)
		}
		if err := sw.Barrier(t.Context()); err != nil || sw.Role() != master(3) {
			t.Errorf("%v; %+v", err, sw.Role())
		}
	})
	t.Run("another role", func(t *testing.T) {
		sw, set := ask(t, func(p *peer, xid uint32, q *ofp.RoleRequest) { p.send(xid, tell(3, ofp.RoleSlave)) })
		if err := set(5 * time.Second); err == nil || !strings.Contains(err.Error(), "answers that it is slave") {
			t.Error(err)
		}
		if sw.Role() != slave(3) || !errors.Is(sw.Write(t.Context(), aFlow()), ErrSlave) {
			t.Errorf("what the switch says holds: %+v", sw.Role())
		}
	})
	for _, r := range []ofp.Role{ofp.RoleNoChange, 4, 0xffffffff} {
		t.Run("no role "+r.String(), func(t *testing.T) {
			sw, set := ask(t, func(p *peer, xid uint32, q *ofp.RoleRequest) { p.send(xid, tell(3, r)) })
			if err := set(5 * time.Second); err == nil || sw.Role() != equal {
				t.Errorf("%v; %+v", err, sw.Role())
			}
		})
	}
	t.Run("an error", func(t *testing.T) {
		sw, set := ask(t, func(p *peer, xid uint32, q *ofp.RoleRequest) {
			p.send(xid, &ofp.Error{Reason: ofp.RoleRequestFailedBadRole})
		})
		if err := set(5 * time.Second); reason(err) != ofp.RoleRequestFailedBadRole || sw.Role() != equal {
			t.Errorf("%v; %+v", err, sw.Role())
		}
	})
	t.Run("a message of another type", func(t *testing.T) {
		sw, set := ask(t, func(p *peer, xid uint32, q *ofp.RoleRequest) { p.send(xid, &ofp.BarrierReply{}) })
		if err := set(5 * time.Second); err == nil || sw.Role() != equal {
			t.Errorf("%v; %+v", err, sw.Role())
		}
	})
	t.Run("no answer to a slave", func(t *testing.T) {
		asked := make(chan struct{})
		sw, _ := ask(t, func(*peer, uint32, *ofp.RoleRequest) { close(asked) })
		giveUp(t, sw, slave(3), asked)
		if err := sw.Write(t.Context(), aFlow()); !errors.Is(err, ErrSlave) {
			t.Errorf("it may be a slave: %v", err)
		}
	})
}

// TestNoRoleOnConnect: a switch that does not say what the role is, is not served.
func TestNoRoleOnConnect(t *testing.T) {
	for name, answer := range map[string]ofp.Message{
		"no answer":  nil,
		"wrong role": &ofp.RoleReply{RoleState: ofp.RoleState{Role: ofp.RoleEqual, Generation: 3}},
		"error":      &ofp.Error{Reason: ofp.RoleRequestFailedBadRole},
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, Config{Role: ofp.RoleMaster, Generation: 3, RoleTimeout: 200 * time.Millisecond})
			p := newPeer(t, ofp.V13, 1)
			p.reply = func(xid uint32, m ofp.Message) []ofp.Message {
				if _, ok := m.(*ofp.RoleRequest); !ok {
					return nil
				}
				if answer == nil {
					return []ofp.Message{}
				}
				return []ofp.Message{answer}
			}
			p.dial(c.addr)
			<-p.gone
			eventually(t, "counted", func() bool { return c.stats.Refused[channel.ReasonRole].Load() == 1 })
			for len(p.in) > 0 {
				if m := <-p.in; channel.Forbidden(m) {
					t.Errorf("it was sent %s", m.Type())
				}
			}
			p = newPeer(t, ofp.V13, 1) // its DPID is free again
			p.reply = func(_ uint32, m ofp.Message) []ofp.Message {
				if q, ok := m.(*ofp.RoleRequest); ok {
					return []ofp.Message{&ofp.RoleReply{RoleState: q.RoleState}}
				}
				return nil
			}
			p.dial(c.addr)
			c.sw(t, 1)
		})
	}
}
