package ofp

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/test/need"
)

// TestOpenVSwitchPrintsOurActions gives ovs-ofctl the bytes of every action of
// extensionCases in each version, and wants the text that they print as here.
func TestOpenVSwitchPrintsOurActions(t *testing.T) {
	path := need.Program(t, "ovs-ofctl", "openvswitch-switch")
	for _, v := range Versions() {
		var in bytes.Buffer
		var want []string
		for _, x := range extensionCases {
			if strings.HasPrefix(x.text, "debug_") || x.text == "dec_nsh_ttl" && v < V13 {
				continue // which it does not read
			}
			w := cursor{wr: true, v: v}
			if walkActions(&w, &[]Action{Extend(x.ext)}); w.err != nil {
				t.Fatalf("%s: %v", x.text, w.err)
			}
			r := cursor{buf: w.buf, end: len(w.buf), v: v}
			var as []Action
			if walkActions(&r, &as); r.err != nil {
				t.Fatalf("%s: %v", x.text, r.err)
			}
			in.WriteString(hex.EncodeToString(w.buf) + "\n")
			want = append(want, "actions="+string(appendActions(nil, as, v, nil)))
		}
		cmd := exec.CommandContext(t.Context(), path, "-vconsole:off", "parse-actions", "OpenFlow"+strings.ReplaceAll(v.String(), ".", ""))
		cmd.Stdin = &in
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for line := range strings.Lines(string(out)) {
			if line = strings.TrimSpace(line); line != "" {
				got = append(got, line)
			}
		}
		if d := cmp.Diff(got, want); d != "" {
			t.Errorf("%s: -ovs-ofctl +ours\n%s", v, d)
		}
		t.Logf("%s: compared %d actions", v, len(got))
	}
}

// TestDecTTLWithRoomToSpare: Open vSwitch takes a dec_ttl that is longer than its
// identifiers need, and prints it as any other.
func TestDecTTLWithRoomToSpare(t *testing.T) {
	const spare = "ffff002000002320001500010000000000010000000000000000000000000000"
	for _, v := range Versions() {
		c := cursor{buf: hexBytes(spare), end: len(spare) / 2, v: v}
		var as []Action
		walkActions(&c, &as)
		if c.err != nil || len(as) != 1 || string(appendActions(nil, as, v, nil)) != "dec_ttl(1)" {
			t.Fatalf("%s: %+v, %v", v, as, c.err)
		}
		w := cursor{wr: true, v: v}
		if walkActions(&w, &as); w.err != nil || !bytes.Equal(w.buf, hexBytes(spare)) {
			t.Errorf("%s: written again as %x, %v", v, w.buf, w.err)
		}
	}
}

// TestWholeVLANHeaderIsSetAsOpenVSwitchDoes has what ovs-ofctl sends in the
// versions that have no set_field.
func TestWholeVLANHeaderIsSetAsOpenVSwitchDoes(t *testing.T) {
	for _, x := range []struct{ text, v10, v11 string }{
		{"set_field:0x1005->vlan_tci", "00010008000500000002000800000000", "001100088100000000010008000500000002000800000000"},
		{"set_field:5->vlan_tci", "0003000800000000", "0012000800000000"},
		{"push_vlan:0x8100,set_field:0xf005->vlan_tci", "", "001100088100000000010008000500000002000807000000"},
	} {
		is, err := ParseActions(x.text, nil)
		if err != nil {
			t.Fatal(err)
		}
		for v, want := range map[Version]string{V10: x.v10, V11: x.v11} {
			if want == "" {
				continue // 1.0 has no push_vlan
			}
			w := cursor{wr: true, v: v}
			if walkActions(&w, &is[0].Actions); w.err != nil || !bytes.Equal(w.buf, hexBytes(want)) {
				t.Errorf("%s in %s:\n got %x, %v\nwant %s", x.text, v, w.buf, w.err, want)
			}
		}
	}
}

// TestActionsCutShortInsideFlows cuts the action of a flow-mod at every byte, and
// lets all lengths around it, and its own in turn, say what is left: that is an
// error, or is written again as it came.
func TestActionsCutShortInsideFlows(t *testing.T) {
	type flow struct {
		text    string
		actions []Action
	}
	var flows []flow
	for _, x := range extensionCases {
		flows = append(flows, flow{x.text, []Action{Extend(x.ext)}})
	}
	for _, text := range compoundTexts(t) {
		m, err := ParseFlow(text, FlowAdd, nil)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		for i := range m.Instructions {
			for _, a := range m.Instructions[i].Actions {
				flows = append(flows, flow{text, []Action{a}})
			}
		}
	}
	cuts, read := 0, 0
	for _, v := range Versions() {
		for _, x := range flows {
			m := NewFlowMod(FlowAdd)
			m.Instructions = []Instruction{Apply(x.actions...)}
			frame, err := Append(nil, v, 1, m)
			if errors.Is(err, ErrVersion) {
				continue // there is nothing to cut
			}
			if err != nil {
				t.Fatalf("%s: %v", x.text, err)
			}
			start := len(frame) - len(actionBytes(frame))
			if v == V10 {
				start = 72
			} else {
				start += 8 // behind the instruction's header
			}
			whole := len(frame) - start
			for n := range whole {
				for _, says := range []int{n, whole} {
					cut := bytes.Clone(frame[:start+n])
					binary.BigEndian.PutUint16(cut[2:], uint16(len(cut)))
					if v != V10 {
						binary.BigEndian.PutUint16(cut[start-6:], uint16(8+n))
					}
					if n >= 4 {
						binary.BigEndian.PutUint16(cut[start+2:], uint16(says))
					}
					cuts++
					h, got, err := Decode(cut)
					if err != nil {
						continue
					}
					read++
					again, err := Append(nil, h.Version, h.XID, got)
					if err != nil || !bytes.Equal(again, cut) {
						t.Errorf("%s: %s cut to %d bytes\n got %x %v\nwant %x", v, x.text, n, again, err, cut)
					}
					Print(cut)
				}
			}
		}
	}
	if read == 0 || read == cuts {
		t.Errorf("%d of %d could be read: nothing is tested", read, cuts)
	}
	t.Logf("%d cuts, of which %d were read and written again", cuts, read)
}
