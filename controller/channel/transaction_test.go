package channel

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/ofp"
)

// flowMods returns n flow-mods whose cookie is their index.
func flowMods(n int) []ofp.Message {
	ms := make([]ofp.Message, n)
	for i := range ms {
		m := ofp.NewFlowMod(ofp.FlowAdd)
		m.Cookie = uint64(i)
		ms[i] = m
	}
	return ms
}

// bucket answers the writes of a test: barriers, and errors for some cookies.
func (r *rig) bucket(bad func(cookie uint64) bool, barriers int) {
	for q := range r.in {
		switch m := q.m.(type) {
		case *ofp.FlowMod:
			if bad(m.Cookie) {
				r.sendX(q.XID, &ofp.Error{Reason: ofp.FlowModFailedTableFull, Data: bytes.Repeat([]byte{1}, 64)})
			}
		case *ofp.BarrierRequest:
			if barriers == 0 {
				r.nc.Close()
				return
			}
			barriers--
			r.sendX(q.XID, &ofp.BarrierReply{})
		}
	}
}

func TestWrite(t *testing.T) {
	never := func(uint64) bool { return false }
	tests := []struct {
		name      string
		n         int
		bad       func(uint64) bool
		barriers  int // answered, before the connection ends
		failed    []int
		sent      int // at least: what was not taken when the connection ended was not sent
		confirmed int
		err       error
	}{
		{"none", 0, never, 9, nil, 0, 0, nil},
		{"one", 1, never, 9, nil, 1, 1, nil},
		{"a group", 1000, never, 9, nil, 1000, 1000, nil},
		{"a group and one", 1001, never, 9, nil, 1001, 1001, nil},
		{"many", 4567, never, 9, nil, 4567, 4567, nil},
		{"some fail", 2500, func(c uint64) bool { return c == 0 || c == 999 || c == 1000 || c == 2499 }, 9, []int{0, 999, 1000, 2499}, 2500, 2500, nil},
		{"gone in the middle", 2500, func(c uint64) bool { return c == 3 }, 1, []int{3}, 2000, 1000, ErrDisconnected},
		{"gone at once", 10, never, 0, nil, 10, 0, ErrDisconnected},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t, ofp.V13, Config{})
				r.answerless()
				c := r.ready()
				go r.bucket(tt.bad, tt.barriers)
				msgs := flowMods(tt.n)
				err := c.Write(t.Context(), msgs)
				if tt.failed == nil && tt.err == nil {
					if err != nil {
						t.Fatal(err)
					}
					return
				}
				e, ok := errors.AsType[*WriteError](err)
				if !ok {
					t.Fatalf("error %v", err)
				}
				var failed []int
				for _, i := range e.Errors {
					failed = append(failed, i.Index)
					if i.Message != msgs[i.Index] {
						t.Errorf("message of item %d is another", i.Index)
					}
					if s, ok := errors.AsType[*SwitchError](i.Err); !ok || s.Reply.Reason != ofp.FlowModFailedTableFull {
						t.Errorf("item %d: %v", i.Index, i.Err)
					}
				}
				if diff := cmp.Diff(tt.failed, failed); diff != "" {
					t.Errorf("failed: %s", diff)
				}
				if e.Sent < tt.sent || e.Sent > tt.n || e.Confirmed != tt.confirmed || !errors.Is(e.Err, tt.err) || tt.err == nil && e.Err != nil {
					t.Errorf("sent %d, confirmed %d, err %v; want %d, %d, %v", e.Sent, e.Confirmed, e.Err, tt.sent, tt.confirmed, tt.err)
				}
			})
		})
	}
}

func TestWriteNothingUnlessAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, ofp.V10, Config{})
		c := r.ready()
		synctest.Wait()
		before := len(r.in)
		msgs := flowMods(3)
		msgs[1].(*ofp.FlowMod).Table = 4
		err := c.Write(t.Context(), msgs)
		e, ok := errors.AsType[*WriteError](err)
		if !ok || len(e.Errors) != 1 || e.Errors[0].Index != 1 || !errors.Is(err, ofp.ErrVersion) || e.Sent != 0 {
			t.Errorf("error %v", err)
		}
		synctest.Wait()
		if n := len(r.in) - before; n != 0 {
			t.Errorf("%d messages were sent", n)
		}
	})
}

// TestWriteGivenUp: a cancelled write is forgotten, and its late answers disturb
// nobody.
func TestWriteGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, ofp.V13, Config{})
		r.answerless()
		c := r.ready()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := c.Write(ctx, flowMods(3))
		e, _ := errors.AsType[*WriteError](err)
		if e == nil || !errors.Is(err, context.DeadlineExceeded) || e.Sent != 3 || e.Confirmed != 0 {
			t.Fatalf("error %v", err)
		}
		flow, barrier := r.want(ofp.TypeFlowMod), r.want(ofp.TypeBarrierRequest)
		r.sendX(flow.XID, &ofp.Error{Reason: ofp.FlowModFailedOverlap})
		r.sendX(barrier.XID, &ofp.BarrierReply{})
		if got := r.w.events(t, 1)[0].(*ofp.Error); got.Reason != ofp.FlowModFailedOverlap {
			t.Errorf("event %+v", got)
		}
		synctest.Wait()
		if n := r.stats.Drops[DropLateReply].Load(); n != 1 {
			t.Errorf("%d late replies counted", n)
		}
	})
}

func TestTransactionPlaces(t *testing.T) {
	for _, n := range []int{0, 1, 999, 1000, 1001, 2000, 3500} {
		tx := &transaction{first: 0xffffff00, messages: n, barriers: max(1, (n+999)/1000)}
		xid, index, barriers := tx.first, 0, 0
		for ; xid-tx.first < uint32(tx.messages+tx.barriers); xid++ {
			i, barrier, ok := tx.place(xid)
			switch {
			case !ok:
				t.Fatalf("%d: xid %d has no place", n, xid)
			case barrier && i == barriers:
				barriers++
			case !barrier && i == index:
				index++
			default:
				t.Fatalf("%d: xid +%d is %d, %v", n, xid-tx.first, i, barrier)
			}
		}
		if index != n || barriers != tx.barriers {
			t.Errorf("%d: %d messages and %d barriers", n, index, barriers)
		}
		for _, x := range []uint32{xid, tx.first - 1, 0x7fffffff} {
			if _, _, ok := tx.place(x); ok {
				t.Errorf("%d: xid %d has a place", n, x)
			}
		}
	}
}
