package api

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc/status"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/controller/desired"
	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// TestWhatIsLeft: a write that failed says that nothing was changed where that is
// so, and not where flows with timeouts, which nobody undoes, may be on the switch.
func TestWhatIsLeft(t *testing.T) {
	type fault = func(int, ofp.Header, ofp.Message) simswitch.Fault
	refuse := func() fault { return simswitch.RefuseFlow(2, ofp.FlowModFailedEPERM) }
	end := func() fault { return simswitch.DropAfter(1) }
	for _, row := range []struct {
		name  string
		fault func() fault
		flows []string
		want  string // the end of the text; "" if it says nothing
		has   int    // flows on the switch afterwards, where it is there
	}{
		{"kept, refused", refuse, []string{"priority=1,actions=drop", "priority=2,actions=drop"}, "; nothing was changed", 0},
		{"transient, refused", refuse, []string{"priority=1,idle_timeout=60,actions=drop", "priority=2,idle_timeout=60,actions=drop"}, "", 1},
		{"both, kept refused", refuse, []string{"priority=1,idle_timeout=60,actions=drop", "priority=2,actions=drop"},
			"; what is kept is as it was, flows with timeouts stay until they run out", 1},
		{"kept, gone", end, []string{"priority=1,actions=drop", "priority=2,actions=drop"},
			"; stored as revision 1, to which the switch will be brought", -1},
		{"transient, gone", end, []string{"priority=1,idle_timeout=60,actions=drop", "priority=2,idle_timeout=60,actions=drop"}, "", -1},
	} {
		t.Run(row.name, func(t *testing.T) {
			kept := store.NewMemory(store.Options{})
			t.Cleanup(func() { _ = kept.Close() })
			d, err := desired.New(t.Context(), kept)
			if err != nil {
				t.Fatal(err)
			}
			r := newRigOver(t, controller.Config{Desired: d}, Config{})
			sim := r.bridge(ofp.V13)
			sim.SetFaults(row.fault())
			var specs []*sluicev1.FlowSpec
			for _, f := range row.flows {
				specs = append(specs, text(f))
			}
			err = r.write(add(specs...))
			said := status.Convert(err).Message()
			if err == nil || row.want != "" && !strings.HasSuffix(said, row.want) {
				t.Errorf("said %q, want it to end in %q", said, row.want)
			}
			if row.want == "" && strings.Contains(said, ";") {
				t.Errorf("said %q, want nothing of what is left", said)
			}
			if row.has < 0 {
				return
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			sw, err := r.c.Find("br0")
			if err != nil {
				t.Fatal(err)
			}
			flows, err := sw.Flows(ctx, ofp.AllFlows())
			if err != nil || len(flows) != row.has {
				t.Errorf("%d flows are on the switch, want %d: %v", len(flows), row.has, err)
			}
		})
	}
}
