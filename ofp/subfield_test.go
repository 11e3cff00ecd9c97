package ofp

import (
	"strings"
	"testing"
)

// TestSubfieldText reads bits as ovs-actions(7) writes them and prints them as
// ovs-ofctl does.
func TestSubfieldText(t *testing.T) {
	for text, want := range map[string]string{
		"reg0":                   "NXM_NX_REG0[]",
		"reg0[]":                 "NXM_NX_REG0[]",
		"reg15[31]":              "NXM_NX_REG15[31]",
		"NXM_NX_REG3[0..15]":     "NXM_NX_REG3[0..15]",
		"NXM_NX_REG3[5..5]":      "NXM_NX_REG3[5]",
		"xreg7[0..63]":           "OXM_OF_PKT_REG7[]",
		"xxreg3[64..127]":        "NXM_NX_XXREG3[64..127]",
		"tcp_dst":                "NXM_OF_TCP_DST[]",
		"OXM_OF_TCP_DST[]":       "NXM_OF_TCP_DST[]",
		"eth_src[40]":            "NXM_OF_ETH_SRC[40]",
		"dl_src[]":               "NXM_OF_ETH_SRC[]",
		"in_port":                "NXM_OF_IN_PORT[]",
		"in_port_oxm[]":          "OXM_OF_IN_PORT[]",
		"OXM_OF_IN_PORT[]":       "OXM_OF_IN_PORT[]",
		"vlan_tci[0..11]":        "NXM_OF_VLAN_TCI[0..11]",
		"vlan_vid[]":             "OXM_OF_VLAN_VID[]",
		"vlan_vid[0..11]":        "OXM_OF_VLAN_VID[]",
		"nw_tos[]":               "NXM_OF_IP_TOS[]",
		"tun_id[0..23]":          "NXM_NX_TUN_ID[0..23]",
		"OXM_OF_TUNNEL_ID[]":     "NXM_NX_TUN_ID[]",
		"tun_metadata63[0..7]":   "NXM_NX_TUN_METADATA63[0..7]",
		"ct_label[96..127]":      "NXM_NX_CT_LABEL[96..127]",
		"ipv6_label[0..19]":      "NXM_NX_IPV6_LABEL[]",
		"nsh_c1[]":               "NXOXM_NSH_C1[]",
		"NXOXM_ET_ERSPAN_IDX[1]": "NXOXM_ET_ERSPAN_IDX[1]",
	} {
		p := textParser{s: "move:" + text + "->x"}
		s, rest := p.subfield(5, len(p.s))
		if p.err != nil || s.String() != want || rest != 5+len(text) {
			t.Errorf("%s: got %s, %d, %v, want %s", text, s, rest, p.err, want)
		}
		if err := s.Validate(); err != nil {
			t.Error(err)
		}
	}
	for text, want := range map[string]string{
		"":              "col 1: needs a field here",
		"reg16":         `col 1: unknown field "reg16"; did you mean`,
		"reg0[32]":      "col 5: reg0 has bits 0 to 31; there is no bit 32",
		"reg0[5..4]":    "col 5: the first bit, 5, is after the last, 4",
		"reg0[":         "col 5: want bits as [], [3] or [0..15]",
		"reg0[1..":      "col 5: want bits",
		"reg0[99999999": "col 5: want bits",
		"vlan_vid[12]":  "there is no bit 12",
		"priority[]":    `unknown field "priority"`,
	} {
		p := textParser{s: text}
		if s, _ := p.subfield(0, len(text)); p.err == nil || !strings.Contains(p.err.Error(), want) {
			t.Errorf("%q: got %v, %v, want an error with %q", text, s, p.err, want)
		}
	}
}

// TestSubfieldHeaders writes the header of every field in both of Nicira's
// encodings, and keeps one that is not what would be written.
func TestSubfieldHeaders(t *testing.T) {
	for id := FieldUnknown + 1; id < numFields; id++ {
		for _, v := range []Version{0, V12, V13} {
			s := Whole(id)
			w := cursor{wr: true}
			s.headerNX(&w, v, "field")
			if w.err != nil {
				t.Fatal(w.err)
			}
			r := cursor{buf: w.buf, end: len(w.buf)}
			back := Subfield{Bits: s.Bits}
			if back.headerNX(&r, v, "field"); r.err != nil || back != s || r.off != len(w.buf) {
				t.Errorf("%s in %s: %x came back as %+v, %v", id, v, w.buf, back, r.err)
			}
			other := Subfield{}
			r = cursor{buf: w.buf, end: len(w.buf)}
			other.headerNX(&r, 0, "field")
			again := cursor{wr: true}
			if other.headerNX(&again, 0, "field"); string(again.buf) != string(w.buf) || other.Field != id {
				t.Errorf("%s: %x was written again as %x", id, w.buf, again.buf)
			}
			if v != 0 || len(w.buf) > 4 {
				continue
			}
			fixed := make([]byte, 4)
			w = cursor{wr: true}
			s.header32(&w, fixed, "field")
			var short Subfield
			if short.header32(&cursor{}, fixed, "field"); w.err != nil || short.Field != id {
				t.Errorf("%s: %x came back as %s, %v", id, fixed, short.Field, w.err)
			}
		}
	}
	for _, in := range []string{"00010004", "ffff0004", "00000000", "12345678", "0001ff04"} {
		var s Subfield
		s.header32(&cursor{}, hexBytes(in), "field")
		out := make([]byte, 4)
		w := cursor{wr: true}
		if s.header32(&w, out, "field"); w.err != nil || string(out) != string(hexBytes(in)) {
			t.Errorf("%s was written again as %x, %v", in, out, w.err)
		}
	}
}
