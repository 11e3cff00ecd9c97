package channel

import (
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestNeverWhole: a peer whose lengths are wrong, so that its answers to echoes are
// taken for a part of a long message, is given up; one that is slow to send a long
// message is not.
func TestNeverWhole(t *testing.T) {
	for _, row := range []struct {
		name string
		each int // bytes that it sends when it is asked for an echo
		ends bool
	}{{"answers echoes", ofp.HeaderLen, true}, {"slow", 6000, false}} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t, ofp.V13, Config{EchoInterval: 5 * time.Second, EchoMisses: 3})
				r.mute = map[ofp.Type]bool{ofp.TypeEchoRequest: true}
				c := r.ready()
				done := make(chan struct{})
				go func() {
					defer close(done)
					const length = 60000
					long := make([]byte, length) // an echo request
					long[0], long[1] = byte(ofp.V13), 2
					binary.BigEndian.PutUint16(long[2:], length)
					_, _ = r.nc.Write(long[:100]) // it fails when the connection has ended
					for sent := 100; sent < length; sent += row.each {
						select {
						case <-time.After(5 * time.Second):
						case <-c.Done():
							return
						}
						_, _ = r.nc.Write(long[sent:min(sent+row.each, length)])
					}
				}()
				<-done
				synctest.Wait()
				select {
				case <-c.Done():
					if end := <-r.end; !row.ends || end.Reason != ReasonDead {
						t.Errorf("it ends: %v", end)
					}
				default:
					if row.ends {
						t.Error("it is not given up")
					}
				}
				r.stop()
			})
		})
	}
}
