package api

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

const stored = sluicev1.WriteLevel_WRITE_LEVEL_STORED

// standing returns how something stands on a switch, and why, by its text.
func (r *rig) standing(sw string) map[string]string {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	stream, err := sluicev1.NewStateServiceClient(r.conn).ListState(ctx, &sluicev1.ListStateRequest{Switch: sw})
	if err != nil {
		r.t.Fatal(err)
	}
	all := make(map[string]string)
	for {
		part, err := stream.Recv()
		if err != nil {
			if len(all) == 0 && status.Code(err) != codes.Unknown {
				r.t.Fatalf("state of %s: %v", sw, err)
			}
			return all
		}
		for _, x := range part.GetItems() {
			all[x.GetText()] = strings.TrimPrefix(x.GetCondition().String(), "STATE_CONDITION_") + ": " + x.GetWhy()
		}
	}
}

func (r *rig) gone(sim *simswitch.Switch) {
	r.t.Helper()
	sim.Disconnect()
	r.eventually("it is away", func() bool { _, err := r.c.Find(sim.DPID().String()); return err != nil })
}

// TestWriteToSwitchThatIsAway: what is stored for a switch that is away, or never
// came, is carried out when it connects; other levels say how to do that.
func TestWriteToSwitchThatIsAway(t *testing.T) {
	r := newStateRig(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	write := func(sw string, level sluicev1.WriteLevel, texts ...string) error {
		_, err := r.flows.WriteFlows(ctx, &sluicev1.WriteFlowsRequest{Switch: sw, Level: level, Changes: addTexts(texts...)})
		return err
	}
	const never = "00000000000000aa"
	if err := write(never, 0, "priority=1,ip,actions=drop"); status.Code(err) != codes.NotFound || !strings.Contains(err.Error(), "--level stored") {
		t.Errorf("confirmed by a switch that never came: %v", err)
	}
	if err := write("br9", stored, "priority=1,ip,actions=drop"); status.Code(err) != codes.NotFound {
		t.Errorf("a name that no switch had: %v", err)
	}
	if err := write(never, stored, "priority=1,ip,actions=drop"); err != nil {
		t.Fatal(err)
	}
	if got := r.standing(never); got["priority=1,ip actions=drop"] != "PENDING: the switch has never connected" {
		t.Errorf("%v", got)
	}
	sim := r.connect(simswitch.Config{Name: "br0", DPID: 0xaa, Versions: []ofp.Version{ofp.V10}})
	r.eventually("it has the flow", func() bool { return len(sim.Flows()) == 1 })

	r.gone(sim)
	err := write("br0", 0, "priority=2,ip,actions=drop")
	if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "br0 is away: with level stored (--level stored) it is kept") {
		t.Errorf("confirmed: %v", err)
	}
	if err := write("br0", stored, "priority=2,ipv6,ipv6_src=::1,actions=drop"); status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "not in OpenFlow 1.0") {
		t.Errorf("what its version cannot say: %v", err)
	}
	if err := write("br0", stored, "priority=2,ip,actions=drop"); err != nil {
		t.Fatal(err)
	}
	if got := r.standing("br0"); got["priority=2,ip actions=drop"] != "PENDING: the switch is away" {
		t.Errorf("%v", got)
	}
	state := sluicev1.NewStateServiceClient(r.conn)
	if got, err := state.GetState(ctx, &sluicev1.GetStateRequest{}); err != nil || len(got.GetSwitches()) != 1 || got.GetSwitches()[0].GetSwitch() != "br0" || got.GetSwitches()[0].GetConnected() {
		t.Errorf("%v, %v", got, err)
	}
	if err := sim.Dial(ctx, r.openflow); err != nil {
		t.Fatal(err)
	}
	r.eventually("it has both", func() bool { return len(sim.Flows()) == 2 })
}

// TestSwitchComesBackAsAnother: what its version and its tables have no room for is
// degraded, flow by flow, and the others are there.
func TestSwitchComesBackAsAnother(t *testing.T) {
	r := newStateRig(t)
	sim := r.connect(simswitch.Config{Name: "br0", DPID: 7, Tables: 8})
	r.mustWrite(addTexts("table=5,priority=1,ip,actions=drop", "priority=2,ip,actions=goto_table:5", "priority=3,ip,actions=drop"))
	r.gone(sim)
	sim.Close()
	small := r.connect(simswitch.Config{Name: "br0", DPID: 7, Tables: 4})
	r.eventually("it has one", func() bool { return len(small.Flows()) == 1 })
	got := r.standing("br0")
	for text, want := range map[string]string{
		"table=5, priority=1,ip actions=drop": "DEGRADED: needs table 5: the switch has 4 tables",
		"priority=2,ip actions=goto_table:5":  "DEGRADED: goto_table: needs table 5: the switch has 4 tables",
		"priority=3,ip actions=drop":          "INSTALLED: ",
	} {
		if got[text] != want && got[strings.Replace(text, ", ", ",", 1)] != want {
			t.Errorf("%s: want %q; all: %v", text, want, got)
		}
	}
	r.gone(small)
	small.Close()
	old := r.connect(simswitch.Config{Name: "br0", DPID: 7, Versions: []ofp.Version{ofp.V10}})
	r.eventually("it has one", func() bool { return len(old.Flows()) == 1 })
	degraded := 0
	for _, why := range r.standing("br0") {
		if strings.HasPrefix(why, "DEGRADED: ") && strings.Contains(why, "OpenFlow 1.0") {
			degraded++
		}
	}
	if degraded != 2 {
		t.Errorf("in OpenFlow 1.0: %v", r.standing("br0"))
	}
}

// TestApplyWithSwitchesAway: all is refused before anything is sent, or all is
// stored.
func TestApplyWithSwitchesAway(t *testing.T) {
	r := newStateRig(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	a := r.connect(simswitch.Config{Name: "br0", DPID: 1})
	b := r.connect(simswitch.Config{Name: "br1", DPID: 2})
	r.gone(b)
	state := sluicev1.NewStateServiceClient(r.conn)
	var wishes []*sluicev1.SwitchWish
	for _, name := range []string{"br0", "br1"} {
		wishes = append(wishes, &sluicev1.SwitchWish{Switch: name, Flows: []*sluicev1.FlowSpec{text("priority=1,arp,actions=drop")}})
	}
	if got, err := state.Plan(ctx, &sluicev1.PlanRequest{Switches: wishes}); err != nil || len(got.GetSwitches()) != 2 {
		t.Errorf("plan: %v, %v", got, err)
	}
	_, err := state.Apply(ctx, &sluicev1.ApplyRequest{Switches: wishes})
	if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "br1") || !strings.Contains(err.Error(), "--level stored") || len(a.Flows()) != 0 {
		t.Errorf("confirmed: %v; br0 has %d flows", err, len(a.Flows()))
	}
	got, err := state.Apply(ctx, &sluicev1.ApplyRequest{Switches: wishes, Level: stored})
	if err != nil || len(got.GetSwitches()) != 2 {
		t.Fatalf("stored: %v, %v", got, err)
	}
	r.eventually("br0 has it", func() bool { return len(a.Flows()) == 1 })
	if err := b.Dial(ctx, r.openflow); err != nil {
		t.Fatal(err)
	}
	r.eventually("br1 has it", func() bool { return len(b.Flows()) == 1 })
	r.gone(b)
	if _, err := state.Rollback(ctx, &sluicev1.RollbackRequest{Revision: 0, Level: stored}); err != nil {
		t.Fatal(err)
	}
	r.eventually("br0 has nothing", func() bool { return len(a.Flows()) == 0 })
	if err := b.Dial(ctx, r.openflow); err != nil {
		t.Fatal(err)
	}
	r.eventually("br1 has nothing", func() bool { return len(b.Flows()) == 0 })
}
