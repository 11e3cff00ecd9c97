package l2switch

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sirupsen/logrus"
	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// serve runs a controller with the app until the test ends or stop is called.
func serve(t *testing.T) (addr string, stop func()) {
	t.Helper()
	log := logrus.New()
	log.SetOutput(io.Discard)
	app, err := New(Config{Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	c, err := controller.New(controller.Config{Logger: log, Apps: []controller.App{app}})
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
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(stop)
	return ln.Addr().String(), stop
}

// ready waits until the app has prepared the switch.
func ready(t *testing.T, s *simswitch.Switch) {
	t.Helper()
	await(t, s, "the table-miss flow", func() bool {
		return slices.ContainsFunc(s.Flows(), func(f ofp.FlowStats) bool { return f.Cookie == cookieMiss })
	})
}

func await(t *testing.T, s *simswitch.Switch, what string, cond func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := s.Await(ctx, cond); err != nil {
		t.Fatalf("%s: %v; flows %v, sent %v, refused %v", what, err, s.Flows(), s.Sent(), s.Refused())
	}
}

// leaves injects a frame and waits until it has left by the wanted ports.
func leaves(t *testing.T, s *simswitch.Switch, in ofp.PortNo, frame []byte, want ...ofp.PortNo) {
	t.Helper()
	s.Clear()
	s.Inject(in, frame)
	await(t, s, fmt.Sprintf("a frame in port %s that leaves by %v", in, want), func() bool {
		var got []ofp.PortNo
		for _, x := range s.Sent() {
			if bytes.Equal(x.Frame, frame) {
				got = append(got, x.Port)
			}
		}
		return slices.Equal(got, want)
	})
}

// TestThroughTheController is a life of a switch behind a real connection and a
// real controller.
func TestThroughTheController(t *testing.T) {
	for _, v := range ofp.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			addr, stop := serve(t)
			s := simswitch.New(simswitch.Config{Versions: []ofp.Version{v}})
			t.Cleanup(s.Close)
			dial := func() {
				t.Helper()
				if err := s.Dial(t.Context(), addr); err != nil {
					t.Fatal(err)
				}
				ready(t, s)
			}
			dial()
			leaves(t, s, 1, eth('*', 'A'), 2, 3, 4)
			// What the controller sends for the first is there before the second.
			s.Clear()
			s.Inject(1, frameTo(lldpMAC, 0x88cc))
			s.Inject(2, eth('A', 'B'))
			await(t, s, "an answer", func() bool { return len(s.Sent()) > 0 })
			if diff := cmp.Diff([]simswitch.Transmission{{Port: 1, Frame: eth('A', 'B')}}, s.Sent()); diff != "" {
				t.Errorf("sent after LLDP and a packet to a known host (-want +got):\n%s", diff)
			}
			await(t, s, "a flow for the pair", func() bool { return len(s.Flows()) == 2 })
			leaves(t, s, 2, eth('A', 'B'), 1)
			leaves(t, s, 3, eth('*', 'A'), 1, 2, 4)
			leaves(t, s, 2, eth('A', 'B'), 3)
			s.SetLink(3, false)
			await(t, s, "no flow to port 3", func() bool { return len(s.Flows()) == 1 })
			leaves(t, s, 2, eth('A', 'B'), 1, 4)
			s.SetLink(3, true)
			leaves(t, s, 1, eth('*', 'A'), 2, 3, 4)
			leaves(t, s, 2, eth('A', 'B'), 1)
			await(t, s, "a flow for the pair", func() bool { return len(s.Flows()) == 2 })

			s.Restart()
			dial()
			leaves(t, s, 2, eth('A', 'B'), 1, 3, 4)
			leaves(t, s, 3, eth('*', 'A'), 1, 2, 4)
			leaves(t, s, 2, eth('A', 'B'), 3)
			await(t, s, "a flow for the pair", func() bool { return len(s.Flows()) == 2 })

			stop()
			await(t, s, "the end of the connection", func() bool { return !s.Connected() })
			leaves(t, s, 2, eth('A', 'B'), 3) // flows work without a controller
			addr, _ = serve(t)
			dial()
			await(t, s, "no old flow", func() bool { return len(s.Flows()) == 1 })
			leaves(t, s, 2, eth('A', 'B'), 1, 3, 4)
			if refused := s.Refused(); len(refused) != 0 {
				// OpenFlow 1.0 to 1.2 leave port descriptions to features.
				for _, e := range refused {
					if e.Reason != ofp.BadRequestBadStat || v == ofp.V13 {
						t.Errorf("the switch refused something: %s", e.Describe())
					}
				}
			}
		})
	}
}
