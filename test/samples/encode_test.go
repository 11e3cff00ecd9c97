package samples

import (
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestEncodingOnlyReads has several goroutines encode one message, in every
// version and for every connection. The messages are the caller's: they hold the
// same afterwards, and the race detector sees nobody write.
func TestEncodingOnlyReads(t *testing.T) {
	forEach(t, func(t *rapid.T, v ofp.Version, m ofp.Message, frame []byte) {
		before := Dump(m)
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() {
				for _, v := range ofp.Versions() {
					for _, e := range []ofp.Encoder{{}, {Extensions: true}} {
						_, _ = e.Append(nil, v, 7, m)
					}
				}
			})
		}
		all.Wait()
		if after := Dump(m); after != before {
			t.Fatalf("encoding made of\n     %s\n this %s", before, after)
		}
	})
}
