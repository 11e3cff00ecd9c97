package e2e

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// TestErrors makes Open vSwitch refuse flows, and demands to be told of each why,
// in every version.
func TestErrors(t *testing.T) {
	t.Parallel()
	l := newLab(t, "--apps", "none")
	l.expected = []string{"OFPFMFC_OVERLAP", "OFPBAC_BAD_OUT_GROUP", "OFPFMFC_TABLE_FULL", "OFPBFC_MSG_FAILED"}
	for i, v := range versions {
		l.bridge(v.bridge, uint64(i+1), v.protocol)
	}
	l.ready(heal, "br10", "br11", "br12", "br13")
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			l.overlap(t, v)
			l.badGroup(t, v)
			l.versionLacks(t, v)
			l.tableFull(t, v)
		})
	}
	for _, tc := range []struct {
		name, bridge, flow string
		code               codes.Code
		says               string
	}{
		{"unknown switch", "br99", "actions=drop", codes.NotFound, "br99"},
		{"unknown field", "br13", "nw_srcc=10.0.0.1,actions=drop", codes.InvalidArgument, "nw_srcc"},
		{"bad value", "br13", "tp_dst=http,tcp,actions=drop", codes.InvalidArgument, "tp_dst"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := l.refused(t, tc.bridge, tc.flow)
			if status.Code(err) != tc.code || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error is %v, want %v with %q", err, tc.code, tc.says)
			}
			out, err := l.Run(t.Context(), bin+"/sluice", "add-flow", tc.bridge, tc.flow)
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("sluice add-flow: %v, want a failure with %q; it printed %q", err, tc.says, out)
			}
		})
	}
	// Whatever was refused, the switches stayed.
	l.ready(heal, "br10", "br11", "br12", "br13")
}

// refused adds flows in one call, and demands that it fails.
func (l *lab) refused(t *testing.T, bridge string, flows ...string) error {
	t.Helper()
	req := &sluicev1.WriteFlowsRequest{Switch: bridge}
	for _, f := range flows {
		req.Changes = append(req.Changes, add(text(f)))
	}
	resp, err := sluicev1.NewFlowServiceClient(l.conn).WriteFlows(t.Context(), req)
	if err == nil {
		t.Fatalf("%s took %q: %v", bridge, flows, resp)
	}
	return err
}

// details returns the flow errors and the result that a failed write carries.
func details(err error) (flows []*sluicev1.FlowError, result *sluicev1.WriteResult) {
	for _, d := range status.Convert(err).Details() {
		switch d := d.(type) {
		case *sluicev1.FlowError:
			flows = append(flows, d)
		case *sluicev1.WriteResult:
			result = d
		}
	}
	return flows, result
}

// wantError demands one flow error at the index, with the switch's own words.
func wantError(t *testing.T, err error, code codes.Code, index uint32, typ, reason string) *sluicev1.WriteResult {
	t.Helper()
	flows, result := details(err)
	if status.Code(err) != code || len(flows) != 1 {
		t.Fatalf("error is %v with details %v, want %v and one flow error", err, flows, code)
	}
	if f := flows[0]; f.Index != index || f.Type != typ || f.Code != reason || f.Flow == "" || f.Message == "" {
		t.Errorf("flow error is %v, want index %d, %s, %s", f, index, typ, reason)
	}
	return result
}

func (l *lab) overlap(t *testing.T, v version) {
	l.write(t, v.bridge, add(text("priority=10,in_port=1,actions=drop")))
	err := l.refused(t, v.bridge,
		"priority=11,actions=drop",
		"priority=10,check_overlap,dl_src=02:00:00:00:00:01,actions=drop",
		"priority=12,actions=drop")
	result := wantError(t, err, codes.AlreadyExists, 1, "OFPET_FLOW_MOD_FAILED", "OFPFMFC_OVERLAP")
	// No bundle in 1.3 either, because of check_overlap.
	if result == nil || result.Total != 3 || result.Sent != 3 || result.Confirmed != 3 || result.Failed != 1 {
		t.Errorf("result is %v, want 3 sent and confirmed, 1 failed", result)
	}
	if !strings.Contains(err.Error(), "nothing was changed") {
		t.Errorf("error is %v, want it to say that nothing was changed", err)
	}
	out, err := l.Ofctl(t.Context(), "dump-flows", v.bridge)
	if err != nil {
		t.Fatal(err)
	}
	for _, flow := range []string{"priority=11 ", "priority=12 ", "dl_src"} {
		if strings.Contains(out, flow) {
			t.Errorf("%q of the refused write is in the switch:\n%s", flow, out)
		}
	}
}

func (l *lab) badGroup(t *testing.T, v version) {
	err := l.refused(t, v.bridge, "actions=group:77")
	if v.name == "1.0" {
		if flows, _ := details(err); status.Code(err) != codes.FailedPrecondition || len(flows) != 1 || flows[0].Version != "1.0" || !strings.Contains(flows[0].Field, "group") {
			t.Errorf("group in 1.0: %v with %v, want the field and the version", err, flows)
		}
		return
	}
	wantError(t, err, codes.FailedPrecondition, 0, "OFPET_BAD_ACTION", "OFPBAC_BAD_OUT_GROUP")
}

// versionLacks asks for what some versions cannot say: nothing of that write may
// reach the switch.
func (l *lab) versionLacks(t *testing.T, v version) {
	const good, odd = "priority=21,actions=drop", "priority=20,ipv6,ipv6_src=2001:db8::1,actions=drop"
	if v.name == "1.2" || v.name == "1.3" {
		l.write(t, v.bridge, add(text(odd)))
		return
	}
	err := l.refused(t, v.bridge, good, odd)
	flows, _ := details(err)
	if status.Code(err) != codes.FailedPrecondition || len(flows) != 1 {
		t.Fatalf("error is %v with %v, want FailedPrecondition and one flow error", err, flows)
	}
	if f := flows[0]; f.Index != 1 || !strings.Contains(f.Field, "ipv6_src") || f.Version != v.name {
		t.Errorf("flow error is %v, want index 1, ipv6_src, version %s", f, v.name)
	}
	out, err := l.Ofctl(t.Context(), "dump-flows", v.bridge)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out, "priority=21") {
		t.Errorf("a part of the refused write reached the switch:\n%s", out)
	}
}

// tableFull gives Open vSwitch's table a limit.
func (l *lab) tableFull(t *testing.T, v version) {
	_, err := l.Ofctl(t.Context(), "del-flows", v.bridge)
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.Vsctl(t.Context(), "--", "--id=@limit", "create", "Flow_Table", "flow_limit=3", "overflow_policy=refuse",
		"--", "set", "bridge", v.bridge, "flow_tables:0=@limit")
	if err != nil {
		t.Fatal(err)
	}
	var flows []string
	for i := range 4 {
		flows = append(flows, fmt.Sprintf("table=0,priority=%d,actions=drop", i+1))
	}
	wantError(t, l.refused(t, v.bridge, flows...), codes.ResourceExhausted, 3, "OFPET_FLOW_MOD_FAILED", "OFPFMFC_TABLE_FULL")
}
