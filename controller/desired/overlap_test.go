package desired

import (
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestOverlapIsCheckedOneByOne: what is to be refused where it overlaps is in no
// bundle that nobody has asked for.
func TestOverlapIsCheckedOneByOne(t *testing.T) {
	r := newRig(t, ofp.V13)
	r.sw.bundles = true
	r.apply("add-flow priority=1,check_overlap,arp,actions=drop", "add-flow priority=2,udp,actions=drop")
	if r.sw.bundled != 0 || len(r.sw.all()) != 2 {
		t.Errorf("%d bundles; it has %v", r.sw.bundled, r.sw.all())
	}
	r.apply("add-flow priority=3,arp,actions=drop", "add-flow priority=4,udp,actions=drop")
	if r.sw.bundled != 1 {
		t.Errorf("%d bundles without it, want 1", r.sw.bundled)
	}
}
