package ofp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sluice-sdn/sluice/test/need"
)

// commandSends is ofctlSends where Open vSwitch refuses nothing.
func commandSends(t *testing.T, v Version, args ...string) [][]byte {
	t.Helper()
	frames, refusal := ofctlSends(t, v, args...)
	if refusal != "" {
		t.Fatalf("ovs-ofctl %s: %s", strings.Join(args, " "), refusal)
	}
	return frames
}

// ovsSends is what ovs-ofctl sends to a switch for a command and its argument.
func ovsSends(t *testing.T, v Version, command, text string) (frames [][]byte, refusal string) {
	t.Helper()
	return ofctlSends(t, v, command, "SWITCH", text)
}

// ofctlSends runs ovs-ofctl with the given arguments, in which SWITCH is replaced by
// the address of a switch that takes everything. It returns the messages that
// ovs-ofctl sent, all but those of the handshake, and barriers, and what it says
// when it fails.
func ofctlSends(t *testing.T, v Version, args ...string) (frames [][]byte, refusal string) {
	t.Helper()
	path := need.Program(t, "ovs-ofctl", "openvswitch-switch")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var serving sync.WaitGroup
	serving.Go(func() { // ovs-ofctl opens one connection to learn names, and another to do its work
		for {
			conn, err := l.Accept()
			if err != nil {
				return // closed below
			}
			serving.Go(func() {
				defer conn.Close()
				got, err := serveAnything(conn, v)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				frames = append(frames, got...)
				mu.Unlock()
			})
		}
	})
	args = append([]string{"-O", "OpenFlow" + strings.ReplaceAll(v.String(), ".", ""), "-vconsole:err", "--timeout=10", "--no-names"}, args...)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "SWITCH", "tcp:"+l.Addr().String())
	}
	out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
	l.Close()
	serving.Wait()
	if err != nil {
		return frames, fmt.Sprintf("%v: %s", err, out)
	}
	return frames, ""
}

// serveAnything answers as a switch of version v with the ports 1, 2 and LOCAL
// until the peer closes the connection.
func serveAnything(conn net.Conn, v Version) (frames [][]byte, err error) {
	hello, err := Append(nil, v, 1, NewHello(v))
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(hello); err != nil {
		return nil, err
	}
	ports := []Port{{No: 1, Name: "p1", HWAddr: MAC{2, 0, 0, 0, 0, 1}}, {No: 2, Name: "p2", HWAddr: MAC{2, 0, 0, 0, 0, 2}}, {No: PortLocal, Name: "br"}}
	for {
		head := make([]byte, HeaderLen)
		if _, err := io.ReadFull(conn, head); err != nil {
			return frames, nil
		}
		frame := append(head, make([]byte, binary.BigEndian.Uint16(head[2:])-HeaderLen)...)
		if _, err := io.ReadFull(conn, frame[HeaderLen:]); err != nil {
			return frames, err
		}
		h, err := ParseHeader(frame)
		if err != nil {
			return frames, err
		}
		var answer Message
		switch h.Type() {
		case TypeHello:
		case TypeEchoRequest:
			answer = &EchoReply{Data: frame[HeaderLen:]}
		case TypeBarrierRequest:
			answer = &BarrierReply{}
		case TypeFeaturesRequest:
			f := &FeaturesReply{DPID: 1, Tables: 254}
			if v < V13 {
				f.Ports = ports
			}
			answer = f
		case TypeMultipartRequest:
			switch PartKind(binary.BigEndian.Uint16(frame[HeaderLen:])) {
			case PartPortDesc:
				answer = &MultipartReply{Body: &PortDescReply{Ports: ports}}
			case PartTable:
				answer = &MultipartReply{Body: &TableStatsReply{}}
			case PartExperimenter:
				return append(frames, frame), nil // of a monitor command, which would wait
			default:
				answer = NewError(BadRequestBadStat, frame)
			}
		case TypeGetConfigRequest:
			answer = &GetConfigReply{}
		default:
			frames = append(frames, frame)
		}
		if answer == nil {
			continue
		}
		b, err := Append(nil, v, h.XID, answer)
		if err != nil {
			return frames, err
		}
		if _, err := conn.Write(b); err != nil {
			return frames, err
		}
	}
}

// sameBody compares messages without their transaction numbers.
func sameBody(a, b []byte) bool {
	return len(a) == len(b) && len(a) >= HeaderLen && bytes.Equal(a[:4], b[:4]) && bytes.Equal(a[HeaderLen:], b[HeaderLen:])
}

// tagsAgain are texts of which ovs-ofctl makes, in 1.1 and later, one push_vlan for
// each action that writes a VLAN, although there is a tag: in the packet, or by an
// action before. What is encoded here looks.
var tagsAgain = []string{
	"packet=50540000000950540000000a81000005080012 actions=mod_vlan_vid",
	"actions=mod_vlan_vid:9,mod_vlan_pcp:3",
	"actions=push_vlan:0x8100,mod_vlan_vid:7",
}

// TestOpenVSwitchSendsWhatIsParsed compares the bytes that ovs-ofctl makes of a
// text with those made here.
func TestOpenVSwitchSendsWhatIsParsed(t *testing.T) {
	enc := Encoder{Extensions: true}
	check := func(v Version, text string, got []byte, m Message, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s %s: %v", v, text, err)
			return
		}
		want, err := enc.Append(nil, v, 1, m)
		if err != nil {
			t.Errorf("%s %s: %v", v, text, err)
			return
		}
		again := v > V10 && slices.ContainsFunc(tagsAgain, func(s string) bool { return strings.Contains(text, s) })
		if sameBody(got, want) == again {
			t.Errorf("%s %s:\nOpen vSwitch %x\n     written %x", v, text, got, want)
		}
	}
	for _, v := range []Version{V11, V12, V13} {
		var lines []string
		for _, x := range groupTexts {
			if v == V13 || !strings.Contains(x.text, "set_field") {
				lines = append(lines, x.text)
			}
		}
		name := filepath.Join(t.TempDir(), "groups")
		if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		frames := commandSends(t, v, "add-groups", "SWITCH", name)
		if len(frames) != len(lines) {
			t.Fatalf("%s: ovs-ofctl sent %d groups of %d", v, len(frames), len(lines))
		}
		for i, line := range lines {
			m, err := ParseGroup(line, GroupAdd, nil)
			check(v, line, frames[i], m, err)
		}
		for _, x := range []struct {
			args    []string
			text    string
			command GroupCommand
		}{
			{[]string{"mod-group", "SWITCH", "group_id=3,type=all,bucket=output:2"}, "group_id=3,type=all,bucket=output:2", GroupModify},
			{[]string{"--may-create", "mod-group", "SWITCH", "group_id=3,type=all,bucket=output:2"}, "group_id=3,type=all,bucket=output:2", GroupAddOrModify},
			{[]string{"del-groups", "SWITCH"}, "", GroupDelete},
			{[]string{"del-groups", "SWITCH", "group_id=5"}, "group_id=5", GroupDelete},
			{[]string{"del-groups", "SWITCH", "group_id=all"}, "group_id=all", GroupDelete},
		} {
			m, err := ParseGroup(x.text, x.command, nil)
			if frames := commandSends(t, v, x.args...); len(frames) == 1 {
				check(v, strings.Join(x.args, " "), frames[0], m, err)
			} else {
				t.Errorf("%s %v: %d messages", v, x.args, len(frames))
			}
		}
	}
	sendsGroups10(t)
	for _, x := range meterTexts {
		frames := commandSends(t, V13, "add-meter", "SWITCH", x.text)
		m, err := ParseMeter(x.text, MeterAdd)
		if len(frames) != 1 {
			t.Errorf("%s: %d messages", x.text, len(frames))
			continue
		}
		check(V13, x.text, frames[0], m, err)
	}
	for text, command := range map[string]string{"": "del-meters", "meter=3": "del-meter", "meter=all": "del-meters", "meter=controller": "del-meter"} {
		args := []string{command, "SWITCH"}
		if text != "" {
			args = append(args, text)
		}
		m, err := ParseMeter(text, MeterDelete)
		if frames := commandSends(t, V13, args...); len(frames) == 1 {
			check(V13, text, frames[0], m, err)
		} else {
			t.Errorf("%v: %d messages", args, len(frames))
		}
	}
	for _, v := range Versions() {
		for _, text := range packetOutTexts {
			m, err := ParsePacketOut(text, nil)
			if frames := commandSends(t, v, "packet-out", "SWITCH", text); len(frames) == 1 {
				check(v, text, frames[0], m, err)
			} else {
				t.Errorf("%s %s: %d messages", v, text, len(frames))
			}
		}
		for _, word := range portWordList() {
			m, err := ParsePortMod("2 "+word+" addr=02:00:00:00:00:02", nil)
			if err == nil && m.Validate(v) != nil {
				continue // Open vSwitch sends a port-mod without the bit
			}
			if frames := commandSends(t, v, "mod-port", "SWITCH", "2", word); len(frames) == 1 {
				check(v, word, frames[0], m, err)
			} else {
				t.Errorf("%s %s: %d messages", v, word, len(frames))
			}
		}
	}
	for _, v := range []Version{V11, V12} {
		for _, setting := range []string{"drop", "continue", "controller"} {
			m, err := ParseTableMod("3 " + setting)
			if frames := commandSends(t, v, "mod-table", "SWITCH", "3", setting); len(frames) == 1 {
				check(v, setting, frames[0], m, err)
			} else {
				t.Errorf("%s %s: %d messages", v, setting, len(frames))
			}
		}
	}
}

// sendsGroups10 compares groups in 1.0, which are Open vSwitch's own messages and
// what an Encoder with Extensions makes of a GroupMod.
func sendsGroups10(t *testing.T) {
	name := filepath.Join(t.TempDir(), "groups")
	var lines []string
	for _, x := range groupTexts {
		if !strings.Contains(x.text, "push_vlan") { // which 1.0 lacks
			lines = append(lines, x.text)
		}
	}
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	frames := commandSends(t, V10, "add-groups", "SWITCH", name)
	frames = append(frames, commandSends(t, V10, "del-groups", "SWITCH")...)
	frames = append(frames, commandSends(t, V10, "--may-create", "mod-group", "SWITCH", "group_id=3,type=all,bucket=output:2")...)
	if len(frames) != len(lines)+2 {
		t.Fatalf("1.0: ovs-ofctl sent %d groups of %d", len(frames), len(lines)+2)
	}
	for i, frame := range frames {
		var m *GroupMod
		var err error
		text := "del-groups"
		switch i - len(lines) {
		case 0:
			m = &GroupMod{Command: GroupDelete, Group: GroupAll}
		case 1:
			text = "--may-create"
			m, err = ParseGroup("group_id=3,type=all,bucket=output:2", GroupAddOrModify, nil)
		default:
			text = lines[i]
			m, err = ParseGroup(text, GroupAdd, nil)
		}
		if err != nil {
			t.Errorf("1.0 %s: %v", text, err)
			continue
		}
		if _, err := Append(nil, V10, 1, m); !errors.Is(err, ErrVersion) {
			t.Errorf("1.0 %s: without extensions: %v, want ErrVersion", text, err)
		}
		want, err := (&Encoder{Extensions: true}).Append(nil, V10, 1, m)
		if err != nil || !sameBody(frame, want) {
			t.Errorf("1.0 %s: %v\nOpen vSwitch %x\n     written %x", text, err, frame, want)
		}
		_, back, err := Decode(frame)
		if err != nil {
			t.Errorf("1.0 %s: %v", text, err)
			continue
		}
		d := back.(*NXGroupMod).Desc()
		for _, buckets := range [][]Bucket{d.Buckets, m.Buckets} {
			for i := range buckets {
				buckets[i].Actions = nil // which 1.0 says otherwise
			}
		}
		if diff := cmp.Diff(GroupDesc{m.GroupType, m.Group, m.Buckets}, d, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("1.0 %s: -want +read\n%s", text, diff)
		}
	}
}
