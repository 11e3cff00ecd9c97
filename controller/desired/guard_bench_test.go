package desired

import (
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
)

// permits are flow-mods of apps: one for a pair of hosts, for which no owner has a
// flow in the same class or one has, and one that lasts.
var permits = []struct{ name, flow string }{
	{"transient", "priority=10,idle_timeout=60,in_port=1,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02,actions=output:2"},
	{"transient-like-owners", "priority=7,idle_timeout=60,in_port=1,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02,actions=output:2"},
	{"lasting", "priority=0,actions=CONTROLLER:65535"},
}

func guarded(t testing.TB, flow string) (*Guard, *ofp.FlowMod) {
	t.Helper()
	r := diskRig(t)
	r.apply("add-flow priority=7,ip,actions=output:1")
	m, err := ofp.ParseFlow(flow, ofp.FlowAdd, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r.d.Guard(1), m
}

// BenchmarkPermit is what the guard adds to each flow-mod of an app.
func BenchmarkPermit(b *testing.B) {
	for _, tt := range permits {
		b.Run(tt.name, func(b *testing.B) {
			g, m := guarded(b, tt.flow)
			b.ReportAllocs()
			for b.Loop() {
				if err := g.Permit(m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
