package channel

import (
	"encoding/binary"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/sluice-sdn/sluice/ofp"
)

// unreadable are errors that a switch may send in the place of a good one.
var unreadable = []struct {
	name  string
	frame func(xid uint32) []byte
}{
	{"no more than a header", func(x uint32) []byte { return errorFrame(4, x) }},
	{"half a code", func(x uint32) []byte { return errorFrame(4, x, 0, 5) }},
	{"of 1.0", func(x uint32) []byte { return errorFrame(1, x, 0, 3, 0, 0, 1, 2, 3, 4) }},
	{"of an unknown version", func(x uint32) []byte { return errorFrame(0x7f, x, 0, 3, 0, 0) }},
}

func errorFrame(version byte, xid uint32, body ...byte) []byte {
	b := []byte{version, 1, 0, byte(8 + len(body)), 0, 0, 0, 0}
	binary.BigEndian.PutUint32(b[4:], xid)
	return append(b, body...)
}

// TestUnreadableErrorIsARefusal: whatever else an error may hold, its xid says
// what the switch has refused.
func TestUnreadableErrorIsARefusal(t *testing.T) {
	for _, tt := range unreadable {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t, ofp.V13, Config{})
				r.answerless()
				c := r.ready()

				go func() {
					r.raw(tt.frame(r.want(ofp.TypeFlowMod).XID))
					r.sendX(r.want(ofp.TypeBarrierRequest).XID, &ofp.BarrierReply{})
				}()
				err := c.Write(t.Context(), flowMods(1))
				e, ok := errors.AsType[*WriteError](err)
				if !ok || len(e.Errors) != 1 || e.Errors[0].Index != 0 || !errors.Is(e.Errors[0].Err, ErrUnreadable) || e.Confirmed != 1 {
					t.Errorf("about a message: %v", err)
				}

				go func() { r.raw(tt.frame(r.want(ofp.TypeBarrierRequest).XID)) }()
				err = c.Write(t.Context(), flowMods(1))
				if e, ok = errors.AsType[*WriteError](err); !ok || !errors.Is(e.Err, ErrUnreadable) || e.Confirmed != 0 {
					t.Errorf("about a barrier: %v", err)
				}

				go func() { r.raw(tt.frame(r.want(ofp.TypeBarrierRequest).XID)) }()
				if _, err := c.Request(t.Context(), &ofp.BarrierRequest{}); !errors.Is(err, ErrUnreadable) {
					t.Errorf("about a request: %v", err)
				}
				synctest.Wait() // callers are told before it is counted
				if n := r.stats.Undecodable.Load(); n != 3 {
					t.Errorf("%d counted", n)
				}
			})
		})
	}
}

// TestErrorsAreNotAnswered: two sides that answer errors with errors would never
// end.
func TestErrorsAreNotAnswered(t *testing.T) {
	for _, tt := range unreadable {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t, ofp.V13, Config{})
				r.ready()
				r.raw(tt.frame(77))
				synctest.Wait()
				if n := r.stats.Out[ofp.TypeError].Load(); n != 0 {
					t.Errorf("answered with %d errors", n)
				}
			})
		})
	}
}
