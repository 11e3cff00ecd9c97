package ofp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

// TestNXMatchCookie reads and writes the cookie that a nx_match can have.
func TestNXMatchCookie(t *testing.T) {
	for _, in := range []struct {
		wire         string
		n            int
		cookie, mask uint64
	}{
		{"000000020005" + "00013c08" + "0000000000001234" + "000000000000", 18, 0x1234, ^uint64(0)},
		{"00013d10" + "0000000000000012" + "00000000000000ff" + "00000000", 20, 0x12, 0xff},
		{"00010004000000070000000000000000"[:16], 8, 0, 0},
		{"", 0, 0, 0},
		{"00013c08" + "0000000000001234" + "000000020005" + "000000000000", 18, 0x1234, ^uint64(0)},
		{"00013d10" + "0000000000001234" + "ffffffffffffffff" + "00000000", 20, 0x1234, ^uint64(0)},
		{"00013d10" + "0000000000001234" + "0000000000000000" + "00000000", 20, 0, 0},
		{"00010004" + "00000007" + "00013c08" + "0000000000001234" + "00010204" + "00000008" + "00000000", 28, 0x1234, ^uint64(0)},
	} {
		wire := hexBytes(in.wire)
		r := cursor{buf: wire, end: len(wire)}
		var m Match
		var cookie, mask uint64
		walkNXMatchCookie(&r, in.n, &m, &cookie, &mask)
		if r.err != nil || cookie != in.cookie || mask != in.mask || r.off != len(wire) {
			t.Errorf("%s: cookie 0x%x/0x%x, %d of %d bytes, %v", in.wire, cookie, mask, r.off, len(wire), r.err)
		}
		w := cursor{wr: true}
		if n := walkNXMatchCookie(&w, 0, &m, &cookie, &mask); n != in.n || !bytes.Equal(w.buf, wire) || w.err != nil {
			t.Errorf("%s: written again as %x of %d bytes, %v", in.wire, w.buf, n, w.err)
		}
	}
}

// TestNXMatchWithAnotherCookie: a cookie that is changed, or that what is written
// has no place for, does not come back out of the bytes that were received.
func TestNXMatchWithAnotherCookie(t *testing.T) {
	wire := hexBytes("00013c08" + "0000000000001234" + "000000020005" + "000000000000")
	r := cursor{buf: wire, end: len(wire)}
	var m Match
	var cookie, mask uint64
	walkNXMatchCookie(&r, 18, &m, &cookie, &mask)
	for want, walk := range map[string]func(c *cursor){
		"000000020005" + "00013c08" + "0000000000000005" + "000000000000": func(c *cursor) {
			c.v = V10
			five, all := uint64(5), ^uint64(0)
			walkNXMatchCookie(c, 0, &m, &five, &all)
		},
		"000000020005" + "0000": func(c *cursor) { walkNXMatch(c, 0, &m) },
		"000000020005":          func(c *cursor) { c.v = V10; walkFields(c, &m) },
	} {
		w := cursor{wr: true}
		if walk(&w); !bytes.Equal(w.buf, hexBytes(want)) || w.err != nil {
			t.Errorf("written as %x, %v, want %s", w.buf, w.err, want)
		}
	}
	// Where a cookie is none of the message's it is a field that nobody knows.
	r = cursor{buf: wire, end: len(wire)}
	walkNXMatch(&r, 18, &m)
	w := cursor{wr: true}
	if walkNXMatch(&w, 0, &m); !bytes.Equal(w.buf, wire) {
		t.Errorf("written as %x, want %x", w.buf, wire)
	}
}

// TestHostileFieldHeaders reads matches that lie about their fields, as OXM and as
// nx_match. None may be read; what is merely unknown is kept.
func TestHostileFieldHeaders(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       error
	}{
		{"register of two bytes", "000100020000", ErrMalformed},
		{"register with half a mask", "0001010500000000ff", ErrMalformed},
		{"register twice", "0001000400000001" + "0001000400000002", ErrMalformed},
		{"tunnel metadata of 125 bytes", "0001507d" + string(bytes.Repeat([]byte("00"), 125)), ErrMalformed},
		{"tunnel metadata with an odd mask", "00015103000000", ErrMalformed},
		{"more bytes than there are", "0001000400", ErrMalformed},
		{"half a header", "000100", ErrTruncated},
		{"tcp_flags of ONF, one byte short", "ffff54054f4e460001", ErrMalformed},
		{"nsh_si with a value of two bytes", "ffff0a06005ad6500102", ErrMalformed},
		{"experimenter without its number", "ffff5402ffff", nil},
		{"unknown experimenter", "ffff540600001234abcd", nil},
		{"unknown class", "7fff0002abcd", nil},
		{"tun_metadata without a value", "00015000", nil},
		{"tun_metadata without a mask", "00015100", nil},
		{"in_port by both numbers", "000000020005" + "8000000400000005", nil},
		{"nw_tos with ECN bits", "80000a020800" + "00000a01bb", nil},
		{"vlan_tci beside vlan_vid", "80000c021064" + "000008021064", nil},
		{"xreg0 over reg0", "0001000400000001" + "800100080000000000000002", nil},
		{"tcp_flags by two numbers", "800054020002" + "000144020002", nil},
	} {
		for _, v := range []Version{V12, V13, versionNX} {
			body := hexBytes(tt.body)
			wire := append([]byte{}, body...)
			if v != versionNX {
				wire = append([]byte{0, 1, 0, byte(4 + len(body))}, body...)
			}
			for len(wire)%8 != 0 {
				wire = append(wire, 0)
			}
			walk := func(c *cursor, m *Match) {
				if v == versionNX {
					walkNXMatch(c, len(body), m)
					return
				}
				c.v = v
				walkMatch(c, m)
			}
			var m Match
			r := cursor{buf: wire, end: len(wire)}
			walk(&r, &m)
			if !errors.Is(r.err, tt.want) {
				t.Errorf("%s: %v, want %v", tt.name, r.err, tt.want)
			}
			if tt.want != nil {
				continue
			}
			_, _, _ = m.Key(), m.String(), m.Validate()
			w := cursor{wr: true}
			if walk(&w, &m); w.err != nil || !bytes.Equal(w.buf, wire) {
				t.Errorf("%s: written again as %x, %v, want %x", tt.name, w.buf, w.err, wire)
			}
		}
	}
}

// TestKeysOfOneField has matches that say the same in two ways.
func TestKeysOfOneField(t *testing.T) {
	for _, tt := range []struct{ name, a, b string }{
		{"tcp_flags of ONF and NXM", "ffff54064f4e46000002", "000144020002"},
		{"tcp_flags of ONF and OpenFlow 1.5", "ffff54064f4e46000002", "800054020002"},
		{"tun_flags with and without a mask", "0001d10400010001", "0001d0020001"},
		{"tunnel_id", "80004c080000000000000009", "000120080000000000000009"},
		{"nw_tos and ip_dscp", "800010012e", "00000a01b8"},
		{"vlan_tci and vlan_vid", "80000c021064", "0000090410641fff"},
		{"vlan_tci and vlan_vid with vlan_pcp", "80000c021064" + "80000e0105", "00000802b064"},
		{"no tag", "80000c020000", "000008020000"},
		{"in_port", "8000000400000005", "000000020005"},
		{"in_port local", "80000004fffffffe", "00000002fffe"},
		{"xreg0 and reg0 with reg1", "800100080000000100000002", "0001000400000001" + "0001020400000002"},
		{"xxreg1 with a mask", "0001e120" + "00000000000000000000000000000005" + "000000000000000000000000000000ff", "00010f08" + "00000005" + "000000ff"},
		{"actset_output", "ffff56084f4e460000000004", "8000560400000004"},
		{"the other order", "0001000400000001" + "80000a020800", "80000a020800" + "0001000400000001"},
	} {
		var m [2]Match
		for i, body := range []string{tt.a, tt.b} {
			b := hexBytes(body)
			r := cursor{buf: b, end: len(b), v: V13}
			m[i].readNX(&r, len(b), nil, nil)
			if r.err != nil && !errors.Is(r.err, ErrTruncated) { // the padding is missing
				t.Fatalf("%s: %v", tt.name, r.err)
			}
			pad := make([]byte, (8-len(b)%8)%8)
			b = append(b, pad...)
			r = cursor{buf: b, end: len(b)}
			m[i].readNX(&r, len(b)-len(pad), nil, nil)
		}
		if m[0].Key() != m[1].Key() || !m[0].Equal(&m[1]) {
			t.Errorf("%s: keys %x and %x", tt.name, m[0].Key(), m[1].Key())
		}
	}
}

// A match with two cookies says neither which flows are meant nor how to write it
// again.
func TestTwoCookiesAreAnError(t *testing.T) {
	m := &NXFlowMod{FlowMod: *NewFlowMod(FlowDelete), MatchCookie: 5, MatchCookieMask: 7}
	frame := encoded(t, V10, 1, m)
	field := frame[len(frame)-24 : len(frame)-4] // a header of 4 bytes, value and mask; 4 of padding
	two := append(append(append([]byte{}, frame[:len(frame)-4]...), field...), 0, 0, 0, 0, 0, 0, 0, 0)[:len(frame)+16]
	binary.BigEndian.PutUint16(two[2:], uint16(len(two)))
	binary.BigEndian.PutUint16(two[16+24:], 40)
	_, _, err := Decode(two)
	if err == nil || !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), "cookie stands twice") {
		t.Errorf("%x: error %v", two, err)
	}
}
