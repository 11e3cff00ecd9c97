package faults

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/faultproxy"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// patience bounds every wait for what must come.
const patience = 60 * time.Second

// TestMain looks for goroutines and descriptors that any test has left. The
// tests wait more than they work, so many run at once, as far as the processors go.
func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		_ = flag.Set("test.parallel", strconv.Itoa(min(16, 8*runtime.GOMAXPROCS(0)))) // a number is a right value
	}
	// The runtime opens descriptors of its own for the first socket.
	if ln, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		ln.Close()
	}
	before, pipesBefore := descriptors()
	code := m.Run()
	if err := goleak.Find(); err != nil {
		fmt.Fprintf(os.Stderr, "goroutines are left: %v\n", err)
		code = 1
	}
	after, pipesAfter := descriptors()
	if after > before || pipesAfter > pipesBefore+turnPipe {
		fmt.Fprintf(os.Stderr, "descriptors are left: %d and %d of pipes before, %d and %d after\n", before, pipesBefore, after, pipesAfter)
		code = 1
	}
	os.Exit(code)
}

// turnPipe are the ends of the one pipe that package channel has for the life of the
// process, from the first connection with much to say on.
const turnPipe = 2

// descriptors counts those of the process, and apart from them those of pipes.
func descriptors() (n, pipes int) {
	d, _ := os.ReadDir("/proc/self/fd") // nothing but on Linux
	for _, e := range d {
		to, err := os.Readlink("/proc/self/fd/" + e.Name())
		switch {
		case err != nil:
		case strings.HasPrefix(to, "pipe:"):
			pipes++
		default:
			n++
		}
	}
	return n, pipes
}

// DPIDs of the lab.
const (
	theBystander ofp.DPID = 1
	theVictim    ofp.DPID = 2
)

// lab is a controller with two switches: a victim behind a proxy, and a
// bystander that must notice nothing.
type lab struct {
	t         *testing.T
	c         *controller.Controller
	addr      string
	log       *logLines
	secured   *secured // nil: nothing is encrypted
	proxy     *faultproxy.Proxy
	victim    *simswitch.Switch
	bridge    *bridge // instead of the victim, if it is not nil
	bystander *simswitch.Switch
	seen      *controller.Switch // the bystander
}

// bounds are short, so that what must end ends soon, and long enough for a busy
// core.
func bounds() channel.Config {
	return channel.Config{
		HelloTimeout: 5 * time.Second, FeaturesTimeout: 5 * time.Second, DescribeTimeout: 2 * time.Second,
		EchoInterval: 1500 * time.Millisecond, EchoMisses: 3, WriteTimeout: 5 * time.Second, RequestTimeout: 5 * time.Second,
	}
}

// newLab starts controller, proxy and bystander. At the end of the test all is
// closed, and the bystander must have noticed nothing.
func newLab(t *testing.T, seed uint64, victim simswitch.Config) *lab {
	t.Helper()
	return newLabOver(t, seed, victim, nil, nil)
}

// newLabBehind is newLab with a listener for the proxy, if it is not nil.
func newLabBehind(t *testing.T, seed uint64, victim simswitch.Config, front net.Listener) *lab {
	t.Helper()
	return newLabOver(t, seed, victim, front, nil)
}

// newLabOver is newLabBehind with switches that are spoken to over TLS, if secured is
// not nil.
func newLabOver(t *testing.T, seed uint64, victim simswitch.Config, front net.Listener, secured *secured) *lab {
	t.Helper()
	l := &lab{t: t, log: &logLines{}, secured: secured}
	logger := logrus.New()
	logger.SetOutput(l.log)
	logger.SetLevel(logrus.InfoLevel)
	logger.SetFormatter(&logrus.TextFormatter{DisableColors: true, DisableTimestamp: true})
	var err error
	if l.c, err = controller.New(controller.Config{Logger: logger, Channel: bounds()}); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.addr = ln.Addr().String()
	if secured != nil {
		ln = secured.server.Listener(ln)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- l.c.Serve(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
		if lines := l.log.lines(); t.Failed() || testing.Verbose() {
			t.Logf("log:\n%s", strings.Join(lines[max(0, len(lines)-30):], "\n"))
		}
	})
	if l.proxy, err = faultproxy.Start(faultproxy.Config{Target: l.addr, Seed: seed, Listener: front}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.proxy.Close)
	victim.DPID, victim.SegmentBytes = theVictim, 8<<10
	l.victim = simswitch.New(victim)
	t.Cleanup(l.victim.Close)
	l.bystander = simswitch.New(simswitch.Config{DPID: theBystander, Versions: victim.Versions})
	t.Cleanup(l.bystander.Close)
	if err := l.dial(l.bystander, l.addr); err != nil {
		t.Fatal(err)
	}
	l.seen = l.await(theBystander, nil)
	return l
}

// logLines keeps what is logged.
type logLines struct {
	mu  sync.Mutex
	all []string
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, strings.TrimSuffix(string(p), "\n"))
	return len(p), nil
}

func (l *logLines) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.all...)
}

// find returns the switch of that DPID that the controller knows, or nil.
func (l *lab) find(dpid ofp.DPID) *controller.Switch {
	for _, s := range l.c.Switches() {
		if s.DPID() == dpid {
			return s
		}
	}
	return nil
}

// until polls for a condition that must come, or that may not come in the given
// time, and reports whether it came.
func until(within time.Duration, cond func() bool) bool {
	for end := time.Now().Add(within); ; time.Sleep(2 * time.Millisecond) {
		if cond() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}

// another returns a switch that is not the bystander, or nil: the victim, whatever
// has become of its DPID on the way.
func (l *lab) another() *controller.Switch {
	for _, s := range l.c.Switches() {
		if s.DPID() != theBystander {
			return s
		}
	}
	return nil
}

// await waits until the controller knows a switch of that DPID other than old.
func (l *lab) await(dpid ofp.DPID, old *controller.Switch) (s *controller.Switch) {
	l.t.Helper()
	if !until(patience, func() bool { s = l.find(dpid); return s != nil && s != old }) {
		l.t.Fatalf("switch %s does not become known", dpid)
	}
	return s
}

// connect connects the victim through the proxy, as it is.
func (l *lab) connect() *controller.Switch {
	l.t.Helper()
	old := l.find(theVictim)
	if l.bridge != nil {
		return l.await(theVictim, nil) // it connects by itself
	}
	if err := l.dial(l.victim, l.proxy.Addr()); err != nil {
		l.t.Fatal(err)
	}
	return l.await(theVictim, old)
}

// comeBack lets the victim connect again and again, as switches do, until the
// controller knows it anew.
func (l *lab) comeBack() *controller.Switch {
	l.t.Helper()
	if l.bridge != nil {
		return l.backByItself()
	}
	l.victim.Disconnect()
	var s *controller.Switch
	old := l.find(theVictim)
	if !until(patience, func() bool {
		if !l.victim.Connected() {
			if err := l.dial(l.victim, l.proxy.Addr()); err != nil {
				return false
			}
		}
		s = l.find(theVictim)
		return s != nil && s != old && l.victim.Connected()
	}) {
		l.t.Fatal("the victim does not come back")
	}
	return s
}

// flowHolder is a switch whose flows can be seen from behind.
type flowHolder interface{ Flows() []ofp.FlowStats }

// holder is the victim, or the bridge in its place.
func (l *lab) holder() flowHolder {
	if l.bridge != nil {
		return l.bridge
	}
	return l.victim
}

// settles requires a switch to work as if nothing had been: all its flows are
// deleted, some are written, and they alone are there and are told.
func (l *lab) settles(sw flowHolder, s *controller.Switch) {
	l.t.Helper()
	const n = 50
	ctx, cancel := context.WithTimeout(l.t.Context(), patience)
	defer cancel()
	if err := s.Write(ctx, append([]ofp.Message{ofp.NewFlowMod(ofp.FlowDelete)}, theFlows(n)...)); err != nil {
		l.t.Errorf("switch %s: then a write fails: %v", s.DPID(), err)
		return
	}
	have, foreign := numbers(sw.Flows())
	if len(have) != n || foreign > 0 {
		l.t.Errorf("switch %s: then %d flows of %d are there, and %d others: %v", s.DPID(), len(have), n, foreign, have)
	}
	flows, err := s.Flows(ctx, ofp.AllFlows())
	if have, foreign := numbers(flows); err != nil || len(have) != n || foreign > 0 {
		l.t.Errorf("switch %s: then statistics tell of %d flows of %d and of %d others: %v", s.DPID(), len(have), n, foreign, err)
	}
}

// unharmed requires that the bystander has kept its connection and works.
func (l *lab) unharmed() {
	l.t.Helper()
	if s := l.find(theBystander); s != l.seen || !l.bystander.Connected() {
		l.t.Errorf("the bystander has lost its connection: %v", l.bystander.Err())
		return
	}
	if have, foreign := numbers(l.bystander.Flows()); len(have)+foreign > 0 {
		l.t.Errorf("the bystander has %d flows and %d others that were not written to it", len(have), foreign)
	}
	l.settles(l.bystander, l.seen)
	if e := l.bystander.Refused(); len(e) > 0 {
		l.t.Errorf("the bystander has refused %d messages, the first with %s", len(e), e[0].Describe())
	}
	if e := l.bystander.Errors(); len(e) > 0 {
		l.t.Errorf("the bystander was sent %d errors, the first %s", len(e), e[0].Describe())
	}
}

// logged requires few and clear lines: no error, no fault of the controller's
// own, and a reason for every end of a connection.
func (l *lab) logged(most int) {
	l.t.Helper()
	lines := l.log.lines()
	if len(lines) > most {
		l.t.Errorf("%d log lines, at most %d are due", len(lines), most)
	}
	for _, line := range lines {
		ended := strings.Contains(line, `msg="connection refused"`) || strings.Contains(line, `msg="switch disconnected"`)
		switch {
		case strings.Contains(line, "level=error"), strings.Contains(line, "level=fatal"), strings.Contains(line, "level=panic"),
			strings.Contains(line, "reason=internal"), strings.Contains(line, "panic"):
			l.t.Errorf("log: %s", line)
		case ended && !(strings.Contains(line, " reason=") && strings.Contains(line, "addr=")):
			l.t.Errorf("log: an end without its reason or address: %s", line)
		}
	}
}
