package reliable

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/faultproxy"
	"github.com/sluice-sdn/sluice/test/ovs"
)

// cuts is a bridge behind a proxy that ends its connections in the midst of pushes.
type cuts struct {
	*lab
	rnd   *rand.Rand
	proxy *faultproxy.Proxy
	has   map[string]string // what should be on the bridge: cookies by addresses

	whole, before, after, early int
}

// cutAddresses is among how many flows a push chooses.
const cutAddresses = 250

// TestCutInBundle ends the connection to a 1.3 bridge at a random byte or message of a
// push, which is a bundle: writes that add and delete, and wishes that replace all.
// Whatever is seen of the bridge is all that was there before or all that is to be
// there; what was acknowledged or stored is told at once as what should be, and is
// there after the bridge has come back.
func TestCutInBundle(t *testing.T) {
	l := newLab(t)
	c := &cuts{lab: l, rnd: chance(t), has: make(map[string]string)}
	ln, err := l.Listen(t.Context(), "127.0.0.1:0")
	l.check(err)
	c.proxy, err = faultproxy.Start(faultproxy.Config{
		Listener: ln, Seed: c.rnd.Uint64(),
		Dial: func(ctx context.Context) (net.Conn, error) { return l.Dial(ctx, "tcp", "127.0.0.1:6653") },
	})
	l.check(err)
	t.Cleanup(c.proxy.Close)
	_, port, _ := net.SplitHostPort(c.proxy.Addr())
	l.check(l.AddBridge(t.Context(), ovs.Bridge{Name: "br0", DPID: 1, Protocols: []string{"OpenFlow13"}, Controllers: []string{"tcp:127.0.0.1:" + port}}))
	_, err = l.Vsctl(t.Context(), "set", "controller", "br0", "max_backoff=1000")
	l.check(err)
	l.start()
	l.ready("br0")
	rounds, begin := times(5, 30), time.Now()
	for round := 1; round <= rounds && !t.Failed(); round++ {
		c.once(round)
	}
	t.Logf("%d pushes in %.0f s: %d were acknowledged; of those that were cut off %d were not on the bridge then, %d were, and %d were refused with nothing changed; nothing was ever half there",
		rounds, time.Since(begin).Seconds(), c.whole, c.before, c.after, c.early)
	if times(0, 1) > 0 && c.before == 0 {
		t.Error("no push was cut off before its commit")
	}
}

// once pushes, and cuts the push off.
func (c *cuts) once(round int) {
	t := c.t
	t.Helper()
	cookie := fmt.Sprintf("%#x", round)
	next := maps.Clone(c.has)
	var changes []*sluicev1.FlowChange
	wish := &sluicev1.SwitchWish{Switch: "br0"}
	wishes := c.rnd.IntN(2) == 0
	if wishes {
		clear(next)
	}
	for _, n := range c.rnd.Perm(cutAddresses)[:2+c.rnd.IntN(cutAddresses-2)] {
		address := fmt.Sprintf("02:00:00:00:00:%02x", n)
		match := "table=0,priority=9,dl_dst=" + address
		if _, there := next[address]; there && c.rnd.IntN(2) == 0 {
			delete(next, address)
			changes = append(changes, &sluicev1.FlowChange{Change: &sluicev1.FlowChange_DeleteStrict{DeleteStrict: spec(match)}})
			continue
		}
		next[address] = cookie
		whole := fmt.Sprintf("cookie=%s,%s,actions=output:%d", cookie, match, 1+c.rnd.IntN(4))
		changes = append(changes, addFlow(whole))
		wish.Flows = append(wish.Flows, spec(whole))
	}
	// An addition is 16 bytes and a flow-mod of 100 or so; upwards there come the
	// answers to the opening, to the barrier and to the commit.
	fault := fmt.Sprintf("%s@down@byte:%d", c.kind(), c.rnd.IntN(200+130*len(changes)))
	if c.rnd.IntN(3) == 0 {
		fault = fmt.Sprintf("%s@up@message:%d", c.kind(), 1+c.rnd.IntN(2))
	}
	faults, err := faultproxy.Parse(fault)
	c.check(err)
	c.proxy.Set(faults...)
	if wishes {
		_, err = c.states().Apply(c.within(patience), &sluicev1.ApplyRequest{Switches: []*sluicev1.SwitchWish{wish}, Prune: true})
	} else {
		_, err = sluicev1.NewFlowServiceClient(c.conn).WriteFlows(c.within(patience), &sluicev1.WriteFlowsRequest{Switch: "br0", Changes: changes})
	}
	what := fmt.Sprintf("round %d, %s, %d changes, wish %v: %v", round, fault, len(changes), wishes, err)
	seen := c.seen()
	isBefore, isAfter := maps.Equal(seen, c.has), maps.Equal(seen, next)
	if !isBefore && !isAfter {
		t.Errorf("%s: the bridge has %d flows, neither the %d from before nor the %d that are to be", what, len(seen), len(c.has), len(next))
	}
	stored := err == nil || strings.Contains(status.Convert(err).Message(), "stored as revision")
	switch {
	case err == nil:
		c.whole++
		if !isAfter {
			t.Errorf("%s: acknowledged, and not on the bridge", what)
		}
	case status.Code(err) != codes.Unavailable && status.Code(err) != codes.NotFound:
		t.Error(what)
	case !stored:
		c.early++
		if !isBefore {
			t.Errorf("%s: it has changed the bridge", what)
		}
	case isAfter:
		c.after++
	default:
		c.before++
	}
	if stored {
		c.has = next
	}
	if told := c.told(); !maps.Equal(told, c.has) {
		t.Errorf("%s: the state tells %d flows, want %d", what, len(told), len(c.has))
	}
	c.proxy.Set()
	c.ready("br0")
	if now := c.seen(); !maps.Equal(now, c.has) {
		t.Errorf("%s: in the end the bridge has %d flows, want %d", what, len(now), len(c.has))
	}
	if told := c.told(); !maps.Equal(told, c.has) {
		t.Errorf("%s: in the end the state tells %d flows, want %d", what, len(told), len(c.has))
	}
}

func (c *cuts) kind() string {
	if c.rnd.IntN(8) == 0 {
		return "half-close" // which takes the bridge seconds to notice
	}
	return "reset"
}

var (
	cutAddress = regexp.MustCompile(`dl_dst=(02:[0-9a-f:]+)`)
	cutCookie  = regexp.MustCompile(`cookie=(0x[0-9a-f]+)`)
)

// flows reads cookies by addresses.
func flows(lines []string) map[string]string {
	all := make(map[string]string, len(lines))
	for _, line := range lines {
		if a := cutAddress.FindStringSubmatch(line); a != nil {
			all[a[1]] = cutCookie.FindStringSubmatch(line)[1]
		}
	}
	return all
}

// seen is what the bridge has, at one moment.
func (c *cuts) seen() map[string]string {
	c.t.Helper()
	return flows(c.dump("dump-flows", "br0"))
}

// told is what the bridge should have, as the state says.
func (c *cuts) told() map[string]string {
	c.t.Helper()
	var lines []string
	for _, x := range c.listState("br0") {
		lines = append(lines, x.GetText())
	}
	slices.Sort(lines)
	return flows(lines)
}
