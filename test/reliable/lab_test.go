package reliable

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/ovs"
)

// bin is the folder of sluiced.
var bin string

func TestMain(m *testing.M) { os.Exit(ovs.Main(m, &bin, "sluiced")) }

// patience bounds every wait for what must come, on a busy machine.
const patience = 60 * time.Second

// times returns how often to do something, in the short form and in the long one.
func times(short, long int) int {
	if os.Getenv("SLUICE_RELIABLE") == "long" {
		return long
	}
	return short
}

// chance returns the test's source of random choices, and prints its seed.
func chance(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("SLUICE_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("SLUICE_SEED=%q: %v", s, err)
		}
	}
	t.Logf("SLUICE_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// version is a bridge's: as it is said to users, and as Open vSwitch names it.
type version struct{ name, protocol string }

var versions = []version{{"1.0", "OpenFlow10"}, {"1.1", "OpenFlow11"}, {"1.2", "OpenFlow12"}, {"1.3", "OpenFlow13"}}

// lab is a private Open vSwitch and a controller that is started and killed.
type lab struct {
	*ovs.Net
	t       *testing.T
	args    []string
	sluiced *ovs.Process // nil: it does not run
	conn    *grpc.ClientConn
	// expected are texts of log lines that would fail the test otherwise.
	expected []string
	// older says that the bridge speaks an older version than it did: what that
	// cannot say stays among what is yet to go.
	older bool
}

// newLab starts a switch, without a controller. At the end of the test a
// controller that runs must end well, and its log be without trouble.
func newLab(t *testing.T, args ...string) *lab {
	t.Helper()
	l := &lab{Net: ovs.New(t), t: t, args: append([]string{"--apps", "none"}, args...)}
	t.Cleanup(func() {
		if l.sluiced == nil {
			return
		}
		l.conn.Close()
		if err := l.sluiced.Terminate(20 * time.Second); err != nil {
			t.Errorf("sluiced after SIGTERM: %v", err)
		}
		log := l.sluiced.Output()
		for _, line := range ovs.Trouble(log, l.expected...) {
			t.Errorf("in the log of sluiced: %s", line)
		}
		if t.Failed() {
			lines := strings.Split(log, "\n")
			t.Logf("end of the log of sluiced:\n%s", strings.Join(lines[max(0, len(lines)-40):], "\n"))
		}
	})
	return l
}

func (l *lab) check(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// start starts the controller with the state that the last one left.
func (l *lab) start() {
	l.t.Helper()
	ctx := l.within(patience)
	p, err := l.StartSluiced(ctx, filepath.Join(bin, "sluiced"), l.args...)
	l.check(err)
	l.sluiced = p
	l.conn, err = grpc.NewClient("passthrough:///"+ovs.GRPCAddr, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) { return l.Dial(ctx, "tcp", address) }))
	l.check(err)
}

// kill ends the controller as kill -9 does.
func (l *lab) kill() {
	l.sluiced.Kill()
	l.conn.Close()
	l.sluiced = nil
}

// terminate ends the controller with SIGTERM.
func (l *lab) terminate() {
	l.t.Helper()
	l.conn.Close()
	if err := l.sluiced.Terminate(20 * time.Second); err != nil {
		l.t.Errorf("sluiced after SIGTERM: %v", err)
	}
	l.sluiced = nil
}

// bridge adds a bridge that speaks the protocols and tries to connect often.
func (l *lab) bridge(name string, dpid uint64, protocols ...string) {
	l.t.Helper()
	l.check(l.AddBridge(l.t.Context(), ovs.Bridge{Name: name, DPID: dpid, Protocols: protocols}))
	_, err := l.Vsctl(l.t.Context(), "set", "controller", name, "max_backoff=1000")
	l.check(err)
}

// socket is where a bridge itself listens for controllers.
func (l *lab) socket(bridge string) string { return "unix:" + filepath.Join(l.Dir, bridge+".mgmt") }

// within is a context for what must have happened after d.
func (l *lab) within(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(l.t.Context(), d)
	l.t.Cleanup(cancel)
	return ctx
}

func (l *lab) states() sluicev1.StateServiceClient { return sluicev1.NewStateServiceClient(l.conn) }

// ready waits until the bridges are connected and compared with what they should
// have, and nothing is left to be done on them.
func (l *lab) ready(bridges ...string) {
	l.t.Helper()
	l.check(ovs.Wait(l.within(patience), "the switches", func(ctx context.Context) error {
		sws, err := sluicev1.NewSwitchServiceClient(l.conn).ListSwitches(ctx, &sluicev1.ListSwitchesRequest{}, grpc.WaitForReady(true))
		if err != nil {
			return err
		}
		there := make(map[string]bool)
		for _, sw := range sws.GetSwitches() {
			there[sw.GetName()] = true
		}
		for _, b := range bridges {
			if !there[b] {
				return fmt.Errorf("%s is not connected", b)
			}
			s, err := l.states().GetState(ctx, &sluicev1.GetStateRequest{Switch: b})
			if err != nil {
				return err
			}
			if x := s.GetSwitches()[0]; x.GetPending() > 0 || x.GetDeleting() > 0 && !l.older || x.GetFault() != "" {
				return fmt.Errorf("%s: %v", b, x)
			}
		}
		return nil
	}))
}

// listState returns what a switch should have.
func (l *lab) listState(bridge string) []*sluicev1.StateItem {
	l.t.Helper()
	ctx := l.within(patience)
	stream, err := l.states().ListState(ctx, &sluicev1.ListStateRequest{Switch: bridge})
	l.check(err)
	var all []*sluicev1.StateItem
	for {
		part, err := stream.Recv()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				l.t.Fatal(err)
			}
			return all
		}
		all = append(all, part.GetItems()...)
	}
}

// dump is what a bridge has, by ovs-ofctl, a line each.
func (l *lab) dump(verb, bridge string) []string {
	l.t.Helper()
	args := []string{verb, bridge}
	if verb == "dump-flows" {
		args = []string{"--no-stats", "--no-names", verb, bridge}
	}
	out, err := l.Ofctl(l.t.Context(), args...)
	l.check(err)
	var lines []string
	for line := range strings.Lines(out) {
		if line = strings.TrimSpace(line); line != "" && !strings.Contains(line, " reply ") {
			lines = append(lines, line)
		}
	}
	return lines
}
