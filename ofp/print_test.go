package ofp

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// modelled reports whether the message has a struct of its own that is printed.
func modelled(m Message) bool {
	part := func(p Part) bool {
		switch p.(type) {
		case *RawPart, *ExperimenterPart:
			return false
		}
		return true
	}
	switch m := m.(type) {
	case *Raw, *Experimenter:
		return false
	case *MultipartRequest:
		return part(m.Body)
	case *MultipartReply:
		return part(m.Body)
	}
	return true
}

func TestPrintAgreesWithOpenVSwitch(t *testing.T) {
	compared := 0
	for _, r := range corpus(t) {
		frame := r.frame(t)
		_, m, err := Decode(frame)
		if err != nil {
			t.Errorf("%s %s: %v", r.Version, r.Type, err)
			continue
		}
		got := Print(frame)
		if got == "" || strings.HasSuffix(got, "\n") {
			t.Errorf("%s %s: text is empty or ends in a line break: %q", r.Version, r.Type, got)
		}
		if !modelled(m) {
			continue
		}
		want := r.OVS
		got = trimLines(got)
		if head, cut := strings.CutSuffix(want, "…"); cut {
			got = got[:min(len(got), len(head))]
			want = head
		}
		if want = trimLines(want); got != want {
			t.Errorf("%s %s:\n got %s\nwant %s", r.Version, r.Type, got, want)
		}
		compared++
	}
	t.Logf("compared %d messages", compared)
	if compared < 400 {
		t.Errorf("compared %d messages, want at least 400", compared)
	}
}

// trimLines removes spaces at the ends of lines, which the corpus does not keep.
func trimLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

func TestPacketsPrintAsOpenVSwitchPrintsThem(t *testing.T) {
	data, err := os.ReadFile("testdata/ovs-packets.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		frame, err := hex.DecodeString(parts[1])
		if err != nil {
			t.Fatal(err)
		}
		if got := string(appendPacket(nil, frame)); got != parts[2] {
			t.Errorf("%s:\n got %s\nwant %s", parts[0], got, parts[2])
		}
		for cut := range frame { // no panic, wherever it ends
			appendPacket(nil, frame[:cut])
		}
		n++
	}
	if n < 30 {
		t.Errorf("only %d packets", n)
	}
}

func TestPrintOfBytesThatAreNoMessage(t *testing.T) {
	for _, x := range []struct{ name, hex, want string }{
		{"nothing", "", "OpenFlow packet too short (only 0 bytes):"},
		{"half a header", "0400", "OpenFlow packet too short (only 2 bytes):\n00000000  04 00                                           |..              |"},
		{"unknown type", "04ff000800000001", "***decode error: unknown type of message***\n00000000  04 ff 00 08 00 00 00 01-                        |........        |"},
		{"too short", "0402000c000000014142", "OFPT_ECHO_REQUEST (OF1.3) (xid=0x1):\n(***truncated to 10 bytes from 12***)\n00000000  04 02 00 0c 00 00 00 01-41 42                   |........AB      |"},
		{"too long", "0402000800000001ff", "OFPT_ECHO_REQUEST (OF1.3) (xid=0x1):\n(***only uses 8 bytes out of 9***)\n00000000  04 02 00 08 00 00 00 01-ff                      |.........       |"},
		{"length under 8", "0402000000000001", "OFPT_ECHO_REQUEST (OF1.3) (xid=0x1):\n(***only uses 0 bytes out of 8***)\n00000000  04 02 00 00 00 00 00 01-                        |........        |"},
		{"no statistics", "0412000a00000001000f", "OFPST_15 request (OF1.3) (xid=0x1): ***decode error: "},
	} {
		b, err := hex.DecodeString(x.hex)
		if err != nil {
			t.Fatal(err)
		}
		if got := Print(b); got != x.want && !strings.HasSuffix(x.want, ": ") || !strings.HasPrefix(got, x.want) {
			t.Errorf("%s:\n got %s\nwant %s", x.name, got, x.want)
		}
	}
}

func TestInstructionsPrintInTheOrderOfExecution(t *testing.T) {
	is := []Instruction{GotoTable(2), WriteActions(Output(3)), Apply(Output(1)), {Type: InstructionMeter, Meter: 4}, {Type: InstructionClearActions}}
	want := "meter:4,output:1,clear_actions,write_actions(output:3),goto_table:2"
	if got := FormatActions(is, nil); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if is[0].Type != InstructionGotoTable {
		t.Error("printing has changed the instructions")
	}
}

func TestErrorInsideAnErrorIsNotOpenedAgain(t *testing.T) {
	var frame []byte
	for range 5 {
		frame = mustAppend(t, V13, NewError(FlowModFailedOverlap, frame))
	}
	if got := strings.Count(Print(frame), "OFPT_ERROR"); got != 2 {
		t.Errorf("%d errors are opened, want the outer one and the one in it\n%s", got, Print(frame))
	}
}

// TestRequestForAllFlowsHasNoBlankAtItsEnd, which the comparison above cannot
// see.
func TestRequestForAllFlowsHasNoBlankAtItsEnd(t *testing.T) {
	frame, err := Append(nil, V13, 1, Request(&FlowStatsRequest{FlowFilter: FlowFilter{Table: TableAll, OutPort: PortAny, OutGroup: GroupAny}}))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := Print(frame), "OFPST_FLOW request (OF1.3) (xid=0x1):"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
