package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/test/ovs"
)

// TestHeal kills one side and then the other, as kill -9 does, and demands that
// all four bridges work again by themselves within ten seconds: that long from the
// start of the side that was killed until a ping is answered in every bridge. How
// long it stays away, as in the wait for the longest back-off, is no part of it.
func TestHeal(t *testing.T) {
	t.Parallel()
	l := newLab(t, "--apps", "l2switch")
	var bridges []string
	hosts := map[string][]*ovs.Host{}
	for i, v := range versions {
		l.bridge(v.bridge, uint64(i+1), v.protocol)
		hosts[v.bridge] = l.hosts(v.bridge, v.net, 2)
		bridges = append(bridges, v.bridge)
	}
	l.ready(heal, bridges...)
	works := func(t *testing.T, ctx context.Context) {
		t.Helper()
		for _, v := range versions {
			h := hosts[v.bridge]
			err := ovs.Wait(ctx, v.bridge, func(ctx context.Context) error {
				p, err := h[0].Ping(ctx, h[1], 1)
				if err == nil && p.Lost() > 0 {
					err = fmt.Errorf("ping: %v", p)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}
	}
	works(t, l.within(heal))

	t.Run("ovs-vswitchd", func(t *testing.T) {
		l.KillVswitchd()
		start, ctx := time.Now(), l.within(heal)
		l.check(l.StartVswitchd(ctx))
		l.ready(heal-time.Since(start), bridges...)
		works(t, ctx)
		healed(t, start)
	})

	t.Run("sluiced", func(t *testing.T) {
		seen := len(l.Vswitchd().Output())
		l.sluiced.Kill()
		// The longest that Open vSwitch waits between two attempts: who
		// starts the controller now waits longest.
		l.check(ovs.Wait(l.within(40*time.Second), "the longest back-off", func(context.Context) error {
			if log := l.Vswitchd().Output()[seen:]; strings.Count(log, "continuing to retry connections") < len(bridges) {
				return fmt.Errorf("not all bridges are there yet")
			}
			return nil
		}))
		// Without the flows that the old one left, only the new one helps.
		for _, b := range bridges {
			_, err := l.Ofctl(t.Context(), "del-flows", b)
			l.check(err)
		}
		start, ctx := time.Now(), l.within(heal)
		l.startSluiced()
		l.ready(heal-time.Since(start), bridges...)
		works(t, ctx)
		healed(t, start)
	})
}

// healed tells how long it took, and demands that it was not too long.
func healed(t *testing.T, start time.Time) {
	t.Helper()
	took := time.Since(start)
	t.Logf("all bridges worked again after %v, at most %v allowed", took.Round(10*time.Millisecond), heal)
	if took > heal {
		t.Errorf("healing took %v, want at most %v", took, heal)
	}
}
