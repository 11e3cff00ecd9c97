package api

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

const (
	roleEqual  = sluicev1.ControllerRole_CONTROLLER_ROLE_EQUAL
	roleMaster = sluicev1.ControllerRole_CONTROLLER_ROLE_MASTER
	roleSlave  = sluicev1.ControllerRole_CONTROLLER_ROLE_SLAVE
)

// infoReason returns the reason of an error's ErrorInfo.
func infoReason(err error) string {
	for _, d := range status.Convert(err).Details() {
		if i, ok := d.(*errdetails.ErrorInfo); ok {
			return i.GetReason()
		}
	}
	return ""
}

func TestRoles(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		r := newRig(t, Config{})
		sim := r.bridge(v)
		client := sluicev1.NewSwitchServiceClient(r.conn)
		state := func(role sluicev1.ControllerRole, generation uint64) *sluicev1.RoleState {
			if v < ofp.V12 {
				return &sluicev1.RoleState{Role: role}
			}
			return &sluicev1.RoleState{Role: role, GenerationId: &generation}
		}
		set := func(role sluicev1.ControllerRole, want *sluicev1.RoleState) {
			t.Helper()
			got, err := client.SetRole(t.Context(), &sluicev1.SetRoleRequest{Switch: "br0", Role: role})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got.GetState(), protocmp.Transform()); diff != "" {
				t.Error(diff)
			}
			asked, err := client.GetRole(t.Context(), &sluicev1.GetRoleRequest{Switch: "br0"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, asked.GetState(), protocmp.Transform()); diff != "" {
				t.Error(diff)
			}
			sw, err := client.GetSwitch(t.Context(), &sluicev1.GetSwitchRequest{Switch: "br0"})
			if err != nil || sw.GetSwitch().GetRole() != role {
				t.Errorf("the switch's role is %v, %v", sw.GetSwitch().GetRole(), err)
			}
		}
		set(roleMaster, state(roleMaster, 0))
		r.mustWrite(addTexts("priority=1,actions=output:1"))
		set(roleSlave, state(roleSlave, 0))
		err := r.write(addTexts("priority=2,actions=output:1", "priority=3,actions=output:1"))
		st := status.Convert(err)
		if st.Code() != codes.FailedPrecondition || infoReason(err) != "SLAVE" ||
			st.Message() != "this controller is slave on br0: write through the master, or sluice set-role br0 master; nothing was changed" {
			t.Errorf("write as slave: %v", err)
		}
		_, err = sluicev1.NewPacketServiceClient(r.conn).SendPacket(t.Context(), &sluicev1.SendPacketRequest{Switch: "br0",
			Form: &sluicev1.SendPacketRequest_Text{Text: "packet=ffffffffffff0000000000010806,actions=output:1"}})
		if status.Code(err) != codes.FailedPrecondition || infoReason(err) != "SLAVE" {
			t.Errorf("packet as slave: %v", err)
		}
		if flows := r.list(&sluicev1.ListFlowsRequest{Switch: "br0"}); len(flows) != 1 {
			t.Errorf("%d flows are read as slave", len(flows))
		}
		set(roleEqual, state(roleEqual, 0))
		r.mustWrite(addTexts("priority=2,actions=output:1"))
		if refused := sim.Refused(); len(refused) > 0 {
			t.Errorf("the switch refused %v", refused)
		}
	})
}

func TestRoleErrors(t *testing.T) {
	r := newRig(t, Config{})
	sim := r.bridge(ofp.V13)
	sim.Elect(9)
	r.connect(simswitch.Config{Name: "plain", DPID: 2, NoRoles: true, Versions: []ofp.Version{ofp.V12}})
	r.connect(simswitch.Config{Name: "old", DPID: 3, Versions: []ofp.Version{ofp.V10}})
	client := sluicev1.NewSwitchServiceClient(r.conn)
	for _, row := range []struct {
		name       string
		sw         string
		role       sluicev1.ControllerRole
		generation *uint64
		code       codes.Code
		reason     string
		says       string
	}{
		{"no role", "br0", 0, nil, codes.InvalidArgument, "", "want CONTROLLER_ROLE_EQUAL"},
		{"unknown role", "br0", 7, nil, codes.InvalidArgument, "", "role"},
		{"equal by election", "br0", roleEqual, new(uint64(1)), codes.InvalidArgument, "", "equal has none"},
		{"no number", "br0", roleMaster, new(^uint64(0)), codes.InvalidArgument, "", "leave it out"},
		{"stale", "br0", roleMaster, new(uint64(8)), codes.FailedPrecondition, "STALE_GENERATION_ID", "the switch has 9"},
		{"no roles", "plain", roleMaster, nil, codes.FailedPrecondition, "NO_ROLES", "plain has no roles"},
		{"no generations", "old", roleMaster, new(uint64(8)), codes.FailedPrecondition, "OPENFLOW_VERSION", "generation"},
		{"no switch", "nosuch", roleMaster, nil, codes.NotFound, "", "nosuch"},
	} {
		_, err := client.SetRole(t.Context(), &sluicev1.SetRoleRequest{Switch: row.sw, Role: row.role, GenerationId: row.generation})
		if status.Code(err) != row.code || infoReason(err) != row.reason || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: %v, reason %q", row.name, err, infoReason(err))
		}
	}
	if got, err := client.GetRole(t.Context(), &sluicev1.GetRoleRequest{Switch: "plain"}); err != nil || got.GetState().GetRole() != roleEqual {
		t.Errorf("a switch without roles: %v, %v", got, err)
	}
	if _, err := client.SetRole(t.Context(), &sluicev1.SetRoleRequest{Switch: "plain", Role: roleEqual}); err != nil {
		t.Errorf("equal on a switch without roles: %v", err)
	}
}
