package channel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/ofp"
)

// answerless makes a peer answer nothing but the handshake: what comes after is
// the test's.
func (r *rig) answerless() {
	r.mute = map[ofp.Type]bool{ofp.TypeBarrierRequest: true, ofp.TypeEchoRequest: true}
}

func TestRequest(t *testing.T) {
	flows := func(more bool, cookies ...uint64) *ofp.MultipartReply {
		body := new(ofp.FlowStatsReply)
		for _, c := range cookies {
			body.Flows = append(body.Flows, ofp.FlowStats{Cookie: c})
		}
		m := &ofp.MultipartReply{Body: body}
		if more {
			m.Flags = ofp.MultipartMore
		}
		return m
	}
	ask := ofp.Request(&ofp.FlowStatsRequest{FlowFilter: ofp.AllFlows()})
	tests := []struct {
		name   string
		answer func(r *rig, xid uint32)
		want   []uint64
		err    string
	}{
		{"one segment", func(r *rig, x uint32) { r.sendX(x, flows(false, 1, 2)) }, []uint64{1, 2}, ""},
		{"three segments among others", func(r *rig, x uint32) {
			r.sendX(x, flows(true, 1))
			r.sendX(x+77, flows(false, 66))
			r.sendX(x, flows(true))
			r.send(&ofp.PortStatus{})
			r.sendX(x, flows(false, 2, 3))
		}, []uint64{1, 2, 3}, ""},
		{"error", func(r *rig, x uint32) {
			r.sendX(x, &ofp.Error{Reason: ofp.BadRequestBadTableID, Data: make([]byte, 64)})
		}, nil, "multipart_request: switch answered OFPBRC_BAD_TABLE_ID"},
		{"error among segments", func(r *rig, x uint32) {
			r.sendX(x, flows(true, 1))
			r.sendX(x, &ofp.Error{Reason: ofp.BadRequestMultipartBufferOverflow})
		}, nil, "OVERFLOW"},
		{"another type", func(r *rig, x uint32) { r.sendX(x, &ofp.BarrierReply{}) }, nil, "switch answered barrier_reply, which is no answer to this"},
		{"another kind", func(r *rig, x uint32) { r.sendX(x, &ofp.MultipartReply{Body: new(ofp.TableStatsReply)}) }, nil, "flow: switch answered with table, which is no answer to this"},
		{"two kinds", func(r *rig, x uint32) {
			r.sendX(x, flows(true, 1))
			r.sendX(x, &ofp.MultipartReply{Body: new(ofp.TableStatsReply)})
		}, nil, "a segment of table"},
		{"cannot be read", func(r *rig, x uint32) {
			r.raw([]byte{4, 19, 0, 18, byte(x >> 24), byte(x >> 16), byte(x >> 8), byte(x), 0, 1, 0, 0, 0, 0, 0, 0, 0, 9})
		}, nil, "malformed"},
		{"more bytes than allowed", func(r *rig, x uint32) {
			for range 60 {
				r.sendX(x, flows(true, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10))
			}
		}, nil, "more than 32768 bytes"},
		{"none", func(*rig, uint32) {}, nil, "no reply: context deadline exceeded"},
		{"disconnected", func(r *rig, _ uint32) { r.nc.Close() }, nil, "switch disconnected"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t, ofp.V13, Config{MaxReplyBytes: 32 << 10})
				c := r.ready()
				for range 2 { // desc, port_desc
					r.want(ofp.TypeMultipartRequest)
				}
				go func() { tt.answer(r, r.want(ofp.TypeMultipartRequest).XID) }()
				m, err := c.Request(t.Context(), ask)
				if tt.err != "" {
					if err == nil || !strings.Contains(err.Error(), tt.err) {
						t.Errorf("error %v, want %q", err, tt.err)
					}
				} else if err != nil {
					t.Error(err)
				} else {
					var got []uint64
					for _, f := range m.(*ofp.MultipartReply).Body.(*ofp.FlowStatsReply).Flows {
						got = append(got, f.Cookie)
					}
					if diff := cmp.Diff(tt.want, got); diff != "" {
						t.Error(diff)
					}
				}
				if _, _, n := c.Queued(); n != 0 {
					t.Errorf("%d requests are still known", n)
				}
			})
		})
	}
}

// TestRepliesTogether: the replies of one switch have a bound together, which
// those that have ended do not count against.
func TestRepliesTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, ofp.V13, Config{MaxReplyBytes: 10_000, MaxRepliesBytes: 25_000})
		c := r.ready()
		for range 2 { // desc, port_desc
			r.want(ofp.TypeMultipartRequest)
		}
		ask := ofp.Request(&ofp.FlowStatsRequest{FlowFilter: ofp.AllFlows()})
		part := &ofp.MultipartReply{Flags: ofp.MultipartMore, Body: &ofp.FlowStatsReply{Flows: make([]ofp.FlowStats, 160)}} // 8,976 bytes
		last := &ofp.MultipartReply{Body: new(ofp.FlowStatsReply)}
		for round := range 3 {
			errs := make(chan error, 3)
			var xids []uint32
			for range 3 {
				go func() {
					m, err := c.Request(t.Context(), ask)
					if err == nil && len(m.(*ofp.MultipartReply).Body.(*ofp.FlowStatsReply).Flows) != 160 {
						t.Errorf("reply %+v", m)
					}
					errs <- err
				}()
				xids = append(xids, r.want(ofp.TypeMultipartRequest).XID)
			}
			for _, x := range xids {
				r.sendX(x, part)
			}
			if err := <-errs; !errors.Is(err, ErrTooLong) {
				t.Errorf("round %d: %v", round, err)
			}
			for _, x := range xids[:2] {
				r.sendX(x, last)
			}
			for range 2 {
				if err := <-errs; err != nil {
					t.Errorf("round %d: %v", round, err)
				}
			}
		}
		synctest.Wait()
		if c.replies.held != 0 {
			t.Errorf("%d bytes are still counted", c.replies.held)
		}
	})
}

// TestReplyMemory: a long reply takes little more memory than its bytes, in
// segments of any size.
func TestReplyMemory(t *testing.T) {
	for _, n := range []int{16, 1000, 40000, 65535} {
		var k call
		frame := make([]byte, n)
		for range (4 << 20) / n {
			k.keep(frame)
		}
		got := 0
		for _, b := range k.blocks {
			got += cap(b)
		}
		if k.size != (4<<20)/n*n || got > 2*k.size {
			t.Errorf("segments of %d: %d bytes in %d", n, k.size, got)
		}
	}
}

func TestRequestForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, ofp.V13, Config{MaxRequests: 2})
		r.answerless()
		c := r.ready()
		ctx, cancel := context.WithCancel(t.Context())
		errs := make(chan error, 2)
		for range 2 {
			go func() {
				_, err := c.Request(ctx, &ofp.BarrierRequest{})
				errs <- err
			}()
		}
		first, second := r.want(ofp.TypeBarrierRequest), r.want(ofp.TypeBarrierRequest)
		if _, err := c.Request(ctx, &ofp.BarrierRequest{}); !errors.Is(err, ErrOverloaded) {
			t.Errorf("third request: %v", err)
		}
		cancel()
		for range 2 {
			if err := <-errs; !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled request: %v", err)
			}
		}
		r.sendX(first.XID, &ofp.BarrierReply{})
		r.sendX(second.XID, &ofp.BarrierReply{})
		synctest.Wait()
		if n := r.stats.Drops[DropLateReply].Load(); n != 2 {
			t.Errorf("%d late replies counted", n)
		}
	})
}

// TestProbe: an answer of any kind shows that a switch is there.
func TestProbe(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer func(r *rig, xid uint32)
		want   error
	}{
		{"echo", func(r *rig, x uint32) { r.sendX(x, &ofp.EchoReply{}) }, nil},
		{"error", func(r *rig, x uint32) { r.sendX(x, &ofp.Error{Reason: ofp.BadRequestBadType}) }, nil},
		{"error that cannot be read", func(r *rig, x uint32) { r.raw(errorFrame(4, x)) }, nil},
		{"another reply", func(r *rig, x uint32) { r.sendX(x, &ofp.BarrierReply{}) }, nil},
		{"none", func(*rig, uint32) {}, context.DeadlineExceeded},
		{"disconnected", func(r *rig, _ uint32) { r.nc.Close() }, ErrDisconnected},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t, ofp.V13, Config{RequestTimeout: time.Second})
				r.answerless()
				c := r.ready()
				r.want(ofp.TypeEchoRequest) // the handshake's
				go func() { tt.answer(r, r.want(ofp.TypeEchoRequest).XID) }()
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				if err := c.Probe(ctx); !errors.Is(err, tt.want) {
					t.Errorf("probe: %v, want %v", err, tt.want)
				}
			})
		})
	}
}

// TestLooseBarrier: the reply of a barrier that was sent to keep messages in
// order is not late, for nobody was to wait for it.
func TestLooseBarrier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, ofp.V13, Config{})
		c := r.ready()
		for range 3 {
			if err := c.Send(&ofp.BarrierRequest{}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if n := r.stats.In[ofp.TypeBarrierReply].Load(); n != 3 {
			t.Errorf("%d replies came", n)
		}
		if n := r.stats.Drops[DropLateReply].Load(); n != 0 {
			t.Errorf("%d late replies counted", n)
		}
		r.sendX(77, &ofp.BarrierReply{})
		synctest.Wait()
		if n := r.stats.Drops[DropLateReply].Load(); n != 1 {
			t.Errorf("%d late replies counted after one that was not asked for", n)
		}
	})
}

func TestLiveness(t *testing.T) {
	t.Run("dead", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := start(t, ofp.V13, Config{})
			r.answerless()
			r.ready()
			begin := time.Now()
			e := r.ended()
			if got := time.Since(begin); e.Reason != ReasonDead || got != 20*time.Second {
				t.Errorf("%v after %v", e, got)
			}
			<-r.w.down
			if n := r.stats.Ended[ReasonDead].Load(); n != 1 {
				t.Errorf("counted %d times", n)
			}
		})
	})
	t.Run("answers echoes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := start(t, ofp.V10, Config{})
			r.ready()
			time.Sleep(10 * time.Minute)
			select {
			case e := <-r.end:
				t.Error(e)
			default:
			}
			if n := r.stats.In[ofp.TypeEchoReply].Load(); n < 100 || n > 130 {
				t.Errorf("%d echo replies in ten minutes", n)
			}
		})
	})
}

// TestSlowSwitch: a switch that reads nothing makes writes wait, packet-outs
// drop, and ends by the write deadline; echoes of the switch are no excuse.
func TestSlowSwitch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		gate := &gatedConn{Conn: theirs, open: make(chan struct{})}
		r := startOver(t, ours, gate, ofp.V13, Config{HighWater: 10000, WriteTimeout: 4 * time.Second})
		c := r.ready()
		synctest.Wait()
		gate.shut.Store(true)
		out := &ofp.PacketOut{BufferID: ofp.NoBuffer, InPort: ofp.PortController, Data: make([]byte, 1000)}
		var dropped int
		for range 50 {
			if err := c.Send(out); errors.Is(err, ErrOverloaded) {
				dropped++
			} else if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if n := r.stats.Drops[DropPacketOut].Load(); dropped < 35 || int(n) != dropped {
			t.Errorf("%d packet-outs dropped, %d counted", dropped, n)
		}
		for i := 0; ; i++ { // everything else is refused at twice the mark
			if err := c.Send(flowMods(1)[0]); errors.Is(err, ErrOverloaded) {
				if i < 50 {
					t.Errorf("flow-mods refused after %d", i)
				}
				break
			} else if i > 1000 {
				t.Fatal("flow-mods are never refused")
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.Write(ctx, flowMods(1)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("write: %v", err)
		}
		if e := r.ended(); e.Reason != ReasonWriteTimeout {
			t.Errorf("end: %v", e)
		}
	})
}

// TestReadsWhileHandlerWaits: a handler that waits for a reply gets it, though
// packet-ins pour in: those beyond the inbox are dropped and counted, and no
// state event is lost.
func TestReadsWhileHandlerWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, ofp.V10, Config{})
		r.w.slow = make(chan struct{})
		r.answerless()
		c := r.ready()
		arp := &ofp.PacketIn{Data: append(make([]byte, 12), 0x08, 0x06, 0, 0)}
		arp.Match.SetUint(ofp.FieldInPort, 1)
		const n = 2000
		begin := time.Now()
		for i := range n {
			r.send(arp)
			r.send(&ofp.PortStatus{Port: ofp.Port{No: ofp.PortNo(i + 1)}})
		}
		got := make(chan error, 1)
		go func() {
			_, err := c.Request(t.Context(), &ofp.BarrierRequest{})
			got <- err
		}()
		r.sendX(r.want(ofp.TypeBarrierRequest).XID, &ofp.BarrierReply{})
		if err := <-got; err != nil {
			t.Fatal(err)
		}
		if got := time.Since(begin); got > 2*readerPatience {
			t.Errorf("the reader waited %v", got)
		}
		close(r.w.slow)
		synctest.Wait()
		next, packets := ofp.PortNo(1), 0
		for _, m := range r.w.events(t, n) {
			if s, ok := m.(*ofp.PortStatus); !ok {
				packets++
			} else if s.Port.No != next {
				t.Fatalf("port status of port %v, want %v", s.Port.No, next)
			} else {
				next++
			}
		}
		if next != n+1 {
			t.Errorf("port status up to %d of %d", next-1, n)
		}
		dropped := int(r.stats.Drops[DropPacketInARP].Load())
		if dropped == 0 || dropped+packets != n {
			t.Errorf("%d packet-ins handled and %d dropped of %d", packets, dropped, n)
		}
	})
}

func TestOddMessages(t *testing.T) {
	tests := []struct {
		name  string
		frame []byte
		reply ofp.ErrorReason
		log   string
	}{
		{"another version", []byte{1, 10, 0, 18, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, ofp.BadRequestBadVersion, "switch sends messages of a version that was not negotiated"},
		{"truncated packet-in", []byte{4, 10, 0, 12, 0, 0, 0, 5, 0, 0, 0, 0}, ofp.BadRequestBadLen, "switch sends messages that cannot be read"},
		{"truncated port status", []byte{4, 12, 0, 16, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0}, ofp.BadRequestBadLen, "switch sends messages that cannot be read"},
		{"unknown type", []byte{4, 200, 0, 8, 0, 0, 0, 5}, ofp.BadRequestBadType, ""},
		{"a request", []byte{4, 5, 0, 8, 0, 0, 0, 5}, ofp.BadRequestBadType, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t, ofp.V13, Config{})
				c := r.ready()
				for range 3 {
					r.raw(tt.frame)
					e := r.want(ofp.TypeError)
					if e.XID != 5 || e.m.(*ofp.Error).Reason != tt.reply || !bytes.Equal(e.m.(*ofp.Error).Data, tt.frame) {
						t.Errorf("error %+v %+v", e.Header, e.m)
					}
				}
				if _, err := c.Request(t.Context(), &ofp.BarrierRequest{}); err != nil {
					t.Errorf("the connection is not usable: %v", err)
				}
				if tt.log != "" && r.logs.count(tt.log) != 1 {
					t.Errorf("log: %q", r.logs.messages())
				}
			})
		})
	}
}

func TestRefusedByHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, ofp.V12, Config{})
		r.w.refuse = &RefuseError{Text: "go away", Err: closef(ReasonDuplicate, "taken")}
		r.shakeHands(&ofp.Hello{})
		if e := r.want(ofp.TypeError).m.(*ofp.Error); e.Reason != ofp.HelloFailedEPERM || string(e.Data) != "go away" {
			t.Errorf("error %+v", e)
		}
		if e := r.ended(); e.Reason != ReasonDuplicate || e.Error() != "duplicate_dpid: taken" {
			t.Errorf("end: %v", e)
		}
	})
}

// TestFlushAtEnd: what was sent before Close arrives.
func TestFlushAtEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, ofp.V13, Config{})
		c := r.ready()
		for _, m := range flowMods(5000) {
			if err := c.Send(m); err != nil {
				t.Fatal(err)
			}
		}
		r.stop()
		n := 0
		for q := range r.in {
			if q.m.Type() == ofp.TypeFlowMod {
				n++
			}
		}
		if n != 5000 {
			t.Errorf("%d flow-mods arrived", n)
		}
		if err := c.Send(&ofp.BarrierRequest{}); !errors.Is(err, ErrDisconnected) {
			t.Errorf("send after the end: %v", err)
		}
		if err := c.Write(t.Context(), flowMods(1)); !errors.Is(err, ErrDisconnected) {
			t.Errorf("write after the end: %v", err)
		}
		if _, err := c.Request(t.Context(), &ofp.BarrierRequest{}); !errors.Is(err, ErrDisconnected) {
			t.Errorf("request after the end: %v", err)
		}
	})
}

func TestReasonsAreNamed(t *testing.T) {
	seen := map[string]bool{}
	for r := range NumReasons {
		seen[r.String()] = true
	}
	for d := range NumDrops {
		seen[fmt.Sprint("drop ", d)] = true
	}
	if len(seen) != int(NumReasons)+int(NumDrops) || seen[""] {
		t.Errorf("names: %v", seen)
	}
}
