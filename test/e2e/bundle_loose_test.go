package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestBundleFindsWhatItAdds changes and deletes, by what they match, flows that the
// same bundle has added with a mask of their own and a higher priority than there
// was before. Open vSwitch 3.1 by itself does not find these: if ovs-ofctl's bundle
// comes to the same, nothing need be put in any more.
func TestBundleFindsWhatItAdds(t *testing.T) {
	t.Parallel()
	l := newLab(t, "--apps", "none")
	l.bridge("br13", 1, "OpenFlow13")
	l.bridge("theirs", 2, "OpenFlow13")
	l.ready(heal, "br13", "theirs")
	l.file(t, "loose", "flow add table=1,priority=22,ip,nw_dst=10.0.0.1,actions=drop", "flow delete table=1,ip",
		"flow add table=2,priority=22,ip,nw_dst=10.0.0.1,actions=drop", "flow modify table=2,ip,actions=output:3", "flow add table=2,priority=9,udp,actions=output:4")
	low := func(bridge string) {
		for _, table := range []string{"1", "2"} {
			_, err := l.Ofctl(t.Context(), "-O", "OpenFlow13", "add-flow", bridge, "table="+table+",priority=1,arp,actions=drop")
			l.check(err)
		}
	}
	low("br13")
	low("theirs")
	_, err := l.Run(t.Context(), filepath.Join(bin, "sluice"), "bundle", "br13", l.path("loose"))
	l.check(err)
	ours, err := l.Ofctl(t.Context(), "-O", "OpenFlow13", "--no-stats", "--sort", "dump-flows", "br13")
	l.check(err)
	if strings.Contains(ours, "table=1, priority=22") || !strings.Contains(ours, "ip,nw_dst=10.0.0.1 actions=output:3") || !strings.Contains(ours, "udp actions=output:4") {
		t.Errorf("br13 has\n%s", ours)
	}
	_, err = l.Ofctl(t.Context(), "-O", "OpenFlow13", "bundle", "theirs", l.path("loose"))
	l.check(err)
	theirs, err := l.Ofctl(t.Context(), "-O", "OpenFlow13", "--no-stats", "--sort", "dump-flows", "theirs")
	l.check(err)
	t.Logf("ovs-ofctl's bundle comes to the same: %v\n%s", ours == theirs, theirs)
}
