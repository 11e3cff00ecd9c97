package channel

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
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
		{"a group", 1000, never, 900, nil, 1000, 1000, nil},
		{"a group and one", 1001, never, 900, nil, 1001, 1001, nil},
		{"many", 4567, never, 900, nil, 4567, 4567, nil},
		{"some fail", 2500, func(c uint64) bool { return c == 0 || c == 999 || c == 1000 || c == 2499 }, 900, []int{0, 999, 1000, 2499}, 2500, 2500, nil},
		{"gone in the middle", 2500, func(c uint64) bool { return c == 3 }, 1, []int{3}, 64, 32, ErrDisconnected},
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
	for _, n := range []int{0, 1, 999, 1000, 1001, 3500} {
		tx := &transaction{first: 0xffff0000, messages: n}
		end := tx.first + uint32(xids(n))
		for i := range n {
			if got, barrier, ok := tx.place(tx.first + uint32(2*i)); got != i || barrier || !ok {
				t.Fatalf("%d: message %d is %d, %v, %v", n, i, got, barrier, ok)
			}
		}
		for i := range max(1, n) {
			if got, barrier, ok := tx.place(tx.first + uint32(2*i+1)); got != i || !barrier || !ok {
				t.Fatalf("%d: the barrier after %d is %d, %v, %v", n, i, got, barrier, ok)
			}
		}
		for _, x := range []uint32{end, tx.first - 1, 0x7fffffff} {
			if _, _, ok := tx.place(x); ok {
				t.Errorf("%d: xid %d has a place", n, x)
			}
		}
	}
}

// TestGroups: the messages between two barriers are what the switch does in a
// second, between 32 and 1,000.
func TestGroups(t *testing.T) {
	begin := time.Now()
	tests := []struct {
		name  string
		every []time.Duration // that each of its messages takes, of one group after the other
		want  int
	}{
		{"nothing is known", nil, 32},
		{"fast", []time.Duration{0}, 64},
		{"fast for long", []time.Duration{0, 1000, 1000, 1000, 1000, 1000}, 1000},
		{"slow", []time.Duration{100 * time.Millisecond}, 32},
		{"200 a second", []time.Duration{5 * time.Millisecond, 5 * time.Millisecond, 5 * time.Millisecond, 5 * time.Millisecond}, 200},
		{"slow after a fast start", []time.Duration{0, 0, 0, 0, 0, 100 * time.Millisecond}, 32},
		{"together after a slow start", []time.Duration{100 * time.Millisecond, 0, 0, 0}, 40},
	}
	for _, tt := range tests {
		tx := &transaction{messages: 1e6, begun: begin, heard: begin}
		tx.group.Store(groupFirst)
		now := begin
		for _, d := range tt.every {
			n := int(tx.group.Load())
			now = now.Add(time.Duration(n) * d)
			tx.pace(tx.confirmed+n, now)
			tx.confirmed += n
		}
		if got := int(tx.group.Load()); got < tt.want-2 || got > tt.want+2 {
			t.Errorf("%s: %d messages in a group, want %d", tt.name, got, tt.want)
		}
	}
}

// TestSlowInOrder: a switch that takes 100 ms for a flow, and answers an echo after
// the flows before it, keeps its connection in a push of 5,000 flows; one that has
// died in the midst of it is given up in the time in which an idle one is.
func TestSlowInOrder(t *testing.T) {
	for _, dies := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			const n, each = 5000, 100 * time.Millisecond
			// What is on the way to the switch: much, as in the sockets of TCP.
			ours, theirs := net.Pipe()
			through, far := net.Pipe()
			frames := make(chan []byte, 100_000)
			var all sync.WaitGroup
			defer all.Wait()
			all.Go(func() {
				defer close(frames)
				for {
					b := make([]byte, 4096)
					k, err := theirs.Read(b)
					if err != nil {
						return
					}
					frames <- b[:k]
				}
			})
			all.Go(func() {
				for b := range frames {
					_, _ = through.Write(b)
				}
				through.Close()
			})
			all.Go(func() {
				_, _ = io.Copy(theirs, through)
				through.Close()
			})
			r := startOver(t, ours, far, ofp.V13, Config{})
			defer theirs.Close()
			r.send(ofp.NewHello(ofp.V13))
			var died atomic.Int64
			all.Go(func() {
				for taken := 0; ; {
					h, m, err := r.read()
					if err != nil {
						return
					}
					if m.Type() == ofp.TypeFlowMod {
						time.Sleep(each)
						if taken++; dies && taken == n/2 {
							died.Store(time.Now().UnixNano())
						}
					}
					if a := r.answer(m); a != nil && died.Load() == 0 {
						r.sendX(h.XID, a)
					}
				}
			})
			err := (<-r.w.up).Write(t.Context(), flowMods(n))
			if !dies {
				if err != nil {
					t.Errorf("the push fails: %v", err)
				}
				return
			}
			e, ok := errors.AsType[*WriteError](err)
			if !ok || e.Err == nil || e.Confirmed < n/2-2*groupFirst || e.Confirmed > n/2 {
				t.Errorf("the push to a switch that dies: %v", err)
			}
			if end := r.ended(); end.Reason != ReasonDead {
				t.Errorf("the connection ends for %v", end)
			}
			cfg := Config{}.withDefaults()
			most := time.Duration(cfg.EchoMisses+1)*cfg.EchoInterval + time.Second
			if took := time.Duration(time.Now().UnixNano() - died.Load()); took > most {
				t.Errorf("given up after %v, want %v", took, most)
			}
		})
	}
}
