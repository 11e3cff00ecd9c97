package e2e

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMininet has Mininet build its network of four switches in a row on our
// Open vSwitch, and ping every host from every other.
func TestMininet(t *testing.T) {
	t.Parallel()
	requireProgram(t, "mn", "mininet")
	l := newLab(t, "--apps", "l2switch")
	script, err := filepath.Abs("mininet")
	l.check(err)
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			out, err := l.Run(l.within(60*time.Second), script,
				"--topo", "linear,4", "--switch", "ovs,datapath=user,protocols="+v.protocol,
				"--controller", "remote,ip=127.0.0.1,port=6653", "--test", "pingall")
			if err != nil || !strings.Contains(out, "Results: 0% dropped (12/12 received)") {
				t.Errorf("mn: %v\n%s", err, out)
			}
		})
	}
}
