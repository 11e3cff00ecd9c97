package api

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
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
					sims = append(sims, r.connect(simswitch.Config{Name: name, DPID: ofp.DPID(i + 1), Versions: []ofp.Version{v}, Bundles: v == ofp.V13}))
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
				var once sync.Once
				slow.SetFaults(func(_ int, h ofp.Header, m ofp.Message) simswitch.Fault {
					// What confirms it, when it is stored: of a bundle that is
					// the commit, for its barriers come while the store writes.
					at := h.Type() == ofp.TypeBarrierRequest
					if v == ofp.V13 {
						c, is := m.(*ofp.BundleControl)
						at = is && c.Kind == ofp.BundleCommitRequest
					}
					if !at {
						return simswitch.Fault{}
					}
					once.Do(func() { close(begun) })
					return simswitch.Fault{Hold: release}
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
				// The caller's going is noticed at that switch or, if what
				// that switch says comes first, at the next one, or not any
				// more: then all have it.
				ends := map[string]string{} // what the history says: what the switches have
				for failed := tt.at; failed <= min(tt.at+1, tt.switches) && tt.switches > 1; failed++ {
					told := slices.Repeat([]string{"the apply"}, failed)
					for range failed {
						told = append(told, fmt.Sprintf("brought back, since s%d failed", failed))
					}
					ends[strings.Join(told, "; ")] = "1"
				}
				if tt.at == tt.switches {
					ends[strings.Join(slices.Repeat([]string{"the apply"}, tt.switches), "; ")] = "2 3"
				}
				var told, want string
				r.eventually("the history tells the end of it", func() bool {
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
					told = strings.Join(notes, "; ")
					want = ends[told]
					if want == "" {
						return false
					}
					for i, sim := range sims {
						var has []string
						for _, f := range sim.Flows() {
							has = append(has, fmt.Sprint(f.Priority))
						}
						slices.Sort(has)
						all := r.standing(fmt.Sprintf("s%d", i+1))
						if strings.Join(has, " ") != want || len(all) != len(has) {
							return false
						}
						for _, how := range all {
							if how != "INSTALLED: " {
								return false
							}
						}
					}
					return true
				})
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
