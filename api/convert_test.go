package api

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

func TestManyChangesAreConvertedInOrder(t *testing.T) {
	for _, n := range []int{0, 1, convertAlone, 5 * convertAlone} {
		changes := make([]int, n)
		for i := range changes {
			changes[i] = i
		}
		one := func(i int, _ *ofp.Names) (*ofp.MeterMod, error) { return &ofp.MeterMod{Meter: uint32(i)}, nil }
		msgs, err := toMessages(changes, nil, one)
		if err != nil || len(msgs) != n {
			t.Fatalf("%d changes: %d messages, %v", n, len(msgs), err)
		}
		for i, m := range msgs {
			if m.(*ofp.MeterMod).Meter != uint32(i) {
				t.Fatalf("%d changes: message %d is %v", n, i, m)
			}
		}
		if n == 0 {
			continue
		}
		// The first that is wrong is told, whoever comes upon it first.
		_, err = toMessages(changes, nil, func(i int, n *ofp.Names) (*ofp.MeterMod, error) {
			if i >= len(changes)/3 {
				return nil, fmt.Errorf("it is %d", i)
			}
			return one(i, n)
		})
		if want := fmt.Sprintf("changes[%d]: it is %d", n/3, n/3); !strings.Contains(status.Convert(err).Message(), want) {
			t.Errorf("%d changes: error %v; want %s", n, err, want)
		}
		func() {
			defer func() {
				if p := fmt.Sprint(recover()); !strings.HasPrefix(p, "wrong") {
					t.Errorf("%d changes: a panic is not passed on, but %s", n, p)
				}
			}()
			_, _ = toMessages(changes, nil, func(i int, _ *ofp.Names) (*ofp.MeterMod, error) { panic("wrong") })
		}()
	}
}

// BenchmarkConvert decodes requests of 100,000 flows and converts them.
func BenchmarkConvert(b *testing.B) {
	const flows = 100_000
	text, structured := &sluicev1.WriteFlowsRequest{}, &sluicev1.WriteFlowsRequest{}
	for i := range flows {
		s := fmt.Sprintf("priority=%d,ip,nw_src=10.%d.%d.%d,actions=output:%d", 1+i%100, i>>16&255, i>>8&255, i&255, 1+i%4)
		m, err := ofp.ParseFlow(s, ofp.FlowAdd, nil)
		if err != nil {
			b.Fatal(err)
		}
		table, priority := uint32(0), uint32(m.Priority)
		f := &sluicev1.Flow{Table: &table, Priority: &priority, Match: fromMatch(&m.Match), Actions: fromActions(m.Instructions[0].Actions)}
		text.Changes = append(text.Changes, &sluicev1.FlowChange{Change: &sluicev1.FlowChange_Add{Add: &sluicev1.FlowSpec{Form: &sluicev1.FlowSpec_Text{Text: s}}}})
		structured.Changes = append(structured.Changes, &sluicev1.FlowChange{Change: &sluicev1.FlowChange_Add{Add: &sluicev1.FlowSpec{Form: &sluicev1.FlowSpec_Flow{Flow: f}}}})
	}
	for name, r := range map[string]*sluicev1.WriteFlowsRequest{"text": text, "structured": structured} {
		wire, err := proto.Marshal(r)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var r sluicev1.WriteFlowsRequest
				if !later(wire, &r) {
					b.Fatal("it cannot be decoded")
				}
				if _, err := toMessages(r.GetChanges(), nil, toFlowMod); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
