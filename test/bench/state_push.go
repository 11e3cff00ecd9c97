package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// Ways to write flows.
const (
	byProcess   = "`sluice add-flows`"
	byText      = "Go client, flows in text"
	byStructure = "Go client, flows in structures"
	byBundle    = "`ovs-ofctl -O OpenFlow13 --bundle add-flows`"
	byOFCTL10   = "`ovs-ofctl -O OpenFlow10 add-flows`"
)

// push writes all flows over gRPC, each time to an empty bridge, and so does
// ovs-ofctl.
func (l *stateLab) push(ctx context.Context, w io.Writer) (aims []aim, err error) {
	file, err := l.file("flows", l.p.flows, stateLine)
	if err != nil {
		return nil, err
	}
	for _, v := range []struct {
		bridge, protocol, version, peer string
		args                            []string
		most                            float64
		ways                            []string
	}{
		{"br13", "OpenFlow13", "1.3", byBundle, []string{"--bundle"}, 2, []string{byProcess, byText, byStructure}},
		{"br10", "OpenFlow10", "1.0", byOFCTL10, nil, 1.2, []string{byProcess, byText}},
	} {
		if err := l.bridge(ctx, v.bridge, v.protocol); err != nil {
			return aims, err
		}
		var s series
		for range l.p.repeat {
			for _, way := range v.ways {
				took, err := l.pushed(ctx, v.bridge, file, way)
				if err != nil {
					return aims, fmt.Errorf("%s: %w", way, err)
				}
				s.add(way, took)
				if err := l.expect(ctx, v.protocol, v.bridge, l.p.flows); err != nil {
					return aims, err
				}
				if _, err := l.sluice(ctx, "--timeout", "60s", "del-flows", v.bridge); err != nil {
					return aims, err
				}
			}
			peer := "peer-" + v.bridge
			took, err := l.timed(func() error {
				_, err := l.ofctl(ctx, v.protocol, append(slices.Clone(v.args), "add-flows", peer, file)...)
				return err
			})
			if err != nil {
				return aims, err
			}
			s.add(v.peer, took)
			if err := l.expect(ctx, v.protocol, peer, l.p.flows); err != nil {
				return aims, err
			}
			if _, err := l.ofctl(ctx, v.protocol, "del-flows", peer); err != nil {
				return aims, err
			}
		}
		s.print(w, fmt.Sprintf("push %d flows, confirmed, OpenFlow %s", l.p.flows, v.version), v.peer)
		for _, way := range v.ways {
			aims = append(aims, s.ratio(fmt.Sprintf("push of %d flows", l.p.flows), way, v.peer, v.most))
		}
	}
	return aims, nil
}

// pushed returns how long it takes in one way.
func (l *stateLab) pushed(ctx context.Context, bridge, file, way string) (cost, error) {
	if way == byProcess {
		return l.timed(func() error {
			_, err := l.sluice(ctx, "--timeout", "60s", "add-flows", bridge, file)
			return err
		})
	}
	r := &sluicev1.WriteFlowsRequest{Switch: bridge, Changes: make([]*sluicev1.FlowChange, l.p.flows)}
	for i := range r.Changes {
		r.Changes[i] = stateChange(i, way)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return l.timed(func() error {
		_, err := sluicev1.NewFlowServiceClient(l.conn).WriteFlows(ctx, r)
		return err
	})
}

// stateChange adds flow i.
func stateChange(i int, way string) *sluicev1.FlowChange {
	spec := &sluicev1.FlowSpec{Form: &sluicev1.FlowSpec_Text{Text: stateLine(i)}}
	if way == byStructure {
		priority, ethType := uint32(1+i%100), uint32(0x0800)
		from := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).String()
		spec.Form = &sluicev1.FlowSpec_Flow{Flow: &sluicev1.Flow{
			Priority: &priority,
			Match:    &sluicev1.Match{EthType: &ethType, Ipv4Src: &from},
			Actions:  []*sluicev1.Action{{Action: &sluicev1.Action_Output{Output: &sluicev1.Output{To: &sluicev1.Output_Port{Port: uint32(1 + i%4)}}}}},
		}}
	}
	return &sluicev1.FlowChange{Change: &sluicev1.FlowChange_Add{Add: spec}}
}
