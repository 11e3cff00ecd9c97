package channel

import (
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// BenchmarkEnforce is what a limit costs a packet-in that passes.
func BenchmarkEnforce(b *testing.B) {
	frame, err := ofp.Append(nil, ofp.V13, 0, packetOf(0x0800, 64))
	if err != nil {
		b.Fatal(err)
	}
	chunk := new(Batch)
	for range 600 {
		chunk.keep(ofp.TypePacketIn, frame)
	}
	all := chunk.events
	c := &Conn{stats: new(Stats)}
	c.r.chunk = chunk
	c.r.limits = newLimiter(Limits{ClassIP: {Rate: MaxRate}}, time.Now())
	b.ReportAllocs()
	for n := 0; n < b.N; n += len(all) {
		chunk.events = all
		c.enforce()
	}
}
