package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/need"
	"github.com/sluice-sdn/sluice/test/ovs"
)

// bin is the folder of the programs under test.
var bin string

func TestMain(m *testing.M) {
	if ovs.Available() != nil {
		os.Exit(m.Run()) // every test says why it skips
	}
	os.Exit(ovs.Main(m, &bin, "sluiced", "sluice"))
}

// heal is how long a network may take to work again by itself.
const heal = 10 * time.Second

// version is one of the four, as each side names it.
type version struct {
	name     string // "1.3"
	protocol string // "OpenFlow13", Open vSwitch's name
	bridge   string // the name of its bridge in tests of all four
	net      int    // the third byte of its hosts' addresses there
}

var versions = []version{
	{"1.0", "OpenFlow10", "br10", 10},
	{"1.1", "OpenFlow11", "br11", 11},
	{"1.2", "OpenFlow12", "br12", 12},
	{"1.3", "OpenFlow13", "br13", 13},
}

// lab is a private Open vSwitch with a controller.
type lab struct {
	*ovs.Net
	t       *testing.T
	sluiced *ovs.Process
	args    []string
	conn    *grpc.ClientConn
	// expected are texts of log lines, and names of OpenFlow errors, that
	// would fail the test otherwise.
	expected []string
}

// newLab starts a switch and the controller with the arguments. At the test's
// end the controller must stop cleanly, and its log be without trouble.
func newLab(t *testing.T, args ...string) *lab {
	t.Helper()
	l := &lab{Net: ovs.New(t), t: t, args: args}
	l.startSluiced()
	var err error
	l.conn, err = grpc.NewClient("passthrough:///"+ovs.GRPCAddr,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			return l.Dial(ctx, "tcp", address)
		}))
	l.check(err)
	t.Cleanup(func() {
		l.conn.Close()
		l.counted()
		if err := l.sluiced.Terminate(5 * time.Second); err != nil {
			t.Errorf("sluiced after SIGTERM: %v", err)
		}
		log := l.sluiced.Output()
		for _, line := range ovs.Trouble(log, l.expected...) {
			t.Errorf("in the log of sluiced: %s", line)
		}
		if t.Failed() {
			lines := strings.Split(log, "\n")
			t.Logf("end of the log of sluiced:\n%s", strings.Join(lines[max(0, len(lines)-60):], "\n"))
		}
	})
	return l
}

// troubles are the counters that no healthy run has above zero, whoever caused
// and whoever handled what they count.
var troubles = regexp.MustCompile(`(?m)^sluice_(?:openflow_errors_received_total|openflow_messages_undecodable_total|faults_total|app_panics_total|app_disabled)(\{[^}]*\})? (\S+)$`)

// counted fails the test for what the controller has counted and nobody expects.
func (l *lab) counted() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	status, body, err := l.HTTP(ctx, "/metrics")
	if err != nil || status != 200 {
		l.t.Errorf("/metrics: %d, %v", status, err)
	}
	found := troubles.FindAllStringSubmatch(body, -1)
	if len(found) < 2 {
		l.t.Errorf("/metrics does not count errors and faults:\n%s", body)
	}
	for _, m := range found {
		if m[2] != "0" && !slices.ContainsFunc(l.expected, func(e string) bool { return strings.Contains(m[1], e) }) {
			l.t.Errorf("in the metrics of sluiced: %s", m[0])
		}
	}
}

func (l *lab) startSluiced() {
	l.t.Helper()
	p, err := l.StartSluiced(l.t.Context(), filepath.Join(bin, "sluiced"), l.args...)
	l.check(err)
	l.sluiced = p
}

func (l *lab) check(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// bridge adds a bridge that speaks the protocols.
func (l *lab) bridge(name string, dpid uint64, protocols ...string) {
	l.t.Helper()
	l.check(l.AddBridge(l.t.Context(), ovs.Bridge{Name: name, DPID: dpid, Protocols: protocols}))
}

// hosts adds hosts NAME1, NAME2 … behind a bridge, with the addresses
// 10.0.NET.1, 10.0.NET.2 … .
func (l *lab) hosts(bridge string, net, count int) []*ovs.Host {
	l.t.Helper()
	var hs []*ovs.Host
	for i := range count {
		h, err := l.AddHost(l.t.Context(), bridge, fmt.Sprintf("n%dh%d", net, i+1), fmt.Sprintf("10.0.%d.%d/24", net, i+1))
		l.check(err)
		hs = append(hs, h)
	}
	return hs
}

// within is a context for what must have happened after d.
func (l *lab) within(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(l.t.Context(), d)
	l.t.Cleanup(cancel)
	return ctx
}

// ready waits until the controller lists the bridges, and returns their versions.
func (l *lab) ready(d time.Duration, bridges ...string) map[string]string {
	l.t.Helper()
	got := map[string]string{}
	l.check(ovs.Wait(l.within(d), "the switches", func(ctx context.Context) error {
		resp, err := sluicev1.NewSwitchServiceClient(l.conn).ListSwitches(ctx, &sluicev1.ListSwitchesRequest{}, grpc.WaitForReady(true))
		if err != nil {
			return err
		}
		clear(got)
		for _, sw := range resp.Switches {
			got[sw.Name] = sw.Version
		}
		for _, b := range bridges {
			if got[b] == "" {
				return fmt.Errorf("%s is not among the connected switches %v", b, got)
			}
		}
		return nil
	}))
	return got
}

// requireProgram skips the test where a program that it needs besides is
// missing.
func requireProgram(t *testing.T, program, debian string) {
	t.Helper()
	ovs.Require(t)
	need.Program(t, program, debian)
}

// reaches demands that every ping is answered.
func (l *lab) reaches(t *testing.T, from, to *ovs.Host) {
	t.Helper()
	if err := l.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	p, err := from.Ping(t.Context(), to, 5)
	if err != nil {
		t.Fatal(err)
	}
	if p.Lost() != 0 {
		t.Errorf("ping from %s to %s: %v\n%s", from.Name, to.Name, p, p.Output)
	}
}

// blocked demands that no ping is answered.
func (l *lab) blocked(t *testing.T, from, to *ovs.Host) {
	t.Helper()
	if err := l.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	p, err := from.Ping(t.Context(), to, 3)
	if err != nil {
		t.Fatal(err)
	}
	if p.Received != 0 {
		t.Errorf("ping from %s to %s should be blocked: %v\n%s", from.Name, to.Name, p, p.Output)
	}
}

// sluice runs the command line beside the controller.
func (l *lab) sluice(t *testing.T, args ...string) string {
	t.Helper()
	out, err := l.Run(t.Context(), append([]string{filepath.Join(bin, "sluice")}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// sluiceJSON runs the command line with -o json and decodes what it prints.
func (l *lab) sluiceJSON(t *testing.T, args ...string) any {
	t.Helper()
	out := l.sluice(t, append([]string{"-o", "json"}, args...)...)
	var v any
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatalf("sluice -o json %s: %v:\n%s", strings.Join(args, " "), err, out)
	}
	return v
}
