package api

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// TestApplyWhoseCallerGoesAway: whoever hangs up in the midst of an apply leaves no
// switch half done. Over several switches all are brought back, and the history says
// why; one alone gets what is stored for it.
func TestApplyWhoseCallerGoesAway(t *testing.T) {
	for _, v := range []ofp.Version{ofp.V10, ofp.V13} {
		for _, tt := range []struct{ switches, at int }{{1, 1}, {3, 1}, {3, 2}, {3, 3}} {
			t.Run(fmt.Sprintf("%v, at %d of %d", v, tt.at, tt.switches), func(t *testing.T) {
				r := newStateRig(t)
				state := sluicev1.NewStateServiceClient(r.conn)
				ctx, hangUp := context.WithTimeout(t.Context(), patience)
				defer hangUp()
				var sims []*simswitch.Switch
				q := &sluicev1.ApplyRequest{Note: "the apply", Prune: true}
				for i := range tt.switches {
					name := fmt.Sprintf("s%d", i+1)
					sims = append(sims, r.connect(simswitch.Config{Name: name, DPID: ofp.DPID(i + 1), Versions: []ofp.Version{v}}))
					q.Switches = append(q.Switches, &sluicev1.SwitchWish{Switch: name, Flows: []*sluicev1.FlowSpec{text("priority=1,arp,actions=drop")}})
				}
				if _, err := state.Apply(ctx, q); err != nil {
					t.Fatal(err)
				}
				before := r.lastRevision(ctx)
				for _, x := range q.Switches {
					x.Flows = []*sluicev1.FlowSpec{text("priority=2,ip,actions=drop"), text("priority=3,udp,actions=drop")}
				}
				begun, release := make(chan struct{}), make(chan struct{})
				slow := sims[tt.at-1]
				slow.SetFaults(func(_ int, h ofp.Header, m ofp.Message) simswitch.Fault {
					c, is := m.(*ofp.BundleControl)
					if is && c.Kind == ofp.BundleCommitRequest || h.Type() == ofp.TypeBarrierRequest {
						select {
						case <-begun:
						default:
							close(begun)
							return simswitch.Fault{Hold: release}
						}
					}
					return simswitch.Fault{}
				})
				answer := make(chan error, 1)
				go func() {
					_, err := state.Apply(ctx, q)
					answer <- err
				}()
				select {
				case <-begun:
				case <-ctx.Done():
					t.Fatal("the switch is never written to")
				}
				hangUp()
				if err := <-answer; status.Code(err) != codes.Canceled {
					t.Errorf("the caller is told %v", err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				// What comes behind on the same connection tells that the
				// server knows of it.
				r.lastRevision(ctx)
				close(release)
				want := "1"
				if tt.switches == 1 {
					want = "2 3"
				}
				for i, sim := range sims {
					name := fmt.Sprintf("s%d", i+1)
					r.eventually(name+" has all or nothing of it", func() bool {
						var has []string
						for _, f := range sim.Flows() {
							has = append(has, fmt.Sprint(f.Priority))
						}
						slices.Sort(has)
						all := r.standing(name)
						for _, how := range all {
							if how != "INSTALLED: " {
								return false
							}
						}
						return strings.Join(has, " ") == want && len(all) == len(has)
					})
				}
				h, err := state.ListHistory(ctx, &sluicev1.ListHistoryRequest{})
				if err != nil {
					t.Fatal(err)
				}
				var notes []string
				for _, c := range h.GetChanges() {
					if c.GetRevision() > before {
						notes = append(notes, c.GetNote())
					}
				}
				slices.Reverse(notes)
				var told []string
				for range tt.at {
					told = append(told, "the apply")
				}
				if tt.switches > 1 {
					for range tt.at {
						told = append(told, fmt.Sprintf("brought back, since s%d failed", tt.at))
					}
				}
				if !slices.Equal(notes, told) {
					t.Errorf("the history says %q, want %q", notes, told)
				}
			})
		}
	}
}

func (r *rig) lastRevision(ctx context.Context) uint64 {
	r.t.Helper()
	h, err := sluicev1.NewStateServiceClient(r.conn).GetState(ctx, &sluicev1.GetStateRequest{})
	if err != nil {
		r.t.Fatal(err)
	}
	return h.GetRevision()
}
