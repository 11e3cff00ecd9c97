package api

import (
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// fromJSON is a flow as a client of the JSON API writes it.
func fromJSON(t *testing.T, text string) *sluicev1.FlowSpec {
	t.Helper()
	f := new(sluicev1.Flow)
	if err := protojson.Unmarshal([]byte(text), f); err != nil {
		t.Fatal(err)
	}
	return structured(f)
}

// TestActionsOutOfRange: what no switch takes is found before it is sent, in
// every version and both in lists of actions.
func TestActionsOutOfRange(t *testing.T) {
	rows := []struct{ action, field, says string }{
		{`"set_vlan_vid":5000`, "set_vlan_vid", "at most 4095"},
		{`"set_vlan_pcp":9`, "set_vlan_pcp", "at most 7"},
		{`"set_nw_tos":13`, "set_nw_tos", "multiple of 4"},
		{`"set_nw_tos":256`, "set_nw_tos", "at most 255"},
		{`"set_nw_ecn":7`, "set_nw_ecn", "at most 3"},
		{`"set_mpls_label":2097152`, "set_mpls_label", "at most 1048575"},
		{`"set_mpls_tc":8`, "set_mpls_tc", "at most 7"},
		{`"set_mpls_ttl":256`, "set_mpls_ttl", "at most 255"},
		{`"set_nw_ttl":256`, "set_nw_ttl", "at most 255"},
		{`"set_tp_src":65536`, "set_tp_src", "at most 65535"},
		{`"push_vlan":1`, "push_vlan", "0x8100"},
		{`"push_mpls":33024`, "push_mpls", "0x8847"},
		{`"push_pbb":33024`, "push_pbb", "0x88e7"},
		{`"pop_mpls":65536`, "pop_mpls", "at most 65535"},
		{`"output":{"port":4294967295}`, "output.port", "ANY"},
		{`"output":{"port_name":"any"}`, "output.port_name", "ANY"},
		{`"output":{"port":65531}`, "output.port", "FLOOD"},
		{`"output":{"port":4294967041}`, "output.port", "at most 4294967040"},
		{`"enqueue":{"port":4294967295,"queue":1}`, "enqueue.port", "ANY"},
		{`"set_field":{"vlan_vid":0}`, "set_field", "4096"},
	}
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		r := newRig(t, Config{})
		sim := r.bridge(v)
		for _, row := range rows {
			for _, list := range []string{"actions", "write_actions"} {
				err := r.write(add(fromJSON(t, `{"`+list+`":[{"pop_vlan":true},{`+row.action+`}]}`)))
				if status.Code(err) != codes.InvalidArgument {
					t.Errorf("%s in %s: %v, want INVALID_ARGUMENT", row.action, list, err)
					continue
				}
				x := detail[*errdetails.BadRequest](err).GetFieldViolations()[0]
				if want := "changes[0].add.flow." + list + "[1]." + row.field; x.GetField() != want {
					t.Errorf("%s: the field is %q, want %q", row.action, x.GetField(), want)
				}
				wantTexts(t, row.action, x.GetDescription(), row.says)
			}
		}
		if n := sim.Received(ofp.TypeFlowMod); n != 0 {
			t.Errorf("%d flow-mods were sent", n)
		}
	})
}
