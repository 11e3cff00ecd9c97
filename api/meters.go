package api

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

type meters struct {
	sluicev1.UnimplementedMeterServiceServer
	c *controller.Controller
}

func (s *meters) WriteMeters(ctx context.Context, r *sluicev1.WriteMetersRequest) (*sluicev1.WriteMetersResponse, error) {
	n, rev, err := write(ctx, s.c, r, r.ExpectedRevision, r.GetChanges(), toMeterMod)
	return &sluicev1.WriteMetersResponse{Confirmed: n, Revision: rev}, err
}

func (s *meters) ListMeters(r *sluicev1.ListMetersRequest, stream grpc.ServerStreamingServer[sluicev1.ListMetersResponse]) error {
	sw, err := find(s.c, r.GetSwitch())
	if err != nil {
		return err
	}
	list, err := sw.Meters(stream.Context(), or(r.Meter, ofp.MeterAll))
	if err != nil {
		return readError(sw, err)
	}
	return inParts(stream, list, func(list []ofp.MeterConfig) *sluicev1.ListMetersResponse {
		return &sluicev1.ListMetersResponse{Meters: convertAll(list, func(m *ofp.MeterConfig) *sluicev1.MeterEntry {
			return &sluicev1.MeterEntry{Meter: fromMeter(m), Text: partText(sw, &ofp.MeterConfigReply{Meters: []ofp.MeterConfig{*m}})}
		})}
	})
}

func (s *meters) ListMeterStats(r *sluicev1.ListMeterStatsRequest, stream grpc.ServerStreamingServer[sluicev1.ListMeterStatsResponse]) error {
	sw, err := find(s.c, r.GetSwitch())
	if err != nil {
		return err
	}
	list, err := sw.MeterStats(stream.Context(), or(r.Meter, ofp.MeterAll))
	if err != nil {
		return readError(sw, err)
	}
	return inParts(stream, list, func(list []ofp.MeterCounters) *sluicev1.ListMeterStatsResponse {
		return &sluicev1.ListMeterStatsResponse{Meters: convertAll(list, func(m *ofp.MeterCounters) *sluicev1.MeterStats {
			out := &sluicev1.MeterStats{
				Id: m.Meter, FlowCount: m.Flows, PacketInCount: counter(m.Packets), ByteInCount: counter(m.Bytes),
				DurationSeconds: seconds(m.DurationSec, m.DurationNsec),
				Text:            partText(sw, &ofp.MeterStatsReply{Meters: []ofp.MeterCounters{*m}}),
			}
			for _, k := range m.Bands {
				out.Bands = append(out.Bands, &sluicev1.BandStats{PacketCount: counter(k.Packets), ByteCount: counter(k.Bytes)})
			}
			return out
		})}
	})
}

// Names of the bits of meter features: ofp_meter_band_type and ofp_meter_flags.
var (
	bandTypeNames     = []string{"", "drop", "dscp_remark"}
	meterCapabilities = []string{"kbps", "pktps", "burst", "stats"}
)

func (s *meters) GetMeterFeatures(ctx context.Context, r *sluicev1.GetMeterFeaturesRequest) (*sluicev1.GetMeterFeaturesResponse, error) {
	sw, err := find(s.c, r.GetSwitch())
	if err != nil {
		return nil, err
	}
	f, err := sw.MeterFeatures(ctx)
	if err != nil {
		return nil, readError(sw, err)
	}
	return &sluicev1.GetMeterFeaturesResponse{
		MaxMeters: f.MaxMeter, MaxBands: uint32(f.MaxBands), MaxColor: uint32(f.MaxColor),
		BandTypes: bitNames(f.BandTypes, bandTypeNames), Capabilities: bitNames(f.Capabilities, meterCapabilities),
		Text: partText(sw, f),
	}, nil
}

// toMeterMod converts a change of either form.
func toMeterMod(c *sluicev1.MeterChange, _ *ofp.Names) (*ofp.MeterMod, error) {
	switch x := c.GetChange().(type) {
	case *sluicev1.MeterChange_Add:
		return toMeterSpec("add", x.Add, ofp.MeterAdd)
	case *sluicev1.MeterChange_Modify:
		return toMeterSpec("modify", x.Modify, ofp.MeterModify)
	case *sluicev1.MeterChange_Delete:
		return toMeterSpec("delete", x.Delete, ofp.MeterDelete)
	}
	return nil, errors.New("no change is set: want one of add, modify, delete")
}

func toMeterSpec(field string, s *sluicev1.MeterSpec, command ofp.MeterCommand) (*ofp.MeterMod, error) {
	var m *ofp.MeterMod
	var err error
	switch form := s.GetForm().(type) {
	case *sluicev1.MeterSpec_Text:
		m, err = ofp.ParseMeter(form.Text, command)
		err = at("text", err)
	case *sluicev1.MeterSpec_Meter:
		m, err = toMeter(form.Meter, command)
		err = at("meter", err)
	default:
		if command == ofp.MeterDelete {
			return &ofp.MeterMod{Command: command, Meter: ofp.MeterAll}, nil
		}
		err = errors.New("no meter is set: want text or meter")
	}
	if err != nil {
		return nil, at(field, err)
	}
	return m, nil
}

// meterFlags pairs the flags of a meter with the fields that say them.
var meterFlags = []struct {
	flag ofp.MeterFlags
	get  func(*sluicev1.Meter) *bool
}{
	{ofp.MeterKbps, func(m *sluicev1.Meter) *bool { return &m.Kbps }},
	{ofp.MeterPktps, func(m *sluicev1.Meter) *bool { return &m.Pktps }},
	{ofp.MeterBurst, func(m *sluicev1.Meter) *bool { return &m.Burst }},
	{ofp.MeterStats, func(m *sluicev1.Meter) *bool { return &m.Stats }},
}

func toMeter(p *sluicev1.Meter, command ofp.MeterCommand) (*ofp.MeterMod, error) {
	m := &ofp.MeterMod{Command: command, Meter: or(p.Id, ofp.MeterAll)}
	if command == ofp.MeterDelete {
		if len(p.GetBands()) > 0 {
			return nil, bad("bands", "want none to delete a meter: it is chosen by its id")
		}
		return m, nil
	}
	if p.Id == nil {
		return nil, bad("id", "is not set: want the meter's number")
	}
	for _, f := range meterFlags {
		if *f.get(p) {
			m.Flags |= f.flag
		}
	}
	for i, k := range p.GetBands() {
		b, err := toBand(k)
		if err != nil {
			return nil, at(fmt.Sprintf("bands[%d]", i), err)
		}
		m.Bands = append(m.Bands, b)
	}
	return m, m.Validate()
}

func toBand(k *sluicev1.MeterBand) (ofp.MeterBand, error) {
	b := ofp.MeterBand{Rate: k.GetRate(), Burst: k.GetBurstSize()}
	switch t := k.GetType().(type) {
	case *sluicev1.MeterBand_Drop:
		if !t.Drop {
			return b, bad("drop", "want true")
		}
		b.Type = ofp.BandDrop
	case *sluicev1.MeterBand_DscpRemark:
		if t.DscpRemark > 0xff {
			return b, bad("dscp_remark", "%d: want at most 255", t.DscpRemark)
		}
		b.Type, b.PrecLevel = ofp.BandDSCPRemark, uint8(t.DscpRemark)
	case *sluicev1.MeterBand_Other:
		b.Type, b.Experimenter, b.Data = ofp.BandType(t.Other.GetType()), t.Other.GetExperimenter(), t.Other.GetPayload()
		switch {
		case t.Other.GetType() > 0xffff:
			return b, at("other", bad("type", "%d: want at most 65535", t.Other.GetType()))
		case b.Type == ofp.BandDrop || b.Type == ofp.BandDSCPRemark:
			return b, at("other", bad("type", "%d is %s, which has a field of its own", t.Other.GetType(), b.Type))
		}
	default:
		return b, bad("type", "is not set: want one of drop, dscp_remark, other")
	}
	return b, nil
}

// fromMeter converts a meter that a switch has.
func fromMeter(m *ofp.MeterConfig) *sluicev1.Meter {
	out := &sluicev1.Meter{Id: &m.Meter}
	for _, f := range meterFlags {
		*f.get(out) = m.Flags&f.flag != 0
	}
	for i := range m.Bands {
		k := &m.Bands[i]
		b := &sluicev1.MeterBand{Rate: k.Rate, BurstSize: k.Burst}
		switch k.Type {
		case ofp.BandDrop:
			b.Type = &sluicev1.MeterBand_Drop{Drop: true}
		case ofp.BandDSCPRemark:
			b.Type = &sluicev1.MeterBand_DscpRemark{DscpRemark: uint32(k.PrecLevel)}
		default:
			b.Type = &sluicev1.MeterBand_Other{Other: &sluicev1.RawMeterBand{Type: uint32(k.Type), Experimenter: k.Experimenter, Payload: k.Data}}
		}
		out.Bands = append(out.Bands, b)
	}
	return out
}
