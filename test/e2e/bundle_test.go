package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
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

// macFlows returns n flows, of which no two have the same address.
func macFlows(n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = fmt.Sprintf("priority=9,dl_dst=02:00:00:%02x:%02x:%02x,actions=output:1", i>>16, i>>8&255, i&255)
	}
	return lines
}

// TestBundleFiles gives one bridge a bundle by sluice and another the same one by
// ovs-ofctl: they have the same then. Of one that is refused, neither has anything.
func TestBundleFiles(t *testing.T) {
	t.Parallel()
	l := newLab(t, "--apps", "none")
	l.expected = []string{"OFPBAC_BAD_OUT_GROUP", "OFPBFC_MSG_FAILED", "OFPBRC_BAD_EXPERIMENTER_TYPE"}
	for i, v := range versions {
		l.bridge(v.bridge, uint64(i+1), v.protocol)
	}
	l.bridge("theirs", 9, "OpenFlow13")
	l.ready(heal, "br10", "br11", "br12", "br13", "theirs")
	l.file(t, "good", "# in order", "group group_id=1,type=select,bucket=output:1", "group add group_id=2,type=all,bucket=group:1",
		"flow add priority=5,ip,actions=group:2", "flow priority=6,arp,actions=NORMAL", "flow add table=3,actions=drop", "flow modify arp,actions=drop", "group modify group_id=1,type=select,bucket=output:2",
		"packet-out in_port=CONTROLLER,packet=ffffffffffff0200000000010806,actions=TABLE", "flow delete_strict priority=5,ip,in_port=9", "flow delete table=3")
	has := func(bridge string) string {
		flows, err := l.Ofctl(t.Context(), "-O", "OpenFlow13", "--no-stats", "--sort", "dump-flows", bridge)
		l.check(err)
		groups, err := l.Ofctl(t.Context(), "-O", "OpenFlow13", "dump-groups", bridge)
		l.check(err)
		_, groups, _ = strings.Cut(groups, "\n") // the reply's xid
		sorted := strings.Fields(groups)         // no group has a space in it
		slices.Sort(sorted)
		return flows + strings.Join(sorted, "\n")
	}
	both := func(file string) (ours, theirs error) {
		_, ours = l.Run(t.Context(), filepath.Join(bin, "sluice"), "bundle", "br13", l.path(file))
		_, theirs = l.Ofctl(t.Context(), "-O", "OpenFlow13", "bundle", "theirs", l.path(file))
		if a, b := has("br13"), has("theirs"); a != b {
			t.Errorf("%s by sluice:\n%s\nby ovs-ofctl:\n%s", file, a, b)
		}
		return ours, theirs
	}
	if ours, theirs := both("good"); ours != nil || theirs != nil {
		t.Errorf("sluice bundle: %v; ovs-ofctl bundle: %v", ours, theirs)
	}
	if !strings.Contains(has("br13"), "arp actions=drop") {
		t.Errorf("the bridge has\n%s", has("br13"))
	}
	bad := []string{"flow delete arp", "group delete group_id=2"}
	for _, f := range macFlows(998) {
		bad = append(bad, "flow add "+f)
	}
	bad[517] = "flow add priority=1,actions=group:77"
	l.file(t, "bad", bad...)
	before := has("br13")
	// ovs-ofctl's would crash Open vSwitch 3.1, as nothing deletes the users of group 2.
	_, ours := l.Run(t.Context(), filepath.Join(bin, "sluice"), "bundle", "br13", l.path("bad"))
	if ours == nil || !strings.Contains(ours.Error(), "br13 refused 1 of 1000 changes: OFPBAC_BAD_OUT_GROUP; nothing was changed\n  line 518: priority=1,actions=group:77\n") {
		t.Errorf("sluice bundle: %v", ours)
	}
	if now := has("br13"); now != before {
		t.Errorf("before:\n%safter a bundle that was refused:\n%s", before, now)
	}
	l.file(t, "all", "group delete", "flow add priority=1,actions=drop")
	l.fails(t, "message 0 deletes all groups before other changes, and that would crash Open vSwitch", "bundle", "br13", l.path("all"))
	// Without --bundle it is one all the same, where desired state is kept.
	l.file(t, "lines", append(macFlows(999), "priority=1,actions=group:77")...)
	if _, err := l.Run(t.Context(), filepath.Join(bin, "sluice"), "add-flows", "br13", l.path("lines")); err == nil || !strings.Contains(err.Error(), "  of 1000 changes: 0 done, 1 refused\n") {
		t.Errorf("add-flows: %v", err)
	}
	if now := has("br13"); now != before {
		t.Errorf("before:\n%safter flows of which one was refused:\n%s", before, now)
	}
	for _, v := range versions[:3] {
		l.fails(t, v.bridge+", which speaks OpenFlow "+v.name+", has no bundles: send it without; nothing was changed", "add-flow", "--bundle", v.bridge, "actions=drop")
	}
}

// proxied adds a 1.3 bridge behind a proxy.
func (l *lab) proxied(bridge string) *faultproxy.Proxy {
	l.t.Helper()
	ln, err := l.Listen(l.t.Context(), "127.0.0.1:0")
	l.check(err)
	proxy, err := faultproxy.Start(faultproxy.Config{
		Listener: ln, Seed: 1,
		Dial: func(ctx context.Context) (net.Conn, error) { return l.Dial(ctx, "tcp", "127.0.0.1:6653") },
	})
	l.check(err)
	l.t.Cleanup(proxy.Close)
	_, port, _ := net.SplitHostPort(proxy.Addr())
	l.check(l.AddBridge(l.t.Context(), ovs.Bridge{Name: bridge, DPID: 1, Protocols: []string{"OpenFlow13"}, Controllers: []string{"tcp:127.0.0.1:" + port}}))
	_, err = l.Vsctl(l.t.Context(), "set", "controller", bridge, "max_backoff=1000")
	l.check(err)
	l.ready(heal, bridge)
	return proxy
}

// TestBundleIsCut ends the connection before the commit and between the commit and
// its answer, with and without desired state.
func TestBundleIsCut(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, fault, state string
		flows              int
		says               string
		has                int // right after it
		will               int // in the end
	}{
		{"before the commit", "reset@down@byte:20k", "", 600, "; nothing was changed", 0, 0},
		{"before the commit, with state", "reset@down@byte:20k", "state", 600, "; nothing was carried out yet; stored as revision 2, to which the switch will be brought", -1, 600},
		// The bundle is opened, its barrier is answered, and then it is committed.
		{"before the answer", "reset@up@message:2", "", 20, "20 of 20 were sent, 0 are confirmed", -1, 20},
		{"before the answer, with state", "reset@up@message:2", "state", 20, "stored as revision 2, to which the switch will be brought", -1, 20},
	} {
		t.Run(row.name, func(t *testing.T) {
			args := []string{"--apps", "none"}
			if row.state == "" {
				args = append(args, "--state", "")
			}
			l := newLab(t, args...)
			proxy := l.proxied("br0")
			client := sluicev1.NewFlowServiceClient(l.conn)
			write := func(lines ...string) error {
				req := &sluicev1.WriteFlowsRequest{Switch: "br0", Bundle: true}
				for _, f := range lines {
					req.Changes = append(req.Changes, add(text(f)))
				}
				_, err := client.WriteFlows(l.within(heal), req)
				return err
			}
			l.check(write("priority=1,actions=drop"))
			faults, err := faultproxy.Parse(row.fault)
			l.check(err)
			proxy.Set(faults...)
			err = write(macFlows(row.flows)...)
			proxy.Set()
			said := status.Convert(err).Message()
			if row.has < 0 && row.state == "" && strings.HasSuffix(said, "; nothing was changed") {
				// What the bridge said second was something else: it was cut
				// before the commit was sent.
				row.has, row.will = 0, 0
			} else if status.Code(err) != codes.Unavailable || !strings.HasSuffix(said, row.says) {
				t.Errorf("%v, want it to end in %q", err, row.says)
			}
			count := func() int {
				out, err := l.Ofctl(t.Context(), "-O", "OpenFlow13", "dump-flows", "br0")
				l.check(err)
				return strings.Count(out, "dl_dst=")
			}
			if n := count(); row.has >= 0 && n != row.has {
				t.Errorf("%d flows are on the bridge, want %d", n, row.has)
			}
			l.ready(heal, "br0")
			l.check(ovs.Wait(l.within(heal), "the flows", func(context.Context) error {
				n := count()
				if row.state == "" && row.has < 0 && n == 0 {
					row.will = 0 // what the bridge said third was something else: it was cut before it read the commit
				}
				if n != row.will {
					return fmt.Errorf("%d flows, want %d", n, row.will)
				}
				return nil
			}))
			l.check(write("priority=2,actions=drop"))
			if n := count(); n != row.will {
				t.Errorf("%d flows in the end, want %d", n, row.will)
			}
		})
	}
}

// TestLongBundle gives a bridge a bundle of 20,000 flows, or as many as
// SLUICE_BUNDLE says, while its packets come to the controller, and others ask it
// for a barrier: all live.
func TestLongBundle(t *testing.T) {
	t.Parallel()
	n := 20_000
	if s := os.Getenv("SLUICE_BUNDLE"); s != "" {
		if _, err := fmt.Sscan(s, &n); err != nil {
			t.Fatalf("SLUICE_BUNDLE: %v", err)
		}
	}
	l := newLab(t, "--apps", "l2switch")
	l.bridge("br0", 1, "OpenFlow13")
	h := l.hosts("br0", 0, 2)
	l.ready(heal, "br0")
	l.reaches(t, h[0], h[1])
	since := func() string {
		r, err := sluicev1.NewSwitchServiceClient(l.conn).GetSwitch(t.Context(), &sluicev1.GetSwitchRequest{Switch: "br0"})
		l.check(err)
		return r.GetSwitch().GetConnectedSince().String()
	}
	before := since()
	l.file(t, "flows", macFlows(n)...)
	done := make(chan error, 1)
	began := time.Now()
	go func() {
		_, err := l.Run(t.Context(), filepath.Join(bin, "sluice"), "add-flows", "--bundle", "br0", l.path("flows"))
		done <- err
	}()
	barriers := 0
	for running := true; running; {
		_, err := sluicev1.NewSwitchServiceClient(l.conn).Barrier(l.within(heal), &sluicev1.BarrierRequest{Switch: "br0"})
		if err != nil {
			t.Errorf("a barrier beside the bundle: %v", err)
			running = false
		}
		barriers++
		select {
		case err = <-done:
			l.check(err)
			running = false
		default:
		}
	}
	ours := time.Since(began)
	if since() != before {
		t.Error("the bridge has connected anew")
	}
	out, err := l.Ofctl(t.Context(), "-O", "OpenFlow13", "dump-flows", "br0")
	l.check(err)
	if got := strings.Count(out, "priority=9,dl_dst="); got != n {
		t.Errorf("%d flows, want %d", got, n)
	}
	l.reaches(t, h[1], h[0])
	_, err = l.Ofctl(t.Context(), "-O", "OpenFlow13", "del-flows", "br0", "dl_dst=02:00:00:00:00:00/ff:ff:ff:00:00:00")
	l.check(err)
	began = time.Now()
	_, err = l.Ofctl(t.Context(), "-O", "OpenFlow13", "--bundle", "add-flows", "br0", l.path("flows"))
	l.check(err)
	t.Logf("%d flows as a bundle: %v, with %d barriers beside it; ovs-ofctl --bundle: %v", n, ours, barriers, time.Since(began))
}
