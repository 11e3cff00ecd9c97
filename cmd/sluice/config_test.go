package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// wantText compares all that a verb prints.
func wantText(t *testing.T, what, want, got string) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func TestModPort(t *testing.T) {
	d := newDaemon(t)
	old := d.bridge(simswitch.Config{Name: "br0", DPID: 1, Versions: []ofp.Version{ofp.V10}})
	for _, row := range []struct {
		word string
		want ofp.PortConfig
	}{
		{"down", ofp.PortDown}, {"up", 0},
		{"no-receive", ofp.PortNoRecv}, {"no-receive-stp", ofp.PortNoRecv | ofp.PortNoRecvSTP}, {"receive", ofp.PortNoRecvSTP}, {"receive-stp", 0},
		{"no-forward", ofp.PortNoFwd}, {"forward", 0}, {"no-packet-in", ofp.PortNoPacketIn}, {"packet-in", 0},
		{"no-flood", ofp.PortNoFlood}, {"flood", 0}, {"no-stp", ofp.PortNoSTP}, {"stp", 0},
	} {
		if out := d.must("", "mod-port", "br0", "eth2", row.word); out != "" {
			t.Errorf("mod-port %s prints %q", row.word, out)
		}
		if got := old.Ports()[1].Config; got != row.want {
			t.Errorf("after %s the port's configuration is %#x, want %#x", row.word, got, row.want)
		}
	}
	wantText(t, "json", "{\n  \"revision\": \"0\"\n}\n", d.must("", "-o", "json", "mod-port", "br0", "2", "down"))
	wantTexts(t, "dump-ports-desc", d.must("", "dump-ports-desc", "br0"), " 2(eth2): addr:02:00:00:00:00:02\n     config:     PORT_DOWN\n")
	wantTexts(t, "completion", d.sluice("", "__complete", "-a", d.grpc, "mod-port", "br0", "2", "").out, "no-flood\n")
}

func TestModTable(t *testing.T) {
	d := newDaemon(t)
	sim := d.bridge(simswitch.Config{Name: "br0", Versions: []ofp.Version{ofp.V12}})
	d.must("", "add-flow", "br0", "table=2,actions=output:3")
	for _, row := range []struct {
		table, miss string
		want        int
	}{{"all", "continue", 1}, {"1", "drop", 0}, {"1", "continue", 1}, {"0", "controller", 0}, {"all", "drop", 0}} {
		if out := d.must("", "mod-table", "br0", row.table, row.miss); out != "" {
			t.Errorf("mod-table prints %q", out)
		}
		sim.Clear()
		sim.Inject(1, make([]byte, 64))
		if n := len(sim.Sent()); n != row.want {
			t.Errorf("%d packets leave after mod-table %s %s, want %d", n, row.table, row.miss, row.want)
		}
	}
}

func TestFragmentVerbs(t *testing.T) {
	d := newDaemon(t)
	d.bridge(simswitch.Config{Name: "br0"})
	for _, how := range []string{"normal", "drop", "nx-match"} {
		if out := d.must("", "set-frags", "br0", how); out != "" {
			t.Errorf("set-frags prints %q", out)
		}
		wantText(t, "get-frags", how+"\n", d.must("", "get-frags", "br0"))
	}
	var parsed struct {
		Config struct {
			Fragments   string
			MissSendLen int `json:"miss_send_len"`
		}
	}
	if err := json.Unmarshal([]byte(d.must("", "-o", "json", "get-frags", "br0")), &parsed); err != nil ||
		parsed.Config.Fragments != "FRAGMENT_HANDLING_NX_MATCH" || parsed.Config.MissSendLen != 65535 {
		t.Errorf("json: %v, %+v", err, parsed)
	}
}

func TestQueueVerbs(t *testing.T) {
	d := newDaemon(t)
	queues := []ofp.Queue{{ID: 7, Port: 3, Properties: []ofp.QueueProperty{{Type: ofp.QueueMinRate, Rate: 105}}}, {ID: 2, Port: 1}}
	d.bridge(simswitch.Config{Name: "br0", DPID: 1, Versions: []ofp.Version{ofp.V10}, Queues: queues})
	d.bridge(simswitch.Config{Name: "br1", DPID: 2, Versions: []ofp.Version{ofp.V13}, Queues: queues})
	for _, br := range []string{"br0", "br1"} {
		const one, three = "port=1\nqueue 2:\n", "port=3\nqueue 7: min_rate:10.5%\n"
		wantText(t, "queue-get-config", one+three, d.must("", "queue-get-config", br))
		wantText(t, "queue-get-config of all", one+three, d.must("", "queue-get-config", br, "all"))
		wantText(t, "queue-get-config of a port", three, d.must("", "queue-get-config", br, "eth3"))
		wantText(t, "queue-get-config without queues", "", d.must("", "queue-get-config", br, "2"))
		duration := map[string]string{"br0": "?", "br1": "0s"}[br]
		first := "  port 3 queue 7: bytes=0, pkts=0, errors=0, duration=" + duration + "\n"
		second := "  port 1 queue 2: bytes=0, pkts=0, errors=0, duration=" + duration + "\n"
		wantText(t, "queue-stats", "2 queues\n"+first+second, d.must("", "queue-stats", br))
		wantText(t, "queue-stats of a port", "1 queues\n"+first, d.must("", "queue-stats", br, "3"))
		wantText(t, "queue-stats of a queue", "1 queues\n"+second, d.must("", "queue-stats", br, "all", "2"))
		wantText(t, "queue-stats of none", "0 queues\n", d.must("", "queue-stats", br, "eth2"))
	}
	var parsed struct {
		Queues []struct {
			Port, ID int
			MinRate  *int `json:"min_rate"`
		}
	}
	if err := json.Unmarshal([]byte(d.must("", "-o", "json", "queue-get-config", "br1")), &parsed); err != nil || len(parsed.Queues) != 2 ||
		parsed.Queues[0].Port != 3 || parsed.Queues[0].MinRate == nil || *parsed.Queues[0].MinRate != 105 || parsed.Queues[1].MinRate != nil {
		t.Errorf("json: %v, %+v", err, parsed)
	}
	wantTexts(t, "yaml", d.must("", "-o", "yaml", "queue-stats", "br0"), "queues:\n  - port: 3\n    id: 7\n    tx_bytes: \"0\"\n")
}

func TestDumpTableFeatures(t *testing.T) {
	d := newDaemon(t)
	d.bridge(simswitch.Config{Name: "br0", Versions: []ofp.Version{ofp.V13}, Tables: 100, SegmentBytes: 3000})
	text := d.must("", "dump-table-features", "br0")
	if !strings.HasPrefix(text, "  table 0 (\"table0\"):\n    metadata: match=0xffffffffffffffff") || strings.Count(text, ": ditto\n") < 90 ||
		!strings.Contains(text, "  table 99 (\"table99\"):") {
		t.Errorf("dump-table-features prints\n%s", text)
	}
	var parsed struct {
		Tables []struct {
			MaxEntries int `json:"max_entries"`
		}
	}
	if err := json.Unmarshal([]byte(d.must("", "-o", "json", "dump-table-features", "br0")), &parsed); err != nil || len(parsed.Tables) != 100 || parsed.Tables[99].MaxEntries != 1_000_000 {
		t.Errorf("json: %v, %d tables", err, len(parsed.Tables))
	}
}

// TestLooksLikeOfctl: what the verbs print without -o is what ovs-ofctl prints
// below its headline.
func TestLooksLikeOfctl(t *testing.T) {
	d := newDaemon(t)
	d.bridge(simswitch.Config{Name: "br0", Versions: []ofp.Version{ofp.V11}, Tables: 2, Ports: simswitch.Ports(2)})
	for _, row := range []struct{ args, want string }{
		{"dump-desc", "Manufacturer: Sluice\nHardware: simulated switch\nSoftware: simswitch\nSerial Num: none\nDP Description: br0\n"},
		{"dump-ports-desc", " 1(eth1): addr:02:00:00:00:00:01\n     config:     0\n     state:      0\n     current:    10GB-FD COPPER\n     speed: 10000 Mbps now, 10000 Mbps max\n" +
			" 2(eth2): addr:02:00:00:00:00:02\n     config:     0\n     state:      0\n     current:    10GB-FD COPPER\n     speed: 10000 Mbps now, 10000 Mbps max\n"},
		{"dump-ports", "2 ports\n  port  1: rx pkts=0, bytes=0, drop=0, errs=0, frame=0, over=0, crc=0\n           tx pkts=0, bytes=0, drop=0, errs=0, coll=0\n" +
			"  port  2: rx pkts=0, bytes=0, drop=0, errs=0, frame=0, over=0, crc=0\n           tx pkts=0, bytes=0, drop=0, errs=0, coll=0\n"},
		{"dump-aggregate", "packet_count=0 byte_count=0 flow_count=0\n"},
	} {
		wantText(t, row.args, row.want, d.must("", row.args, "br0"))
	}
	wantTexts(t, "dump-tables", d.must("", "dump-tables", "br0"), "  table 0 (\"table0\"):\n    active=0, lookup=0, matched=0\n    config=drop\n    max_entries=1000000\n", "  table 1: ditto\n")
}

func TestConfigErrors(t *testing.T) {
	d := newDaemon(t)
	d.bridge(simswitch.Config{Name: "br0", DPID: 1, Versions: []ofp.Version{ofp.V13}})
	d.bridge(simswitch.Config{Name: "mid", DPID: 2, Versions: []ofp.Version{ofp.V11}})
	for _, row := range []struct {
		name string
		args []string
		code int
		says []string
	}{
		{"version of a bit", []string{"mod-port", "br0", "1", "no-flood"}, exitError, []string{"sluice: port_mod: ", "no_flood: not in OpenFlow 1.3, the version of br0; nothing was changed"}},
		{"port", []string{"mod-port", "br0", "eth9", "up"}, exitError, []string{`the switch has no port "eth9"`}},
		{"word", []string{"mod-port", "br0", "1", "off"}, exitUsage, []string{`action "off": want down, flood, forward`}},
		{"no word", []string{"mod-port", "br0", "1"}, exitUsage, []string{"ACTION is missing"}},
		{"no switch", []string{"mod-port", "br9", "1", "up"}, exitError, []string{`no switch "br9" is connected`}},
		{"version of table misses", []string{"mod-table", "br0", "0", "drop"}, exitError, []string{"table miss: not in OpenFlow 1.3, the version of br0; nothing was changed"}},
		{"table", []string{"mod-table", "mid", "x", "drop"}, exitUsage, []string{`"x" is no number: want table=NUMBER or all`}},
		{"table that is not there", []string{"mod-table", "mid", "99", "drop"}, exitError, []string{"mid refused: OFPTMFC_BAD_TABLE"}},
		{"miss", []string{"mod-table", "mid", "0", "flood"}, exitUsage, []string{`"flood": want continue, controller, drop`}},
		{"version of table features", []string{"dump-table-features", "mid"}, exitError, []string{"table_features: not in OpenFlow 1.1, the version of mid"}},
		{"fragments", []string{"set-frags", "br0", "some"}, exitUsage, []string{`"some": want drop, normal, nx-match, reassemble`}},
		{"fragments that the switch cannot treat", []string{"set-frags", "br0", "reassemble"}, exitError, []string{"br0 does not do that: its way with fragments is normal"}},
		{"port of queues", []string{"queue-get-config", "mid", "77"}, exitError, []string{`the switch has no port "77"`}},
		{"queue", []string{"queue-stats", "br0", "1", "9"}, exitError, []string{"br0 refused: OFPQOFC_BAD_QUEUE"}},
		{"queue's number", []string{"queue-stats", "br0", "1", "x"}, exitUsage, []string{`"x" is no number: want queue=NUMBER or all`}},
		{"too much", []string{"get-frags", "br0", "now"}, exitUsage, []string{`"now" is too much`}},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := d.sluice("", row.args...)
			if r.code != row.code || r.out != "" {
				t.Errorf("status %d, want %d; prints %q", r.code, row.code, r.out)
			}
			wantTexts(t, "error", r.err+"$", row.says...)
		})
	}
}
