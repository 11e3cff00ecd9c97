package samples

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
)

// forgotten are the values that encode and do not come back: the last version
// that has no place for them, and the end of their paths. What a controller
// writes is not among them, but where the value says nothing without another that
// is an error.
var forgotten = []struct {
	last ofp.Version
	path string
	why  string
}{
	{ofp.V12, "features_reply.AuxiliaryID", "1.3"},
	{ofp.V10, "Ports[].CurrSpeed", "1.1"}, {ofp.V10, "Ports[].MaxSpeed", "1.1"}, {ofp.V10, "Port.CurrSpeed", "1.1"}, {ofp.V10, "Port.MaxSpeed", "1.1"},
	{ofp.V10, "flow_mod.CookieMask", "all of a cookie of a flow that is added"},
	{ofp.V10, "flow_mod.OutGroup", "0 for GroupAny"}, {ofp.V10, "Request.OutGroup", "0 for GroupAny"},
	{ofp.V10, "flow_mod.Table", "TableAll, which every flow-mod of 1.0 is about"},
	{ofp.V10, "flow_mod.Command", "a delete that names table 0 is one that names none: of all tables"},
	{ofp.V13, "flow_mod.NXTable", "1.0 alone, and there with a table alone"},
	{ofp.V10, "flow_removed.HardTimeout", "1.2, and Open vSwitch in 1.1"}, {ofp.V10, "flow_removed.Table", "1.1"},
	{ofp.V10, "packet_in.Table", "1.1"}, {ofp.V12, "packet_in.Cookie", "1.3"},
	{ofp.V10, "Request.Cookie", "a cookie without a mask asks for nothing"},
	{ofp.V12, "Flows[].Flags", "1.3"},
	{ofp.V12, "[].DurationSec", "1.3"}, {ofp.V12, "[].DurationNsec", "1.3"},
	{ofp.V11, "role_request.Generation", "0 for NoGeneration"}, {ofp.V11, "role_reply.Generation", "0 for NoGeneration"},
	{ofp.V11, "queue_get_config_reply.Queues[].Port", "1.2"},
	{ofp.V13, "TableStatsReply.Tables[].*", "each version has other counters"},
	{ofp.V13, "hello.Elements[].Data", "of a version bitmap"},
	{ofp.V13, "FlowMonitorReply.Updates[].*", "an update without a flow, and one that is abbreviated, say less"},
	{ofp.V13, "nx_flow_mod.MatchCookie", "a cookie without a mask matches every flow"},
	{ofp.V13, "nx_flow_mod.OutGroup", "0 for GroupAny"}, {ofp.V13, "nx_flow_mod.Table", "TableAll, or 0, where NXTable is not set"},
	{ofp.V13, "hello.Raw", "bytes that are elements"},
	// What a type has no use for is zero.
	{ofp.V13, "Bands[].Data", "of another type"}, {ofp.V13, "Bands[].Experimenter", "of another type"}, {ofp.V13, "Bands[].PrecLevel", "of another type"},
	{ofp.V13, "Properties[].Data", "of another type"}, {ofp.V13, "Properties[].Experimenter", "of another type"}, {ofp.V13, "Properties[].Rate", "of another type"},
	{ofp.V13, "Actions[].*", "of another type"}, {ofp.V13, "Instructions[].*", "of another type"},
	{ofp.V13, "Continuation[].*", "of another type"},
}

// TestNothingIsLostSilently: what encodes comes back, but for what the list says.
func TestNothingIsLostSilently(t *testing.T) {
	lost := map[string]bool{}
	used := make([]bool, len(forgotten))
	for _, v := range ofp.Versions() {
		for _, k := range Kinds(v) {
			for seed := range uint64(30) {
				for path := range Lost(FromSeed(seed), v, k) {
					i := slices.IndexFunc(forgotten, func(f struct {
						last ofp.Version
						path string
						why  string
					}) bool {
						if stem, ok := strings.CutSuffix(f.path, "*"); ok {
							return v <= f.last && strings.Contains(path, stem)
						}
						return v <= f.last && strings.HasSuffix(path, f.path)
					})
					if i >= 0 {
						used[i] = true
					} else {
						lost[v.String()+": "+path] = true
					}
				}
			}
		}
	}
	for _, l := range slices.Sorted(maps.Keys(lost)) {
		t.Errorf("encodes without an error, but does not come back: OpenFlow %s", l)
	}
	for i, f := range forgotten {
		if !used[i] {
			t.Logf("not seen: %s", f.path)
		}
	}
}
