package hostile

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/simswitch"
	"github.com/sluice-sdn/sluice/test/sluiced"
)

var program string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "hostile-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		if err := sluiced.Build(context.Background(), dir, "sluice"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		program = filepath.Join(dir, "sluiced")
		code := m.Run()
		if code == 0 {
			if err := goleak.Find(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
		}
		return code
	}())
}

// patience bounds every wait for what must come, on a busy machine.
const patience = 60 * time.Second

// times returns how often to do something, in the short form and in the long one.
func times(short, long int) int {
	if os.Getenv("SLUICE_HOSTILE") == "long" {
		return long
	}
	return short
}

// lab is a controller with state, and an honest client of it.
type lab struct {
	*sluiced.Daemon
	t    *testing.T
	conn *grpc.ClientConn
}

// newLab starts a controller. At the end of the test it must end well, and its log
// be without trouble.
func newLab(t *testing.T, args ...string) *lab {
	t.Helper()
	d, err := sluiced.Start(t.Context(), program, append([]string{"--apps", ""}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		select {
		case <-d.Ended():
			_ = d.Stop() // the test has killed it
		default:
			d.End(t)
		}
	})
	l := &lab{Daemon: d, t: t}
	l.conn = l.client()
	return l
}

// client returns a connection of its own.
func (l *lab) client(options ...grpc.DialOption) *grpc.ClientConn {
	l.t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+l.GRPC, append([]grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64 << 20)),
	}, options...)...)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { conn.Close() })
	return conn
}

// within returns a context that ends after patience, or with the test.
func (l *lab) within() context.Context {
	ctx, cancel := context.WithTimeout(l.t.Context(), patience)
	l.t.Cleanup(cancel)
	return ctx
}

// flow is an addition, in text.
func flow(format string, args ...any) *sluicev1.FlowChange {
	return &sluicev1.FlowChange{Change: &sluicev1.FlowChange_Add{Add: &sluicev1.FlowSpec{Form: &sluicev1.FlowSpec_Text{Text: fmt.Sprintf(format, args...)}}}}
}

// store has a switch that has never connected want n flows more, and returns the
// revision.
func (l *lab) store(dpid string, first, n int) uint64 {
	l.t.Helper()
	var rev uint64
	for n > 0 {
		r := &sluicev1.WriteFlowsRequest{Switch: dpid, Level: sluicev1.WriteLevel_WRITE_LEVEL_STORED}
		for range min(n, 20_000) {
			r.Changes = append(r.Changes, flow("priority=%d,ip,nw_src=10.%d.%d.%d,actions=output:1", 1+first%60000, first>>16&255, first>>8&255, first&255))
			first++
			n--
		}
		out, err := sluicev1.NewFlowServiceClient(l.conn).WriteFlows(l.within(), r)
		if err != nil {
			l.t.Fatal(err)
		}
		rev = out.GetRevision()
	}
	return rev
}

// mark is how much the daemon holds.
type mark struct {
	rss        int64 // bytes
	goroutines float64
	files      int
}

func (m mark) String() string {
	return fmt.Sprintf("%.0f MB, %.0f goroutines, %d descriptors", float64(m.rss)/1e6, m.goroutines, m.files)
}

func (l *lab) mark() mark {
	l.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", l.PID()))
	if err != nil {
		l.t.Fatal(err)
	}
	var m mark
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); f[0] == "VmRSS:" {
			n, _ := strconv.ParseInt(f[1], 10, 64)
			m.rss = n << 10
		}
	}
	all, err := l.Metrics(l.within())
	if err != nil {
		l.t.Fatal(err)
	}
	m.goroutines = all["go_goroutines"]
	fds, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", l.PID()))
	m.files = len(fds)
	return m
}

// simulated connects a switch.
func (l *lab) simulated(dpid ofp.DPID, v ...ofp.Version) *simswitch.Switch {
	l.t.Helper()
	sw := simswitch.New(simswitch.Config{DPID: dpid, Versions: v})
	l.t.Cleanup(sw.Close)
	if err := sw.Dial(l.within(), l.OpenFlow); err != nil {
		l.t.Fatal(err)
	}
	l.until("the switch is ready", func() error {
		_, err := sluicev1.NewSwitchServiceClient(l.conn).GetSwitch(l.within(), &sluicev1.GetSwitchRequest{Switch: dpid.String()})
		return err
	})
	return sw
}

// until waits until f says that something is so.
func (l *lab) until(what string, f func() error) {
	l.t.Helper()
	deadline := time.Now().Add(patience)
	for tick := time.NewTicker(20 * time.Millisecond); ; <-tick.C {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			l.t.Fatalf("not so after %v: %s: %v", patience, what, err)
		}
	}
}

// resetting are connections that can all be reset at once.
type resetting struct {
	mu    sync.Mutex
	conns []net.Conn
}

func (r *resetting) option() grpc.DialOption {
	return grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err == nil {
			r.mu.Lock()
			r.conns = append(r.conns, c)
			r.mu.Unlock()
		}
		return c, err
	})
}

func (r *resetting) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
}

// stands has a switch answer nothing but echoes.
func stands() func(int, ofp.Header, ofp.Message) simswitch.Fault {
	return func(_ int, h ofp.Header, _ ofp.Message) simswitch.Fault {
		if h.Type() == ofp.TypeEchoRequest {
			return simswitch.Fault{}
		}
		return simswitch.Fault{Silent: true}
	}
}
