package interop

import (
	"bytes"
	"encoding/binary"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/need"
)

// facts are what a message says, by the name that Wireshark's dissector of 1.3
// has for it, without openflow_v4. before it.
type facts map[string][]uint64

func (f facts) add(name string, values ...uint64) { f[name] = append(f[name], values...) }

// factsOf tells what a message of 1.3 says.
func factsOf(m ofp.Message) facts {
	f := facts{}
	switch m := m.(type) {
	case *ofp.FlowMod:
		f.add("flowmod.cookie", m.Cookie)
		f.add("flowmod.cookie_mask", m.CookieMask)
		f.add("flowmod.table_id", uint64(m.Table))
		f.add("flowmod.command", uint64(m.Command))
		f.add("flowmod.idle_timeout", uint64(m.IdleTimeout))
		f.add("flowmod.hard_timeout", uint64(m.HardTimeout))
		f.add("flowmod.priority", uint64(m.Priority))
		f.add("flowmod.buffer_id", uint64(m.BufferID))
		f.add("flowmod.out_port", uint64(m.OutPort))
		f.add("flowmod.out_group", uint64(m.OutGroup))
		f.add("flowmod.flags", uint64(m.Flags))
	case *ofp.FlowRemoved:
		f.add("flow_removed.cookie", m.Cookie)
		f.add("flow_removed.priority", uint64(m.Priority))
		f.add("flow_removed.reason", uint64(m.Reason))
		f.add("flow_removed.table_id", uint64(m.Table))
		f.add("flow_removed.duration_sec", uint64(m.DurationSec))
		f.add("flow_removed.idle_timeout", uint64(m.IdleTimeout))
		f.add("flow_removed.packet_count", m.Packets)
		f.add("flow_removed.byte_count", m.Bytes)
	case *ofp.PacketIn:
		f.add("packet_in.buffer_id", uint64(m.BufferID))
		f.add("packet_in.total_len", uint64(m.TotalLen))
		f.add("packet_in.reason", uint64(m.Reason))
		f.add("packet_in.table_id", uint64(m.Table))
		f.add("packet_in.cookie", m.Cookie)
	case *ofp.PacketOut:
		f.add("packet_out.buffer_id", uint64(m.BufferID))
		f.add("packet_out.in_port", uint64(m.InPort))
	case *ofp.GroupMod:
		f.add("groupmod.command", uint64(m.Command))
		f.add("groupmod.type", uint64(m.GroupType))
		f.add("groupmod.group_id", uint64(m.Group))
	case *ofp.MeterMod:
		f.add("metermod.command", uint64(m.Command))
		f.add("metermod.flags", uint64(m.Flags))
		f.add("metermod.meter_id", uint64(m.Meter))
	case *ofp.PortMod:
		f.add("portmod.port_no", uint64(m.Port))
		f.add("portmod.config", uint64(m.Config))
		f.add("portmod.mask", uint64(m.Mask))
		f.add("portmod.advertise", uint64(m.Advertise))
	case *ofp.TableMod:
		f.add("tablemod.table_id", uint64(m.Table))
	case *ofp.PortStatus:
		f.add("port_status.reason", uint64(m.Reason))
	case *ofp.FeaturesReply:
		f.add("switch_features.datapath_id", uint64(m.DPID))
		f.add("switch_features.n_buffers", uint64(m.Buffers))
		f.add("switch_features.n_tables", uint64(m.Tables))
		f.add("switch_features.auxiliary_id", uint64(m.AuxiliaryID))
		f.add("switch_features.capabilities", uint64(m.Capabilities))
	case *ofp.SetConfig:
		f.add("switch_config.flags", uint64(m.Flags))
		f.add("switch_config.miss_send_len", uint64(m.MissSendLen))
	case *ofp.RoleRequest:
		f.add("role_request.role", uint64(m.Role))
		f.add("role_request.generation_id", m.Generation)
	case *ofp.RoleReply:
		f.add("role_reply.role", uint64(m.Role))
		f.add("role_reply.generation_id", m.Generation)
	case *ofp.MultipartRequest:
		f.add("multipart_request.type", uint64(m.Body.Kind()))
	case *ofp.MultipartReply:
		f.add("multipart_reply.type", uint64(m.Body.Kind()))
	}
	if !standard(m) {
		return f // it reads nothing of an experimenter's
	}
	f.inside(reflect.ValueOf(m))
	if slices.Contains(f["action.type"], actionNumbers[ofp.ActionSetField]) {
		delete(f, "oxm.class") // those that are set are among them
		delete(f, "oxm.length")
	}
	return f
}

// standard reports whether the specification of 1.3 has the message.
func standard(m ofp.Message) bool {
	kind, err := ofp.Append(nil, ofp.V13, 1, m)
	if err != nil || kind[1] == 4 {
		return false
	}
	return kind[1] != 18 && kind[1] != 19 || kind[8] != 0xff
}

// inside adds what stands in lists, in the order of the message.
func (f facts) inside(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			f.inside(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			f.inside(v.Index(i))
		}
	case reflect.Struct:
		switch x := v.Interface().(type) {
		case ofp.Match:
			f.match(x.OXM())
			return
		case ofp.Action:
			f.action(&x)
			return
		case ofp.Instruction:
			f.add("instruction.type", uint64(x.Type))
		case ofp.Bucket:
			f.add("bucket.weight", uint64(x.Weight))
			f.add("bucket.watch_port", uint64(x.WatchPort))
			f.add("bucket.watch_group", uint64(x.WatchGroup))
		case ofp.MeterBand:
			f.add("meter_band.type", uint64(x.Type))
			f.add("meter_band.rate", uint64(x.Rate))
			f.add("meter_band.burst_size", uint64(x.Burst))
		case ofp.Port:
			f.add("port.port_no", uint64(x.No))
			f.add("port.config", uint64(x.Config))
			f.add("port.current", uint64(x.Curr))
			f.add("port.curr_speed", uint64(x.CurrSpeed))
		case ofp.FlowStats:
			f.add("flow_stats.table_id", uint64(x.Table))
			f.add("flow_stats.priority", uint64(x.Priority))
			f.add("flow_stats.cookie", x.Cookie)
			f.add("flow_stats.packet_count", x.Packets)
			f.add("flow_stats.byte_count", x.Bytes)
		case ofp.PortStats:
			f.add("port_stats.port_no", uint64(x.Port))
			f.add("port_stats.rx_packets", x.RxPackets)
			f.add("port_stats.tx_bytes", x.TxBytes)
			f.add("port_stats.collisions", x.Collisions)
		case ofp.QueueStats:
			f.add("queue_stats.port_no", uint64(x.Port))
			f.add("queue_stats.queue_id", uint64(x.Queue))
			f.add("queue_stats.tx_bytes", x.TxBytes)
		case ofp.GroupStats:
			f.add("group_stats.group_id", uint64(x.Group))
			f.add("group_stats.packet_count", x.Packets)
		case ofp.GroupDesc:
			f.add("group_desc.type", uint64(x.GroupType))
			f.add("group_desc.group_id", uint64(x.Group))
		case ofp.MeterConfig:
			f.add("meter_config.meter_id", uint64(x.Meter))
			f.add("meter_config.flags", uint64(x.Flags))
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				f.inside(v.Field(i))
			}
		}
	}
}

func (f facts) match(oxm []byte) {
	for len(oxm) >= 4 {
		f.add("oxm.class", uint64(binary.BigEndian.Uint16(oxm)))
		f.add("oxm.length", uint64(oxm[3]))
		oxm = oxm[4+int(oxm[3]):]
	}
}

// actionNumbers are those of ofp_action_type, of the specification of 1.3.
var actionNumbers = map[ofp.ActionType]uint64{
	ofp.ActionOutput: 0, ofp.ActionCopyTTLOut: 11, ofp.ActionCopyTTLIn: 12, ofp.ActionSetMPLSTTL: 15, ofp.ActionDecMPLSTTL: 16,
	ofp.ActionPushVLAN: 17, ofp.ActionPopVLAN: 18, ofp.ActionPushMPLS: 19, ofp.ActionPopMPLS: 20, ofp.ActionSetQueue: 21,
	ofp.ActionGroup: 22, ofp.ActionSetNWTTL: 23, ofp.ActionDecNWTTL: 24, ofp.ActionSetField: 25, ofp.ActionPushPBB: 26, ofp.ActionPopPBB: 27,
}

func (f facts) action(a *ofp.Action) {
	n, standard := actionNumbers[a.Type]
	if !standard || a.Ext != nil || a.Subtype != 0 {
		n = 0xffff
	}
	f.add("action.type", n)
	switch a.Type {
	case ofp.ActionOutput:
		f.add("action.output.port", uint64(a.Arg))
		f.add("action.output.max_len", uint64(a.MaxLen))
	case ofp.ActionGroup:
		f.add("action.group.group_id", uint64(a.Arg))
	case ofp.ActionSetQueue:
		f.add("action.set_queue.queue_id", uint64(a.Arg))
	case ofp.ActionPushVLAN:
		f.add("action.push_vlan.ethertype", uint64(a.Arg))
	}
}

// somePacket is of a type for local experiments, which nobody takes apart.
var somePacket = append([]byte{12: 0x88, 13: 0xb5}, make([]byte, 46)...)

// plain replaces what Wireshark would take for a packet or a message of its
// own.
func plain(m ofp.Message) {
	switch m := m.(type) {
	case *ofp.PacketIn:
		m.Data = somePacket
	case *ofp.PacketOut:
		m.Data = somePacket
	case *ofp.Error:
		m.Data = nil
	}
}

// TestTsharkReadsWhatIsDrawn has Wireshark's dissectors of 1.0 and 1.3 read drawn
// messages of every kind: nothing is malformed, no expert finds an error, and
// what a message of 1.3 says is what was written. Of 1.1 and 1.2 they read the
// header alone.
func TestTsharkReadsWhatIsDrawn(t *testing.T) {
	tshark := need.Program(t, "tshark", "tshark")
	var frames [][]byte
	var names []string
	var want []facts
	keys := map[string]bool{}
	for _, s := range drawn(t, drawnOfEach) {
		h, m, err := ofp.Decode(s.frame)
		if err != nil {
			t.Fatal(err)
		}
		plain(m)
		frame, err := ofp.Append(nil, h.Version, h.XID+1, m)
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		if len(frame) > 60000 {
			continue
		}
		f := facts{}
		switch h.Version {
		case ofp.V11, ofp.V12:
			continue // TestTsharkDissectsWhatIsEncoded compares the version, all that it reads
		case ofp.V13:
			f = factsOf(m)
		}
		for k := range f {
			keys[k] = true
		}
		frames, names, want = append(frames, frame), append(names, s.name), append(want, f)
	}
	path := filepath.Join(t.TempDir(), "drawn.pcap")
	if err := os.WriteFile(path, pcap(frames), 0o600); err != nil {
		t.Fatal(err)
	}
	columns := slices.Sorted(maps.Keys(keys))
	args := []string{"-r", path, "-d", "tcp.port==6653,openflow", "-T", "fields", "-E", "separator=;", "-E", "occurrence=a", "-E", "aggregator=,",
		"-e", "openflow.version", "-e", "openflow_v4.version", "-e", "openflow.length", "-e", "openflow_v4.length", "-e", "openflow.xid", "-e", "openflow_v4.xid",
		"-e", "_ws.malformed", "-e", "_ws.expert.severity", "-e", "_ws.expert.message"}
	const head = 9
	for _, c := range columns {
		args = append(args, "-e", "openflow_v4."+c)
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), tshark, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v\n%s", err, stderr.String())
	}
	lines := strings.Split(strings.TrimRight(string(out), "\n"), "\n")
	if len(lines) != len(frames) {
		t.Fatalf("tshark saw %d packets, want %d", len(lines), len(frames))
	}
	bad, compared, limits := 0, 0, map[string]int{}
	fail := func(i int, what string, got, want any) {
		for _, l := range tsharkLimits {
			if l.is(names[i], frames[i], what) {
				limits[l.why]++
				return
			}
		}
		if bad++; bad <= 20 {
			t.Errorf("%s: %s: tshark reads %v, want %v\n%x", names[i], what, got, want, frames[i])
		}
	}
	for i, line := range lines {
		col := strings.Split(line, ";")
		if len(col) < head+len(columns) {
			t.Fatalf("tshark prints %q", line)
		}
		var h ofp.Header
		if h, _, err = ofp.Decode(frames[i]); err != nil {
			t.Fatal(err)
		}
		for k, w := range []uint64{uint64(h.Version), uint64(len(frames[i])), uint64(h.XID)} {
			if got := numbers(col[2*k] + col[2*k+1]); len(got) == 0 || got[0] != w {
				fail(i, []string{"version", "length", "xid"}[k], got, w)
			}
		}
		if col[6] != "" {
			fail(i, "malformed", col[6], "")
		}
		for _, s := range numbers(col[7]) {
			if s >= 0x00800000 { // PI_ERROR
				fail(i, "expert", col[8], "")
			}
		}
		for k, c := range columns {
			if w, ok := want[i][c]; ok {
				compared++
				if got := numbers(col[head+k]); !slices.Equal(got, w) {
					fail(i, c, got, w)
				}
			}
		}
	}
	if bad > 0 {
		t.Errorf("%d differ", bad)
	}
	t.Logf("%d messages, %d values of %d fields; limits of tshark: %v", len(frames), compared, len(columns), limits)
}

// numbers reads what tshark prints, decimal or hexadecimal.
func numbers(s string) (ns []uint64) {
	for _, x := range strings.Split(s, ",") {
		if n, err := strconv.ParseUint(x, 0, 64); err == nil {
			ns = append(ns, n)
		}
	}
	return ns
}

// tsharkLimits are what Wireshark's dissectors cannot read, or read otherwise.
var tsharkLimits = []struct {
	why string
	is  func(name string, frame []byte, what string) bool
}{
	{"its dissector of 1.0 wants a flow-mod to have an action", func(name string, frame []byte, what string) bool {
		return name == "flow_mod of 1.0" && len(frame) == 72
	}},
	{"it wants hello elements and errors to have contents", func(name string, frame []byte, what string) bool {
		return name == "hello of 1.3" && len(frame) < 16 || name == "error of 1.3" && len(frame) == 12
	}},
	{"it reads one byte too many of experimenters' multipart replies, and nothing of what they hold", func(name string, frame []byte, what string) bool {
		return frame[1] == 19 && frame[8] == 0xff && frame[9] == 0xff
	}},
	{"it takes a meter band, or a property of table features, of an experimenter for all of the rest", func(name string, frame []byte, what string) bool {
		return (strings.HasPrefix(name, "meter_mod") || strings.Contains(name, "MeterConfigReply")) && bytes.Contains(frame[16:], []byte{0xff, 0xff, 0}) ||
			strings.Contains(name, "TableFeatures") && (bytes.Contains(frame, []byte{0xff, 0xfe, 0}) || bytes.Contains(frame, []byte{0xff, 0xff, 0}))
	}},
	{"vlan_tci of NXM is two fields in a match here", func(name string, frame []byte, what string) bool {
		return strings.HasPrefix(what, "oxm.") && bytes.Contains(frame, []byte{0, 0, 8, 2})
	}},
}
