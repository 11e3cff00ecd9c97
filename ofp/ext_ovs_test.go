package ofp

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-sdn/sluice/test/need"
)

// ovsAdds returns the flow-mods that ovs-ofctl sends for lines, in one run of it.
func ovsAdds(t *testing.T, v Version, lines []string) (mods [][]byte) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "flows")
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	frames := commandSends(t, v, "add-flows", "SWITCH", name)
	for _, f := range frames {
		nxt := f[1] == 4 && bytes.Equal(f[8:16], []byte{0, 0, 0x23, 0x20, 0, 0, 0, 13}) // NXT_FLOW_MOD
		if f[1] == 14 || nxt {
			mods = append(mods, f)
		}
	}
	if len(mods) != len(lines) {
		t.Fatalf("ovs-ofctl sent %d flows for %d lines", len(mods), len(lines))
	}
	return mods
}

func TestCompoundActionsAreWhatOpenVSwitchSends(t *testing.T) {
	for _, v := range Versions() {
		t.Run(v.String(), func(t *testing.T) {
			var lines []string
			var ours [][]byte
			for _, text := range compoundTexts(t) {
				if v == V11 && !only11(t, text) {
					continue // ovs-ofctl keeps fields of its own from the match of 1.1, and what names them with it
				}
				m, err := ParseFlow(text, FlowAdd, nil)
				if err != nil {
					t.Errorf("%s: %v", text, err)
					continue
				}
				frame, err := Append(nil, v, 0, m)
				if errors.Is(err, ErrVersion) && v < V13 && (strings.Contains(text, "cap(") || strings.Contains(text, "set_field")) {
					continue
				}
				if errors.Is(err, ErrVersion) && m.Match.Has(FieldEthType) { // a match of IPv6
					m.Match = Match{}
					frame, err = Append(nil, v, 0, m)
				}
				if err != nil {
					t.Errorf("%s: %v", text, err)
					continue
				}
				lines, ours = append(lines, text), append(ours, actionBytes(frame))
			}
			frames := ovsAdds(t, v, lines)
			for i, frame := range frames {
				if !bytes.HasSuffix(frame, ours[i]) {
					t.Errorf("%s\n ours %x\nof ovs-ofctl %x", lines[i], ours[i], frame)
				}
				if Version(frame[0]) == v && frame[1] == 14 {
					checkFrame(t, frame)
				}
			}
			t.Logf("compared %d flows", len(frames))
		})
	}
}

// only11 reports whether ovs-ofctl sends the flow in 1.1.
func only11(t *testing.T, text string) bool {
	_, refusal := ovsSends(t, V11, "add-flow", text)
	if refusal != "" && !strings.Contains(refusal, "(NXM,OXM)") && !strings.Contains(refusal, "among the allowed flow formats") {
		t.Errorf("%s: %s", text, refusal)
	}
	return refusal == ""
}

func TestCompoundActionsPrintAsOpenVSwitchPrintsThem(t *testing.T) {
	var frames [][]byte
	for _, text := range compoundTexts(t) {
		m, err := ParseFlow(text, FlowAdd, nil)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		for _, v := range []Version{V10, V13} {
			frame, err := Append(nil, v, 1, m)
			if err == nil && !(v == V10 && m.Match.Has(FieldEthType)) {
				frames = append(frames, frame)
			}
		}
	}
	comparePrints(t, frames)
}

// stricter are texts that Open vSwitch takes, and the reasons why they are
// refused here: what it makes of them without a word.
var stricter = map[string]string{
	"ip,actions=ct(commit,commit)":                               "the second word changes nothing",
	"actions=sample(probability=1,ingress,egress)":               "the first direction is forgotten",
	"actions=learn(vlan_vid=0x1005)":                             "the field has 12 bits, and the value 13",
	"actions=learn(priority=99999)":                              "the priority becomes 34463",
	"actions=learn(cookie=5,cookie=6)":                           "the first cookie is forgotten",
	"actions=multipath(eth_src,50,modulo_n,4,0,NXM_NX_XXREG0[])": "other bits are written than were said",
	"actions=clone": "cloning to nowhere is a slip of the pen",
}

func TestOpenVSwitchRefusesWhatIsRefused(t *testing.T) {
	path := need.Program(t, "ovs-ofctl", "openvswitch-switch")
	for _, tt := range refusedTexts {
		out, err := exec.CommandContext(t.Context(), path, "-O", "OpenFlow13", "parse-flow", tt.text).CombinedOutput()
		refused := err != nil || bytes.Contains(out, []byte("decode error"))
		if why := stricter[tt.text]; refused == (why != "") {
			t.Errorf("%s: Open vSwitch refuses: %t; here it is refused because: %q\n%s", tt.text, refused, why, out)
		}
	}
}
