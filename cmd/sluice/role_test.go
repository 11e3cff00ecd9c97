package main

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

func TestRoleVerbs(t *testing.T) {
	d := newDaemon(t)
	sim := d.bridge(simswitch.Config{Name: "br0", DPID: 1, Versions: []ofp.Version{ofp.V13}})
	if err := sim.DialAuxiliary(t.Context(), d.openflow, 5); err != nil {
		t.Fatal(err)
	}
	d.bridge(simswitch.Config{Name: "br1", DPID: 2, Versions: []ofp.Version{ofp.V10}})
	if got := d.must("", "switches"); strings.Contains(got, "ROLE") {
		t.Errorf("all are equal, and switches says\n%s", got)
	}
	for _, row := range []struct {
		args []string
		want string
	}{
		{[]string{"get-role", "br0"}, "equal\n"},
		{[]string{"set-role", "br0", "master"}, "master, generation 0\n"},
		{[]string{"set-role", "br0", "master", "--generation-id", "0x10"}, "master, generation 16\n"},
		{[]string{"get-role", "br0"}, "master, generation 16\n"},
		{[]string{"set-role", "br0", "slave"}, "slave, generation 16\n"},
		{[]string{"set-role", "br1", "slave"}, "slave\n"},
		{[]string{"get-role", "br1"}, "slave\n"},
		{[]string{"set-role", "br1", "equal"}, "equal\n"},
	} {
		if got := d.must("", row.args...); got != row.want {
			t.Errorf("%v: %q, want %q", row.args, got, row.want)
		}
	}
	got := d.must("", "switches")
	wantTexts(t, "switches", got, "SINCE                ROLE\n")
	for _, want := range []string{`(?m)^br0 .* slave$`, `(?m)^br1 .* equal$`} {
		if !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("switches says\n%s, want %s", got, want)
		}
	}
	for deadline := time.Now().Add(patience); len(d.c.Switches()[0].Auxiliaries()) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no auxiliary connection in time")
		}
	}
	wantTexts(t, "show", d.must("", "show", "br0"), "role: slave\n", "auxiliary connection 5: from 127.0.0.1:")
	for _, row := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"add-flow", "br0", "actions=drop"}, 1, "sluice: this controller is slave on br0: write through the master, or sluice set-role br0 master; nothing was changed\n"},
		{[]string{"set-role", "br0", "master", "--generation-id", "3"}, 1, "generation id is stale: 3, the switch has 16: another controller was elected since; name a later one, or none\n"},
		{[]string{"set-role", "br0", "lord"}, 2, `"lord": want equal, master, slave`},
		{[]string{"set-role", "br0", "master", "--generation-id", "x"}, 2, "want a number"},
		{[]string{"set-role", "br0"}, 2, "ROLE is missing"},
		{[]string{"set-role", "br1", "master", "--generation-id", "3"}, 1, "not in OpenFlow 1.0"},
	} {
		r := d.sluice("", row.args...)
		if r.code != row.status {
			t.Errorf("%v: status %d", row.args, r.code)
		}
		wantTexts(t, row.args[0], r.err, row.says)
	}
}
