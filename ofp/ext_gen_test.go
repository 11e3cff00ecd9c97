package ofp

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// compoundTemplates are texts of actions. What stands in braces is drawn: {8} and
// the like are numbers of so many bits, {r4} so many bits of a register, {a|b} one
// of the words, {*a;b} some of them in any order, {@} any of the templates.
var compoundTemplates = []string{
	"ct({*commit;table={t};zone={16};{nat|nat()}})",
	"ct(commit{|,force}{|,zone={r16}}{|,alg=ftp},{*nat({src|dst}={10.0.0.1|10.0.0.1-10.0.0.9|192.0.2.1-192.0.2.1}{|:80|:1-65535|:7-7}{|,random|,hash|,persistent|,hash,persistent});table={t};exec(nat(dst))})",
	"learn({*table={t};priority={16};idle_timeout={16};hard_timeout={16};fin_idle_timeout={8};fin_hard_timeout={8};cookie={32};send_flow_rem;delete_learned;limit={32};result_dst={r1}})",
	"learn(table={t},{*eth_dst=eth_src;NXM_OF_VLAN_TCI[0..11];in_port=in_port;metadata={32};load:in_port->{r16};load:{8}->{r8};output:{r16};output:in_port;{r4}={r4};{r1};reg3={32};tun_id;eth_src=1:2:3:4:5:6})",
	"learn(eth_type=0x800,{*ip_dst=ip_src;nw_proto={8};ip_src=10.0.0.1;nw_tos=4;load:{32}->ip_dst[];NXM_OF_IP_SRC[8..15]={8}})",
	"learn(eth_type=0x800,nw_proto=6,{*tcp_dst=tcp_src;tp_src={16};tcp_flags={ack|syn|fin};load:{16}->NXM_OF_TCP_DST[]})",
	"learn(eth_type=0x86dd,{*ipv6_dst={fe80::1|::|::ffff:1.2.3.4|2001:db8::};ipv6_label={16};load:{32}->NXM_NX_IPV6_SRC[32..63];xxreg1=0x{8}{8}})",
	"sample(probability=1{8},{*collector_set_id={32};obs_domain_id={32};obs_point_id={32};sampling_port={8};{ingress|egress}})",
	"multipath({eth_src|symmetric_l4|symmetric_l3l4|symmetric_l3l4+udp|nw_src|nw_dst|symmetric_l3}{,|, }{16},{modulo_n|hash_threshold|hrw|iter_hash},{1|2|256},{32},{r8})",
	"bundle({eth_src|symmetric_l4|nw_dst},{16},{hrw|active_backup|HRW},ofport,{members|slaves}:{1|1,2|LOCAL,7|3,none,in_port})",
	"bundle_load({eth_src|symmetric_l3},{16},{hrw|active_backup},ofport,{r16},{members|slaves}:{1|1,2|LOCAL,7,8,9,10})",
	"clone({@})", "clone({@},output:{8})", "clone(drop)", "{@},{@}", "resubmit({|{8}},{t})", "ct_clear", "output:1{8}", "exit",
	"delete_field:tun_metadata{1|5|63}", "set_field:{32}->reg4",
	"encap(nsh{|(md_type={1|2})|(md_type=2,tlv(0x{1|12|ffff},{t},0x12{|34|345678|3456789abcdef0}))})", "encap({ethernet|mpls|mpls_mc})",
}

// genTemplate draws what a template says. Depth bounds templates in templates.
func genTemplate(t *rapid.T, s string, depth int) string {
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(s, "{")
		out.WriteString(before)
		if !ok {
			return out.String()
		}
		open, end := 1, 0
		for open > 0 {
			switch rest[end] {
			case '{':
				open++
			case '}':
				open--
			}
			end++
		}
		out.WriteString(genHole(t, rest[:end-1], depth))
		s = rest[end:]
	}
}

func genHole(t *rapid.T, hole string, depth int) string {
	number := func(bits int) string {
		n := rapid.Uint64Range(0, 1<<bits-1).Draw(t, "number")
		return fmt.Sprint(n)
	}
	switch {
	case hole == "@" && depth == 0:
		return "ct_clear"
	case hole == "@":
		return genTemplate(t, rapid.SampledFrom(compoundTemplates).Draw(t, "template"), depth-1)
	case hole == "t":
		return fmt.Sprint(rapid.IntRange(0, 254).Draw(t, "table"))
	case hole == "8" || hole == "16" || hole == "32":
		var bits int
		fmt.Sscan(hole, &bits)
		return number(bits)
	case hole[0] == 'r':
		var bits int
		if n, _ := fmt.Sscanf(hole, "r%d", &bits); n == 1 && len(hole) <= 3 {
			first := rapid.IntRange(0, 32-bits).Draw(t, "first")
			reg := fmt.Sprintf("%s%d", rapid.SampledFrom([]string{"reg", "NXM_NX_REG"}).Draw(t, "name"), rapid.IntRange(0, 15).Draw(t, "reg"))
			if bits == 1 {
				return fmt.Sprintf("%s[%d]", reg, first)
			}
			return fmt.Sprintf("%s[%d..%d]", reg, first, first+bits-1)
		}
	case hole[0] == '*':
		parts := splitOutside(hole[1:], ';')
		parts = rapid.Permutation(parts).Draw(t, "order")[:rapid.IntRange(0, len(parts)).Draw(t, "count")]
		for i := range parts {
			parts[i] = genTemplate(t, parts[i], depth)
		}
		return strings.Join(parts, ",")
	}
	return genTemplate(t, rapid.SampledFrom(splitOutside(hole, '|')).Draw(t, "choice"), depth)
}

// splitOutside splits at a byte that stands in no braces.
func splitOutside(s string, sep byte) (parts []string) {
	start, open := 0, 0
	for i := range len(s) {
		switch s[i] {
		case '{':
			open++
		case '}':
			open--
		case sep:
			if open == 0 {
				parts, start = append(parts, s[start:i]), i+1
			}
		}
	}
	return append(parts, s[start:])
}

// TestGeneratedCompoundActionsAreThoseOfOpenVSwitch reads generated texts here and
// there: the bytes must be the same, and so must what both print of them.
func TestGeneratedCompoundActionsAreThoseOfOpenVSwitch(t *testing.T) {
	var lines []string
	var ours [][]byte
	gen := rapid.Custom(func(t *rapid.T) string {
		return genTemplate(t, rapid.SampledFrom(compoundTemplates).Draw(t, "template"), 3)
	})
	for i := range 3 * generated {
		text := "tcp,actions=" + gen.Example(i)
		m, err := ParseFlow(text, FlowAdd, nil)
		if err != nil {
			if strings.Contains(err.Error(), "needs ip or ipv6 in the match") && strings.Contains(text, "encap") ||
				strings.Contains(err.Error(), "inside each other") || strings.Contains(err.Error(), "without commit") {
				continue // as Open vSwitch
			}
			t.Errorf("%s\n%v", text, err)
			continue
		}
		frame, err := Append(nil, V13, 1, m)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		checkFrame(t, frame)
		lines, ours = append(lines, text), append(ours, frame)
	}
	if t.Failed() {
		return
	}
	for i, frame := range ovsAdds(t, V13, lines) {
		if !bytes.Equal(actionBytes(frame), actionBytes(ours[i])) {
			t.Errorf("%s\n ours %x\ntheirs %x", lines[i], actionBytes(ours[i]), actionBytes(frame))
		}
	}
	comparePrints(t, ours)
}
