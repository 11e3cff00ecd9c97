package desired

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
)

// willing is a switch that confirms everything at once.
type willing struct{ Switch }

func (willing) DPID() ofp.DPID                             { return 1 }
func (willing) Version() ofp.Version                       { return ofp.V13 }
func (willing) Extended() bool                             { return true }
func (willing) Write(context.Context, []ofp.Message) error { return nil }

// BenchmarkPush stores 100,000 flows, and asks nothing of the switch: on the disk
// and in memory.
func BenchmarkPush(b *testing.B) {
	const flows = 100_000
	msgs := make([]ofp.Message, flows)
	for i := range msgs {
		m, err := ofp.ParseFlow(fmt.Sprintf("priority=%d,ip,nw_src=10.%d.%d.%d,actions=output:%d", 1+i%100, i>>16&255, i>>8&255, i&255, 1+i%4), ofp.FlowAdd, nil)
		if err != nil {
			b.Fatal(err)
		}
		msgs[i] = m
	}
	for _, kind := range []string{"disk", "memory"} {
		b.Run(kind, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				b.StopTimer()
				s := store.NewMemory(store.Options{})
				if kind == "disk" {
					var err error
					if s, err = store.Open(filepath.Join(b.TempDir(), "state.db"), store.Options{}); err != nil {
						b.Fatal(err)
					}
				}
				d, err := New(b.Context(), s)
				if err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				if _, err := d.Apply(b.Context(), willing{}, Txn{Author: "bench", Messages: msgs}); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/flows, "ns/flow")
		})
	}
}
