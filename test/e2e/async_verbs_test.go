package e2e

import (
	"strings"
	"testing"

	"github.com/sluice-sdn/sluice/test/ovs"
)

// TestAsyncVerbs: sluiced --async, and what get-async and set-async say and do on
// Open vSwitch in each version, over a reconnection too.
func TestAsyncVerbs(t *testing.T) {
	ovs.Require(t)
	l := newLab(t, "--apps", "none", "--async", "flow-removed=idle+hard,slave:packet-in=action")
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			l := l.in(t)
			l.bridge(v.bridge, uint64(v.net), v.protocol)
			l.ready(heal, v.bridge)
			sluice := func(args ...string) string {
				t.Helper()
				out, err := l.run(ovs.GRPCAddr, args...)
				l.check(err)
				return strings.ReplaceAll(strings.TrimSpace(out), "\n", " ")
			}
			wantMasks := func(what, got, want string) {
				t.Helper()
				if got != want {
					t.Errorf("%s:\n%s, want\n%s", what, got, want)
				}
			}
			const configured = "packet-in=no_match+action port-status=add+delete+modify flow-removed=idle+hard slave:packet-in=action slave:port-status=add+delete+modify slave:flow-removed=none"
			wantMasks("configured", sluice("get-async", v.bridge), configured)

			const silent = "packet-in=no_match+action+invalid_ttl port-status=none flow-removed=idle+hard slave:packet-in=action slave:port-status=delete slave:flow-removed=none"
			wantMasks("set", sluice("set-async", v.bridge, "port-status=none", "packet-in=all", "slave:port-status=delete"), silent)
			wantMasks("read back", sluice("get-async", v.bridge), silent)

			hosts := l.hosts(v.bridge, v.net, 1) // a port comes, and is not told of
			ports := func() string {
				sluice("barrier", v.bridge)
				return sluice("dump-ports-desc", v.bridge)
			}
			if _, err := l.Ofctl(t.Context(), "-O", v.protocol, "mod-port", v.bridge, hosts[0].Name, "no-forward"); err != nil {
				t.Fatal(err)
			}
			if got := ports(); strings.Contains(got, hosts[0].Name) {
				t.Errorf("without port status there is %s", got)
			}

			// Away and back: what was set is set again, and the ports are read.
			_, err := l.Vsctl(t.Context(), "del-controller", v.bridge)
			l.check(err)
			l.says("no switch", ovs.GRPCAddr, "get-async", v.bridge)
			_, err = l.Vsctl(t.Context(), "set-controller", v.bridge, ovs.ControllerAddr)
			l.check(err)
			l.ready(heal, v.bridge)
			wantMasks("back", sluice("get-async", v.bridge), silent)
			if got := ports(); !strings.Contains(got, hosts[0].Name) {
				t.Errorf("after a new handshake there is only %s", got)
			}

			_, err = l.Vsctl(t.Context(), "del-port", v.bridge, hosts[0].Name)
			l.check(err)
			if got := ports(); !strings.Contains(got, hosts[0].Name) {
				t.Errorf("without port status it is told that a port goes: %s", got)
			}
			wantMasks("back to the setting", sluice("set-async", v.bridge, "--default"), configured)
			if got := ports(); strings.Contains(got, hosts[0].Name) {
				t.Errorf("with port status the ports are not read again: %s", got)
			}
			_, err = l.Vsctl(t.Context(), "add-port", v.bridge, "late"+v.bridge, "--", "set", "interface", "late"+v.bridge, "type=internal")
			l.check(err)
			l.says("late"+v.bridge, ovs.GRPCAddr, "dump-ports-desc", v.bridge)
		})
	}
}
