package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-sdn/sluice/test/ovs"
)

// TestSettings has ports and fragments set, and finds them so again after
// ovs-vswitchd was killed, after the port was taken away and came back, after
// somebody else changed them, and after sluiced was killed.
func TestSettings(t *testing.T) {
	t.Parallel()
	l := newLab(t, "--apps", "none")
	set := map[string]string{"1.0": "no-flood", "1.2": "no-receive", "1.3": "no-packet-in"}
	tells := map[string]string{"1.0": "PORT_DOWN NO_FLOOD", "1.2": "PORT_DOWN NO_RECV", "1.3": "PORT_DOWN NO_PACKET_IN"}
	undo := map[string]string{"1.0": "flood", "1.2": "receive", "1.3": "packet-in"}
	some := []version{versions[0], versions[2], versions[3]}
	var bridges []string
	port := map[string]*ovs.Host{}
	for i, v := range some {
		l.bridge(v.bridge, uint64(i+1), v.protocol)
		port[v.bridge] = l.hosts(v.bridge, v.net, 1)[0]
		bridges = append(bridges, v.bridge)
	}
	l.ready(heal, bridges...)
	so := func(v version, what string) {
		t.Helper()
		name := fmt.Sprintf("n%dh1", v.net)
		l.check(ovs.Wait(l.within(heal), what, func(ctx context.Context) error {
			ports, err := l.Ofctl(ctx, "-O", v.protocol, "dump-ports-desc", v.bridge)
			if err != nil {
				return err
			}
			_, of, _ := strings.Cut(ports, "("+name+")")
			if first, _, _ := strings.Cut(of, " state:"); !strings.Contains(first, "config:     "+tells[v.name]) {
				return fmt.Errorf("%s is not as it was set:\n%s", name, ports)
			}
			frags, err := l.Ofctl(ctx, "-O", v.protocol, "get-frags", v.bridge)
			if err != nil || !strings.Contains(frags, "drop") {
				return fmt.Errorf("fragments: %s, %v", frags, err)
			}
			if v.name != "1.2" {
				return nil
			}
			tables, err := l.Ofctl(ctx, "-O", v.protocol, "dump-tables", v.bridge)
			if err != nil || strings.Count(tables, "config=drop") != 1 {
				return fmt.Errorf("tables: %s, %v", tables, err)
			}
			return nil
		}))
	}
	for _, v := range some {
		name := fmt.Sprintf("n%dh1", v.net)
		l.sluice(t, "mod-port", v.bridge, name, "down")
		l.sluice(t, "mod-port", v.bridge, name, set[v.name])
		l.sluice(t, "set-frags", v.bridge, "drop")
		if v.name == "1.2" {
			l.sluice(t, "mod-table", v.bridge, "3", "drop")
		}
		so(v, "the settings")
	}
	for _, v := range some {
		name := fmt.Sprintf("n%dh1", v.net)
		_, err := l.Ofctl(t.Context(), "-O", v.protocol, "mod-port", v.bridge, name, undo[v.name])
		l.check(err)
		_, err = l.Ofctl(t.Context(), "-O", v.protocol, "mod-port", v.bridge, name, "up")
		l.check(err)
		so(v, "the settings, which somebody else has changed")
		_, err = l.Vsctl(t.Context(), "del-port", v.bridge, name)
		l.check(err)
		_, err = l.Vsctl(t.Context(), "add-port", v.bridge, name)
		l.check(err)
		so(v, "the settings of a port that came back")
	}
	l.KillVswitchd()
	l.sluiced.Kill()
	l.startSluiced()
	l.check(l.StartVswitchd(l.within(heal)))
	l.ready(heal, bridges...)
	for _, v := range some {
		so(v, "the settings after both were killed")
		if out := l.sluice(t, "status", v.bridge); !strings.Contains(out, "installed: set port n") || !strings.Contains(out, "installed: set fragments drop") {
			t.Errorf("status tells\n%s", out)
		}
		if out := l.sluice(t, "forget-settings", v.bridge); !strings.Contains(out, " forgotten; revision ") {
			t.Errorf("forget-settings prints\n%s", out)
		}
		if out := l.sluice(t, "status", v.bridge); strings.Contains(out, " set ") {
			t.Errorf("what was forgotten is told:\n%s", out)
		}
		so(v, "what was forgotten, and is so until somebody changes it")
	}
}
