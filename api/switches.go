package api

import (
	"context"
	"math/bits"
	"strconv"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

type switches struct {
	sluicev1.UnimplementedSwitchServiceServer
	c      *controller.Controller
	ending <-chan struct{}
}

// find returns the switch that a request names, or a status.
func find(c *controller.Controller, ref string) (*controller.Switch, error) {
	sw, err := c.Find(ref)
	if err != nil {
		return nil, findError(ref, err)
	}
	return sw, nil
}

func (s *switches) ListSwitches(context.Context, *sluicev1.ListSwitchesRequest) (*sluicev1.ListSwitchesResponse, error) {
	out := &sluicev1.ListSwitchesResponse{}
	for _, sw := range s.c.Switches() {
		out.Switches = append(out.Switches, fromSwitch(sw))
	}
	return out, nil
}

func (s *switches) GetSwitch(_ context.Context, r *sluicev1.GetSwitchRequest) (*sluicev1.GetSwitchResponse, error) {
	sw, err := find(s.c, r.GetSwitch())
	if err != nil {
		return nil, err
	}
	return &sluicev1.GetSwitchResponse{Switch: fromSwitch(sw)}, nil
}

func (s *switches) ListPorts(_ context.Context, r *sluicev1.ListPortsRequest) (*sluicev1.ListPortsResponse, error) {
	sw, err := find(s.c, r.GetSwitch())
	if err != nil {
		return nil, err
	}
	ports := sw.Ports()
	out := &sluicev1.ListPortsResponse{Text: partText(sw, &ofp.PortDescReply{Ports: ports})}
	for _, p := range ports {
		out.Ports = append(out.Ports, fromPort(&p))
	}
	return out, nil
}

func (s *switches) ListPortStats(ctx context.Context, r *sluicev1.ListPortStatsRequest) (*sluicev1.ListPortStatsResponse, error) {
	sw, err := find(s.c, r.GetSwitch())
	if err != nil {
		return nil, err
	}
	port := ofp.PortAny
	if r.GetPort() != "" {
		if port, err = toPort(r.GetPort(), sw.Names()); err != nil {
			return nil, invalid(at("port", err))
		}
	}
	stats, err := sw.PortStats(ctx, port)
	if err != nil {
		return nil, readError(sw, err)
	}
	out := &sluicev1.ListPortStatsResponse{Text: partText(sw, &ofp.PortStatsReply{Ports: stats})}
	for i := range stats {
		p, _ := sw.Port(stats[i].Port)
		out.Ports = append(out.Ports, fromPortStats(&stats[i], p.Name))
	}
	return out, nil
}

func (s *switches) ListTableStats(ctx context.Context, r *sluicev1.ListTableStatsRequest) (*sluicev1.ListTableStatsResponse, error) {
	sw, err := find(s.c, r.GetSwitch())
	if err != nil {
		return nil, err
	}
	tables, err := sw.TableStats(ctx)
	if err != nil {
		return nil, readError(sw, err)
	}
	out := &sluicev1.ListTableStatsResponse{Text: partText(sw, &ofp.TableStatsReply{Tables: tables})}
	for _, t := range tables {
		out.Tables = append(out.Tables, &sluicev1.TableStats{
			Table: uint32(t.Table), Name: valid(t.Name), ActiveFlows: t.Active, MaxFlows: t.MaxEntries,
			LookupCount: counter(t.Lookups), MatchedCount: counter(t.Matched),
		})
	}
	return out, nil
}

func (s *switches) Barrier(ctx context.Context, r *sluicev1.BarrierRequest) (*sluicev1.BarrierResponse, error) {
	sw, err := find(s.c, r.GetSwitch())
	if err != nil {
		return nil, err
	}
	if err := sw.Barrier(ctx); err != nil {
		return nil, readError(sw, err)
	}
	return &sluicev1.BarrierResponse{}, nil
}

func fromSwitch(sw *controller.Switch) *sluicev1.Switch {
	f, d := sw.Features(), sw.Desc()
	return &sluicev1.Switch{
		Dpid: sw.DPID().String(), Name: valid(sw.Name()), Version: sw.Version().String(), Address: sw.Addr().String(),
		AuxiliaryConnections: fromAuxiliaries(sw.Auxiliaries()),
		Role:                 sluicev1.ControllerRole(sw.Role().Role),
		PacketInDrops:        fromDrops(sw.PacketInDrops()), ControllerMeter: fromControllerMeter(sw.ControllerMeter()),
		Transport: string(sw.Transport()), CertificateName: valid(sw.CertificateName()),
		ConnectedSince: timestamppb.New(sw.Since()), PortCount: uint32(len(sw.Ports())),
		TableCount: uint32(f.Tables), BufferCount: f.Buffers, Capabilities: bitNames(uint32(f.Capabilities), capabilityNames(sw.Version())),
		MissesExtensions: sw.MissesExtensions(),
		Description: &sluicev1.SwitchDescription{
			Manufacturer: valid(d.Manufacturer), Hardware: valid(d.Hardware), Software: valid(d.Software),
			Serial: valid(d.Serial), Datapath: valid(d.Datapath), Text: partText(sw, &d),
		},
	}
}

func fromDrops(all []controller.PacketInDrops) []*sluicev1.PacketInDrops {
	var rows []*sluicev1.PacketInDrops
	for _, d := range all {
		if d.InboxFull > 0 || d.OverLimit > 0 {
			rows = append(rows, &sluicev1.PacketInDrops{Class: d.Class.String(), AppsTooSlow: d.InboxFull, OverLimit: d.OverLimit})
		}
	}
	return rows
}

// fromControllerMeter returns nil if no meter was asked for.
func fromControllerMeter(m controller.ControllerMeter) *sluicev1.ControllerMeter {
	switch {
	case m.Err != nil:
		return &sluicev1.ControllerMeter{Error: valid(m.Err.Error())}
	case m.Limit.Rate > 0:
		return &sluicev1.ControllerMeter{Rate: uint32(m.Limit.Rate), Burst: uint32(m.Limit.Burst)}
	}
	return nil
}

func fromAuxiliaries(all []controller.Auxiliary) []*sluicev1.AuxiliaryConnection {
	var out []*sluicev1.AuxiliaryConnection
	for _, a := range all {
		out = append(out, &sluicev1.AuxiliaryConnection{Id: uint32(a.ID), Address: a.Addr.String(), ConnectedSince: timestamppb.New(a.Since)})
	}
	return out
}

func fromPort(p *ofp.Port) *sluicev1.Port {
	return &sluicev1.Port{
		Number: uint32(p.No), Name: valid(p.Name), HardwareAddress: p.HWAddr.String(), Up: p.Up(),
		Config: bitNames(uint32(p.Config), portConfigNames), State: bitNames(uint32(p.State), portStateNames),
		CurrentFeatures: bitNames(uint32(p.Curr), portFeatureNames), AdvertisedFeatures: bitNames(uint32(p.Advertised), portFeatureNames),
		SupportedFeatures: bitNames(uint32(p.Supported), portFeatureNames), PeerFeatures: bitNames(uint32(p.Peer), portFeatureNames),
		CurrentSpeedKbps: p.CurrSpeed, MaxSpeedKbps: p.MaxSpeed,
	}
}

// unknownSeconds is the duration of what a switch does not know the age of.
const unknownSeconds = 1<<32 - 1

func fromPortStats(s *ofp.PortStats, name string) *sluicev1.PortStats {
	out := &sluicev1.PortStats{
		Number: uint32(s.Port), Name: valid(name),
		RxPackets: counter(s.RxPackets), TxPackets: counter(s.TxPackets), RxBytes: counter(s.RxBytes), TxBytes: counter(s.TxBytes),
		RxDropped: counter(s.RxDropped), TxDropped: counter(s.TxDropped), RxErrors: counter(s.RxErrors), TxErrors: counter(s.TxErrors),
		RxFrameErrors: counter(s.RxFrameErr), RxOverErrors: counter(s.RxOverErr), RxCrcErrors: counter(s.RxCRCErr), Collisions: counter(s.Collisions),
	}
	if s.DurationSec != unknownSeconds && (s.DurationSec != 0 || s.DurationNsec != 0) {
		d := seconds(s.DurationSec, s.DurationNsec)
		out.DurationSeconds = &d
	}
	return out
}

// valid makes a text that a switch sent fit for a proto string.
func valid(s string) string { return clip(s, 1024) }

// partText is what ovs-ofctl prints of a multipart reply's body.
func partText(sw *controller.Switch, body ofp.Part) string {
	return strings.ToValidUTF8(ofp.PrintPart(sw.Version(), body), "�")
}

// Names of bits by their position; an empty name is shown as a number.
var (
	portConfigNames  = []string{"port_down", "no_stp", "no_recv", "no_recv_stp", "no_flood", "no_fwd", "no_packet_in"}
	portStateNames   = []string{"link_down", "blocked", "live"}
	portFeatureNames = []string{"10mb_hd", "10mb_fd", "100mb_hd", "100mb_fd", "1gb_hd", "1gb_fd", "10gb_fd", "40gb_fd",
		"100gb_fd", "1tb_fd", "other", "copper", "fiber", "autoneg", "pause", "pause_asym"}
)

// capabilityNames differ in the bit that 1.1 gave another meaning.
func capabilityNames(v ofp.Version) []string {
	n := []string{"flow_stats", "table_stats", "port_stats", "group_stats", "", "ip_reasm", "queue_stats", "arp_match_ip", "port_blocked"}
	if v == ofp.V10 {
		n[3] = "stp"
	}
	return n
}

// bitNames lists the bits that are set; one without a name is "bit_N".
func bitNames(set uint32, names []string) []string {
	var out []string
	for set != 0 {
		i := bits.TrailingZeros32(set)
		set &^= 1 << i
		if i < len(names) && names[i] != "" {
			out = append(out, names[i])
		} else {
			out = append(out, "bit_"+strconv.Itoa(i))
		}
	}
	return out
}
