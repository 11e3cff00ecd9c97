package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/sluice-sdn/sluice/test/ovs"
)

// TestConfiguration changes ports, tables and the handling of fragments, has
// ovs-ofctl see it, and compares what sluice and ovs-ofctl print.
func TestConfiguration(t *testing.T) {
	t.Parallel()
	l := newLab(t, "--apps", "none")
	l.expected = []string{"OFPQOFC_BAD_QUEUE"}
	var bridges []string
	for i, v := range versions {
		l.bridge(v.bridge, uint64(i+1), v.protocol)
		bridges = append(bridges, v.bridge)
	}
	l.ready(heal, bridges...)
	for _, v := range versions {
		h := l.hosts(v.bridge, v.net, 2)
		t.Run(v.name, func(t *testing.T) {
			l.portDown(t, v, h)
			l.tableMiss(t, v, h)
			l.fragments(t, v)
			l.queues(t, v, h[0])
			l.printsAsOfctl(t, v)
		})
	}
}

// fails runs a verb that must fail, and say why.
func (l *lab) fails(t *testing.T, says string, args ...string) {
	t.Helper()
	out, err := l.Run(t.Context(), append([]string{bin + "/sluice"}, args...)...)
	if err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("sluice %s: %v, want a failure with %q; it printed %q", strings.Join(args, " "), err, says, out)
	}
}

// below is what ovs-ofctl prints below or behind its headlines.
func (l *lab) below(t *testing.T, args ...string) string {
	t.Helper()
	out, err := l.Ofctl(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return headline.ReplaceAllString(out, "")
}

var headline = regexp.MustCompile(`(?m)^(OFP|NX)\w+ (reply )?(\(OF1\.\d\) )?\(xid=0x[0-9a-f]+\):[ \n]`)

// portDown takes a port down and up; its packets follow.
func (l *lab) portDown(t *testing.T, v version, h []*ovs.Host) {
	l.sluice(t, "add-flow", v.bridge, "priority=9,actions=NORMAL")
	l.reaches(t, h[0], h[1])
	port := fmt.Sprint(h[1].Port)
	l.sluice(t, "mod-port", v.bridge, port, "no-forward")
	l.blocked(t, h[0], h[1])
	l.sluice(t, "mod-port", v.bridge, port, "down")
	for _, out := range []string{l.below(t, "dump-ports-desc", v.bridge), l.sluice(t, "dump-ports-desc", v.bridge)} {
		if !regexp.MustCompile(`(?m)^ ` + port + `\(.*\n     config:     PORT_DOWN NO_FWD$`).MatchString(out) {
			t.Errorf("port %s is not down:\n%s", port, out)
		}
	}
	l.sluice(t, "mod-port", v.bridge, port, "up")
	l.sluice(t, "mod-port", v.bridge, port, "forward")
	if out := l.below(t, "dump-ports-desc", v.bridge); !regexp.MustCompile(`(?m)^ ` + port + `\(.*\n     config:     0$`).MatchString(out) {
		t.Errorf("port %s is not up:\n%s", port, out)
	}
	l.reaches(t, h[0], h[1])
	if v.name == "1.0" {
		l.sluice(t, "mod-port", v.bridge, port, "no-flood")
		if out := l.below(t, "dump-ports-desc", v.bridge); !strings.Contains(out, "NO_FLOOD") {
			t.Errorf("no-flood is lost:\n%s", out)
		}
		return
	}
	l.fails(t, "no_flood: not in OpenFlow "+v.name, "mod-port", v.bridge, port, "no-flood")
	l.sluice(t, "del-flows", v.bridge)
}

// tableMiss makes the first table hand on what no flow takes. Open vSwitch looks
// anew at the packets that it knows only when a flow changes.
func (l *lab) tableMiss(t *testing.T, v version, h []*ovs.Host) {
	if v.name != "1.1" && v.name != "1.2" {
		l.fails(t, "table miss: not in OpenFlow "+v.name, "mod-table", v.bridge, "0", "continue")
		return
	}
	l.sluice(t, "mod-table", v.bridge, "0", "continue")
	l.sluice(t, "add-flow", v.bridge, "table=1,actions=NORMAL")
	l.reaches(t, h[0], h[1])
	l.sluice(t, "mod-table", v.bridge, "0", "drop")
	l.sluice(t, "add-flow", v.bridge, "table=2,actions=NORMAL")
	l.blocked(t, h[0], h[1])
	l.sluice(t, "mod-table", v.bridge, "all", "drop")
	if v.name == "1.1" {
		return // where Open vSwitch 3.1 tells its own number of the setting, not OpenFlow's
	}
	if out := l.below(t, "dump-tables", v.bridge); !strings.Contains(out, "config=drop") || strings.Count(out, "config=") != strings.Count(out, "config=drop") {
		t.Errorf("not all tables drop:\n%s", out)
	}
}

func (l *lab) fragments(t *testing.T, v version) {
	for _, how := range []string{"drop", "nx-match", "normal"} {
		l.sluice(t, "set-frags", v.bridge, how)
		if got := l.sluice(t, "get-frags", v.bridge); got != how+"\n" {
			t.Errorf("get-frags after %s: %s", how, got)
		}
		if got := l.below(t, "get-frags", v.bridge); got != how+"\n" {
			t.Errorf("ovs-ofctl get-frags after %s: %s", how, got)
		}
	}
	l.fails(t, "does not do that: its way with fragments is normal", "set-frags", v.bridge, "reassemble")
}

// queues asks for the queues of one port and of all, before there is one and
// after.
func (l *lab) queues(t *testing.T, v version, h *ovs.Host) {
	port := fmt.Sprint(h.Port)
	same := func(says string, args ...string) {
		t.Helper()
		ours, theirs := l.sluice(t, args...), l.below(t, args...)
		if mask(ours) != mask(theirs) || !strings.Contains(ours, says) {
			t.Errorf("sluice %v prints\n%s\nwant %q in it; ovs-ofctl\n%s", args, ours, says, theirs)
		}
	}
	same("", "queue-get-config", v.bridge)
	same("", "queue-get-config", v.bridge, port)
	same("0 queues\n", "queue-stats", v.bridge)
	_, err := l.Vsctl(t.Context(), "set", "port", fmt.Sprintf("n%dh1", v.net), "qos=@qos", "--", "--id=@qos", "create", "qos", "type=linux-htb",
		"other-config:max-rate=1000000000", "queues:3=@queue", "--", "--id=@queue", "create", "queue", "other-config:min-rate=100000000")
	if err != nil {
		t.Fatal(err)
	}
	const both = "queue 0:\nqueue 3:\n"
	same("port="+port+"\n"+both, "queue-get-config", v.bridge, port)
	// Of several ports' queues ovs-ofctl does not say whose they are.
	if out := l.sluice(t, "queue-get-config", v.bridge); out != "port="+port+"\n"+both {
		t.Errorf("sluice queue-get-config prints\n%s", out)
	}
	same("2 queues\n", "queue-stats", v.bridge)
	same("1 queues\n  port "+port+" queue 3: bytes=0, ", "queue-stats", v.bridge, port, "3")
	l.fails(t, `the switch has no port "77"`, "queue-get-config", v.bridge, "77")
	l.fails(t, "OFPQOFC_BAD_QUEUE", "queue-stats", v.bridge, port, "77")
}

// changing are the numbers that differ between two looks at the same.
var changing = regexp.MustCompile(`(duration=[0-9.]+s|(pkts|bytes|lookup|matched)=\d+)`)

func mask(s string) string { return changing.ReplaceAllString(s, "$2#") }

// printsAsOfctl compares what the two print.
func (l *lab) printsAsOfctl(t *testing.T, v version) {
	verbs := []string{"dump-desc", "dump-ports-desc", "dump-ports", "dump-tables", "dump-aggregate"}
	if v.name == "1.3" {
		verbs = append(verbs, "dump-table-features")
	}
	for _, verb := range verbs {
		ours, theirs := l.sluice(t, verb, v.bridge), l.below(t, verb, v.bridge)
		if ours, theirs = mask(ours), mask(theirs); strings.TrimRight(ours, "\n") != strings.TrimRight(theirs, "\n") {
			t.Errorf("sluice %s prints\n%s\novs-ofctl\n%s", verb, ours, theirs)
		}
	}
}
