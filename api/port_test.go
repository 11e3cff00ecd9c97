package api

import (
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestPortNames: text and structure read the same name as the same port, and no
// port of a switch takes the place of a reserved one.
func TestPortNames(t *testing.T) {
	n := &ofp.Names{Port: func(string) (ofp.PortNo, bool) { return 7, true }}
	for name, want := range map[string]ofp.PortNo{"flood": ofp.PortFlood, "LOCAL": ofp.PortLocal, "NORMAL": ofp.PortNormal, "3": 3, "eth0": 7} {
		if p, err := toPort(name, n); err != nil || p != want {
			t.Errorf("structured %s is %v, %v; want %v", name, p, err, want)
		}
		is, err := ofp.ParseActions("output:"+name, n)
		if err != nil || is[0].Actions[0].Port() != want {
			t.Errorf("%s in text is %v, %v; want %v", name, is, err, want)
		}
	}
}
