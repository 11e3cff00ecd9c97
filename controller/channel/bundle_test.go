package channel

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/ofp"
)

// bundler is a peer's bundles, with the faults of a test. Its fields are of the
// goroutine that serves, until that has ended.
type bundler struct {
	r      *rig
	refuse ofp.ErrorReason       // of the opening; 0: it is opened
	ignore bool                  // the opening is not answered
	badAdd map[uint64]bool       // by cookie: refused when added
	badDo  map[uint64]bool       // refused when committed
	expire int                   // the bundle is given up after so many additions; 0: never
	cut    int                   // the connection ends after so many additions; 0: never
	commit func(xid uint32) bool // in place of committing; false: the connection ends

	open    map[uint32][]received
	opens   int
	done    []uint64 // cookies, in the order in which they were carried out
	discard int
}

const none = ofp.ErrorReason(0)

// start has the peer serve a connection until that ends, which the channel tells.
func (b *bundler) start(t *testing.T) (*Conn, <-chan struct{}) {
	b.r = start(t, ofp.V13, Config{})
	b.r.mute = map[ofp.Type]bool{ofp.TypeBarrierRequest: true}
	c := b.r.ready()
	ended := make(chan struct{})
	go b.serve(ended)
	return c, ended
}

func (b *bundler) serve(ended chan<- struct{}) {
	defer close(ended)
	b.open = make(map[uint32][]received)
	adds, opened := 0, uint32(0)
	for q := range b.r.in {
		switch m := q.m.(type) {
		case *ofp.BarrierRequest:
			b.r.sendX(q.XID, &ofp.BarrierReply{})
		case *ofp.FlowMod:
			b.done = append(b.done, m.Cookie)
		case *ofp.BundleControl:
			switch m.Kind {
			case ofp.BundleOpenRequest:
				b.opens++
				switch {
				case b.ignore:
				case b.refuse != none:
					b.r.sendX(q.XID, &ofp.Error{Reason: b.refuse})
				default:
					b.open[m.ID], opened = []received{}, q.XID
					b.r.sendX(q.XID, &ofp.BundleControl{ID: m.ID, Kind: ofp.BundleOpenReply})
				}
			case ofp.BundleCommitRequest:
				if b.commit != nil && !b.commit(q.XID) {
					b.r.nc.Close()
					return
				}
				if b.commit == nil {
					b.carryOut(q.XID, m.ID)
				}
			case ofp.BundleDiscardRequest:
				b.discard++
				if _, ok := b.open[m.ID]; !ok {
					b.r.sendX(q.XID, &ofp.Error{Reason: ofp.BundleFailedBadID})
					continue
				}
				delete(b.open, m.ID)
				b.r.sendX(q.XID, &ofp.BundleControl{ID: m.ID, Kind: ofp.BundleDiscardReply})
			}
		case *ofp.BundleAdd:
			if adds++; adds == b.cut {
				b.r.nc.Close()
				return
			}
			if b.badAdd[m.Message.(*ofp.FlowMod).Cookie] {
				b.r.sendX(q.XID, &ofp.Error{Reason: ofp.FlowModFailedBadTableID})
				continue
			}
			b.open[m.ID] = append(b.open[m.ID], q)
			if adds == b.expire {
				delete(b.open, m.ID)
				b.r.sendX(opened, &ofp.Error{Reason: ofp.BundleFailedTimeout})
			}
		}
	}
}

// carryOut does what Open vSwitch does: it tells of the first failure, and then
// that the bundle has failed.
func (b *bundler) carryOut(xid, id uint32) {
	adds, ok := b.open[id]
	delete(b.open, id)
	if !ok {
		b.r.sendX(xid, &ofp.Error{Reason: ofp.BundleFailedBadID})
		return
	}
	for _, q := range adds {
		if b.badDo[q.m.(*ofp.BundleAdd).Message.(*ofp.FlowMod).Cookie] {
			b.r.sendX(q.XID, &ofp.Error{Reason: ofp.FlowModFailedTableFull})
			b.r.sendX(xid, &ofp.Error{Reason: ofp.BundleFailedMsgFailed})
			return
		}
	}
	for _, q := range adds {
		b.done = append(b.done, q.m.(*ofp.BundleAdd).Message.(*ofp.FlowMod).Cookie)
	}
	b.r.sendX(xid, &ofp.BundleControl{ID: id, Kind: ofp.BundleCommitReply})
}

func cookies(n int) []uint64 {
	var c []uint64
	for i := range n {
		c = append(c, uint64(i))
	}
	return c
}

func TestBundle(t *testing.T) {
	is := func(cookies ...uint64) map[uint64]bool {
		m := make(map[uint64]bool)
		for _, c := range cookies {
			m[c] = true
		}
		return m
	}
	tests := []struct {
		name      string
		n         int
		peer      bundler
		done      []uint64
		failed    []int
		untouched bool
		err       error // in WriteError.Err, nil: none
		reason    ofp.ErrorReason
		discards  int // and that of the probe
		left      int // bundles that the switch keeps
	}{
		{name: "none", done: cookies(0)},
		{name: "one", n: 1, done: cookies(1)},
		{name: "many", n: 4567, done: cookies(4567)},
		{name: "some are refused when added", n: 2500, peer: bundler{badAdd: is(0, 999, 2499), badDo: is(5)}, failed: []int{0, 999, 2499}, untouched: true, discards: 1},
		{name: "one is refused when committed", n: 2500, peer: bundler{badDo: is(1000, 2000)}, failed: []int{1000}, untouched: true},
		{name: "given up in the middle", n: 2500, peer: bundler{expire: 700}, untouched: true, reason: ofp.BundleFailedTimeout, discards: 1},
		{name: "cut in the middle", n: 2500, peer: bundler{cut: 700}, untouched: true, err: ErrDisconnected, left: 1},
		{name: "cut at the commit", n: 2500, peer: bundler{commit: func(uint32) bool { return false }}, err: ErrDisconnected, left: 1},
		{name: "unanswered commit", n: 10, peer: bundler{commit: func(uint32) bool { return true }}, err: context.DeadlineExceeded, left: 1},
		{name: "refused in unknown words", n: 10, peer: bundler{refuse: ofp.BadRequestBadExperimenter}, untouched: true, err: ErrNoBundles},
		{name: "ignored", n: 10, peer: bundler{ignore: true}, untouched: true, err: ErrNoBundles},
		{name: "no room", n: 10, peer: bundler{refuse: ofp.BundleFailedOutOfBundles}, untouched: true, reason: ofp.BundleFailedOutOfBundles},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := tt.peer
				c, ended := b.start(t)
				msgs := flowMods(tt.n)
				err := c.WriteBundle(t.Context(), msgs)
				synctest.Wait() // a discard is not waited for
				b.r.w.mu.Lock()
				events := len(b.r.w.all)
				b.r.w.mu.Unlock()
				b.r.nc.Close()
				<-ended
				if diff := cmp.Diff(tt.done, b.done); diff != "" {
					t.Errorf("carried out: %s", diff)
				}
				if len(b.open) != tt.left || b.refuse == none && !b.ignore && b.discard != tt.discards+1 {
					t.Errorf("%d bundles left open, %d discarded; want %d, %d", len(b.open), b.discard, tt.left, tt.discards+1)
				}
				if events > 0 {
					t.Errorf("%d answers to a bundle became events", events)
				}
				e, ok := errors.AsType[*WriteError](err)
				if ok != (tt.failed != nil || tt.err != nil || tt.reason != none) {
					t.Fatalf("error %v", err)
				}
				if !ok {
					return
				}
				var failed []int
				for _, i := range e.Errors {
					failed = append(failed, i.Index)
					if i.Message != msgs[i.Index] {
						t.Errorf("message of item %d is another", i.Index)
					}
				}
				if diff := cmp.Diff(tt.failed, failed); diff != "" {
					t.Errorf("failed: %s", diff)
				}
				if sent := tt.n; tt.untouched != e.Untouched || !tt.untouched && e.Sent != sent || tt.untouched && e.Sent != 0 || e.Confirmed != 0 {
					t.Errorf("untouched %v, %d sent, %d confirmed", e.Untouched, e.Sent, e.Confirmed)
				}
				if s, ok := errors.AsType[*SwitchError](e.Err); tt.reason != none && (!ok || s.Reply.Reason != tt.reason) || tt.reason == none && !errors.Is(e.Err, tt.err) || tt.err == nil && tt.reason == none && e.Err != nil {
					t.Errorf("err %v, want %v %v", e.Err, tt.err, tt.reason)
				}
			})
		})
	}
}

// Whether a switch has bundles is asked once, and what is only so at the moment is
// not remembered.
func TestBundlesAreRemembered(t *testing.T) {
	tests := []struct {
		name   string
		peer   bundler
		want   bool
		fails  bool
		opened int // by asking three times
	}{
		{"there", bundler{}, true, false, 1},
		{"lacking", bundler{refuse: ofp.BadRequestBadExperimenterType}, false, false, 1},
		{"ignored", bundler{ignore: true}, false, false, 1},
		{"not for a slave", bundler{refuse: ofp.BundleFailedEPERM}, false, true, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := tt.peer
				c, ended := b.start(t)
				began := time.Now()
				for range 3 {
					if is, err := c.Bundles(t.Context()); is != tt.want || tt.fails != (err != nil) {
						t.Errorf("%v, %v", is, err)
					}
				}
				if took := time.Since(began); took > 0 {
					t.Errorf("it took %v, with nobody to wait for", took)
				}
				b.r.nc.Close()
				<-ended
				if b.opens != tt.opened {
					t.Errorf("asked %d times, want %d", b.opens, tt.opened)
				}
			})
		})
	}
}

func TestBundleOfGroupDeletions(t *testing.T) {
	group := func(c ofp.GroupCommand, id uint32) ofp.Message { return &ofp.GroupMod{Command: c, Group: id} }
	users := func(id uint32) ofp.Message {
		m := ofp.NewFlowMod(ofp.FlowDelete)
		m.Table, m.OutGroup = ofp.TableAll, id
		return m
	}
	said := func(msgs []ofp.Message) (all []string) {
		for _, m := range msgs {
			b, err := ofp.Append(nil, ofp.V13, 1, m)
			all = append(all, fmt.Sprintf("%x %v", b, err))
		}
		return all
	}
	flow := ofp.NewFlowMod(ofp.FlowAdd)
	tests := []struct {
		name   string
		msgs   []ofp.Message
		want   []ofp.Message
		origin []int
		bad    int // -1: none
	}{
		{"none", []ofp.Message{flow, group(ofp.GroupAdd, 1)}, []ofp.Message{flow, group(ofp.GroupAdd, 1)}, nil, -1},
		{"last", []ofp.Message{flow, group(ofp.GroupDelete, 1), group(ofp.GroupDelete, ofp.GroupAll)}, []ofp.Message{flow, group(ofp.GroupDelete, 1), group(ofp.GroupDelete, ofp.GroupAll)}, nil, -1},
		{"first", []ofp.Message{group(ofp.GroupDelete, 1), flow, group(ofp.GroupDelete, 2)}, []ofp.Message{users(1), group(ofp.GroupDelete, 1), flow, group(ofp.GroupDelete, 2)}, []int{0, 0, 1, 2}, -1},
		{"anew", []ofp.Message{flow, group(ofp.GroupDelete, 1), group(ofp.GroupAdd, 1)}, []ofp.Message{flow, users(1), group(ofp.GroupDelete, 1), group(ofp.GroupAdd, 1)}, []int{0, 1, 1, 2}, -1},
		{"all first", []ofp.Message{flow, group(ofp.GroupDelete, ofp.GroupAll), flow}, nil, nil, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, origin, bad, err := withoutUsers(tt.msgs)
			if diff := cmp.Diff(said(tt.want), said(got)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.origin, origin); diff != "" {
				t.Error(diff)
			}
			if (err != nil) != (tt.bad >= 0) || err != nil && bad != tt.bad {
				t.Errorf("message %d: %v", bad, err)
			}
		})
	}
	msgs := []ofp.Message{group(ofp.GroupDelete, 1), flow}
	err := originally(&WriteError{Errors: []ItemError{{Index: 0}, {Index: 1}, {Index: 2}}, Sent: 3}, msgs, []int{0, 0, 1})
	we, ok := errors.AsType[*WriteError](err)
	if !ok || we.Sent != 2 || len(we.Errors) != 2 || we.Errors[0].Message != msgs[0] || we.Errors[1].Index != 1 || we.Errors[1].Message != msgs[1] {
		t.Errorf("%+v", err)
	}
}

func TestBundleBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bundler
		c, ended := b.start(t)
		m := ofp.NewFlowMod(ofp.FlowAdd)
		msgs := make([]ofp.Message, MaxBundle+1)
		for i := range msgs {
			msgs[i] = m
		}
		long := ofp.NewFlowMod(ofp.FlowAdd)
		actions := make([]ofp.Action, 4000)
		for i := range actions {
			actions[i] = ofp.Output(1)
		}
		long.Instructions = []ofp.Instruction{ofp.Apply(actions...)}
		wide := make([]ofp.Message, MaxBundleBytes/64000+1)
		for i := range wide {
			wide[i] = long
		}
		unsayable := flowMods(3)
		unsayable[1] = &ofp.BundleControl{Kind: ofp.BundleCommitRequest}
		err := c.WriteBundle(t.Context(), unsayable)
		if e, ok := errors.AsType[*WriteError](err); !ok || !e.Untouched || len(e.Errors) != 1 || e.Errors[0].Index != 1 {
			t.Errorf("a bundle in a bundle: %v", err)
		}
		for _, msgs := range [][]ofp.Message{msgs, wide} {
			err := c.WriteBundle(t.Context(), msgs)
			if e, ok := errors.AsType[*WriteError](err); !errors.Is(err, ErrBundleTooLong) || !ok || !e.Untouched {
				t.Errorf("%d messages: %v", len(msgs), err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err = c.WriteBundle(ctx, flowMods(3))
		if e, ok := errors.AsType[*WriteError](err); !errors.Is(err, context.Canceled) || !ok || !e.Untouched {
			t.Errorf("canceled: %v", err)
		}
		synctest.Wait()
		b.r.nc.Close()
		<-ended
		if len(b.open) > 0 || len(b.done) > 0 {
			t.Errorf("%d left open, %d carried out", len(b.open), len(b.done))
		}
	})
}

// A bundle that shall not be carried out after all is discarded, and when is asked
// about none that the switch has refused.
func TestBundleWhen(t *testing.T) {
	no := errors.New("no")
	for _, tt := range []struct {
		name     string
		peer     bundler
		err      error
		asked    int
		done     []uint64
		discards int
	}{
		{"yes", bundler{}, nil, 1, cookies(1500), 1},
		{"no", bundler{}, no, 1, nil, 2},
		{"refused", bundler{badAdd: map[uint64]bool{7: true}}, no, 0, nil, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := tt.peer
				c, ended := b.start(t)
				asked := 0
				err := c.WriteBundleWhen(t.Context(), flowMods(1500), func() error { asked++; return tt.err })
				synctest.Wait()
				b.r.nc.Close()
				<-ended
				we, failed := errors.AsType[*WriteError](err)
				if failed != (tt.err != nil) || failed && (!we.Untouched || (tt.asked > 0) != errors.Is(we, no)) {
					t.Errorf("%v", err)
				}
				if asked != tt.asked || b.discard != tt.discards || len(b.open) > 0 {
					t.Errorf("asked %d times, %d discarded, %d left open; want %d, %d, 0", asked, b.discard, len(b.open), tt.asked, tt.discards)
				}
				if d := cmp.Diff(tt.done, b.done); d != "" {
					t.Errorf("carried out: %s", d)
				}
			})
		})
	}
}
