package api

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/controller/desired"
	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// newStateRig is a rig that keeps desired state, and brings switches to it.
func newStateRig(t *testing.T) *rig {
	t.Helper()
	st, err := desired.New(t.Context(), store.NewMemory(store.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	r := newRigOver(t, controller.Config{Desired: st}, Config{})
	ctx, stop := context.WithCancel(context.Background())
	inBackground(t, stop, func() error { r.c.Maintain(ctx); return nil })
	return r
}

// at writes flows to br0 with a level.
func (r *rig) at(level sluicev1.WriteLevel, texts ...string) (*sluicev1.WriteFlowsResponse, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return r.flows.WriteFlows(ctx, &sluicev1.WriteFlowsRequest{Switch: "br0", Level: level, Changes: addTexts(texts...)})
}

// TestLevelStored returns while the switch stands still, and the switch gets it.
func TestLevelStored(t *testing.T) {
	r := newStateRig(t)
	sim := r.bridge(ofp.V13)
	release := make(chan struct{})
	sim.SetFaults(simswitch.Hold(ofp.TypeMultipartRequest, release))
	got, err := r.at(sluicev1.WriteLevel_WRITE_LEVEL_STORED, "priority=1,ip,actions=drop")
	if err != nil || got.GetConfirmed() != 0 || got.GetRevision() != 1 || len(sim.Flows()) != 0 {
		t.Fatalf("%v, %v; the switch has %d flows", got, err, len(sim.Flows()))
	}
	close(release)
	r.eventually("the switch has it", func() bool { return len(sim.Flows()) == 1 })
	if _, err := r.at(sluicev1.WriteLevel_WRITE_LEVEL_STORED, "idle_timeout=3,actions=drop"); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "never stored") {
		t.Errorf("a flow with a timeout: %v", err)
	}
}

func TestLevelStoredNeedsState(t *testing.T) {
	r := newRig(t, Config{})
	sim := r.bridge(ofp.V13)
	_, err := r.at(sluicev1.WriteLevel_WRITE_LEVEL_STORED, "priority=1,ip,actions=drop")
	if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "level stored: no desired state is kept; start sluiced with --state DIR") {
		t.Errorf("%v", err)
	}
	if _, err := r.at(77, "priority=1,ip,actions=drop"); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a level that there is not: %v", err)
	}
	if len(sim.Flows()) != 0 {
		t.Error("something was sent")
	}
}

// TestLevelSent returns while the switch keeps its confirmation back.
func TestLevelSent(t *testing.T) {
	for name, r := range map[string]*rig{"with state": newStateRig(t), "without": newRig(t, Config{})} {
		sim := r.bridge(ofp.V13)
		release := make(chan struct{})
		sim.SetFaults(simswitch.Hold(ofp.TypeBarrierRequest, release))
		got, err := r.at(sluicev1.WriteLevel_WRITE_LEVEL_SENT, "priority=1,ip,actions=drop", "priority=2,ip,actions=drop")
		if err != nil || got.GetConfirmed() != 0 {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		r.eventually("the switch has them", func() bool { return len(sim.Flows()) == 2 })
		if st, err := r.c.State(); err == nil {
			if s := st.Summary(sim.DPID()); s.Pending != 2 {
				t.Errorf("before the confirmation: %+v", s)
			}
			close(release)
			r.eventually("they are installed", func() bool { return st.Summary(sim.DPID()).Installed == 2 })
		} else {
			close(release)
		}
		sim.SetFaults(nil)
		// What the switch refuses is told by the log, and by the state.
		if _, err := r.at(sluicev1.WriteLevel_WRITE_LEVEL_SENT, "priority=3,ip,actions=group:9"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if st, err := r.c.State(); err == nil {
			r.eventually("one is degraded", func() bool { return st.Summary(sim.DPID()).Degraded == 1 })
		}
	}
}

// TestLevelVerified: what the switch confirms and does not do is told by item.
func TestLevelVerified(t *testing.T) {
	for name, r := range map[string]*rig{"with state": newStateRig(t), "without": newRig(t, Config{})} {
		sim := r.bridge(ofp.V13)
		got, err := r.at(sluicev1.WriteLevel_WRITE_LEVEL_VERIFIED, "priority=1,ip,actions=drop")
		if err != nil || got.GetConfirmed() != 1 {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		seen := 0
		sim.SetFaults(func(_ int, h ofp.Header, _ ofp.Message) simswitch.Fault {
			if h.Type() == ofp.TypeFlowMod {
				seen++
			}
			return simswitch.Fault{Silent: h.Type() == ofp.TypeFlowMod && seen == 2}
		})
		_, err = r.at(sluicev1.WriteLevel_WRITE_LEVEL_VERIFIED, "priority=2,ip,actions=drop", "priority=1,ip,actions=output:1", "priority=3,ip,actions=drop")
		d := detail[*sluicev1.FlowError](err)
		if status.Code(err) != codes.FailedPrecondition || d.GetIndex() != 1 || d.Has == nil || !strings.Contains(d.GetHas(), "priority=1,ip actions=drop") {
			t.Errorf("%s: %v, %v", name, err, d)
		}
		if w := detail[*sluicev1.WriteResult](err); w.GetFailed() != 1 || w.GetConfirmed() != 3 {
			t.Errorf("%s: %v", name, w)
		}
		sim.SetFaults(nil)
		if _, err := r.c.State(); err == nil {
			r.eventually("it is repaired", func() bool {
				for _, f := range r.list(&sluicev1.ListFlowsRequest{}) {
					if strings.Contains(f.GetText(), "priority=1,ip actions=output:1") {
						return true
					}
				}
				return false
			})
		}
	}
}

// TestExpectedRevisionOfWrites: each kind of write knows it.
func TestExpectedRevisionOfWrites(t *testing.T) {
	r := newStateRig(t)
	r.bridge(ofp.V13)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	old := uint64(0)
	r.mustWrite(addTexts("priority=1,ip,actions=drop"))
	_, err := r.flows.WriteFlows(ctx, &sluicev1.WriteFlowsRequest{Switch: "br0", ExpectedRevision: &old, Changes: addTexts("priority=2,ip,actions=drop")})
	if status.Code(err) != codes.Aborted || !strings.Contains(err.Error(), "at revision 1, after the expected 0") {
		t.Errorf("flows: %v", err)
	}
	_, err = sluicev1.NewGroupServiceClient(r.conn).WriteGroups(ctx, &sluicev1.WriteGroupsRequest{Switch: "br0", ExpectedRevision: &old})
	if status.Code(err) != codes.Aborted {
		t.Errorf("groups: %v", err)
	}
	_, err = sluicev1.NewMeterServiceClient(r.conn).WriteMeters(ctx, &sluicev1.WriteMetersRequest{Switch: "br0", ExpectedRevision: &old})
	if status.Code(err) != codes.Aborted {
		t.Errorf("meters: %v", err)
	}
}
