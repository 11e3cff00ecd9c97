package ofp

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/test/need"
)

// TestHelloAndErrorOfOtherVersions: a switch of 1.4 or 1.5 opens with a hello of
// its version, and must be understood to be refused or talked down.
func TestHelloAndErrorOfOtherVersions(t *testing.T) {
	for _, v := range []Version{0, 5, 6, 0x7f, 0xff} {
		for _, m := range []Message{NewHello(V13, 5), &Error{Reason: HelloFailedIncompatible, Data: []byte("no")}} {
			frame := encoded(t, v, 3, m)
			h, got, err := Decode(frame)
			if err != nil || h.Version != v || h.Type() != m.Type() {
				t.Errorf("version %s, %s: got %+v, %v", v, m.Type(), h, err)
				continue
			}
			if again := encoded(t, v, 3, got); !bytes.Equal(again, frame) {
				t.Errorf("version %s, %s: encoded again\n got %x\nwant %x", v, m.Type(), again, frame)
			}
		}
		if _, err := Append(nil, v, 1, &EchoRequest{}); !errors.Is(err, ErrVersion) {
			t.Errorf("echo request of version %s: %v, want ErrVersion", v, err)
		}
		if _, m, err := Decode([]byte{byte(v), 2, 0, 8, 0, 0, 0, 1}); err != nil || m.Type() != TypeUnknown {
			t.Errorf("kind 2 of version %s: %v, %v, want it raw", v, m, err)
		}
	}
}

// TestGoldenBytes has messages whose wire form the recorded corpus does not show,
// or that versions write each in their own way. Forms are after the header.
func TestGoldenBytes(t *testing.T) {
	nx := NewFlowMod(FlowDelete)
	nx.Table, nx.NXTable, nx.OutPort = 3, true, PortLocal
	emergency := NewFlowMod(FlowAdd)
	emergency.Flags = FlowEmergency | FlowSendFlowRem
	in := &PacketIn{BufferID: 1, TotalLen: 60, Reason: ReasonAction, Data: []byte{0xaa}}
	in.Match.SetUint(FieldInPort, uint64(PortLocal))
	port := Port{No: 5, Name: "p", Curr: PortCopper | Port10GbFD | PortAutoneg, Config: PortDown}
	wildcard10 := "003820ff" + strings.Repeat("00", 36)
	tests := []struct {
		name string
		v    Version
		m    Message
		want string
	}{
		{"packet-in 1.0", V10, in, "00000001003cfffe0100aa"},
		{"packet-in 1.2", V12, in, "00000001003c01000001000c80000004fffffffe000000000000aa"},
		{"packet-in 1.3", V13, in, "00000001003c010000000000000000000001000c80000004fffffffe000000000000aa"},
		{"flow-mod 1.0 that names a table", V10, nx, wildcard10 + "0000000000000000" + "0303" + "00000000" + "8000" + "ffffffff" + "fffe" + "0000"},
		{"emergency flow 1.0", V10, emergency, wildcard10 + "0000000000000000" + "0000" + "00000000" + "8000" + "ffffffff" + "ffff" + "0005"},
		{"port status 1.0", V10, &PortStatus{Reason: PortModified, Port: port}, "0200000000000000" + "0005000000000000" + "70" + strings.Repeat("00", 15) + "00000001" + "00000000" + "000002c0" + strings.Repeat("00", 12)},
		{"port status 1.1", V11, &PortStatus{Reason: PortModified, Port: port}, "0200000000000000" + "0000000500000000" + "0000000000000000" + "70" + strings.Repeat("00", 15) + "00000001" + "00000000" + "00002840" + strings.Repeat("00", 20)},
		{"port statistics request 1.0", V10, Request(&PortStatsRequest{Port: PortAny}), "00040000" + "ffff000000000000"},
		{"port statistics request 1.3", V13, Request(&PortStatsRequest{Port: PortAny}), "0004000000000000" + "ffffffff00000000"},
		{"table full 1.0", V10, &Error{Reason: FlowModFailedTableFull, ErrType: 3}, "00030000"},
		{"table full 1.1", V11, &Error{Reason: FlowModFailedTableFull, ErrType: 5, Code: 1}, "00050001"},
		{"table full 1.3", V13, &Error{Reason: FlowModFailedTableFull, ErrType: 5, Code: 1}, "00050001"},
		{"an error of no known number", V13, &Error{ErrType: 0xffff, Code: 9, Data: []byte{1}}, "ffff000901"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			frame := encoded(t, tt.v, 1, tt.m)
			if got := hex.EncodeToString(frame[HeaderLen:]); got != tt.want {
				t.Fatalf("encoded\n got %s\nwant %s", got, tt.want)
			}
			_, back, err := Decode(frame)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.m, back, wholly); diff != "" {
				t.Errorf("decoded -want +got\n%s", diff)
			}
		})
	}
}

// TestWhatAVersionCannotSay rows fail with ErrVersion, and name what it is.
func TestWhatAVersionCannotSay(t *testing.T) {
	flow := func(change func(*FlowMod)) *FlowMod {
		m := NewFlowMod(FlowAdd)
		change(m)
		return m
	}
	tests := []struct {
		v     Version
		m     Message
		field string
	}{
		{V10, flow(func(m *FlowMod) { m.Table = 3 }), "table 3"},
		{V10, flow(func(m *FlowMod) { m.Command, m.CookieMask = FlowModify, 1 }), "cookie_mask"},
		{V10, flow(func(m *FlowMod) { m.OutGroup = 5 }), "out_group"},
		{V10, flow(func(m *FlowMod) { m.OutPort = 0x10000 }), "out_port: port 65536"},
		{V10, flow(func(m *FlowMod) { m.Instructions = []Instruction{GotoTable(1)} }), "instruction goto_table"},
		{V10, flow(func(m *FlowMod) { m.Instructions = []Instruction{Apply(), Apply()} }), "a second instruction apply_actions"},
		{V10, flow(func(m *FlowMod) { m.Flags = FlowResetCounts }), "flag reset_counts"},
		{V11, flow(func(m *FlowMod) { m.Flags = FlowResetCounts }), "flag reset_counts"},
		{V12, flow(func(m *FlowMod) { m.Flags = FlowNoByteCounts }), "flag no_byt_counts"},
		{V13, flow(func(m *FlowMod) { m.Flags = FlowEmergency }), "flag emerg"},
		{V10, Request(&FlowStatsRequest{FlowFilter{OutGroup: GroupAny, OutPort: PortAny, CookieMask: 1}}), "cookie filter"},
		{V10, Request(&AggregateRequest{FlowFilter{OutGroup: 1, OutPort: PortAny}}), "out_group"},
		{V13, &FeaturesReply{Ports: make([]Port, 1)}, "features_reply ports"},
		{V10, &Error{Reason: BadMatchBadTag}, "error OFPBMC_BAD_TAG"},
		{V11, &Error{Reason: FlowModFailedBadEmergTimeout}, "error OFPFMFC_BAD_EMERG_TIMEOUT"},
	}
	for _, tt := range tests {
		b, err := Append([]byte("before"), tt.v, 1, tt.m)
		var ee *EncodeError
		if !errors.Is(err, ErrVersion) || !errors.As(err, &ee) || ee.Version != tt.v || ee.Field != tt.field {
			t.Errorf("%s %s: got %v, want ErrVersion for %q", tt.v, tt.m.Type(), err, tt.field)
		}
		if string(b) != "before" {
			t.Errorf("%s %s: the caller's slice became %q", tt.v, tt.m.Type(), b)
		}
	}
}

func TestMultipartBodyOfTheOtherDirection(t *testing.T) {
	if _, err := Append(nil, V13, 1, &MultipartReply{Body: &FlowStatsRequest{}}); !errors.Is(err, ErrMalformed) {
		t.Errorf("encode: %v, want ErrMalformed", err)
	}
	m := &MultipartReply{Body: &FlowStatsRequest{}}
	if err := DecodeInto(encoded(t, V13, 1, &MultipartReply{Body: &FlowStatsReply{}}), m); err != nil {
		t.Fatal(err)
	}
	if _, ok := m.Body.(*FlowStatsReply); !ok {
		t.Errorf("decoded into a %T", m.Body)
	}
}

func TestPortFeatureBitsOf10(t *testing.T) {
	for bit := range 32 {
		frame := encoded(t, V10, 1, &PortStatus{})
		frame[HeaderLen+8+32+3-bit/8] = 1 << (bit % 8)
		_, m, err := Decode(frame)
		if err != nil {
			t.Fatal(err)
		}
		if again := encoded(t, V10, 1, m); !bytes.Equal(again, frame) {
			t.Errorf("bit %d is lost", bit)
		}
		got := m.(*PortStatus).Port.Curr
		if want := PortFeatures(1 << (bit + 4)); bit >= 7 && bit <= 11 && got != want {
			t.Errorf("bit %d of 1.0 is %#x, want %#x", bit, got, want)
		}
	}
}

// TestErrorNumbersAgreeWithOsKen compares the table of errors with the constants
// of an independent implementation.
func TestErrorNumbersAgreeWithOsKen(t *testing.T) {
	const script = `
import json, os_ken.ofproto.ofproto_v1_0 as a, os_ken.ofproto.ofproto_v1_2 as c, os_ken.ofproto.ofproto_v1_3 as d
print(json.dumps([{k: getattr(m, k) for k in dir(m) if k.startswith('OFP') and isinstance(getattr(m, k), int)} for m in (a, c, d)]))`
	out, err := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", script).Output()
	if err != nil {
		need.Missing(t, fmt.Sprintf("os-ken is not there (Debian: apt install python3-os-ken): %v", err))
	}
	var numbers [3]map[string]int
	if err := json.Unmarshal(out, &numbers); err != nil {
		t.Fatal(err)
	}
	// os-ken's names where they differ from those of 1.3.5.
	names := strings.NewReplacer("OFPFMFC_TABLE_FULL", "OFPFMFC_ALL_TABLES_FULL", "BAD_EXPERIMENTER", "BAD_VENDOR", "OFPQOFC", "OFPQOFC")
	for i, v := range []Version{V10, V12, V13} {
		compared := 0
		for r := ReasonUnknown + 1; r < numStandardReasons; r++ {
			info := &errorReasons[r]
			code, ok := info.wire.in(v)
			typ, ok2 := errorTypes[info.typ].wire.in(v)
			name := r.String()
			n, has := numbers[i][name]
			if !has && v == V10 {
				n, has = numbers[i][names.Replace(name)]
			}
			if !has {
				continue
			}
			if !ok || !ok2 || int(code) != n {
				t.Errorf("%s in %s: %d (%v), os-ken has %d", name, v, code, ok && ok2, n)
			}
			if tn, has := numbers[i][r.TypeName()]; has && tn != int(typ) {
				t.Errorf("%s in %s: %d, os-ken has %d", r.TypeName(), v, typ, tn)
			}
			compared++
		}
		if compared < 20 {
			t.Errorf("%s: only %d codes compared", v, compared)
		}
	}
}
