package e2e

import (
	"context"
	"fmt"
	"net"
	"slices"
	"testing"

	"google.golang.org/grpc/status"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/faultproxy"
	"github.com/sluice-sdn/sluice/test/ovs"
)

// stateFaults break a connection in the midst of a request of flows.
var stateFaults = []string{
	"reset@down@byte:20k", "reset@up@byte:8", "half-close@up@byte:4", "half-close@down@byte:20k", "delay=5ms..20ms,split=50", "reset@down@message:0",
}

// TestStateUnderFaults: whatever becomes of a connection while flows are written,
// the bridge soon has exactly those that were acknowledged or left in doubt, which
// the store has, without anybody's doing.
func TestStateUnderFaults(t *testing.T) {
	t.Parallel()
	l := newLab(t, "--apps", "none")
	for i, v := range []version{versions[0], versions[3]} {
		ln, err := l.Listen(t.Context(), "127.0.0.1:0")
		l.check(err)
		proxy, err := faultproxy.Start(faultproxy.Config{
			Listener: ln, Seed: uint64(i),
			Dial: func(ctx context.Context) (net.Conn, error) { return l.Dial(ctx, "tcp", "127.0.0.1:6653") },
		})
		l.check(err)
		t.Cleanup(proxy.Close)
		_, port, _ := net.SplitHostPort(proxy.Addr())
		l.check(l.AddBridge(t.Context(), ovs.Bridge{Name: v.bridge, DPID: uint64(i + 1), Protocols: []string{v.protocol}, Controllers: []string{"tcp:127.0.0.1:" + port}}))
		_, err = l.Vsctl(t.Context(), "set", "controller", v.bridge, "max_backoff=1000")
		l.check(err)
		want := []string{}
		doubts := 0 // requests that the store has although they failed
		for round, fault := range stateFaults {
			t.Run(v.name+"/"+fault, func(t *testing.T) {
				l.ready(heal, v.bridge)
				faults, err := faultproxy.Parse(fault)
				if err != nil {
					t.Fatal(err)
				}
				var changes []*sluicev1.FlowChange
				var added []string
				for n := range 600 {
					mac := fmt.Sprintf("02:00:00:%02x:%02x:%02x", round, n>>8, n&255)
					changes = append(changes, add(text("priority=9,dl_dst="+mac+",actions=output:1")))
					added = append(added, "priority=9,dl_dst="+mac+" actions=output:1")
				}
				before := proxy.Counts()
				proxy.Set(faults...)
				_, err = sluicev1.NewFlowServiceClient(l.conn).WriteFlows(l.within(heal), &sluicev1.WriteFlowsRequest{Switch: v.bridge, Changes: changes})
				proxy.Set()
				if proxy.Counts() == before {
					t.Error("the fault has not happened")
				}
				stored := err == nil
				for _, d := range status.Convert(err).Details() {
					if r, ok := d.(*sluicev1.WriteResult); ok && r.StoredRevision != nil {
						stored = true
						doubts++
					}
				}
				if stored {
					want = append(want, added...)
					slices.Sort(want)
				}
				t.Logf("stored %v: %v", stored, err)
				if e := ovs.Wait(l.within(heal), "the flows", func(ctx context.Context) error {
					has := l.has(t, v.bridge)
					if !slices.Equal(has, want) {
						return fmt.Errorf("%d flows, want %d", len(has), len(want))
					}
					return nil
				}); e != nil {
					t.Errorf("after %v: %v", err, e)
				}
			})
		}
		if doubts == 0 {
			t.Errorf("%s: nothing was left in doubt", v.name)
		}
	}
}
