package faults

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/faultproxy"
	"github.com/sluice-sdn/sluice/test/ovs"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// listedByBridge is how many flows a bridge lists: about 300 KB.
const listedByBridge = 3000

// bridgeFaults are those of the suite that real bridges meet.
var bridgeFaults = []string{
	"delay=1ms..5ms",
	"throttle=300k",
	"split=40",
	"cut@down@WHERE",
	"reset@up@WHERE",
	"half-close@up@WHERE",
	"half-close@down@WHERE",
	"duplicate=P@down",
	"reorder=P@up",
	"corrupt=P@up",
	"corrupt=P@down",
	"cut@up@WHERE",
	"reset@down@WHERE",
}

// bridge is the victim as a bridge of Open vSwitch, which connects by itself.
type bridge struct {
	t    *testing.T
	net  *ovs.Net
	name string
}

// bridgeLine is one of theFlows as ovs-ofctl tells it.
var bridgeLine = regexp.MustCompile(`^ *cookie=0x([0-9a-f]+), priority=100,dl_dst=([0-9a-f:]{17}) actions=output:(\d+)$`)

// Flows are those that the bridge has, asked over its own socket. What is none of
// theFlows has nothing in it.
func (b *bridge) Flows() (flows []ofp.FlowStats) {
	b.t.Helper()
	out, err := b.net.Ofctl(b.t.Context(), "--no-stats", "dump-flows", b.name)
	if err != nil {
		b.t.Fatal(err)
	}
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		if !strings.Contains(line, "actions=") {
			continue
		}
		var f ofp.FlowStats
		if m := bridgeLine.FindStringSubmatch(line); m != nil {
			f.Cookie, _ = strconv.ParseUint(m[1], 16, 64)
			f.Priority = 100
			mac, _ := strconv.ParseUint(strings.ReplaceAll(m[2], ":", ""), 16, 64)
			f.Match.SetUint(ofp.FieldEthDst, mac)
			port, _ := strconv.ParseUint(m[3], 10, 32)
			f.Instructions = []ofp.Instruction{ofp.Apply(ofp.Output(ofp.PortNo(port)))}
		}
		flows = append(flows, f)
	}
	return flows
}

// limit lets the bridge refuse flows beyond so many; 0 is no limit.
func (b *bridge) limit(flows int) {
	b.t.Helper()
	args := []string{"clear", "bridge", b.name, "flow_tables"}
	if flows > 0 {
		args = []string{"--", "--id=@t", "create", "flow_table", fmt.Sprintf("flow_limit=%d", flows), "overflow_policy=refuse",
			"--", "set", "bridge", b.name, "flow_tables:0=@t"}
	}
	if _, err := b.net.Vsctl(b.t.Context(), args...); err != nil {
		b.t.Fatal(err)
	}
}

// backByItself waits until the bridge is known anew and works.
func (l *lab) backByItself() *controller.Switch {
	l.t.Helper()
	var s *controller.Switch
	if !until(patience, func() bool {
		if s = l.find(theVictim); s == nil {
			return false
		}
		// It may be the connection that the fault has left behind, and about to end.
		ctx, cancel := context.WithTimeout(l.t.Context(), bounds().RequestTimeout)
		defer cancel()
		return s.Write(ctx, theFlows(1)) == nil && l.find(theVictim) == s
	}) {
		l.t.Fatal("the bridge does not come back")
	}
	return s
}

// TestOpenVSwitch runs faults against real bridges, of OpenFlow 1.0 and 1.3: what
// is acknowledged is on the bridge, what it refused is reported, long statistics
// are whole or an error, and after each fault the bridge is back by itself.
func TestOpenVSwitch(t *testing.T) {
	ovs.Require(t)
	t.Parallel()
	n := ovs.New(t)
	for _, v := range []struct {
		version  ofp.Version
		protocol string
	}{{ofp.V10, "OpenFlow10"}, {ofp.V13, "OpenFlow13"}} {
		for i, w := range works {
			if w.name == "handshake" {
				continue
			}
			t.Run(fmt.Sprintf("%s/%s", w.name, v.version), func(t *testing.T) {
				t.Parallel()
				ln, err := n.Listen(t.Context(), "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				h := fnv.New64a()
				h.Write([]byte(t.Name()))
				l := newLabBehind(t, h.Sum64(), simswitch.Config{Versions: []ofp.Version{v.version}}, ln)
				l.bridge = &bridge{t, n, fmt.Sprintf("br%d-%d", v.version, i)}
				l.addBridge(v.protocol)
				for _, text := range bridgeFaults {
					t.Run(text, func(t *testing.T) {
						outer := l.t
						l.t, l.bridge.t = t, t
						defer func() { l.t, l.bridge.t = outer, outer }()
						l.sufferBridge(&w, w.with(text))
					})
				}
				l.unharmed()
				l.logged(40 * len(bridgeFaults))
			})
		}
	}
}

func (l *lab) addBridge(protocol string) {
	l.t.Helper()
	b := l.bridge
	_, port, err := net.SplitHostPort(l.proxy.Addr())
	if err == nil {
		err = b.net.AddBridge(l.t.Context(), ovs.Bridge{Name: b.name, DPID: uint64(theVictim), Protocols: []string{protocol}, Controllers: []string{"tcp:127.0.0.1:" + port}})
	}
	if err == nil { // it tries again each second
		_, err = b.net.Vsctl(l.t.Context(), "set", "controller", b.name, "max_backoff=1000")
	}
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) sufferBridge(w *work, text string) {
	start := time.Now()
	faults, err := faultproxy.Parse(text)
	if err != nil {
		l.t.Fatal(err)
	}
	c := &ordeal{faults: faults, promise: promisedUnder(faults)}
	refuses := w.name == "push" && c.promise&failedIsNot != 0
	l.connect()
	if refuses {
		l.bridge.limit(pushed - 300)
	}
	w.do(l, c)
	if !l.happened(c) {
		l.t.Errorf("%s: not all of it has happened: %v", text, l.proxy.Counts())
	}
	l.proxy.Set()
	if refuses {
		l.bridge.limit(0)
	}
	s := l.find(theVictim)
	if s == nil || c.promise&staysUp == 0 {
		s = l.comeBack()
	}
	l.settles(l.bridge, s)
	if l.find(theBystander) != l.seen {
		l.t.Error("the bystander has lost its connection")
	}
	if testing.Verbose() {
		l.t.Logf("%v", time.Since(start))
	}
}

// TestBridgeRefuses: the promise about refused flows is not empty: a bridge that
// has no room says so, and the Write tells which flows are not there.
func TestBridgeRefuses(t *testing.T) {
	ovs.Require(t)
	t.Parallel()
	n := ovs.New(t)
	ln, err := n.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newLabBehind(t, 1, simswitch.Config{Versions: []ofp.Version{ofp.V13}}, ln)
	l.bridge = &bridge{t, n, "br0"}
	l.addBridge("OpenFlow13")
	s := l.connect()
	const room = 500
	l.bridge.limit(room)
	err = s.Write(t.Context(), theFlows(room+77))
	e, ok := errors.AsType[*controller.WriteError](err)
	if !ok || len(e.Errors) != 77 || e.Errors[0].Index != room {
		t.Errorf("the write says %v", err)
	}
	for _, wrong := range judgeWrite(likeTCP, err, room+77, l.bridge) {
		t.Error(wrong)
	}
	l.unharmed()
}
