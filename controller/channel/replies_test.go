package channel

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// flowsReply is a segment with n flows whose cookies begin with first.
func flowsReply(first, n int, more bool) *ofp.MultipartReply {
	body := &ofp.FlowStatsReply{Flows: make([]ofp.FlowStats, n)}
	for i := range body.Flows {
		body.Flows[i].Cookie = uint64(first + i)
	}
	m := &ofp.MultipartReply{Body: body}
	if more {
		m.Flags = ofp.MultipartMore
	}
	return m
}

var askFlows = ofp.Request(&ofp.FlowStatsRequest{FlowFilter: ofp.AllFlows()})

// TestInterleavedSegments: the segments of many replies come mixed, each reply far
// longer than a message can be, and each caller gets his own, whole and in order.
func TestInterleavedSegments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, ofp.V13, Config{})
		c := r.ready()
		for range 2 { // desc, port_desc
			r.want(ofp.TypeMultipartRequest)
		}
		const callers, segments, flows = 8, 20, 300 // 20 × 17 KB each
		type result struct {
			n   int
			m   ofp.Message
			err error
		}
		results := make(chan result)
		xids := make([]uint32, callers)
		for i := range callers {
			go func() {
				m, err := c.Request(t.Context(), askFlows)
				results <- result{i, m, err}
			}()
			xids[i] = r.want(ofp.TypeMultipartRequest).XID
		}
		sent := make([]int, callers)
		rnd := rand.New(rand.NewPCG(1, 2))
		for left := callers * segments; left > 0; {
			i := rnd.IntN(callers)
			if sent[i] < segments {
				r.sendX(xids[i], flowsReply(i<<20+sent[i]*flows, flows, sent[i] < segments-1))
				sent[i]++
				left--
			}
		}
		for range callers {
			got := <-results
			if got.err != nil {
				t.Fatal(got.err)
			}
			all := got.m.(*ofp.MultipartReply).Body.(*ofp.FlowStatsReply).Flows
			if len(all) != segments*flows {
				t.Fatalf("caller %d got %d flows", got.n, len(all))
			}
			for i := range all {
				if all[i].Cookie != uint64(got.n<<20+i) {
					t.Fatalf("caller %d: flow %d has cookie %#x", got.n, i, all[i].Cookie)
				}
			}
		}
	})
}

// TestLongestReply: a reply of just Config.MaxReplyBytes, by default 32 MiB, comes
// whole, and one that goes on fails, and what comes of it after that is counted.
func TestLongestReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, ofp.V13, Config{})
		c := r.ready()
		for range 2 {
			r.want(ofp.TypeMultipartRequest)
		}
		frame, err := ofp.Append(nil, ofp.V13, 0, flowsReply(0, 1100, true))
		if err != nil {
			t.Fatal(err)
		}
		fit := 32 << 20 / len(frame)
		for _, last := range []int{fit, fit + 1} {
			errs := make(chan error, 1)
			go func() {
				m, err := c.Request(t.Context(), askFlows)
				if err == nil {
					if n := len(m.(*ofp.MultipartReply).Body.(*ofp.FlowStatsReply).Flows); n != fit*1100 {
						t.Errorf("%d flows, want %d", n, fit*1100)
					}
				}
				errs <- err
			}()
			xid := r.want(ofp.TypeMultipartRequest).XID
			for i := range last + 3 {
				if last == fit && i == fit {
					break
				}
				r.sendX(xid, flowsReply(0, 1100, i != fit-1 || last > fit))
			}
			err := <-errs
			if last == fit && err != nil || last > fit && !errors.Is(err, ErrTooLong) {
				t.Errorf("%d segments: %v", last, err)
			}
		}
		synctest.Wait()
		if n := r.stats.Drops[DropLateReply].Load(); n != 3 {
			t.Errorf("%d late replies counted", n)
		}
	})
}

// TestCancelledInTheMiddle: who does not wait any more gets nothing, what is
// still to come is counted, and the memory is free.
func TestCancelledInTheMiddle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, ofp.V13, Config{})
		c := r.ready()
		for range 2 {
			r.want(ofp.TypeMultipartRequest)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		errs := make(chan error, 1)
		go func() { _, err := c.Request(ctx, askFlows); errs <- err }()
		xid := r.want(ofp.TypeMultipartRequest).XID
		r.sendX(xid, flowsReply(0, 100, true))
		r.sendX(xid, flowsReply(100, 100, true))
		if err := <-errs; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		r.sendX(xid, flowsReply(200, 100, true))
		r.sendX(xid, flowsReply(300, 100, false))
		synctest.Wait()
		if n := r.stats.Drops[DropLateReply].Load(); n != 2 {
			t.Errorf("%d late replies counted", n)
		}
		if c.replies.held != 0 || len(c.replies.calls) != 0 {
			t.Errorf("%d bytes of %d calls are kept", c.replies.held, len(c.replies.calls))
		}
	})
}

// TestSwitchMisbehaves: what is no answer to a request fails it, and the error
// says that it was the switch, and what it answered.
func TestSwitchMisbehaves(t *testing.T) {
	for _, tt := range []struct {
		name   string
		ask    ofp.Message
		answer func(r *rig, xid uint32)
		want   string // "" for an OpenFlow error of the switch
	}{
		{"another message", askFlows, func(r *rig, x uint32) { r.sendX(x, &ofp.BarrierReply{}) },
			"multipart_request: switch answered barrier_reply, which is no answer to this"},
		{"another message in the middle", askFlows, func(r *rig, x uint32) {
			r.sendX(x, flowsReply(0, 1, true))
			r.sendX(x, &ofp.GetConfigReply{})
		}, "multipart_request: switch answered get_config_reply, which is no answer to this"},
		{"another kind", askFlows, func(r *rig, x uint32) { r.sendX(x, &ofp.MultipartReply{Body: &ofp.PortDescReply{}}) },
			"multipart_request: flow: switch answered with port_desc, which is no answer to this"},
		{"another kind in a later segment", askFlows, func(r *rig, x uint32) {
			r.sendX(x, flowsReply(0, 1, true))
			r.sendX(x, &ofp.MultipartReply{Body: &ofp.PortDescReply{}})
		}, "multipart_request: switch answered multipart_reply that cannot be read: "},
		{"damaged", askFlows, func(r *rig, x uint32) {
			b, _ := ofp.Append(nil, ofp.V13, x, flowsReply(0, 1, false))
			b[16], b[17] = 0xff, 0xff // the length of the flow
			r.raw(b)
		}, "multipart_request: switch answered multipart_reply that cannot be read: "},
		{"an error in the middle", askFlows, func(r *rig, x uint32) {
			r.sendX(x, flowsReply(0, 1, true))
			r.sendX(x, &ofp.Error{Reason: ofp.BadRequestEPERM})
			r.sendX(x, flowsReply(1, 1, false)) // late
		}, ""},
		{"experimenter for a barrier", &ofp.BarrierRequest{}, func(r *rig, x uint32) { r.sendX(x, &ofp.Experimenter{Experimenter: 1, Data: make([]byte, 4)}) },
			"barrier_request: switch answered experimenter, which is no answer to this"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t, ofp.V13, Config{})
				r.answerless()
				c := r.ready()
				for range 2 {
					r.want(ofp.TypeMultipartRequest)
				}
				go func() { tt.answer(r, r.want(tt.ask.Type()).XID) }()
				_, err := c.Request(t.Context(), tt.ask)
				if tt.want == "" {
					if se, ok := errors.AsType[*SwitchError](err); !ok || se.Reply.Reason != ofp.BadRequestEPERM {
						t.Errorf("error %v", err)
					}
				} else if _, ok := errors.AsType[*ReplyError](err); !ok || !strings.HasPrefix(err.Error(), tt.want) {
					t.Errorf("error %q, want %q", err, tt.want)
				}
				synctest.Wait()
				if c.replies.held != 0 || len(c.replies.calls) != 0 {
					t.Errorf("%d bytes of %d calls are kept", c.replies.held, len(c.replies.calls))
				}
			})
		})
	}
}

// TestXIDsBeginAnew: at the end of all xids a Write gets successive ones, nobody
// gets 0, and one that somebody waits for is not given out again.
func TestXIDsBeginAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, ofp.V13, Config{})
		c := r.ready()
		for range 2 {
			r.want(ofp.TypeMultipartRequest)
		}
		set := func(x uint32) { c.out.mu.Lock(); c.out.xid = x; c.out.mu.Unlock() }
		set(1<<32 - 2)
		errs := make(chan error, 1)
		go func() { _, err := c.Request(t.Context(), askFlows); errs <- err }()
		waits := r.want(ofp.TypeMultipartRequest).XID
		if waits != 1<<32-1 {
			t.Fatalf("xid %#x", waits)
		}
		set(1<<32 - 4) // a Write of five needs ten
		if err := c.Write(t.Context(), flowMods(5)); err != nil {
			t.Errorf("write: %v", err)
		}
		for i := range 5 {
			if x := r.want(ofp.TypeFlowMod).XID; x != uint32(2*i+1) { // every other one is a barrier's
				t.Errorf("message %d has xid %#x", i, x)
			}
		}
		set(1<<32 - 2)
		if _, err := c.Request(t.Context(), &ofp.BarrierRequest{}); err != nil {
			t.Errorf("barrier: %v", err)
		}
		r.sendX(waits, flowsReply(0, 1, false))
		if err := <-errs; err != nil {
			t.Errorf("the request that waited: %v", err)
		}
	})
}
