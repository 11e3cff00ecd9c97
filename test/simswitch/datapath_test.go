package simswitch

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sluice-sdn/sluice/ofp"
)

// bench is a datapath and what it has told.
type bench struct {
	*Datapath
	t    *testing.T
	told []ofp.Message
}

func newBench(t *testing.T, v ofp.Version, cfg Config) *bench {
	b := &bench{Datapath: NewDatapath(cfg), t: t}
	b.Version = v
	b.Notify = func(m ofp.Message) { b.told = append(b.told, m) }
	return b
}

// do carries out a line such as "add priority=5,in_port=1 actions=output:2" or
// "delete_strict …", which may begin with "overlap" or "removed" for a flag, and
// returns the error.
func (b *bench) do(line string) ofp.ErrorReason {
	b.t.Helper()
	verb, flow, _ := strings.Cut(line, " ")
	commands := map[string]ofp.FlowCommand{
		"add": ofp.FlowAdd, "mod": ofp.FlowModify, "mod_strict": ofp.FlowModifyStrict,
		"del": ofp.FlowDelete, "del_strict": ofp.FlowDeleteStrict,
	}
	m, err := ofp.ParseFlow(flow, commands[verb], nil)
	if err != nil {
		b.t.Fatalf("%s: %v", line, err)
	}
	return b.FlowMod(m)
}

// table returns all flows as text without their counters.
func (b *bench) table() (out []string) {
	q := ofp.AllFlows()
	for _, f := range b.Flows(&q) {
		out = append(out, fmt.Sprintf("t%d p%d %s c%x -> %s", f.Table, f.Priority, f.Match.String(), f.Cookie, ofp.FormatActions(f.Instructions, nil)))
	}
	return out
}

func TestFlowTable(t *testing.T) {
	const tcp = "priority=9,tcp,tcp_dst=80"
	for _, tc := range []struct {
		name  string
		only  func(v ofp.Version) bool // nil: every version
		lines []string                 // one that ends in "!reason" is refused
		want  []string
	}{
		{"highest priority first, then by age", nil,
			[]string{"add priority=1 actions=output:1", "add priority=7,in_port=2 actions=output:1", "add priority=7,in_port=1 actions=output:1"},
			[]string{"t0 p7 in_port=2 c0 -> output:1", "t0 p7 in_port=1 c0 -> output:1", "t0 p1  c0 -> output:1"}},
		{"the same match and priority is replaced", nil,
			[]string{"add priority=7,in_port=2 actions=output:1", "add cookie=5,priority=7,in_port=2 actions=output:3"},
			[]string{"t0 p7 in_port=2 c5 -> output:3"}},
		{"modify changes what matches more closely, whatever its priority", nil,
			[]string{"add " + tcp + " actions=output:1", "add priority=3,tcp actions=output:1", "add priority=3,udp actions=output:1", "mod tcp actions=output:4"},
			[]string{"t0 p9 tcp,tp_dst=80 c0 -> output:4", "t0 p3 tcp c0 -> output:4", "t0 p3 udp c0 -> output:1"}},
		{"modify strict changes one", nil,
			[]string{"add priority=3,tcp actions=output:1", "add priority=4,tcp actions=output:1", "mod_strict priority=4,tcp actions=output:2"},
			[]string{"t0 p4 tcp c0 -> output:2", "t0 p3 tcp c0 -> output:1"}},
		{"modify of nothing adds, in 1.0 and 1.1", func(v ofp.Version) bool { return v <= ofp.V11 },
			[]string{"mod priority=3,tcp actions=output:1"}, []string{"t0 p3 tcp c0 -> output:1"}},
		{"modify of nothing does nothing since 1.2", func(v ofp.Version) bool { return v >= ofp.V12 },
			[]string{"mod priority=3,tcp actions=output:1"}, nil},
		{"delete takes all that match more closely", nil,
			[]string{"add " + tcp + " actions=output:1", "add priority=3,ip actions=output:1", "add priority=3,udp actions=output:1", "del tcp"},
			[]string{"t0 p3 ip c0 -> output:1", "t0 p3 udp c0 -> output:1"}},
		{"delete by a masked address", nil,
			[]string{"add ip,nw_dst=10.1.2.3 actions=output:1", "add ip,nw_dst=10.2.0.0/16 actions=output:1", "add ip,nw_dst=10.0.0.0/7 actions=output:1", "del ip,nw_dst=10.0.0.0/8"},
			[]string{"t0 p32768 ip,nw_dst=10.0.0.0/7 c0 -> output:1"}},
		{"delete strict takes one", nil,
			[]string{"add " + tcp + " actions=output:1", "add priority=3,tcp actions=output:1", "add priority=4,tcp actions=output:1", "del_strict priority=3,tcp"},
			[]string{"t0 p9 tcp,tp_dst=80 c0 -> output:1", "t0 p4 tcp c0 -> output:1"}},
		{"delete by port", nil,
			[]string{"add priority=3,tcp actions=output:1,output:2", "add priority=4,tcp actions=output:1", "del out_port=2"},
			[]string{"t0 p4 tcp c0 -> output:1"}},
		{"delete strict by port", nil,
			[]string{"add priority=4,tcp actions=output:1", "del_strict priority=4,tcp,out_port=2"},
			[]string{"t0 p4 tcp c0 -> output:1"}},
		{"delete by cookie, since 1.1", func(v ofp.Version) bool { return v >= ofp.V11 },
			[]string{"add cookie=0x12,priority=4,tcp actions=output:1", "add cookie=0x22,priority=4,udp actions=output:1", "del cookie=0x10/0xf0"},
			[]string{"t0 p4 udp c22 -> output:1"}},
		{"modify by cookie, since 1.1", func(v ofp.Version) bool { return v >= ofp.V11 },
			[]string{"add cookie=0x12,priority=4,tcp actions=output:1", "add cookie=0x22,priority=4,udp actions=output:1", "mod cookie=0x20/0xf0 actions=output:3"},
			[]string{"t0 p4 tcp c12 -> output:1", "t0 p4 udp c22 -> output:3"}},
		{"delete in one table, or in all", func(v ofp.Version) bool { return v >= ofp.V11 },
			[]string{"add table=0,tcp actions=output:1", "add table=1,tcp actions=output:1", "add table=2,tcp actions=output:1", "del table=1,tcp"},
			[]string{"t0 p32768 tcp c0 -> output:1", "t2 p32768 tcp c0 -> output:1"}},
		{"overlap is refused", nil,
			[]string{"add priority=3,tcp,nw_dst=10.0.0.0/8 actions=output:1", "add check_overlap,priority=3,in_port=1 actions=output:1 !OFPFMFC_OVERLAP",
				"add check_overlap,priority=4,in_port=1 actions=output:1", "add check_overlap,priority=3,udp actions=output:1",
				"add check_overlap,priority=3,tcp,nw_dst=11.0.0.0/8 actions=output:1"},
			[]string{"t0 p4 in_port=1 c0 -> output:1", "t0 p3 tcp,nw_dst=10.0.0.0/8 c0 -> output:1", "t0 p3 udp c0 -> output:1", "t0 p3 tcp,nw_dst=11.0.0.0/8 c0 -> output:1"}},
		{"a full table refuses new flows and takes changed ones", nil,
			[]string{"add priority=1 actions=output:1", "add priority=2 actions=output:1", "add priority=3 actions=output:1", "add priority=4 actions=output:1",
				"add priority=5 actions=output:1 !OFPFMFC_TABLE_FULL", "add priority=4 actions=output:2", "del_strict priority=1", "add priority=5 actions=output:1"},
			[]string{"t0 p5  c0 -> output:1", "t0 p4  c0 -> output:2", "t0 p3  c0 -> output:1", "t0 p2  c0 -> output:1"}},
		{"what it does not have is refused", nil,
			[]string{"add actions=group:1 !OFPBAC_BAD_OUT_GROUP", "add actions=output:0 !OFPBAC_BAD_OUT_PORT", "add table=8,actions=drop !OFPFMFC_BAD_TABLE_ID",
				"add table=3,actions=goto_table:8 !OFPBIC_BAD_TABLE_ID", "add actions=meter:1 !OFPMMFC_UNKNOWN_METER"},
			nil},
	} {
		for _, v := range ofp.Versions() {
			if tc.only != nil && !tc.only(v) {
				continue
			}
			t.Run(v.String()+"/"+tc.name, func(t *testing.T) {
				b := newBench(t, v, Config{MaxFlows: 4})
				for _, line := range tc.lines {
					line, refused, _ := strings.Cut(line, " !")
					got := ""
					if why := b.do(line); why != ofp.ReasonUnknown {
						got = why.String()
					}
					if got != refused {
						t.Errorf("%s: refused with %q, want %q", line, got, refused)
					}
				}
				if diff := cmp.Diff(tc.want, b.table()); diff != "" {
					t.Errorf("flows (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestCounters(t *testing.T) {
	for _, v := range ofp.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			b := newBench(t, v, Config{})
			count := func() uint64 { q := ofp.AllFlows(); return b.Aggregate(&q).Packets }
			b.do("add in_port=1 actions=output:2")
			b.Inject(1, frame(1, 2, 0x1234))
			b.do("mod in_port=1 actions=output:3")
			if n := count(); n != 1 {
				t.Errorf("%d packets after a modify, want 1", n)
			}
			b.do("add in_port=1 actions=output:2")
			want := uint64(0)
			if v >= ofp.V12 {
				want = 1 // a flow that replaces another goes on with its counters
			}
			if n := count(); n != want {
				t.Errorf("%d packets after the same flow came again, want %d", n, want)
			}
			b.do("add reset_counts,in_port=1 actions=output:2")
			if n := count(); n != 0 {
				t.Errorf("%d packets after a reset", n)
			}
		})
	}
}

func TestTimeouts(t *testing.T) {
	type gone struct {
		Cookie uint64
		Why    ofp.FlowRemovedReason
		Age    uint32
	}
	b := newBench(t, ofp.V13, Config{})
	for _, line := range []string{
		"add send_flow_rem,cookie=1,idle_timeout=10,in_port=1 actions=output:2",
		"add send_flow_rem,cookie=2,hard_timeout=15,in_port=2 actions=output:1",
		"add send_flow_rem,cookie=3,in_port=3 actions=output:1",
		"add cookie=4,hard_timeout=1,in_port=4 actions=output:1",
	} {
		if why := b.do(line); why != ofp.ReasonUnknown {
			t.Fatal(line, why)
		}
	}
	for second := range 20 {
		if second == 4 || second == 8 {
			b.Inject(1, frame(1, 2, 0x1234))
			b.Inject(2, frame(1, 2, 0x1234))
		}
		b.Tick(time.Second)
	}
	b.do("del in_port=3")
	var got []gone
	for _, m := range b.told {
		if r, ok := m.(*ofp.FlowRemoved); ok {
			got = append(got, gone{r.Cookie, r.Reason, r.DurationSec})
		}
	}
	want := []gone{{2, ofp.RemovedHardTimeout, 15}, {1, ofp.RemovedIdleTimeout, 18}, {3, ofp.RemovedDelete, 20}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
	if len(b.table()) != 0 {
		t.Errorf("left: %q", b.table())
	}
}

// tcp is an IPv4 packet of TCP with right checksums: 10.0.0.1:1000 to
// 10.0.0.2:80, from and to MAC addresses that end in 1 and 2.
func tcp(t *testing.T) []byte {
	b, err := hex.DecodeString("0200000000020200000000010800" +
		"45000028000100004006" + "66cd" + "0a0000010a000002" +
		"03e800500000000000000000" + "50022000" + "77a8" + "0000")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// valid reports whether the checksums of an IPv4 packet of TCP are right.
func valid(f []byte) bool {
	at := 14
	if binary.BigEndian.Uint16(f[12:]) == etherVLAN {
		at += 4
	}
	ip := f[at:]
	return sum(ip[:20], 0) == 0xffff && sum(ip[20:], uint64(sum(ip[12:20], 0))+6+uint64(len(ip)-20)) == 0xffff
}

func TestActions(t *testing.T) {
	if !valid(tcp(t)) {
		t.Fatal("the test's packet is wrong")
	}
	for _, tc := range []struct {
		actions string
		want    string // "port: what it matches", by space
	}{
		{"output:2", "2:tcp"},
		{"output:2,output:1,in_port", "2:tcp 1:tcp"},
		{"flood", "2:tcp 3:tcp 4:tcp"},
		{"all", "2:tcp 3:tcp 4:tcp"},
		{"drop", ""},
		{"mod_nw_dst:10.0.0.9,output:2", "2:tcp,nw_dst=10.0.0.9"},
		{"output:2,mod_nw_src:10.0.0.9,output:3", "2:tcp,nw_src=10.0.0.1 3:tcp,nw_src=10.0.0.9"},
		{"mod_tp_dst:8080,output:2", "2:tcp,tp_dst=8080"},
		{"mod_dl_dst:02:00:00:00:00:77,output:2", "2:tcp,dl_dst=02:00:00:00:00:77"},
		{"mod_vlan_vid:5,output:2", "2:tcp,dl_vlan=5"},
		{"mod_vlan_vid:5,strip_vlan,output:2", "2:tcp,vlan_tci=0x0000/0x1fff"},
		{"push_vlan:0x8100,set_field:4103->vlan_vid,output:2", "2:tcp,dl_vlan=7"},
		{"set_field:10.0.0.9->ip_dst,output:2", "2:tcp,nw_dst=10.0.0.9"},
		{"mod_nw_tos:16,output:2", "2:tcp,nw_tos=16"},
		{"dec_ttl,output:2", "2:tcp"},
		{"goto_table:1", "4:tcp"},
		{"write_actions(output:3),goto_table:1", "4:tcp 3:tcp"},
		{"write_actions(output:3)", "3:tcp"},
		{"clear_actions,write_actions(output:3)", "3:tcp"},
	} {
		t.Run(tc.actions, func(t *testing.T) {
			b := newBench(t, ofp.V13, Config{})
			if why := b.do("add table=1,actions=output:4"); why != ofp.ReasonUnknown {
				t.Fatal(why)
			}
			if why := b.do("add ip,in_port=1,actions=" + tc.actions); why != ofp.ReasonUnknown {
				t.Fatal(why)
			}
			before := tcp(t)
			b.Inject(1, before)
			if string(before) != string(tcp(t)) {
				t.Error("the caller's frame has changed")
			}
			want := strings.Fields(tc.want)
			sent := b.Sent()
			// in_port comes last, wherever output:1 fails
			if len(sent) != len(want) {
				t.Fatalf("%d packets, want %d", len(sent), len(want))
			}
			for i, w := range want {
				port, match, _ := strings.Cut(w, ":")
				m, err := ofp.ParseMatch(match, nil)
				if err != nil {
					t.Fatal(err)
				}
				if fmt.Sprint(sent[i].Port) != port || !NewPacket(1, sent[i].Frame).Matches(&m) {
					t.Errorf("packet %d: port %s, %x; want %s", i+1, sent[i].Port, sent[i].Frame, w)
				}
				if !valid(sent[i].Frame) {
					t.Errorf("packet %d: wrong checksum: %x", i+1, sent[i].Frame)
				}
			}
		})
	}
}

func TestInstructionsHaveAnOrderOfTheirOwn(t *testing.T) {
	b := newBench(t, ofp.V13, Config{})
	m := ofp.NewFlowMod(ofp.FlowAdd)
	m.Instructions = []ofp.Instruction{ofp.WriteActions(ofp.Output(3)), {Type: ofp.InstructionClearActions}, ofp.Apply(ofp.Output(2))}
	b.FlowMod(m)
	b.Inject(1, tcp(t))
	if diff := cmp.Diff([]Transmission{{2, tcp(t)}, {3, tcp(t)}}, b.Sent()); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

func TestPorts(t *testing.T) {
	for _, v := range ofp.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			b := newBench(t, v, Config{Ports: Ports(3)})
			b.do("add actions=flood")
			to := func(in ofp.PortNo) (out []ofp.PortNo) {
				b.Clear()
				b.Inject(in, frame(1, 2, 0x1234))
				for _, s := range b.Sent() {
					out = append(out, s.Port)
				}
				return out
			}
			for _, step := range []struct {
				do   func()
				in   ofp.PortNo
				want []ofp.PortNo
			}{
				{func() {}, 1, []ofp.PortNo{2, 3}},
				{func() { b.SetLink(2, false) }, 1, []ofp.PortNo{3}},
				{func() {}, 2, nil},
				{func() { b.SetLink(2, true) }, 2, []ofp.PortNo{1, 3}},
				{func() { b.RemovePort(3) }, 1, []ofp.PortNo{2}},
				{func() { b.SetPort(Ports(7)[6]) }, 1, []ofp.PortNo{2, 7}},
				{func() {}, 9, nil},
			} {
				step.do()
				if got := to(step.in); !slices.Equal(got, step.want) {
					t.Errorf("in %s, out %v, want %v", step.in, got, step.want)
				}
			}
			var got []string
			for _, m := range b.told {
				s := m.(*ofp.PortStatus)
				got = append(got, fmt.Sprintf("%d %s up=%v", s.Reason, s.Port.Name, s.Port.Up()))
			}
			if diff := cmp.Diff([]string{"2 eth2 up=false", "2 eth2 up=true", "1 eth3 up=true", "0 eth7 up=true"}, got); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzPacket: no bytes make the parser or an action fail.
func FuzzPacket(f *testing.F) {
	f.Add([]byte{})
	f.Add(frame(1, 2, 0x86dd, 0x60, 0, 0, 0, 0, 8, 0, 1))
	f.Add(frame(1, 2, 0x8100, 0, 5, 8, 0, 0x45))
	all := []ofp.Action{{Type: ofp.ActionSetVLANVID, Arg: 5}, {Type: ofp.ActionDecNWTTL}, {Type: ofp.ActionSetTPDst, Arg: 80}, {Type: ofp.ActionSetIPv4Dst, Arg: 1},
		{Type: ofp.ActionSetIPToS, Arg: 4}, {Type: ofp.ActionPopVLAN}, {Type: ofp.ActionPopVLAN}, ofp.SetField(ofp.FieldIPv6Dst, make([]byte, 16)), ofp.Output(2)}
	f.Fuzz(func(t *testing.T, b []byte) {
		d := NewDatapath(Config{})
		if why := d.PacketOut(&ofp.PacketOut{BufferID: ofp.NoBuffer, InPort: 1, Data: b, Actions: all}); why != ofp.ReasonUnknown || len(d.Sent()) != 1 {
			t.Errorf("%x: %v, %d sent", b, why, len(d.Sent()))
		}
	})
}
