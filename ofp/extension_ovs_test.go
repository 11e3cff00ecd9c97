package ofp

import (
	"bytes"
	"strings"
	"testing"
)

// TestExtensionsAreSentAsOpenVSwitchSendsThem compares the bytes of every action
// of extensionCases, and of some more texts, with those that ovs-ofctl sends, and
// the text of what was sent with what ovs-ofctl prints.
func TestExtensionsAreSentAsOpenVSwitchSendsThem(t *testing.T) {
	texts := []string{
		"set_field:0x5/0x7->reg0", "set_field:5->reg3", "set_field:5->xreg1", "set_field:5->xxreg2", "set_field:0x1234->tun_metadata0",
		"load:5->xxreg0", "load:5->tun_metadata0[8..15]", "set_field:5/0xf0->metadata", "controller(reason=action)", "output:reg0",
		"move:reg0->reg1", "push:in_port", "load:0xffff->vlan_tci", "set_field:1->pkt_mark", "check_pkt_larger(100)->xxreg0[100]",
	}
	for _, x := range extensionCases {
		texts = append(texts, x.text)
	}
	for _, v := range Versions() {
		compared := 0
		for _, text := range texts {
			match := ""
			switch {
			case strings.Contains(text, "NSH") || strings.Contains(text, "nsh"):
				match = "dl_type=0x894f,"
			case strings.HasPrefix(text, "dec_ttl"), strings.HasPrefix(text, "fin_timeout"):
				match = "tcp,"
			case strings.HasSuffix(text, ",ct)"):
				match = "ct_state=+trk+est,ip,"
			}
			frames, refusal := ovsSends(t, v, "add-flow", match+"actions="+text)
			if v == V11 && strings.Contains(refusal, "(NXM,OXM)") {
				continue // ovs-ofctl keeps fields of its own from the match of 1.1, and what names them with it
			}
			if refusal != "" {
				t.Errorf("%s: ovs-ofctl refuses %s: %s", v, text, refusal)
				continue
			}
			theirs := frames[len(frames)-1]
			m, err := ParseFlow(match+"actions="+text, FlowAdd, nil)
			if err != nil {
				t.Errorf("%s: %v", text, err)
				continue
			}
			w := cursor{wr: true, v: v}
			for i := range m.Instructions {
				walkActions(&w, &m.Instructions[i].Actions)
			}
			if w.err != nil || !bytes.HasSuffix(theirs, w.buf) || len(w.buf) == 0 {
				t.Errorf("%s: %s\n got %x, %v\nwant the end of %x", v, text, w.buf, w.err, theirs)
			}
			if !strings.HasPrefix(text, "debug_") && (text != "dec_nsh_ttl" || v >= V13) { // which ovs-ofctl sends and does not read
				comparePrints(t, [][]byte{theirs})
			}
			compared++
		}
		t.Logf("compared %d texts in %s", compared, v)
	}
}
