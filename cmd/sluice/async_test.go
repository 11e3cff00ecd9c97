package main

import (
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

func TestAsyncVerbs(t *testing.T) {
	d := newDaemon(t)
	d.bridge(simswitch.Config{Name: "br0", DPID: 1, Versions: []ofp.Version{ofp.V13}})
	old := d.bridge(simswitch.Config{Name: "br1", DPID: 2, Versions: []ofp.Version{ofp.V10}})
	const defaults = "packet-in=no_match+action\nport-status=add+delete+modify\nflow-removed=idle+hard+delete+group_delete\n" +
		"slave:packet-in=none\nslave:port-status=add+delete+modify\nslave:flow-removed=none\n"
	const changed = "packet-in=none\nport-status=add+delete+modify\nflow-removed=idle+hard+delete+group_delete\n" +
		"slave:packet-in=invalid_ttl\nslave:port-status=add+delete+modify\nslave:flow-removed=idle+hard+delete+group_delete\n"
	for _, row := range []struct {
		args   []string
		status int
		out    string
		says   string
	}{
		{[]string{"get-async", "br0"}, 0, defaults, ""},
		{[]string{"set-async", "br0", "packet-in=none", "slave:packet-in=invalid_ttl,slave:flow-removed=all"}, 0, changed, ""},
		{[]string{"get-async", "br0"}, 0, changed, ""},
		{[]string{"set-async", "br0", "--default"}, 0, defaults, ""},
		{[]string{"set-async", "br0", "--default", "port-status=none"}, 0,
			"packet-in=no_match+action\nport-status=none\nflow-removed=idle+hard+delete+group_delete\nslave:packet-in=none\nslave:port-status=add+delete+modify\nslave:flow-removed=none\n", ""},
		{[]string{"get-async", "br1"}, 1, "", "br1: switch does not let controllers choose what it sends: OpenFlow 1.0 cannot ask for it, and it was not set since the switch connected\n"},
		{[]string{"set-async", "br1", "packet-in=none", "slave:packet-in=invalid_ttl", "slave:flow-removed=all"}, 0, changed, ""},
		{[]string{"get-async", "br1"}, 0, changed, ""},
		{[]string{"set-async", "br0"}, 2, "", "KIND=REASONS is missing"},
		{[]string{"set-async"}, 2, "", "SWITCH is missing"},
		{[]string{"set-async", "br0", "role-status=all"}, 2, "", "KIND being packet-in, port-status, flow-removed"},
		{[]string{"set-async", "br0", "packet-in=ttl"}, 2, "", `packet-in has no reason "ttl": want no_match, action, invalid_ttl`},
		{[]string{"get-async", "br7"}, 1, "", `no switch "br7" is connected`},
	} {
		r := d.sluice("", row.args...)
		if r.code != row.status || row.status == 0 && r.out != row.out {
			t.Errorf("%v: status %d, %s", row.args, r.code, r.out)
		}
		wantTexts(t, row.args[0], r.err, row.says)
	}
	old.SetFaults(func(_ int, _ ofp.Header, m ofp.Message) simswitch.Fault {
		if _, ok := m.(*ofp.NXSetAsyncConfig); ok {
			return simswitch.Fault{Refuse: ofp.BadRequestBadExperimenter}
		}
		return simswitch.Fault{}
	})
	r := d.sluice("", "set-async", "br1", "packet-in=none")
	if r.code != 1 {
		t.Errorf("status %d: %s", r.code, r.out)
	}
	wantTexts(t, "set-async", r.err, "OpenFlow 1.0 has no message for it, and the switch does not know Open vSwitch's\n")
	wantTexts(t, "json", d.must("", "-o", "json", "get-async", "br0"), `"port_status"`, `"no_match"`)
}
