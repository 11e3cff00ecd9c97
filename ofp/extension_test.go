package ofp

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// extensionCases have the bytes that ovs-ofctl sends for the text.
var extensionCases = []struct {
	text string
	ext  Extension
	hex  string
}{
	{"resubmit:1", &Resubmit{InPort: 1, Table: TableAll}, "ffff0010000023200001000100000000"},
	{"resubmit(,2)", &Resubmit{InPort: PortInPort, Table: 2}, "ffff001000002320000efff802000000"},
	{"resubmit(1,2,ct)", &Resubmit{InPort: 1, Table: 2, CT: true}, "ffff001000002320002c000102000000"},
	{"pop_queue", &PopQueue{}, "ffff0010000023200005000000000000"},
}

func TestExtensionsAreReadWrittenAndPrinted(t *testing.T) {
	for _, test := range extensionCases {
		t.Run(test.text, func(t *testing.T) {
			is, err := ParseActions(test.text, nil)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff([]Instruction{Apply(Extend(test.ext))}, is); d != "" {
				t.Errorf("text -want +got\n%s", d)
			}
			for _, v := range Versions() {
				a := Extend(test.ext)
				experimenter, body, err := a.ExperimenterBody(v)
				if err != nil || experimenter != niciraID {
					t.Fatalf("%s: experimenter 0x%x, %v", v, experimenter, err)
				}
				if d := cmp.Diff(hexBytes(test.hex)[8:], body); d != "" {
					t.Errorf("%s: bytes -want +got\n%s", v, d)
				}
				got, err := ExperimenterAction(v, niciraID, body)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(test.ext, got.Ext); d != "" {
					t.Errorf("%s: decoded -want +got\n%s", v, d)
				}
				if s := FormatActions([]Instruction{Apply(got)}, nil); s != test.text {
					t.Errorf("%s: prints %q", v, s)
				}
			}
		})
	}
}

func TestExtensionWithGarbageBehindItIsKeptAsBytes(t *testing.T) {
	body := hexBytes("000e000102030405")
	a, err := ExperimenterAction(V13, niciraID, body)
	if err != nil || a.Ext != nil {
		t.Fatalf("%+v, %v", a, err)
	}
	if _, again, err := a.ExperimenterBody(V13); err != nil || !cmp.Equal(again, body) {
		t.Errorf("written again: %x, %v", again, err)
	}
}

func TestVendorMessageInEveryVersion(t *testing.T) {
	for _, v := range Versions() {
		frame, err := Append(nil, v, 7, &NXFlowModTableID{On: true})
		want := append([]byte{byte(v), 4, 0, 24}, hexBytes("00000007000023200000000f0100000000000000")...)
		if err != nil || !cmp.Equal(frame, want) {
			t.Fatalf("%s: %x, %v", v, frame, err)
		}
		_, m, err := Decode(frame)
		if err != nil || !cmp.Equal(m, Message(&NXFlowModTableID{On: true})) {
			t.Errorf("%s: %v, %v", v, m, err)
		}
		var raw Experimenter
		if err := DecodeInto(frame, &raw); err != nil || raw.Experimenter != niciraID || len(raw.Data) != 12 {
			t.Errorf("%s: as any experimenter's: %+v, %v", v, raw, err)
		}
	}
}
