package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/test/need"
	"github.com/sluice-sdn/sluice/test/ovs"
)

// TestRecord records bridges of all four versions. Wireshark and ofp-print read
// the recording, and replayed to a fresh controller its switches are there again,
// and are told what they were told.
func TestRecord(t *testing.T) {
	t.Parallel()
	ovs.Require(t)
	tshark := need.Program(t, "tshark", "tshark")
	path := filepath.Join(t.TempDir(), "of.pcapng")
	l := newLab(t, "--apps", "l2switch", "--record", path)
	var bridges []string
	hosts := map[string][]*ovs.Host{}
	for i, v := range versions {
		l.bridge(v.bridge, uint64(i+1), v.protocol)
		hosts[v.bridge] = l.hosts(v.bridge, v.net, 2)
		bridges = append(bridges, v.bridge)
	}
	l.ready(heal, bridges...)
	for _, v := range versions {
		h := hosts[v.bridge]
		l.reaches(t, h[0], h[1])
		l.sluice(t, "add-flow", v.bridge, "priority=7,udp,tp_dst=53,actions=output:1")
		l.sluice(t, "dump-flows", v.bridge)
		if _, err := l.Vsctl(t.Context(), "del-controller", v.bridge); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.sluiced.Terminate(5 * time.Second); err != nil {
		t.Fatal(err)
	}

	dissect := func(filter string, fields ...string) []string {
		t.Helper()
		args := []string{tshark, "-r", path, "-Y", filter, "-T", "fields"}
		for _, f := range fields {
			args = append(args, "-e", f)
		}
		out, err := l.Run(t.Context(), args...)
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for line := range strings.Lines(out) {
			if !strings.Contains(line, "Running as user") {
				lines = append(lines, strings.TrimSpace(line))
			}
		}
		return lines
	}
	// tshark finds an end too early in the answer of a bridge of 1.3 to the request
	// for a flow monitor, where nothing is to be told yet: see docs/record.md.
	const known = " && !(openflow_v4.multipart_reply.type == 0xffff)"
	for _, wrong := range []string{"_ws.malformed" + known, "_ws.expert.severity >= error" + known, "tcp.analysis.flags", `tcp.len > 0 && !(frame.protocols contains "openflow")`, "tcp.checksum.status == 0 || ip.checksum.status == 0"} {
		if lines := dissect(wrong, "frame.number", "_ws.expert.message", "openflow_v4.multipart_reply.type", "openflow_v4.length", "_ws.col.Info"); len(lines) > 0 {
			t.Errorf("%s: %d packets, such as %q", wrong, len(lines), lines[:min(len(lines), 5)])
		}
	}
	for i, v := range versions {
		if n := len(dissect(fmt.Sprintf("openflow.version == %d || openflow_v4.version == %d", i+1, i+1), "frame.number")); n < 15 {
			t.Errorf("OpenFlow %s in %d packets", v.name, n)
		}
		comment := fmt.Sprintf("is dpid %016x, OpenFlow %s, name %s", i+1, v.name, v.bridge)
		if n := len(dissect(fmt.Sprintf("frame.comment contains %q", comment), "frame.number")); n != 1 {
			t.Errorf("%d packets have the comment %q", n, comment)
		}
	}
	printed := l.sluice(t, "ofp-print", path)
	for _, want := range []string{"OFPST_DESC reply", "(OF1.1)", "(OF1.2)", "(OF1.3)", "OFPT_FEATURES_REPLY", "OFPT_PACKET_IN", "OFPT_FLOW_MOD"} {
		if !strings.Contains(printed, want) {
			t.Errorf("ofp-print says no %s", want)
		}
	}

	// Replayed to a controller that knows nothing.
	l.args = []string{"--apps", "l2switch"}
	l.startSluiced()
	var report struct {
		Connections []struct {
			DPID, Error      string
			Messages, Played int
		}
		Types []struct {
			Type                             string
			Recorded, Same, Different, Extra int
		}
	}
	text := l.sluice(t, "replay", path, "-o", "json", "--wait", "1s")
	if err := json.Unmarshal([]byte(text), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Connections) != len(versions) {
		t.Errorf("%d connections are played:\n%s", len(report.Connections), text)
	}
	for _, c := range report.Connections {
		if c.Error != "" || c.Played < 10 {
			t.Errorf("%+v", c)
		}
	}
	for _, x := range report.Types {
		switch x.Type {
		case "features_request", "set_config", "packet_out":
			if x.Same != x.Recorded || x.Recorded < len(versions) {
				t.Errorf("%+v", x)
			}
		case "flow_mod":
			// All but those of the command line.
			if x.Same < x.Recorded-len(versions) || x.Recorded < 3*len(versions) {
				t.Errorf("%+v", x)
			}
		}
	}

	// Held, they are connected under their names.
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = l.Run(ctx, filepath.Join(bin, "sluice"), "replay", path, "--hold", "--wait", "1s") // ended by cancel
	}()
	l.ready(heal, bridges...)
	cancel()
	<-ended
}
