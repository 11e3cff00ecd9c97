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
	{"resubmit:1", &Resubmit{InPort: 1, Table: TableAll}, "ffff001000002320000e0001ff000000"},
	{"resubmit(,2)", &Resubmit{InPort: PortInPort, Table: 2}, "ffff001000002320000efff802000000"},
	{"resubmit(1,2,ct)", &Resubmit{InPort: 1, Table: 2, CT: true}, "ffff001000002320002c000102000000"},
	{"pop_queue", &PopQueue{}, "ffff0010000023200005000000000000"},
	{"exit", &Exit{}, "ffff0010000023200011000000000000"},
	{"dec_nsh_ttl", &DecNSHTTL{}, "ffff0010000023200030000000000000"},
	{"debug_slow", &DebugSlow{}, "ffff00100000232000fe000000000000"},
	{"debug_recirc", &DebugRecirc{}, "ffff00100000232000ff000000000000"},
	{"set_tunnel:0x5", &SetTunnel{ID: 5}, "ffff0010000023200002000000000005"},
	{"set_tunnel64:0x5", &SetTunnel{ID: 5, Wide: true}, "ffff00180000232000090000000000000000000000000005"},
	{"set_tunnel64:0x100000000", &SetTunnel{ID: 1 << 32, Wide: true}, "ffff00180000232000090000000000000000000100000000"},
	{"note:01.02.03.04.05.06", &Note{[]byte{1, 2, 3, 4, 5, 6}}, "ffff0010000023200008010203040506"},
	{"note:01.02.03.04.05.06.07.00.00.00.00.00.00.00", &Note{[]byte{1, 2, 3, 4, 5, 6, 7, 13: 0}}, "ffff00180000232000080102030405060700000000000000"},
	{"dec_ttl(1,2)", &DecTTL{Controllers: []uint16{1, 2}}, "ffff00180000232000150002000000000001000200000000"},
	{"dec_ttl(65535)", &DecTTL{Controllers: []uint16{65535}}, "ffff0018000023200015000100000000ffff000000000000"},
	{"fin_timeout(idle_timeout=10,hard_timeout=20)", &FinTimeout{10, 20}, "ffff0010000023200013000a00140000"},
	{"fin_timeout(hard_timeout=20)", &FinTimeout{HardTimeout: 20}, "ffff0010000023200013000000140000"},
	{"fin_timeout()", &FinTimeout{}, "ffff0010000023200013000000000000"},
	{"controller(id=5)", &Controller{MaxLen: 0xffff, Reason: ReasonAction, ID: 5}, "ffff0010000023200014ffff00050100"},
	{"controller(reason=no_match,max_len=128,id=1)", &Controller{MaxLen: 128, ID: 1}, "ffff0010000023200014008000010000"},
	{"controller(reason=packet_out)", &Controller{MaxLen: 0xffff, Reason: 5}, "ffff0010000023200014ffff00000500"},
	{"controller(userdata=01.02.03)", &Controller{MaxLen: 0xffff, Reason: ReasonAction, UserData: []byte{1, 2, 3}}, "ffff00180000232000250000000000000003000701020300"},
	{"controller(pause)", &Controller{MaxLen: 0xffff, Reason: ReasonAction, Pause: true}, "ffff00180000232000250000000000000004000400000000"},
	{"controller(meter_id=5)", &Controller{MaxLen: 0xffff, Reason: ReasonAction, Meter: 5}, "ffff00180000232000250000000000000005000800000005"},
	{"controller(reason=invalid_ttl,max_len=10,id=3,userdata=01.02.03.04.05,pause,meter_id=7)",
		&Controller{MaxLen: 10, ID: 3, Reason: ReasonInvalidTTL, UserData: []byte{1, 2, 3, 4, 5}, Pause: true, Meter: 7},
		"ffff004800002320002500000000000000000008000a0000000100080003000000020005020000000003000901020304050000000000000000040004000000000005000800000007"},
	{"load:0x5->NXM_NX_REG0[]", &Load{Whole(FieldReg0), 5}, "ffff0018000023200007001f000100040000000000000005"},
	{"load:0x1234->NXM_NX_REG0[0..15]", &Load{Subfield{Field: FieldReg0, Bits: 16}, 0x1234}, "ffff0018000023200007000f000100040000000000001234"},
	{"load:0x1->NXM_OF_ETH_DST[40]", &Load{Subfield{Field: FieldEthDst, Ofs: 40, Bits: 1}, 1}, "ffff00180000232000070a00000002060000000000000001"},
	{"load:0x5->OXM_OF_PKT_REG0[]", &Load{Whole(FieldXReg0), 5}, "ffff0018000023200007003f800100080000000000000005"},
	{"load:0x1->NXM_NX_XXREG0[64..127]", &Load{Subfield{Field: FieldXXReg0, Ofs: 64, Bits: 64}, 1}, "ffff0018000023200007103f0001de100000000000000001"},
	{"load:0x5->NXM_OF_IN_PORT[]", &Load{Whole(FieldInPort16), 5}, "ffff0018000023200007000f000000020000000000000005"},
	{"load:0x1->NXM_OF_VLAN_TCI[13..15]", &Load{Subfield{Field: FieldVLANTCI, Ofs: 13, Bits: 3}, 1}, "ffff00180000232000070342000008020000000000000001"},
	{"load:0x5->OXM_OF_METADATA[]", &Load{Whole(FieldMetadata), 5}, "ffff0018000023200007003f800004080000000000000005"},
	{"move:NXM_NX_REG0[0..5]->NXM_NX_REG1[26..31]", &Move{Subfield{Field: FieldReg0, Bits: 6}, Subfield{Field: FieldReg0 + 1, Ofs: 26, Bits: 6}},
		"ffff001800002320000600060000001a0001000400010204"},
	{"move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[]", &Move{Whole(FieldEthSrc), Whole(FieldEthDst)}, "ffff00180000232000060030000000000000040600000206"},
	{"move:NXOXM_NSH_C1[]->NXM_NX_REG0[]", &Move{Whole(FieldNSHC1), Whole(FieldReg0)}, "ffff0020000023200006002000000000ffff0c08005ad6500001000400000000"},
	{"push:NXM_NX_REG2[1..5]", &Push{Subfield{Field: FieldReg0 + 2, Ofs: 1, Bits: 5}}, "ffff001800002320001b0001000104040005000000000000"},
	{"push:NXOXM_NSH_C1[]", &Push{Whole(FieldNSHC1)}, "ffff001800002320001b0000ffff0c08005ad65000200000"},
	{"pop:NXM_NX_REG0[0..15]", &Pop{Subfield{Field: FieldReg0, Bits: 16}}, "ffff001800002320001c0000000100040010000000000000"},
	{"output:NXM_NX_REG0[16..31]", &OutputReg{Subfield{Field: FieldReg0, Ofs: 16, Bits: 16}, 0xffff}, "ffff001800002320000f040f00010004ffff000000000000"},
	{"output:NXOXM_NSH_C1[]", &OutputReg{Whole(FieldNSHC1), 0xffff}, "ffff0018000023200020001fffffffff0c08005ad6500000"},
	{"check_pkt_larger(1500)->NXM_NX_REG0[0]", &CheckPktLarger{1500, Subfield{Field: FieldReg0, Bits: 1}}, "ffff001800002320003105dc000000010004000000000000"},
	{"check_pkt_larger(5)->NXOXM_NSH_C1[0]", &CheckPktLarger{5, Subfield{Field: FieldNSHC1, Bits: 1}}, "ffff001800002320003100050000ffff0c08005ad6500000"},
	{"output(port=1,max_len=100)", &OutputTrunc{1, 100}, "ffff0010000023200027000100000064"},
	{"output(port=LOCAL,max_len=14)", &OutputTrunc{PortLocal, 14}, "ffff0010000023200027fffe0000000e"},
}

// subfields compares the headers that subfields came with, too.
var subfields = cmp.AllowUnexported(Subfield{})

func TestExtensionsAreReadWrittenAndPrinted(t *testing.T) {
	for _, test := range extensionCases {
		t.Run(test.text, func(t *testing.T) {
			is, err := ParseActions(test.text, nil)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff([]Instruction{Apply(Extend(test.ext))}, is, subfields); d != "" {
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
				if d := cmp.Diff(test.ext, got.Ext, subfields); d != "" {
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
		frame, err := Append(nil, v, 7, &NXFlowModTableID{Set: 1})
		want := append([]byte{byte(v), 4, 0, 24}, hexBytes("00000007000023200000000f0100000000000000")...)
		if err != nil || !cmp.Equal(frame, want) {
			t.Fatalf("%s: %x, %v", v, frame, err)
		}
		_, m, err := Decode(frame)
		if err != nil || !cmp.Equal(m, Message(&NXFlowModTableID{Set: 1})) {
			t.Errorf("%s: %v, %v", v, m, err)
		}
		var raw Experimenter
		if err := DecodeInto(frame, &raw); err != nil || raw.Experimenter != niciraID || len(raw.Data) != 12 {
			t.Errorf("%s: as any experimenter's: %+v, %v", v, raw, err)
		}
	}
}

// TestStandardActionsInNicirasForm has the actions that 1.0 lacks and Open
// vSwitch takes in a form of its own: they are read as what they are, written
// again as they came, and written in a later version as that has them.
func TestStandardActionsInNicirasForm(t *testing.T) {
	for _, test := range []struct{ text, v10, v13 string }{
		{"set_queue:5", "ffff0010000023200004000000000005", "0015000800000005"},
		{"dec_ttl", "ffff0010000023200012000000000000", "0018000800000000"},
		{"push_mpls:0x8847", "ffff0010000023200017884700000000", "0013000888470000"},
		{"pop_mpls:0x8847", "ffff0010000023200018884700000000", "0014000888470000"},
		{"set_mpls_ttl(5)", "ffff0010000023200019050000000000", "000f000805000000"},
		{"dec_mpls_ttl", "ffff001000002320001a000000000000", "0010000800000000"},
		{"set_mpls_label(5)", "ffff001000002320001e000000000005", "00190010800044040000000500000000"},
		{"set_mpls_tc(5)", "ffff001000002320001f050000000000", "00190010800046010500000000000000"},
		{"group:5", "ffff0010000023200028000000000005", "0016000800000005"},
	} {
		c := cursor{buf: hexBytes(test.v10), end: len(test.v10) / 2, v: V10}
		var a Action
		if readAction(&c, &a); c.err != nil {
			t.Fatalf("%s: %v", test.text, c.err)
		}
		if got := FormatActions([]Instruction{Apply(a)}, nil); got != test.text {
			t.Errorf("%s: prints %q", test.text, got)
		}
		for v, want := range map[Version]string{V10: test.v10, V13: test.v13} {
			c := cursor{wr: true, v: v}
			got := encodeAction(&c, nil, &a)
			if c.err != nil || !cmp.Equal(got, hexBytes(want)) {
				t.Errorf("%s in %s: %x, %v; want %s", test.text, v, got, c.err, want)
			}
		}
		c.v, c.off = V13, 0
		if readAction(&c, &a); c.err != nil || a.Type != ActionExperimenter || a.Ext != nil {
			t.Errorf("%s: 1.3 has no such form, but read %+v, %v", test.text, a, c.err)
		}
	}
}

func TestPaddingThatIsNotZeroStays(t *testing.T) {
	for _, text := range []string{
		"ffff0010000023200004000100000005", "ffff0010000023200012000000000001", "ffff0010000023200019050000000100",
		"ffff0010000023200002010000000005", "ffff00180000232000090000000000010000000000000005", "ffff0010000023200001000100000001",
		"ffff001000002320000e000101000001", "ffff00180000232000150001000000010001000000000000", "ffff00180000232000150001000000000001000000000001",
		"ffff0010000023200013000000000001", "ffff0010000023200014ffff00050101", "ffff00180000232000250000000000010005000800000005",
		"ffff0020000023200016000000000001000000000000000500000000000000ff", "ffff00180000232000250000000000000009000800000005",
	} {
		c := cursor{buf: hexBytes(text), end: len(text) / 2, v: V10}
		var a Action
		if readAction(&c, &a); c.err != nil {
			t.Fatalf("%s: %v", text, c.err)
		}
		if a.Ext != nil || a.Type != ActionExperimenter {
			t.Errorf("%s: read as %+v, which has no place for every bit", text, a)
		}
		w := cursor{wr: true, v: V10}
		if got := encodeAction(&w, nil, &a); w.err != nil || !cmp.Equal(got, hexBytes(text)) {
			t.Errorf("%s: written as %x, %v", text, got, w.err)
		}
	}
}

// TestControllerPropertiesStayAsTheyCame has properties in another order, with
// what need not be said, and with padding in use.
func TestControllerPropertiesStayAsTheyCame(t *testing.T) {
	for _, text := range []string{
		"000400040000000000000008000a0000", "00000008ffff0000", "00020005010000000002000501000000", "0003000400000000",
		"0005000800000005" + "0000000800010001", "0003000701020301",
	} {
		body := hexBytes("0025000000000000" + text)
		a, err := ExperimenterAction(V13, niciraID, body)
		if err != nil || a.Ext == nil {
			t.Fatalf("%s: %+v, %v", text, a, err)
		}
		if _, again, err := a.ExperimenterBody(V13); err != nil || !cmp.Equal(again, body) {
			t.Errorf("%s: written again: %x, %v", text, again, err)
		}
		e := a.Ext.(*Controller)
		e.ID = 77
		_, changed, err := a.ExperimenterBody(V13)
		if err != nil {
			t.Fatal(err)
		}
		a, err = ExperimenterAction(V13, niciraID, changed)
		if got := a.Ext.(*Controller); err != nil || !got.says(e) {
			t.Errorf("%s: changed to %+v, read again as %+v, %v", text, e, got, err)
		}
	}
}

func TestSetMetadataOf10(t *testing.T) {
	body := hexBytes("001600000000000000000000000000050000000000000007")
	a, err := ExperimenterAction(V10, niciraID, body)
	if want := (&SetMetadata{5, 7}); err != nil || !cmp.Equal(a.Ext, Extension(want)) {
		t.Fatalf("%+v, %v", a, err)
	}
	if got := FormatActions([]Instruction{Apply(a)}, nil); got != "write_metadata:0x5/0x7" {
		t.Errorf("prints %q", got)
	}
	if _, again, err := a.ExperimenterBody(V10); err != nil || !cmp.Equal(again, body) {
		t.Errorf("written again: %x, %v", again, err)
	}
}

// TestExtensionsShareNothing changes every byte of a frame after its action was
// cloned.
func TestExtensionsShareNothing(t *testing.T) {
	for _, test := range extensionCases {
		frame := hexBytes(test.hex)
		c := cursor{buf: frame, end: len(frame), v: V13}
		var a Action
		if readAction(&c, &a); c.err != nil {
			t.Fatal(c.err)
		}
		copied := cloneActions([]Action{a})
		for i := range frame {
			frame[i] ^= 0xff
		}
		if d := cmp.Diff(test.ext, copied[0].Ext, subfields); d != "" {
			t.Errorf("%s: the copy changed with the frame\n%s", test.text, d)
		}
	}
}

// TestExtensionsCutShort cuts every action at every length that an action can
// have, and lets the length say so or lie.
func TestExtensionsCutShort(t *testing.T) {
	for _, v := range Versions() {
		for _, test := range extensionCases {
			whole := hexBytes(test.hex)
			for n := 8; n < len(whole); n += 8 {
				cut := append([]byte{}, whole[:n]...)
				for _, says := range []int{n, len(whole)} {
					cut[2], cut[3] = byte(says>>8), byte(says)
					c := cursor{buf: cut, end: n, v: v}
					var as []Action
					walkActions(&c, &as)
					if c.err != nil {
						continue
					}
					w := cursor{wr: true, v: v}
					if walkActions(&w, &as); w.err != nil || !cmp.Equal(w.buf, cut) {
						t.Errorf("%s: %x is written again as %x, %v", v, cut, w.buf, w.err)
					}
				}
			}
		}
	}
}

// TestSetFieldOfBits has set_field with a mask, and of fields that only Open
// vSwitch has, in the bytes that ovs-ofctl sends.
func TestSetFieldOfBits(t *testing.T) {
	const nsh = "ffff0020000023200021ffff0d0c005ad6500000000500000007000000000000"
	for _, test := range []struct{ text, v10, v12, v13 string }{
		{"set_field:0x5/0x7->reg0", "ffff00180000232000070002000100040000000000000005", "", ""},
		{"set_field:0x5/0xf00f->reg0", "ffff00180000232000070003000100040000000000000005ffff00180000232000070303000100040000000000000000", "", ""},
		{"set_field:0x5->reg0", "ffff0018000023200007001f000100040000000000000005", "00190010000100040000000500000000", "00190010000100040000000500000000"},
		{"set_field:0x5->xxreg0", "ffff0018000023200007003f0001de100000000000000005ffff0018000023200007103f0001de100000000000000000",
			"001900180001de1000000000000000000000000000000005", "001900180001de1000000000000000000000000000000005"},
		{"set_field:01:00:00:00:00:00/01:00:00:00:00:00->eth_dst", "ffff00180000232000070a00000002060000000000000001", "", ""},
		{"set_field:0x5/0x7->nsh_c1", nsh, "", ""},
		{"set_field:0x5->nsh_c1", "ffff0018000023200021ffff0c08005ad650000000050000", "00190010ffff0c08005ad65000000005", "00190010ffff0c08005ad65000000005"},
		{"load:5->nsh_c1", "ffff0018000023200021ffff0c08005ad650000000050000", "", ""},
		{"load:5->nsh_c1[0..7]", "ffff0020000023200021ffff0d0c005ad65000000005000000ff000000000000", "", ""},
		{"load:0x5->tun_metadata0", "ffff0010000023200021000150010500", "", ""},
		{"load:5->tun_metadata0[8..15]", "ffff0018000023200021000151040500ff00000000000000", "", ""},
		{"set_field:0x1234->tun_metadata0", "ffff0010000023200021000150021234", "00190010000150021234000000000000", "00190010000150021234000000000000"},
		{"load:0->tun_metadata0", "ffff0010000023200021000150000000", "", ""},
		{"set_field:0->tun_metadata0", "ffff0010000023200021000150000000", "0019000800015000", "0019000800015000"},
		{"set_field:1->in_port", "ffff0018000023200007000f000000020000000000000001", "00190010000000020001000000000000", "00190010000000020001000000000000"},
		{"set_field:LOCAL->in_port", "ffff0018000023200007000f00000002000000000000fffe", "0019001000000002fffe000000000000", "0019001000000002fffe000000000000"},
		{"load:5->xxreg0", "ffff0018000023200007003f0001de100000000000000005ffff0018000023200007103f0001de100000000000000000", "", ""},
		{"set_tunnel:0x5", "ffff0010000023200002000000000005", "00190010000120080000000000000005", "0019001080004c080000000000000005"},
		{"set_tunnel64:0x5", "ffff00180000232000090000000000000000000000000005", "00190010000120080000000000000005", "0019001080004c080000000000000005"},
	} {
		is, err := ParseActions(test.text, nil)
		if err != nil {
			t.Fatal(err)
		}
		for v, want := range map[Version]string{V10: test.v10, V11: test.v10, V12: test.v12, V13: test.v13} {
			if want == "" {
				want = test.v10
			}
			w := cursor{wr: true, v: v}
			if walkActions(&w, &is[0].Actions); w.err != nil || !cmp.Equal(w.buf, hexBytes(want)) {
				t.Errorf("%s in %s:\n got %x, %v\nwant %s", test.text, v, w.buf, w.err, want)
				continue
			}
			r := cursor{buf: w.buf, end: len(w.buf), v: v}
			var as []Action
			if walkActions(&r, &as); r.err != nil {
				t.Fatalf("%s: %v", test.text, r.err)
			}
			for i := range as {
				if as[i].Type == ActionExperimenter && as[i].Ext == nil {
					t.Errorf("%s in %s: kept as bytes", test.text, v)
				}
			}
			again := cursor{wr: true, v: v}
			if walkActions(&again, &as); again.err != nil || !cmp.Equal(again.buf, w.buf) {
				t.Errorf("%s in %s: written again as %x, %v", test.text, v, again.buf, again.err)
			}
		}
	}
}

// TestMaskedSetFieldStaysAsItCame: 1.3 has no such action, but nothing is lost of
// one that was sent all the same.
func TestMaskedSetFieldStaysAsItCame(t *testing.T) {
	frame := hexBytes("001900188000070c01000000000001000000000000000000")
	c := cursor{buf: frame, end: len(frame), v: V13}
	var a Action
	if readAction(&c, &a); c.err != nil {
		t.Fatal(c.err)
	}
	w := cursor{wr: true, v: V13}
	if got := encodeAction(&w, nil, &a); w.err != nil || !cmp.Equal(got, frame) {
		t.Errorf("written as %x, %v", got, w.err)
	}
	w.v = V12
	if got := encodeAction(&w, nil, &a); w.err != nil || !cmp.Equal(got, hexBytes("ffff00180000232000070a00000002060000000000000001")) {
		t.Errorf("written in 1.2 as %x, %v", got, w.err)
	}
}

func TestCopyFieldOfTheONF(t *testing.T) {
	body := hexBytes("0c800000" + "002000000000" + "0000" + "0001000400010204" + "00000000")
	a, err := ExperimenterAction(V13, onfID, body)
	if want := (&Move{Whole(FieldReg0), Whole(FieldReg0 + 1)}); err != nil || !cmp.Equal(a.Ext, Extension(want), subfields) {
		t.Fatalf("%+v, %v", a, err)
	}
	if got := FormatActions([]Instruction{Apply(a)}, nil); got != "move:NXM_NX_REG0[]->NXM_NX_REG1[]" {
		t.Errorf("prints %q", got)
	}
	if exp, again, err := a.ExperimenterBody(V13); err != nil || exp != onfID || !cmp.Equal(again, body) {
		t.Errorf("written again: 0x%x, %x, %v", exp, again, err)
	}
	if exp, again, err := a.ExperimenterBody(V12); err != nil || exp != niciraID || !cmp.Equal(again, hexBytes("00060020000000000001000400010204")) {
		t.Errorf("in 1.2: 0x%x, %x, %v", exp, again, err)
	}
	if a, err := ExperimenterAction(V12, onfID, body); err != nil || a.Ext != nil {
		t.Errorf("1.2 has no such action, but read %+v, %v", a, err)
	}
}
