package controller

import (
	"slices"
	"sync"
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
)

// batchApp notes its packets and the ends of batches, and panics at port 2.
type batchApp struct {
	mu    sync.Mutex
	heard []string
	done  int // packets before the last end of a batch
}

func (a *batchApp) PacketIn(m *ofp.PacketIn) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.heard = append(a.heard, "packet")
	if m.InPort() == 2 {
		panic("port 2")
	}
	return true
}

func (a *batchApp) BatchDone() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.done = len(slices.DeleteFunc(slices.Clone(a.heard), func(s string) bool { return s != "packet" }))
	a.heard = append(a.heard, "done")
}

// TestBatchDone: every packet is in a batch that ends, those after a panic too,
// and no batch ends that nothing was in.
func TestBatchDone(t *testing.T) {
	app := new(batchApp)
	s := serve(t, Config{Apps: []App{testApp{"batches", func(*Switch) Session { return app }}}})
	p := newPeer(t, ofp.V13, 1).dial(s.addr)
	s.sw(t, 1)
	p.send(0, packetIn(1), packetIn(2), packetIn(1), packetIn(2), packetIn(1))
	eventually(t, "the end of the last batch", func() bool {
		app.mu.Lock()
		defer app.mu.Unlock()
		return app.done == 5
	})
	app.mu.Lock()
	defer app.mu.Unlock()
	for i, what := range app.heard {
		if what == "done" && (i == 0 || app.heard[i-1] == "done") {
			t.Errorf("a batch ended that nothing was in: %v", app.heard)
		}
	}
}
