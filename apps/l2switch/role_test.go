package l2switch

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// loud keeps the lines that say that something is wrong.
type loud struct {
	mu    sync.Mutex
	lines []string
}

func (l *loud) Levels() []logrus.Level {
	return []logrus.Level{logrus.ErrorLevel, logrus.WarnLevel}
}

func (l *loud) Fire(e *logrus.Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, e.Message)
	return nil
}

// another waits for a switch that is not the old one.
func another(t *testing.T, c *controller.Controller, old *controller.Switch) *controller.Switch {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-tick.C {
		if all := c.Switches(); len(all) == 1 && all[0] != old {
			return all[0]
		}
	}
	t.Fatal("no switch in time")
	return nil
}

// TestRoles: as a slave the app leaves the switch alone without a word; when it is
// made master or equal it prepares the switch, each time.
func TestRoles(t *testing.T) {
	for _, v := range ofp.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			log, book := logrus.New(), new(loud)
			log.SetOutput(io.Discard)
			log.AddHook(book)
			app, err := New(Config{Logger: log})
			if err != nil {
				t.Fatal(err)
			}
			c, err := controller.New(controller.Config{Logger: log, Role: ofp.RoleSlave, Apps: []controller.App{app}})
			if err != nil {
				t.Fatal(err)
			}
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			ended := make(chan error, 1)
			go func() { ended <- c.Serve(ctx, ln) }()
			t.Cleanup(func() {
				cancel()
				if err := <-ended; err != nil {
					t.Error(err)
				}
			})
			sim := simswitch.New(simswitch.Config{Versions: []ofp.Version{v}, MissDrop: true})
			t.Cleanup(sim.Close)
			if err := sim.Dial(t.Context(), ln.Addr().String()); err != nil {
				t.Fatal(err)
			}
			sw := another(t, c, nil)
			set := func(role ofp.Role) {
				t.Helper()
				if _, err := sw.SetRole(t.Context(), ofp.RoleState{Role: role, Generation: ofp.NoGeneration}); err != nil {
					t.Fatal(err)
				}
			}
			// A packet that comes to a slave all the same changes nothing.
			if err := sim.Send(0, &ofp.PacketIn{BufferID: ofp.NoBuffer, Data: make([]byte, 60)}); err != nil {
				t.Fatal(err)
			}
			for _, role := range []ofp.Role{ofp.RoleMaster, ofp.RoleEqual} {
				set(role)
				ready(t, sim)
				sim.Restart() // its flows are gone, and so will the connection be
				if err := sim.Dial(t.Context(), ln.Addr().String()); err != nil {
					t.Fatal(err)
				}
				sw = another(t, c, sw)
				ready(t, sim)
				set(ofp.RoleSlave)
				if err := sim.Send(0, &ofp.PortStatus{Reason: ofp.PortDeleted, Port: sim.Ports()[0]}); err != nil {
					t.Fatal(err)
				}
			}
			if app.Stats().Errors > 0 || len(book.lines) > 0 || len(sim.Refused()) > 0 {
				t.Errorf("errors %d, lines %q, refused %v", app.Stats().Errors, book.lines, sim.Refused())
			}
		})
	}
}
