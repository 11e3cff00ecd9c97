package faults

import (
	"context"
	"fmt"
	"hash/fnv"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/faultproxy"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// suite is the faults that are run against each kind of work. In their text,
// WHERE is the point in the midst of the work, and P a probability that fits how
// many messages there are. Each is a kind, or several together.
var suite = []string{
	"delay=5ms..25ms",
	"throttle=150k",
	"split=5",
	"cut@down@WHERE",
	"cut@up@WHERE",
	"reset@down@WHERE",
	"reset@up@WHERE",
	"half-close@down@WHERE",
	"half-close@up@WHERE",
	"drop=P@down",
	"drop=P@up",
	"duplicate=P@down",
	"duplicate=P@up",
	"reorder=P@down",
	"reorder=P@up",
	"corrupt=P@down",
	"corrupt=P@up",
	"corrupt-length=P@down",
	"corrupt-length=P@up",
	"duplicate-segment=P@down",
	"duplicate-segment=P@up",
	"reorder-segment=P@down",
	"reorder-segment=P@up",

	"delay=10ms,split=7,reset@down@WHERE",
	"throttle=100k,cut@up@WHERE,cut@down@WHERE",
	"duplicate=P,reorder=P",
	"split=50,duplicate=P,delay=1ms..10ms",
	"corrupt=P,half-close@up@WHERE",
	"cut@down@WHERE,half-close@up@WHERE",
}

// TestEveryKindIsInTheSuite fails for a kind of fault that nobody runs.
func TestEveryKindIsInTheSuite(t *testing.T) {
	var run [faultproxy.NumKinds]bool
	for _, text := range suite {
		faults, err := faultproxy.Parse(works[0].with(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range faults {
			run[f.Kind] = true
		}
	}
	for kind, yes := range run {
		if !yes {
			t.Errorf("no fault of the suite is of the kind %s", faultproxy.Kind(kind))
		}
	}
}

// work is what a fault comes upon.
type work struct {
	name string
	down string // WHERE, downwards
	up   string
	rate map[bool]string // P, downwards if true
	do   func(l *lab, c *ordeal)
}

var works = []work{
	{"handshake", "message:2", "message:1", map[bool]string{true: "0.5", false: "0.5"}, handshake},
	{"push", "byte:60k", "byte:8", map[bool]string{true: "0.003", false: "0.5"}, push},
	{"statistics", "message:0", "byte:30k", map[bool]string{true: "0.5", false: "0.2"}, statistics},
	{"idle", "message:0", "message:0", map[bool]string{true: "0.7", false: "0.7"}, idle},
}

// with puts WHERE and P into the text of faults.
func (w *work) with(text string) string {
	parts := strings.Split(text, ",")
	for i, p := range parts {
		where, rate := w.down, w.rate[true]
		if strings.Contains(p, "@up") {
			where, rate = w.up, w.rate[false]
		}
		parts[i] = strings.NewReplacer("WHERE", where, "=P", "="+rate).Replace(p)
	}
	return strings.Join(parts, ",")
}

const (
	pushed = 2400 // flows, in three groups with a barrier each
	listed = 800  // flows, about 80 KB of statistics
)

// ordeal is a fault and what is promised under it.
type ordeal struct {
	faults  faultproxy.Faults
	promise promise
	begin   faultproxy.Counts // before the faults
	ends    int               // of connections, before the faults
}

// TestFaults runs every fault against every work. Afterwards the faults are
// lifted and the switch must come back and work; the bystander must not have
// noticed, nothing may be left, and few and clear lines be logged.
func TestFaults(t *testing.T) {
	t.Parallel()
	versions, seeds := []ofp.Version{ofp.V10, ofp.V13}, 1
	if os.Getenv("SLUICE_FAULTS") == "long" {
		versions, seeds = ofp.Versions(), 5
	}
	for _, w := range works {
		for _, text := range suite {
			for _, v := range versions {
				for seed := range seeds {
					name := fmt.Sprintf("%s/%s/%s", w.name, text, v)
					if seed > 0 {
						name += fmt.Sprintf("/%d", seed)
					}
					t.Run(name, func(t *testing.T) {
						t.Parallel()
						suffer(t, name, v, &w, w.with(text), nil)
					})
				}
			}
		}
	}
}

// suffer runs one case; secured is nil where nothing is encrypted.
func suffer(t *testing.T, name string, v ofp.Version, w *work, text string, secured *secured) {
	faults, err := faultproxy.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	c := &ordeal{faults: faults, promise: promisedUnder(faults)}
	if secured != nil {
		c.promise = promisedOverTLS(faults)
	}
	cfg := simswitch.Config{Versions: []ofp.Version{v}}
	if w.name == "push" && c.promise&failedIsNot != 0 {
		cfg.MaxFlows = pushed - 300 // so that some of them fail
	}
	h := fnv.New64a()
	h.Write([]byte(name))
	l := newLabOver(t, h.Sum64(), cfg, nil, secured)
	w.do(l, c)
	if after := l.proxy.Counts(); !l.happened(c) && !l.corrupted(c) {
		t.Errorf("%s: not all of it has happened: %v", text, after)
	}

	l.proxy.Set()
	s := l.find(theVictim)
	if s == nil || c.promise&staysUp == 0 {
		s = l.comeBack()
	}
	l.settles(l.holder(), s)
	l.unharmed()
	l.logged(40)
}

// set sets the faults.
func (l *lab) set(c *ordeal) {
	c.begin, c.ends = l.proxy.Counts(), l.ends()
	l.proxy.Set(c.faults...)
}

// happened reports whether each of the faults has happened. One that ends a
// connection may come before the others do.
func (l *lab) happened(c *ordeal) bool {
	now := l.proxy.Counts()
	ended := false
	all := true
	for _, f := range c.faults {
		yes := now[f.Kind] > c.begin[f.Kind]
		all = all && yes
		ended = ended || yes && (f.Kind == faultproxy.Reset || f.Kind == faultproxy.HalfClose || f.Kind == faultproxy.Cut)
	}
	return all || ended
}

// corrupted reports whether corrupt messages have ended a connection, perhaps
// before the other faults could come: a switch ends it where it cannot read on.
func (l *lab) corrupted(c *ordeal) bool {
	now := l.proxy.Counts()
	some := now[faultproxy.Corrupt] > c.begin[faultproxy.Corrupt] || now[faultproxy.CorruptLength] > c.begin[faultproxy.CorruptLength]
	return some && l.ends() > c.ends
}

// handshake connects while the faults are at work: the switch becomes ready, or
// its connection ends in time. It is tried until the faults have happened.
func handshake(l *lab, c *ordeal) {
	l.set(c)
	for try := 1; ; try++ {
		before := l.ends()
		if err := l.dial(l.victim, l.proxy.Addr()); err != nil {
			l.t.Fatal(err)
		}
		if !until(patience, func() bool { return l.another() != nil || l.ends() > before }) {
			l.t.Fatal("the handshake neither succeeds nor fails")
		}
		// A hello that comes late is no hello.
		if c.promise&staysUp != 0 && c.promise&acknowledgedIsThere != 0 && l.find(theVictim) == nil {
			l.t.Errorf("the handshake fails")
		}
		if l.happened(c) || try == 8 {
			return
		}
		l.victim.Disconnect()
		if !until(patience, func() bool { return l.another() == nil }) {
			l.t.Fatal("the controller keeps a switch that has closed its connection")
		}
	}
}

// ends counts the connections that the log says have ended.
func (l *lab) ends() (n int) {
	for _, line := range l.log.lines() {
		if strings.Contains(line, `msg="connection refused"`) || strings.Contains(line, `msg="switch disconnected"`) {
			n++
		}
	}
	return n
}

// push writes flows while the faults are at work, and compares what the Write
// reports with what the switch has.
func push(l *lab, c *ordeal) {
	s := l.connect()
	l.set(c)
	for try := 1; ; try++ {
		ctx, cancel := context.WithTimeout(l.t.Context(), 30*time.Second)
		err := s.Write(ctx, theFlows(pushed))
		cancel()
		for _, wrong := range judgeWrite(c.promise, err, pushed, l.holder()) {
			l.t.Error(wrong)
		}
		if c.promise&staysUp != 0 {
			if e, ok := err.(*controller.WriteError); ok && e.Err != nil {
				l.t.Errorf("the write does not end: %v", err)
			}
		}
		if testing.Verbose() {
			l.t.Logf("write: %v", err)
		}
		// What is late comes, and what was never sent does not.
		if c.promise&acknowledgedComes != 0 && c.promise&staysUp != 0 {
			if !until(5*time.Second, func() bool { return len(missing(err, pushed, l.holder())) == 0 }) && l.find(theVictim) == s {
				l.t.Errorf("%d acknowledged flows never come", len(missing(err, pushed, l.holder())))
			}
		}
		if l.happened(c) || try == 8 || l.find(theVictim) != s {
			break
		}
	}
	l.known(s, c)
}

// turn is had by the cases that prepare themselves, so that they do not take the
// processor from each other until switches seem dead.
var turn = make(chan struct{}, 2)

// statistics asks for flows in many segments while the faults are at work.
func statistics(l *lab, c *ordeal) {
	s := l.connect()
	ctx, cancel := context.WithTimeout(l.t.Context(), patience)
	defer cancel()
	turn <- struct{}{}
	n := listed
	if l.bridge != nil {
		n = listedByBridge
	}
	err := s.Write(ctx, theFlows(n))
	<-turn
	if err != nil {
		l.t.Fatal(err)
	}
	l.set(c)
	for try := 1; ; try++ {
		flows, err := s.Flows(ctx, ofp.AllFlows())
		if err == nil {
			for _, wrong := range judgeReply(c.promise, flows, n) {
				l.t.Error(wrong)
			}
		} else if c.promise&staysUp != 0 && c.promise&wholeReplies != 0 {
			l.t.Errorf("statistics fail: %v", err)
		}
		if l.happened(c) || try == 20 || l.find(theVictim) != s {
			break
		}
	}
	l.known(s, c)
}

// idle leaves the connection alone.
func idle(l *lab, c *ordeal) {
	s := l.connect()
	l.set(c)
	asked := l.victim.Received(ofp.TypeEchoRequest)
	// Some probes, or the end of the connection. A bridge asks itself, too.
	if !until(patience, func() bool {
		enough := l.bridge != nil || l.victim.Received(ofp.TypeEchoRequest) >= asked+3
		return l.find(theVictim) != s || c.promise&ends == 0 && enough && l.happened(c)
	}) && c.promise&(staysUp|ends) != 0 {
		l.t.Errorf("the connection neither ends nor is it asked whether it lives")
	}
	l.known(s, c)
}

// known requires the connection to stay if that is promised, and to go if it
// must.
func (l *lab) known(s *controller.Switch, c *ordeal) {
	l.t.Helper()
	switch {
	case c.promise&ends != 0 && !until(patience, func() bool { return l.find(theVictim) != s }):
		l.t.Error("the connection does not end")
	case c.promise&staysUp != 0 && c.promise&ends == 0 && l.find(theVictim) != s:
		l.t.Error("the connection has ended")
	}
}
