package reliable

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/need"
	"github.com/sluice-sdn/sluice/test/ovs"
)

// guarded is a bridge that lets its first host speak to the second one, and has a
// broad flow to the third one from which two kinds of packets are excepted: to UDP
// port 9 in table 0, and to UDP port 10 in table 1. Between the broad flows and the
// exceptions there are thousands of others, so that a switch that is told them in
// another order leaks for long.
type guarded struct {
	version
	bridge string
	hosts  [3]*ovs.Host
	things int

	allowed atomic.Uint64 // that came to the second host
}

const fillers = 1500 // flows of each table that only take time

// TestKillSwitch kills ovs-vswitchd again and again under traffic. Flows, groups
// and meters come back by themselves, and the third host, to which nothing that is
// sent may go, never gets a packet: neither while the switch has no flows, nor
// while it gets them back.
func TestKillSwitch(t *testing.T) {
	l := newLab(t, "--extensions")
	need.Program(t, "tcpdump", "tcpdump")
	l.start()
	// The switch's ends of the hosts' cables would ask for IPv6 routers by themselves.
	_, err := l.Run(t.Context(), "sh", "-c", "for f in all default; do f=/proc/sys/net/ipv6/conf/$f/disable_ipv6; [ ! -e $f ] || echo 1 >$f; done")
	l.check(err)
	all := []*guarded{{version: versions[3], bridge: "br13"}, {version: versions[0], bridge: "br10"}}
	var bridges []string
	for i, g := range all {
		l.bridge(g.bridge, uint64(i+1), g.protocol)
		for n := range g.hosts {
			name := fmt.Sprintf("%sh%d", g.bridge, n+1)
			h, err := l.AddHost(t.Context(), g.bridge, name, fmt.Sprintf("10.0.%d.%d/24", i, n+1))
			l.check(err)
			// The flows name ports by their numbers: these must stay.
			_, err = l.Vsctl(t.Context(), "set", "interface", name, fmt.Sprintf("ofport_request=%d", h.Port))
			l.check(err)
			g.hosts[n] = h
		}
		l.neighbours(g.hosts[:]...)
		bridges = append(bridges, g.bridge)
	}
	l.ready(bridges...)
	for _, g := range all {
		l.guard(g)
	}
	before := make(map[string][]string)
	for _, g := range all {
		before[g.bridge] = l.whole(g)
		if len(before[g.bridge]) != g.things {
			t.Fatalf("%s has %d things, want %d", g.bridge, len(before[g.bridge]), g.things)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	var traffic sync.WaitGroup
	defer traffic.Wait()
	defer stop()
	for _, g := range all {
		l.traffic(ctx, &traffic, g)
	}
	l.arrives(all)
	watches := make(map[string]*ovs.Process)
	for _, g := range all {
		p, err := l.Go("tcpdump-"+g.bridge, "ip", "netns", "exec", g.hosts[2].Namespace, "tcpdump", "-l", "-n", "-e", "-tttt", "-i", "eth0")
		l.check(err)
		watches[g.bridge] = p
	}
	rounds, begin := times(4, 50), time.Now()
	var longest time.Duration
	for round := range rounds {
		l.KillVswitchd()
		start := time.Now()
		l.check(l.StartVswitchd(l.within(patience)))
		l.ready(bridges...)
		l.arrives(all)
		longest = max(longest, time.Since(start))
		for _, g := range all {
			if now := l.whole(g); !slices.Equal(now, before[g.bridge]) {
				t.Errorf("round %d: %s has not what it had: %s", round, g.bridge, difference(now, before[g.bridge]))
			}
			if n := l.frames(g.hosts[2]); n > 0 {
				t.Fatalf("round %d: %s: %d packets went to where they must not go\n%s", round, g.bridge, n, watches[g.bridge].Output())
			}
		}
	}
	sent := uint64(0)
	for _, g := range all {
		sent += g.allowed.Load()
	}
	t.Logf("%d × kill -9 of ovs-vswitchd in %.0f s: each time all of %d and %d flows, groups and meters were there again, after %.1f s at the longest; %d packets went where they were to go, none elsewhere",
		rounds, time.Since(begin).Seconds(), all[0].things, all[1].things, longest.Seconds(), sent)
	// The count counts: without the exception packets do go there.
	for _, g := range all {
		_, err := l.Ofctl(t.Context(), "--strict", "del-flows", g.bridge, "table=0,priority=60000,udp,tp_dst=9")
		l.check(err)
		l.check(ovs.Wait(l.within(patience), "a leak", func(context.Context) error {
			if l.frames(g.hosts[2]) == 0 {
				return fmt.Errorf("%s: nothing leaks", g.bridge)
			}
			return nil
		}))
	}
}

// guard has the bridge's flows written.
func (l *lab) guard(g *guarded) {
	l.t.Helper()
	in, out, never := g.hosts[0].Port, g.hosts[1].Port, g.hosts[2].Port
	wish := &sluicev1.SwitchWish{Switch: g.bridge}
	flow := func(format string, args ...any) { wish.Flows = append(wish.Flows, spec(fmt.Sprintf(format, args...))) }
	second, allow := "resubmit(,1)", fmt.Sprintf("output:%d", out)
	if g.name == "1.3" {
		second, allow = "goto_table:1", "meter:1,group:1"
		wish.Groups = append(wish.Groups, groupSpec("group_id=1,type=all,bucket=group:2"), groupSpec(fmt.Sprintf("group_id=2,type=indirect,bucket=output:%d", out)))
		wish.Meters = append(wish.Meters, &sluicev1.MeterSpec{Form: &sluicev1.MeterSpec_Text{Text: "meter=1,pktps,band=type=drop,rate=1000000"}})
	}
	flow("table=0,priority=65000,in_port=%d,udp,tp_dst=7,actions=%s", in, allow)
	flow("table=0,priority=60000,udp,tp_dst=9,actions=drop")
	flow("table=0,priority=50000,in_port=%d,udp,tp_dst=10,actions=%s", in, second)
	flow("table=0,priority=1,in_port=%d,ip,actions=output:%d", in, never)
	flow("table=1,priority=60000,udp,tp_dst=10,actions=drop")
	flow("table=1,priority=1,ip,actions=output:%d", never)
	for i := range fillers {
		for table := range 2 {
			flow("table=%d,priority=%d,dl_src=02:ff:00:00:%02x:%02x,actions=drop", table, 100+i, i>>8, i&255)
		}
	}
	g.things = len(wish.Flows) + len(wish.Groups) + len(wish.Meters)
	_, err := l.states().Apply(l.within(patience), &sluicev1.ApplyRequest{Switches: []*sluicev1.SwitchWish{wish}})
	l.check(err)
}

// whole is all that a bridge has, without what counts up.
func (l *lab) whole(g *guarded) []string {
	l.t.Helper()
	all := l.dump("dump-flows", g.bridge)
	if g.name == "1.3" {
		all = append(all, l.dump("dump-groups", g.bridge)...)
		all = append(all, strings.Join(l.dump("dump-meters", g.bridge), " "))
	}
	slices.Sort(all)
	return all
}

// difference tells the first lines in which two sorted lists differ.
func difference(now, before []string) string {
	var out []string
	for _, x := range now {
		if _, had := slices.BinarySearch(before, x); !had {
			out = append(out, "+ "+x)
		}
	}
	for _, x := range before {
		if _, has := slices.BinarySearch(now, x); !has {
			out = append(out, "- "+x)
		}
	}
	return strings.Join(out[:min(len(out), 10)], "\n")
}

// neighbours tells hosts each other's addresses, so that none has to ask.
func (l *lab) neighbours(hosts ...*ovs.Host) {
	l.t.Helper()
	for _, h := range hosts {
		for _, o := range hosts {
			if h != o {
				_, err := h.Run(l.t.Context(), "ip", "neigh", "replace", o.IP.String(), "lladdr", o.MAC.String(), "dev", "eth0", "nud", "permanent")
				l.check(err)
			}
		}
	}
}

// traffic has the first host send until ctx ends: to the second one what is
// allowed, to the third one what is not.
func (l *lab) traffic(ctx context.Context, all *sync.WaitGroup, g *guarded) {
	l.t.Helper()
	from, err := g.hosts[0].ListenPacket(ctx, g.hosts[0].IP.String()+":0")
	l.check(err)
	to, err := g.hosts[1].ListenPacket(ctx, g.hosts[1].IP.String()+":7")
	l.check(err)
	context.AfterFunc(ctx, func() { from.Close(); to.Close() })
	all.Go(func() {
		b := make([]byte, 100)
		for {
			if _, _, err := to.ReadFrom(b); err != nil {
				return
			}
			g.allowed.Add(1)
		}
	})
	all.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		addr := func(h *ovs.Host, port int) net.Addr { return &net.UDPAddr{IP: h.IP.AsSlice(), Port: port} }
		targets := []net.Addr{addr(g.hosts[1], 7), addr(g.hosts[2], 9), addr(g.hosts[2], 10)}
		for ctx.Err() == nil {
			for _, a := range targets {
				_, _ = from.WriteTo([]byte("packet"), a) // what is not sent, while the interface has no room, is not missed
			}
			<-tick.C
		}
	})
}

// arrives waits until what is allowed arrives.
func (l *lab) arrives(all []*guarded) {
	l.t.Helper()
	for _, g := range all {
		seen := g.allowed.Load()
		l.check(ovs.Wait(l.within(patience), "traffic", func(context.Context) error {
			if g.allowed.Load() == seen {
				return fmt.Errorf("%s: nothing arrives", g.bridge)
			}
			return nil
		}))
	}
}

// frames is how many frames have come to a host, whatever they are.
func (l *lab) frames(h *ovs.Host) uint64 {
	l.t.Helper()
	out, err := h.Run(l.t.Context(), "ip", "-s", "-j", "link", "show", "eth0")
	l.check(err)
	var links []struct {
		Stats64 struct{ RX struct{ Packets uint64 } }
	}
	l.check(json.Unmarshal([]byte(out), &links))
	if len(links) != 1 {
		l.t.Fatalf("ip link: %s", out)
	}
	return links[0].Stats64.RX.Packets
}
