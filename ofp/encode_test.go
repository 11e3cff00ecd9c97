package ofp

import (
	"reflect"
	"strings"
	"testing"
)

// TestEncodingLeavesWhatItCannotSay encodes what the wire form holds in other
// words. The struct is the caller's and stays as it is.
func TestEncodingLeavesWhatItCannotSay(t *testing.T) {
	for _, e := range []struct{ got, want Extension }{
		{&SetTunnel{ID: 1 << 40}, &SetTunnel{ID: 1 << 40}}, // is written in the wide form
		{&CheckPktLarger{Dst: Subfield{Field: FieldReg0, Bits: 3}}, &CheckPktLarger{Dst: Subfield{Field: FieldReg0, Bits: 3}}},
	} {
		if _, err := Append(nil, V10, 1, &PacketOut{Actions: []Action{Extend(e.got)}}); err != nil {
			t.Error(err)
		}
		if !reflect.DeepEqual(e.got, e.want) {
			t.Errorf("encoding made %+v of %+v", e.got, e.want)
		}
	}
}

// TestPacketsThatNobodyReadsAreNotWritten encodes packets that the decoder
// refuses.
func TestPacketsThatNobodyReadsAreNotWritten(t *testing.T) {
	twice := NewNXPacket([]byte{1})
	twice.Order = []uint16{propPacket, propTable, propTable}
	for want, p := range map[string]NXPacket{
		"packet: malformed: none":                  NewNXPacket(nil),
		"property: malformed: type 3 stands twice": twice,
	} {
		for _, m := range []Message{&NXPacketIn2{p}, &NXResume{p}} {
			if frame, err := Append(nil, V13, 1, m); err == nil || !strings.HasSuffix(err.Error(), want) {
				t.Errorf("%s: %x, %v; want an error %q", m.Type(), frame, err, want)
			}
		}
	}
}

// TestWhatIsNotThere encodes, copies and prints messages that somebody began and
// did not fill in: an error, and no panic.
func TestWhatIsNotThere(t *testing.T) {
	messages := []Message{nil, (*FlowMod)(nil), (*NXResume)(nil), (*RoleRequest)(nil),
		&BundleAdd{}, &BundleAdd{Message: (*FlowMod)(nil)}, &RequestForward{Message: (*GroupMod)(nil)},
		&MultipartRequest{}, &MultipartRequest{Body: (*FlowStatsRequest)(nil)}, &MultipartReply{Body: (*FlowMonitorReply)(nil)},
		&MultipartReply{Body: &FlowMonitorReply{Updates: []FlowUpdate{{Event: 65535}}}}}
	for i := range extensions {
		if row := &extensions[i]; row.typ != nil {
			empty := reflect.Zero(row.typ).Interface().(Extension)
			messages = append(messages, &PacketOut{Actions: []Action{Extend(empty)}},
				&PacketOut{Actions: []Action{Extend(&CT{Actions: []Action{Extend(empty)}})}},
				&FlowMod{Instructions: []Instruction{Apply(Extend(empty))}})
		}
	}
	for _, v := range Versions() {
		for i, m := range messages {
			PrintBody(v, Clone(m))
			for _, e := range []Encoder{{}, {Extensions: true}} {
				if frame, err := e.Append(nil, v, 1, m); err == nil {
					t.Errorf("OpenFlow %s: %d: %T was encoded as %x", v, i, m, frame)
				}
			}
		}
	}
	for _, m := range messages {
		if f, ok := m.(*FlowMod); ok && f != nil {
			if err := f.Validate(); err == nil {
				t.Errorf("%+v is valid", f.Instructions)
			}
		}
	}
}

// TestTextWithAZeroInside would lose what follows the zero.
func TestTextWithAZeroInside(t *testing.T) {
	m := &MultipartReply{Body: &Desc{Serial: "12\x0034"}}
	_, err := Append(nil, V13, 1, m)
	if err == nil || !strings.HasSuffix(err.Error(), "serial: malformed: a zero byte at 2, where the text would end") {
		t.Errorf("got %v", err)
	}
}

// TestInstructionsStandOnce says what OpenFlow forbids; Open vSwitch answers with
// a duplicate instruction.
func TestInstructionsStandOnce(t *testing.T) {
	m := NewFlowMod(FlowAdd)
	m.Instructions = []Instruction{Apply(Output(1)), GotoTable(2), Apply(Output(2))}
	if err := m.Validate(); err == nil || !strings.Contains(err.Error(), "instruction apply_actions: malformed: stands twice") {
		t.Errorf("got %v", err)
	}
	if m.Instructions = m.Instructions[:2]; m.Validate() != nil {
		t.Error(m.Validate())
	}
}

// TestErrorsQuoteLittle parses a megabyte that says nothing.
func TestErrorsQuoteLittle(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	_, port := ParsePort(long)
	_, dpid := ParseDPID(long)
	_, role := ParseRole(long)
	_, version := ParseVersion(long)
	_, tableMod := ParseTableMod(long)
	_, tableSetting := ParseTableMod("1 " + long)
	_, portMod := ParsePortMod(long+" up", nil)
	_, portSetting := ParsePortMod("1 "+long, nil)
	for i, err := range []error{port, dpid, role, version, tableMod, tableSetting, portMod, portSetting} {
		if err == nil || len(err.Error()) > 400 {
			t.Errorf("%d: an error of %d bytes", i, len(err.Error()))
		}
	}
}
