package api

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

func meterText(s string) *sluicev1.MeterSpec {
	return &sluicev1.MeterSpec{Form: &sluicev1.MeterSpec_Text{Text: s}}
}

func addMeter(s *sluicev1.MeterSpec) *sluicev1.MeterChange {
	return &sluicev1.MeterChange{Change: &sluicev1.MeterChange_Add{Add: s}}
}

func TestMeters(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		r := newRig(t, Config{})
		r.bridge(v)
		api := sluicev1.NewMeterServiceClient(r.conn)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		remark := &sluicev1.Meter{Id: ptr(uint32(2)), Pktps: true, Burst: true, Stats: true, Bands: []*sluicev1.MeterBand{
			{Rate: 100, BurstSize: 5, Type: &sluicev1.MeterBand_DscpRemark{DscpRemark: 1}},
			{Rate: 200, BurstSize: 6, Type: &sluicev1.MeterBand_Drop{Drop: true}},
		}}
		w, err := api.WriteMeters(ctx, &sluicev1.WriteMetersRequest{Switch: "br0", Changes: []*sluicev1.MeterChange{
			addMeter(meterText("meter=1,kbps,band=type=drop,rate=1000")),
			addMeter(&sluicev1.MeterSpec{Form: &sluicev1.MeterSpec_Meter{Meter: remark}}),
		}})
		if v != ofp.V13 {
			if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "not in OpenFlow "+v.String()) {
				t.Errorf("in %s: %v", v, err)
			}
			return
		}
		if err != nil || w.GetConfirmed() != 2 {
			t.Fatalf("%v, %v", w, err)
		}
		want := []*sluicev1.MeterEntry{
			{Text: "meter=1 kbps bands=\ntype=drop rate=1000",
				Meter: &sluicev1.Meter{Id: ptr(uint32(1)), Kbps: true, Bands: []*sluicev1.MeterBand{{Rate: 1000, Type: &sluicev1.MeterBand_Drop{Drop: true}}}}},
			{Text: "meter=2 pktps burst stats bands=\ntype=dscp_remark rate=100 burst_size=5 prec_level=1\ntype=drop rate=200 burst_size=6", Meter: remark},
		}
		list := func(q *sluicev1.ListMetersRequest) []*sluicev1.MeterEntry {
			q.Switch = "br0"
			s, err := api.ListMeters(ctx, q)
			return collect(t, s, err, (*sluicev1.ListMetersResponse).GetMeters)
		}
		if d := cmp.Diff(want, list(&sluicev1.ListMetersRequest{}), protocmp.Transform()); d != "" {
			t.Errorf("meters (-want +got):\n%s", d)
		}
		if d := cmp.Diff(want[1:], list(&sluicev1.ListMetersRequest{Meter: ptr(uint32(2))}), protocmp.Transform()); d != "" {
			t.Errorf("one meter (-want +got):\n%s", d)
		}
		r.mustWrite(addTexts("in_port=1,actions=meter:1,output:2"))
		s, err := api.ListMeterStats(ctx, &sluicev1.ListMeterStatsRequest{Switch: "br0"})
		stats := collect(t, s, err, (*sluicev1.ListMeterStatsResponse).GetMeters)
		if len(stats) != 2 || stats[0].GetFlowCount() != 1 || len(stats[1].GetBands()) != 2 || stats[0].PacketInCount == nil || !strings.HasPrefix(stats[0].GetText(), "meter:1 flow_count:1 ") {
			t.Errorf("statistics: %v", stats)
		}
		f, err := api.GetMeterFeatures(ctx, &sluicev1.GetMeterFeaturesRequest{Switch: "br0"})
		if err != nil || f.GetMaxMeters() != 1000 || f.GetMaxBands() != 4 || cmp.Diff([]string{"drop", "dscp_remark"}, f.GetBandTypes()) != "" || !strings.HasPrefix(f.GetText(), "max_meter:1000") {
			t.Errorf("features: %v, %v", err, f)
		}
		if _, err := api.WriteMeters(ctx, &sluicev1.WriteMetersRequest{Switch: "br0", Changes: []*sluicev1.MeterChange{
			{Change: &sluicev1.MeterChange_Modify{Modify: meterText("meter=1,kbps,band=type=drop,rate=7")}},
			{Change: &sluicev1.MeterChange_Delete{Delete: meterText("meter=2")}},
		}}); err != nil {
			t.Fatal(err)
		}
		if got := list(&sluicev1.ListMetersRequest{}); len(got) != 1 || got[0].GetMeter().GetBands()[0].GetRate() != 7 {
			t.Errorf("changed: %v", got)
		}
		if _, err := api.WriteMeters(ctx, &sluicev1.WriteMetersRequest{Switch: "br0", Changes: []*sluicev1.MeterChange{
			{Change: &sluicev1.MeterChange_Delete{}}}}); err != nil || len(list(&sluicev1.ListMetersRequest{})) != 0 {
			t.Errorf("delete all: %v", err)
		}
		if got := r.list(&sluicev1.ListFlowsRequest{}); len(got) != 0 {
			t.Errorf("the flow that used a meter is there: %v", got)
		}
	})
}

func TestMeterErrors(t *testing.T) {
	r := newRig(t, Config{})
	r.bridge(ofp.V13)
	api := sluicev1.NewMeterServiceClient(r.conn)
	spec := func(m *sluicev1.Meter) *sluicev1.MeterChange {
		return addMeter(&sluicev1.MeterSpec{Form: &sluicev1.MeterSpec_Meter{Meter: m}})
	}
	one := ptr(uint32(1))
	if _, err := api.WriteMeters(t.Context(), &sluicev1.WriteMetersRequest{Switch: "br0", Changes: []*sluicev1.MeterChange{addMeter(meterText("meter=7,kbps,band=type=drop,rate=1"))}}); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name   string
		change *sluicev1.MeterChange
		code   codes.Code
		says   string
	}{
		{"there already", addMeter(meterText("meter=7,kbps,band=type=drop,rate=1")), codes.AlreadyExists, "OFPMMFC_METER_EXISTS"},
		{"not there", &sluicev1.MeterChange{Change: &sluicev1.MeterChange_Modify{Modify: meterText("meter=8,kbps,band=type=drop,rate=1")}}, codes.FailedPrecondition, "OFPMMFC_UNKNOWN_METER"},
		{"nonsense", addMeter(meterText("meter=1,kbits")), codes.InvalidArgument, "changes[0].add.text: col 9"},
		{"nothing", &sluicev1.MeterChange{}, codes.InvalidArgument, "no change is set"},
		{"no meter", addMeter(nil), codes.InvalidArgument, "no meter is set"},
		{"no id", spec(&sluicev1.Meter{Kbps: true}), codes.InvalidArgument, "changes[0].add.meter.id"},
		{"no band type", spec(&sluicev1.Meter{Id: one, Kbps: true, Bands: []*sluicev1.MeterBand{{Rate: 1}}}), codes.InvalidArgument, "meter.bands[0].type"},
		{"not drop", spec(&sluicev1.Meter{Id: one, Kbps: true, Bands: []*sluicev1.MeterBand{{Rate: 1, Type: &sluicev1.MeterBand_Drop{}}}}), codes.InvalidArgument, "meter.bands[0].drop"},
		{"remark", spec(&sluicev1.Meter{Id: one, Kbps: true, Bands: []*sluicev1.MeterBand{{Rate: 1, Type: &sluicev1.MeterBand_DscpRemark{DscpRemark: 256}}}}), codes.InvalidArgument, "meter.bands[0].dscp_remark"},
		{"raw of a known type", spec(&sluicev1.Meter{Id: one, Kbps: true, Bands: []*sluicev1.MeterBand{{Rate: 1, Type: &sluicev1.MeterBand_Other{Other: &sluicev1.RawMeterBand{Type: 1}}}}}), codes.InvalidArgument, "meter.bands[0].other.type"},
		{"delete with bands", &sluicev1.MeterChange{Change: &sluicev1.MeterChange_Delete{Delete: &sluicev1.MeterSpec{
			Form: &sluicev1.MeterSpec_Meter{Meter: &sluicev1.Meter{Id: one, Bands: []*sluicev1.MeterBand{{}}}}}}}, codes.InvalidArgument, "meter.bands"},
	} {
		_, err := api.WriteMeters(t.Context(), &sluicev1.WriteMetersRequest{Switch: "br0", Changes: []*sluicev1.MeterChange{row.change}})
		if status.Code(err) != row.code || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: %v, want %v with %q", row.name, err, row.code, row.says)
		}
	}
}
