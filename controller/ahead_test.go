package controller

import (
	"fmt"
	"sync"
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
)

// aheadApp notes how many events it is told of and how many packets it is given
// before it is told the next time.
type aheadApp struct {
	mu       sync.Mutex
	told     []int
	given    int
	batches  []int // packets given when a batch was done
	panicked bool
	panics   bool
}

func (a *aheadApp) Ahead(events int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.told = append(a.told, events)
	if a.panics && !a.panicked {
		a.panicked = true
		panic("ahead")
	}
}

func (a *aheadApp) PacketIn(*ofp.PacketIn) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.given++
	return true
}

func (a *aheadApp) BatchDone() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.batches = append(a.batches, a.given)
}

// TestAhead: an app that looks ahead is told of each batch of several events how
// many they are, and gets them all, also if it panics when it is told.
func TestAhead(t *testing.T) {
	for _, panics := range []bool{false, true} {
		t.Run(fmt.Sprintf("panics %v", panics), func(t *testing.T) {
			const n = 40
			app := &aheadApp{panics: panics}
			s := serve(t, Config{Apps: []App{testApp{"ahead", func(*Switch) Session { return app }}}})
			p := newPeer(t, ofp.V13, 1).dial(s.addr)
			s.sw(t, 1)
			var all []ofp.Message
			for range n {
				all = append(all, packetIn(1))
			}
			p.send(0, all...)
			eventually(t, fmt.Sprintf("%d packets", n), func() bool {
				app.mu.Lock()
				defer app.mu.Unlock()
				return len(app.batches) > 0 && app.batches[len(app.batches)-1] == n
			})
			app.mu.Lock()
			defer app.mu.Unlock()
			var want []int
			before := 0
			for _, given := range app.batches {
				if given-before > 1 {
					want = append(want, given-before)
				}
				before = given
			}
			if fmt.Sprint(app.told) != fmt.Sprint(want) || len(want) == 0 {
				t.Errorf("told of %v events, want %v", app.told, want)
			}
		})
	}
}
