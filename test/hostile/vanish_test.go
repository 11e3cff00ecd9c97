package hostile

import (
	"fmt"
	"testing"

	"google.golang.org/grpc"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// TestClientsThatVanish: clients open streams, do not read them, and are gone without
// a word: others write meanwhile, and nothing of the streams is left.
func TestClientsThatVanish(t *testing.T) {
	l := newLab(t)
	const dpid = "00000000000000aa"
	l.store(dpid, 0, times(5000, 100_000))
	base := l.mark()
	r := new(resetting)
	for range 4 {
		api := sluicev1.NewStateServiceClient(l.client(r.option(), grpc.WithStaticStreamWindowSize(65535), grpc.WithStaticConnWindowSize(1<<24)))
		for range 20 {
			if _, err := api.ListState(l.within(), &sluicev1.ListStateRequest{Switch: dpid}); err != nil {
				t.Fatal(err)
			}
			if _, err := api.WatchHistory(l.within(), &sluicev1.WatchHistoryRequest{AfterRevision: new(uint64)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	l.store(dpid, 1_000_000, 1)
	t.Logf("%v; with streams that nobody reads: %v", base, l.mark())
	r.reset()
	l.until("nothing is left of the streams", func() error {
		if m := l.mark(); m.goroutines > base.goroutines+10 || m.files > base.files+4 {
			return fmt.Errorf("%v; %v before", m, base)
		}
		return nil
	})
}
