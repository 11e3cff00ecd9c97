package ofp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestCompoundActionsCutShort cuts every compound action at every length and
// flips its bytes. What is read must be written again as it was; nothing may
// come out empty without an error.
func TestCompoundActionsCutShort(t *testing.T) {
	for _, text := range compoundTexts(t) {
		m, err := ParseFlow(text, FlowAdd, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range m.Instructions[0].Actions {
			if a.Ext == nil {
				continue
			}
			_, body, err := a.ExperimenterBody(V13)
			if err != nil {
				t.Fatal(err)
			}
			for n := range body {
				roundTrip(t, body[:n:n])
				padded := append(body[:n:n], make([]byte, (8-n%8)%8)...)
				roundTrip(t, padded)
				for _, x := range []byte{0xff, 0x01, 0x08, 0x40} {
					b := bytes.Clone(body)
					b[n] ^= x
					roundTrip(t, b)
				}
			}
		}
	}
}

func roundTrip(t *testing.T, body []byte) {
	t.Helper()
	a, err := ExperimenterAction(V13, niciraID, body)
	if err != nil {
		var de *DecodeError
		if !errors.As(err, &de) || de.Field == "" {
			t.Fatalf("%x: error without its place: %v", body, err)
		}
		return
	}
	if a.Ext == nil && a.Value == nil {
		t.Fatalf("%x: nothing was read, and there is no error", body)
	}
	_, again, err := a.ExperimenterBody(V13)
	if hasPlain(a.Ext) && err == nil && len(again) == len(body) {
		body = again // the padding of OpenFlow's own actions inside is not kept
	}
	if err != nil || !bytes.Equal(again, body) {
		t.Fatalf("%x\nis written again as %x, %v\n%+v", body, again, err, a.Ext)
	}
	_ = FormatActions([]Instruction{Apply(a)}, nil)
	_ = a.Validate()
	if a.Ext == nil {
		return
	}
	other := a.Ext.clone()
	if !reflect.DeepEqual(other, a.Ext) && fmt.Sprintf("%+v", other) != fmt.Sprintf("%+v", a.Ext) {
		t.Fatalf("%x: clone %+v of %+v", body, other, a.Ext)
	}
	have := map[uintptr]bool{}
	memory(reflect.ValueOf(a.Ext), func(p uintptr) { have[p] = true })
	memory(reflect.ValueOf(other), func(p uintptr) {
		if have[p] {
			t.Fatalf("%x: the clone shares memory", body)
		}
	})
}

// hasPlain reports whether actions of OpenFlow's own stand in the extension.
func hasPlain(e Extension) bool {
	var as []Action
	switch e := e.(type) {
	case *CloneActions:
		as = e.Actions
	case *CT:
		as = e.Actions
	}
	return slices.ContainsFunc(as, func(a Action) bool { return a.Type != ActionExperimenter || hasPlain(a.Ext) })
}

func TestNestingHasALimit(t *testing.T) {
	nest := func(n int, head string) []byte {
		h := hexBytes(head)
		body := slices.Clone(h[4:])
		for range n - 1 {
			inner := append(slices.Clone(h[:4]), body...)
			binary.BigEndian.PutUint16(inner[2:], uint16(len(inner)))
			body = append(slices.Clone(h[4:]), inner...)
		}
		return body[4:]
	}
	for name, head := range map[string]string{
		"clone": "ffff000000002320002a000000000000",
		"ct":    "ffff000000002320002300000000000000000000" + "00000000",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ExperimenterAction(V13, niciraID, nest(maxNesting, head)); err != nil {
				t.Errorf("%d lists: %v", maxNesting, err)
			}
			for _, n := range []int{maxNesting + 1, 2000} {
				_, err := ExperimenterAction(V13, niciraID, nest(n, head))
				if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), "inside each other") {
					t.Errorf("%d lists: %v", n, err)
				}
			}
		})
	}
	deep := strings.Repeat("clone(", 5000) + "output:1" + strings.Repeat(")", 5000)
	if _, err := ParseActions(deep, nil); err == nil || !strings.Contains(err.Error(), "inside each other") {
		t.Errorf("text: %v", err)
	}
	ok := strings.Repeat("clone(", maxNesting-1) + "output:1" + strings.Repeat(")", maxNesting-1)
	if _, err := ParseActions(ok, nil); err != nil {
		t.Errorf("text: %v", err)
	}
}

// TestLengthsInsideExtensionsThatLie rows are bodies that contradict themselves,
// after the experimenter's number.
func TestLengthsInsideExtensionsThatLie(t *testing.T) {
	learn := "0010" + "00000000" + "8000" + "0000000000000000" + "0000" + "01" + "00" + "00000000"
	tests := []struct{ name, hex, text string }{
		{"clone, inner length 0", "002a000000000000" + "00160000" + "00000001", "action length"},
		{"clone, inner action too long", "002a000000000000" + "00160010" + "00000001", "action length"},
		{"ct, inner action too long", "0023" + "0001" + "00000000" + "0000" + "ff000000" + "0000" + "ffff002000002320" + "0024000000010000", "action length"},
		{"ct without its end", "0023" + "0001" + "0000", "action ct"},
		{"nat, no room for its range", "0024" + "0000" + "0001" + "0004", "action nat range"},
		{"nat, port beyond the end", "0024" + "0000" + "0001" + "0013" + "0a000001", "action nat range"},
		{"nat too long", "0024" + "0000" + "0001" + "0000" + strings.Repeat("00", 16), "bytes too many"},
		{"learn without its end", learn[:20], "action learn"},
		{"learn, constant cut", learn + "27ff" + "000000000000", "action learn spec value"},
		{"learn, source cut", learn + "2010" + "0063" + "000000020000" + "0010" + "00000002", "action learn spec source"},
		{"learn, destination cut", learn + "0010" + "000000020000", "action learn spec destination"},
		{"learn, source and kind unknown", learn + "3010" + "0063000000020000", "action learn spec"},
		{"learn, kind unknown", learn + "1810" + "000000020000", "action learn spec"},
		{"learn, reserved bits", learn + "8010" + "000000020000", "action learn spec"},
		{"bundle, more members than bytes", "000c" + "0001" + "0000" + "0000" + "00000002" + "ffff" + strings.Repeat("00", 10) + "00010002", "action bundle members"},
		{"bundle, more bytes than members", "000c" + "0001" + "0000" + "0000" + "00000002" + "0000" + strings.Repeat("00", 10+8), "bytes too many"},
		{"encap, property of length 0", "002e" + "0000" + "0001894f" + "00040100" + "00000000", "action encap property length"},
		{"encap, property too long", "002e" + "0000" + "0001894f" + "000401ff" + "00000000", "action encap property length"},
		{"encap, half a property", "002e" + "0000" + "0001894f" + "0004", "action encap property"},
		{"sample cut", "001d" + "0001" + "00000000", "action sample"},
		{"sample2 cut", "0026" + "0001" + strings.Repeat("00", 12), "action sample port"},
		{"multipath cut", "000a" + strings.Repeat("00", 14), "action multipath"},
		{"delete_field cut", "0032" + "00015a7c" + "0000", "action delete_field"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := hexBytes(tt.hex)
			for len(body)%8 != 0 { // so that the length of the action itself is right
				body = append(body, 0)
			}
			if _, err := ExperimenterAction(V13, niciraID, body); err == nil || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %v, want it to name %q", err, tt.text)
			}
		})
	}
}

// refusedTexts are flows that are refused, and what the error says.
var refusedTexts = []struct{ text, want string }{
	{"actions=ct(commit)", "col 9: ct: needs ip or ipv6 in the match"},
	{"arp,actions=ct(commit)", "col 13: ct: needs ip or ipv6 in the match"},
	{"udp,actions=ct(alg=ftp)", "col 13: ct: alg=ftp needs tcp in the match"},
	{"tcp,actions=ct(alg=tftp)", "col 13: ct: alg=tftp needs udp in the match"},
	{"ip,actions=ct(comit)", `col 15: ct: unknown argument "comit"; did you mean commit?`},
	{"ip,actions=ct(force)", "col 15: ct: force needs commit"},
	{"ip,actions=ct(table=255)", "col 21: table: 255 is out of range; want 0 to 254"},
	{"ip,actions=ct(zone=reg0[0..3])", "want a number from 0 to 65535 or 16 bits"},
	{"ip,actions=ct(alg=http)", `col 19: alg: unknown helper "http"; want ftp or tftp`},
	{"ip,actions=ct(nat(src=10.0.0.1))", "without commit"},
	{"ip,actions=ct(commit,nat(src=10.0.0.1,dst=10.0.0.2))", "src and dst together"},
	{"ip,actions=ct(commit,nat(random))", "col 26: nat: persistent, hash and random are about the choice"},
	{"ip,actions=ct(commit,nat(src=10.0.0.1,hash,random))", "hash and random together"},
	{"ip,actions=ct(commit,nat(src=10.0.0.9-10.0.0.1))", "ends before it begins"},
	{"ip,actions=ct(commit,nat(src=10.0.0.1:9-1))", "ends before it begins"},
	{"ip,actions=ct(commit,nat(src=10.0.0.x))", "col 30: nat: 10.0.0.x: want an address"},
	{"ip,actions=ct(commit,nat(src=fe80::1))", "an address of IPv6 needs ipv6 in the match"},
	{"ipv6,actions=ct(commit,nat(src=10.0.0.1))", "an address of IPv4 needs ip in the match"},
	{"ip,actions=ct(commit,nat(sorc=10.0.0.1))", "did you mean src?"},
	{"ip,actions=ct(commit,exec(output:1))", "col 27: output: cannot stand in ct"},
	{"ip,actions=ct(commit,exec(clone(output:1)))", "cannot stand in ct"},
	{"ip,actions=ct(commit,exec(goto_table:1))", "goto_table is no action"},
	{"ip,actions=nat(src=10.0.0.1)", "can stand in ct only"},
	{"ip,actions=clone(nat)", "can stand in ct only"},
	{"ip,actions=ct(commit,commit)", "col 22: commit stands twice"},
	{"actions=conjunction(1,1/2),output:1", "col 28: output: only conjunction and note can stand with conjunction"},
	{"actions=output:1,conjunction(1,1/2)", "col 18: conjunction: conjunction stands with note at most, not with output"},
	{"actions=conjunction(1,1/2),goto_table:1", "col 28: goto_table: only conjunction and note"},
	{"actions=conjunction(1,0/2)", "col 23: conjunction: clause 0; want 1 to 2"},
	{"actions=conjunction(1,3/2)", "clause 3; want 1 to 2"},
	{"actions=conjunction(1,1/65)", "65 is out of range"},
	{"actions=conjunction(1,1/1)", "1 clauses; want 2 to 64"},
	{"actions=conjunction(1)", "such as conjunction(5,1/2)"},
	{"actions=clone(goto_table:1)", "col 15: goto_table is no action"},
	{"actions=clone(meter:1)", "meter is no action"},
	{"actions=write_actions(learn(table=1))", "col 23: learn: cannot stand in write_actions"},
	{"actions=write_actions(clone(output:1))", "cannot stand in write_actions"},
	{"actions=sample(probability=0)", "probability 0"},
	{"actions=sample(collector_set_id=1)", "probability 0"},
	{"actions=sample(probabilty=1)", "did you mean probability?"},
	{"actions=sample(probability=1,ingress,egress)", "ingress and egress together"},
	{"actions=learn(table=255)", "col 21: table: 255 is out of range"},
	{"actions=learn(tabel=1)", "did you mean table?"},
	{"actions=learn(eth_dsst=eth_src)", `unknown field "eth_dsst"; did you mean eth_dst?`},
	{"actions=learn(NXM_OF_ETH_DST[]=NXM_OF_IN_PORT[])", "NXM_OF_IN_PORT[] has 16 bits and NXM_OF_ETH_DST[] has 48; want as many"},
	{"actions=learn(ipv6_dst=fe80::1)", "learn: ipv6_dst needs ipv6 before it"},
	{"actions=learn(eth_type=0x800,NXM_OF_IP_DST[]=NXM_OF_IP_SRC[])", "learn: ipv4_src needs ip in the match of this flow"},
	{"actions=learn(ct_state=+trk)", "takes no mask here"},
	{"actions=learn(ip_dst=10.0.0.0/8)", "takes no mask here"},
	{"actions=learn(vlan_vid=5,vlan_pcp=5)", "vlan_pcp needs dl_vlan before it"},
	{"actions=learn(vlan_vid=0x1005)", "has more than 12 bits"},
	{"actions=learn(load:5->NXM_NX_REG0[0..1])", "5 has more than 2 bits"},
	{"actions=learn(load:NXM_NX_REG1[]->NXM_NX_REG0[0..1])", "want as many"},
	{"actions=learn(load:0x1->NXM_OF_ETH_TYPE[])", "cannot be written"},
	{"actions=learn(load:5)", "such as load:"},
	{"actions=learn(result_dst=reg0)", "want one bit"},
	{"actions=learn(result_dst=NXM_OF_ETH_TYPE[0])", "cannot be written"},
	{"actions=learn(reg0=0x123456789)", "out of range"},
	{"actions=learn(reg0[0..3]=77)", "77 has more than 4 bits"},
	{"actions=learn(priority=99999)", "out of range"},
	{"actions=learn(cookie=5,cookie=6)", "cookie stands twice"},
	{"actions=multipath(eth_src,50,modulo_n,1,0)", "5 arguments; want 6"},
	{"actions=multipath(xyzzy,50,modulo_n,1,0,NXM_NX_REG0[])", `unknown "xyzzy"; want eth_src`},
	{"actions=multipath(eth_src,50,fubar,1,0,NXM_NX_REG0[])", `unknown "fubar"; want modulo_n`},
	{"actions=multipath(eth_src,50,modulo_n,0,0,NXM_NX_REG0[])", "no links"},
	{"actions=multipath(eth_src,50,modulo_n,1024,0,NXM_NX_REG0[0..7])", "8 bits of NXM_NX_REG0[0..7] cannot hold 1024 links"},
	{"actions=multipath(eth_src,50,modulo_n,4,0,NXM_OF_ETH_TYPE[])", "eth_type cannot be written"},
	{"actions=multipath(eth_src,50,modulo_n,4,0,NXM_NX_XXREG0[])", "want at most 64"},
	{"actions=bundle(eth_src,0,hrw,ofport)", "not enough arguments"},
	{"actions=bundle(eth_src,0,hrw,ofport,slave:1)", "want members: and ports"},
	{"actions=bundle(eth_src,0,hrw,ofport,members:controller)", "the controller cannot be a member"},
	{"actions=bundle(eth_src,0,hrw,robot,members:1)", `unknown "robot"; want ofport`},
	{"actions=bundle_load(eth_src,0,hrw,ofport,NXM_OF_ETH_TYPE[],members:1)", "cannot be written"},
	{"actions=encap", "needs a header"},
	{"actions=encap(nhs)", "want ethernet, mpls, mpls_mc, nsh"},
	{"actions=encap(nsh(md_type=3))", "3 is out of range"},
	{"actions=encap(nsh(tlv(1,2,3)))", "such as tlv(0x1000,10,0x12345678)"},
	{"actions=encap(ethernet(md_type=1))", `ethernet has no property "md_type"`},
	{"actions=decap(foo)", "want packet_type"},
	{"actions=decap(packet_type(ns=6,type=1))", "out of range"},
	{"actions=decap(packet_type(ns=1))", "want packet_type(ns=1,type=0x894f)"},
	{"actions=delete_field:reg0", "reg0 cannot be deleted"},
	{"actions=delete_field", "needs a field"},
	{"actions=clone", "needs actions in parentheses"},
}

func TestCompoundTextsThatAreRefused(t *testing.T) {
	for _, tt := range refusedTexts {
		_, err := ParseFlow(tt.text, FlowAdd, nil)
		var te *TextError
		if !errors.As(err, &te) || te.Col < 1 || te.Col > len(tt.text)+1 || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s\n got %v\nwant %s", tt.text, err, tt.want)
		}
	}
}
