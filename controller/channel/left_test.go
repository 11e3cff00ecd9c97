package channel

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestWriteThatHasLeft: whoever was told that all of a Write has left cannot end it
// any more, and learns what the switch says to it, or that it says nothing.
func TestWriteThatHasLeft(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer func(r *rig, xid uint32)
		want   error
	}{
		{"confirmed", func(r *rig, xid uint32) { r.sendX(xid, &ofp.BarrierReply{}) }, nil},
		{"silent", func(*rig, uint32) {}, context.DeadlineExceeded},
		{"gone", func(r *rig, _ uint32) { r.nc.Close() }, ErrDisconnected},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t, ofp.V13, Config{RequestTimeout: time.Second})
				r.answerless()
				c := r.ready()
				ctx, cancel := context.WithCancel(t.Context())
				left, told := make(chan struct{}), make(chan error, 1)
				go func() { told <- c.WriteTelling(ctx, flowMods(3), left) }()
				<-left
				cancel()
				for range 3 {
					r.want(ofp.TypeFlowMod)
				}
				xid := r.want(ofp.TypeBarrierRequest).XID
				synctest.Wait()
				select {
				case err := <-told:
					t.Fatalf("it did not wait: %v", err)
				default:
				}
				tt.answer(r, xid)
				err := <-told
				if tt.want == nil && err != nil || !errors.Is(err, tt.want) || errors.Is(err, context.Canceled) {
					t.Errorf("error %v, want %v", err, tt.want)
				}
				if e, _ := errors.AsType[*WriteError](err); tt.want != nil && (e == nil || e.Sent != 3 || e.Confirmed != 0) {
					t.Errorf("%+v", e)
				}
			})
		})
	}
}
