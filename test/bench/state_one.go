package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// oneTimes is how often one flow is written in each way in a turn.
const oneTimes = 40

// one writes flows one after the other to a bridge that has all its flows, each
// confirmed before the next.
func (l *stateLab) one(ctx context.Context, w io.Writer) ([]aim, error) {
	const bridge = "one13"
	if err := l.bridge(ctx, bridge, "OpenFlow13"); err != nil {
		return nil, err
	}
	file, err := l.file("flows", l.p.flows, stateLine)
	if err != nil {
		return nil, err
	}
	if _, err := l.sluice(ctx, "--timeout", "60s", "add-flows", bridge, file); err != nil {
		return nil, err
	}
	if _, err := l.ofctl(ctx, "OpenFlow13", "--bundle", "add-flows", "peer-"+bridge, file); err != nil {
		return nil, err
	}
	line := func(i int) string { return fmt.Sprintf("priority=1000,tcp,tp_dst=%d,actions=output:1", i) }
	client := sluicev1.NewFlowServiceClient(l.conn)
	ways := []struct {
		name string
		do   func(ctx context.Context, i int) error
	}{
		{"Go client", func(ctx context.Context, i int) error {
			_, err := client.WriteFlows(ctx, &sluicev1.WriteFlowsRequest{Switch: bridge, Changes: []*sluicev1.FlowChange{{Change: &sluicev1.FlowChange_Add{
				Add: &sluicev1.FlowSpec{Form: &sluicev1.FlowSpec_Text{Text: line(i)}}}}}})
			return err
		}},
		{"`sluice add-flow`", func(ctx context.Context, i int) error {
			_, err := l.sluice(ctx, "add-flow", bridge, line(10_000+i))
			return err
		}},
		{"`ovs-ofctl add-flow`", func(ctx context.Context, i int) error {
			_, err := l.ofctl(ctx, "OpenFlow13", "add-flow", "peer-"+bridge, line(i))
			return err
		}},
	}
	took := make([][]float64, len(ways))
	for turn := range l.p.repeat {
		for n, way := range ways {
			for i := range oneTimes {
				one, cancel := context.WithTimeout(ctx, 10*time.Second)
				start := time.Now()
				err := way.do(one, turn*oneTimes+i)
				took[n] = append(took[n], time.Since(start).Seconds()*1e3)
				cancel()
				if err != nil {
					return nil, fmt.Errorf("%s: %w", way.name, err)
				}
			}
		}
	}
	fmt.Fprintf(w, "| one flow, confirmed, beside %d others | p50 | p90 | × `ovs-ofctl add-flow` |\n|---|---|---|---|\n", l.p.flows)
	var p50s []float64
	for n := range ways {
		slices.Sort(took[n])
		p50s = append(p50s, took[n][len(took[n])/2])
	}
	for n, way := range ways {
		fmt.Fprintf(w, "| %s | %.2f ms | %.2f ms | %.2f |\n", way.name, p50s[n], took[n][len(took[n])*9/10], p50s[n]/p50s[2])
	}
	return []aim{{what: "one confirmed flow: p50, × `ovs-ofctl add-flow`", got: p50s[0] / p50s[2], want: 1}}, nil
}
