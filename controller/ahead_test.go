package controller

import (
	"fmt"
	"sync"
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
)

// aheadApp notes which packets it is shown and which it is given, by their first
// byte, and panics or has enough at some of them.
type aheadApp struct {
	mu     sync.Mutex
	shown  map[byte]bool
	unseen []byte // given without having been shown
	given  int
	enough bool
}

func (a *aheadApp) Ahead(packet []byte) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.shown[packet[0]] = true
	if packet[0] == 13 {
		panic("13")
	}
	return !a.enough
}

func (a *aheadApp) PacketIn(m *ofp.PacketIn) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.shown[m.Data[0]] {
		a.unseen = append(a.unseen, m.Data[0])
	}
	a.given++
	return true
}

func TestAhead(t *testing.T) {
	for _, tt := range []struct {
		name   string
		v      ofp.Version
		n      byte
		enough bool
	}{
		{"1.0", ofp.V10, 10, false}, {"1.3", ofp.V13, 10, false}, {"a panic", ofp.V13, 40, false}, {"enough", ofp.V13, 10, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := &aheadApp{shown: make(map[byte]bool), enough: tt.enough}
			s := serve(t, Config{Apps: []App{testApp{"ahead", func(*Switch) Session { return app }}}})
			p := newPeer(t, tt.v, 1).dial(s.addr)
			s.sw(t, 1)
			var all []ofp.Message
			for i := range tt.n {
				m := packetIn(1)
				m.Data = []byte{i}
				all = append(all, m)
			}
			p.send(0, all...)
			eventually(t, fmt.Sprintf("%d packets", tt.n), func() bool {
				app.mu.Lock()
				defer app.mu.Unlock()
				return app.given == int(tt.n)
			})
			app.mu.Lock()
			defer app.mu.Unlock()
			switch shown := len(app.shown); {
			case tt.enough && shown > len(app.unseen):
				t.Errorf("%d packets were shown, though the first was enough", shown)
			case tt.n == 10 && !tt.enough && len(app.unseen) > 1: // one at most is a batch of its own
				t.Errorf("packets %v were not shown", app.unseen)
			}
		})
	}
}
