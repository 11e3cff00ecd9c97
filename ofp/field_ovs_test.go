package ofp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"os"
	"strconv"
	"strings"
	"testing"
)

// dataLines returns the lines of a file in testdata that are no comments, cut into
// words.
func dataLines(t *testing.T, name string) (lines [][]string) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, strings.Fields(line))
		}
	}
	return lines
}

// oxmClasses are the class and the experimenter of what each name begins with.
var oxmClasses = []struct {
	prefix string
	class  uint16
	exp    uint32
}{
	{"OXM_OF_PKT_REG", 0x8001, 0}, {"OXM_OF_", 0x8000, 0}, {"NXM_OF_", 0, 0}, {"NXM_NX_", 1, 0}, {"ERICOXM_OF_", 0x1000, 0},
	{"ONFOXM_ET_", 0xffff, 0x4f4e4600}, {"NXOXM_NSH_", 0xffff, 0x5ad650}, {"NXOXM_ET_", 0xffff, 0x2320},
}

// TestEveryRowIsThatOfOVSFields compares each row of the table with what
// ovs-fields(7) says of the field.
func TestEveryRowIsThatOfOVSFields(t *testing.T) {
	var seen fieldSet
	for _, w := range dataLines(t, "ovs-fields7.txt") {
		first := subfieldOf(w[0])
		count := 1
		for _, run := range numbered {
			if run.first == first {
				count = run.count
			}
		}
		for i := range count {
			id := first + FieldID(i)
			info := id.Info()
			if info == nil {
				t.Errorf("no row for %s", w[0])
				continue
			}
			seen.add(id)
			name := w[0]
			if count > 1 {
				name = strings.TrimSuffix(name, "0") + strconv.Itoa(i)
			}
			for _, n := range []string{name, w[1]} {
				if n != "-" && subfieldOf(n) != id {
					t.Errorf("%s stands for %s, want %s", n, subfieldOf(n), id)
				}
				if k, ok := textKeys[n]; n != "-" && (!ok || k.kind >= keyTable) {
					t.Errorf("%s is no word of a match", n)
				}
			}
			if bits, bytes := strconv.Itoa(info.width()), strconv.Itoa(info.Bytes()); bits != w[2] || bytes != w[3] {
				t.Errorf("%s has %s bits in %s bytes, want %s in %s", id, bits, bytes, w[2], w[3])
			}
			if masked := fieldTexts[id].mask || info.Maskable; masked != (w[4] == "mask") {
				t.Errorf("%s: maskable %v, want %s", id, masked, w[4])
			}
			if info.ReadOnly != (w[5] == "ro") && id != FieldConjID {
				t.Errorf("%s: read-only %v, want %s", id, info.ReadOnly, w[5])
			}
			forms := strings.Split(w[6], ",")
			if id == FieldDPHash || len(info.forms) != len(forms) {
				t.Errorf("%s has %d forms, want %s", id, len(info.forms), w[6])
			}
			for _, f := range forms {
				formName, num, _ := strings.Cut(f, ":")
				n, _ := strconv.Atoi(num)
				if count > 1 {
					formName = strings.TrimSuffix(formName, "0") + strconv.Itoa(i)
				}
				for _, c := range oxmClasses {
					if !strings.HasPrefix(formName, c.prefix) {
						continue
					}
					length := info.Bytes()
					if c.class == 0xffff {
						length += 4
					}
					want := uint64(c.class)<<48 | uint64(n+i)<<41 | uint64(length)<<32 | uint64(c.exp)
					if fieldByForm[formName] != id || fieldOfHeader(want) != id {
						t.Errorf("%s (0x%016x) is %s by its name and %s by its number, want %s", formName, want, fieldByForm[formName], fieldOfHeader(want), id)
					}
					break
				}
			}
		}
	}
	// Open vSwitch keeps the first two from its manual and knows no more of OpenFlow.
	for id := FieldUnknown + 1; id < numFields; id++ {
		switch id {
		case FieldDPHash, FieldRecircID, FieldInPhyPort, FieldPBBISID, FieldIPv6ExtHdr:
			seen.add(id)
		}
		if !seen.has(id) {
			t.Errorf("no line for %s", id)
		}
	}
}

// oxmKeys returns what each field of an OXM list is, without mask bits, lengths and
// order.
func oxmKeys(b []byte) map[uint64]bool {
	keys := map[uint64]bool{}
	for len(b) > 0 {
		h := uint64(binary.BigEndian.Uint32(b)) << 32
		if h>>48 == 0xffff {
			h |= uint64(binary.BigEndian.Uint32(b[4:]))
		}
		keys[headerKey(h)] = true
		b = b[4+int(b[3]):]
	}
	return keys
}

// TestMatchesAsOpenVSwitchSendsThem reads and writes the bytes of ovs-ofctl, and
// writes the same fields from the same text.
func TestMatchesAsOpenVSwitchSendsThem(t *testing.T) {
	seen := map[string]*fieldSet{}
	for _, w := range dataLines(t, "ovs-matches.txt") {
		text, want := strings.TrimPrefix(w[1], "-"), hexBytes(strings.TrimPrefix(w[2], "-"))
		name := w[0] + " " + w[1]
		walk := func(c *cursor, n int, m *Match) []byte {
			if w[0] == "nxm" {
				c.v = V10
				n = walkNXMatch(c, n, m)
				return c.buf[:n]
			}
			c.v = map[string]Version{"1.2": V12, "1.3": V13}[w[0]]
			walkMatch(c, m)
			return c.buf[4:binary.BigEndian.Uint16(c.buf[2:])]
		}
		wire := bytes.Clone(want)
		if w[0] != "nxm" {
			wire = append(binary.BigEndian.AppendUint32(nil, 1<<16|uint32(4+len(want))), want...)
		}
		for len(wire)%8 != 0 {
			wire = append(wire, 0)
		}
		var got Match
		r := cursor{buf: wire, end: len(wire)}
		walk(&r, len(want), &got)
		if r.err != nil || r.off != len(wire) {
			t.Errorf("%s: read %d of %d bytes, %v", name, r.off, len(wire), r.err)
			continue
		}
		again := cursor{wr: true}
		if b := walk(&again, 0, &got); again.err != nil || !bytes.Equal(again.buf, wire) {
			t.Errorf("%s: written again as %x, %v, want %x", name, b, again.err, want)
		}
		if err := got.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		m, err := ParseMatch(text, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		// Open vSwitch gives some fields their value for a mask, says of every flow
		// without other fields that packets are Ethernet frames, and of those of a
		// packet type the Ethernet type too, which it does not take itself.
		same := true
		for _, s := range []string{"tun_erspan", "tun_gtpu", "packet_type=(1,0x800),"} {
			same = same && !strings.HasPrefix(text, s)
		}
		if same && text != "" && m.Key() != got.Key() {
			t.Errorf("%s: text gives %x, the bytes give %x", name, m.Key(), got.Key())
		}
		again = cursor{wr: true}
		b := walk(&again, 0, &m)
		switch {
		case w[0] == "1.2" && m.Has(FieldMPLSBOS): // Open vSwitch sends the number of 1.3
			if !errors.Is(again.err, ErrVersion) {
				t.Errorf("%s: %v, want an error of the version", name, again.err)
			}
		case again.err != nil:
			t.Errorf("%s: %v", name, again.err)
		case text != "" && !strings.HasPrefix(text, "packet_type=(1,0x800),") && !maps.Equal(oxmKeys(b), oxmKeys(want)):
			t.Errorf("%s: written as %x, want the fields of %x", name, b, want)
		}
		if seen[w[0]] == nil {
			seen[w[0]] = new(fieldSet)
		}
		for f := range got.All() {
			seen[w[0]].add(f.ID)
		}
	}
	for format, s := range seen {
		for _, f := range Fields() {
			switch id := f.ID; {
			case id == FieldInPhyPort, id == FieldPBBISID, id == FieldIPv6ExtHdr: // unknown to Open vSwitch
			case id >= FieldXReg0 && id < FieldTunMetadata0, id == FieldVLANTCI: // sent as reg0 to reg15, and as vlan_vid
			case !s.has(id):
				t.Errorf("no line for %s in %s", f.Name, format)
			}
		}
	}
	if len(seen) != 3 {
		t.Errorf("%d formats, want 3", len(seen))
	}
}

// TestMatchesPrintAsOpenVSwitchPrintsThem prints the matches that ovs-ofctl sent.
func TestMatchesPrintAsOpenVSwitchPrintsThem(t *testing.T) {
	var frames [][]byte
	for _, w := range dataLines(t, "ovs-matches.txt") {
		v, ok := map[string]Version{"1.2": V12, "1.3": V13}[w[0]]
		if !ok || strings.HasPrefix(w[1], "packet_type=(1,0x800),") { // which Open vSwitch does not take back
			continue
		}
		mod := NewFlowMod(FlowAdd)
		body := hexBytes(strings.TrimPrefix(w[2], "-"))
		if _, ok := scanOXM(&cursor{v: v}, body, w[1]); !ok {
			t.Fatal(w)
		}
		mod.Match.oxm = body
		mod.Match.received, mod.Match.receivedVersion = body, v
		frames = append(frames, encoded(t, v, 1, mod))
	}
	if len(frames) < 400 {
		t.Fatalf("%d matches", len(frames))
	}
	for _, text := range []string{
		"recirc_id=1,tcp,tp_dst=5", "recirc_id=1,dl_src=00:00:00:00:00:01", "recirc_id=1,reg0=3", "recirc_id=1,dl_vlan=3", "recirc_id=1,in_port=3,dl_type=0x88cc",
	} {
		mod := NewFlowMod(FlowAdd)
		var err error
		if mod.Match, err = ParseMatch(text, nil); err != nil {
			t.Fatal(err)
		}
		frames = append(frames, encoded(t, V13, 1, mod))
	}
	comparePrints(t, frames)
}
