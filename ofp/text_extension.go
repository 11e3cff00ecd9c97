package ofp

// extensionText reads an action of an experimenter. The item is the whole
// action; the match, if there is one, decides what depends on the protocol.
type extensionText func(p *textParser, it textItem, m *Match) Extension

// extensionTexts are the words for the actions of experimenters
// (ovs-actions(7)), and what reads each. Those that share their word with a
// standard action are read where the latter is.
var extensionTexts map[string]extensionText

func init() { // not in the declaration: what reads a nested action looks here again
	extensionTexts = map[string]extensionText{
		"bundle":           bundleText,
		"bundle_load":      bundleText,
		"check_pkt_larger": checkPktLargerText,
		"clone":            cloneText,
		"conjunction":      conjunctionText,
		"ct":               ctText,
		"ct_clear":         bareText(&CTClear{}),
		"debug_recirc":     bareText(&DebugRecirc{}),
		"debug_slow":       bareText(&DebugSlow{}),
		"dec_nsh_ttl":      bareText(&DecNSHTTL{}),
		"decap":            decapText,
		"delete_field":     deleteFieldText,
		"encap":            encapText,
		"exit":             bareText(&Exit{}),
		"fin_timeout":      finTimeoutText,
		"learn":            learnText,
		"load":             loadText,
		"move":             moveText,
		"multipath":        multipathText,
		"nat":              natText,
		"note":             noteText,
		"pop":              popText,
		"pop_queue":        bareText(&PopQueue{}),
		"push":             pushText,
		"resubmit":         resubmitText,
		"sample":           sampleText,
		"set_tunnel":       setTunnelText,
		"set_tunnel64":     setTunnelText,
	}
}

// noValue fails about an item that has a value.
func (p *textParser) noValue(it textItem) {
	if it.has && it.val != "" {
		p.badValue(it, "takes no value")
	}
}

// arguments splits what stands between an item's parentheses, or after its
// colon, at the commas that are not inside other parentheses. An argument that
// is left out is empty.
func (p *textParser) arguments(it textItem) []textItem {
	var out []textItem
	start, depth := 0, 0
	for i := 0; i <= len(it.val); i++ {
		if i < len(it.val) {
			switch it.val[i] {
			case '(', '[':
				depth++
			case ')', ']':
				depth--
			}
			if it.val[i] != ',' || depth > 0 {
				continue
			}
		}
		arg := textItem{key: it.key, val: it.val[start:i], at: it.at, valAt: it.valAt + start, has: true}
		for len(arg.val) > 0 && isSeparator(arg.val[0]) {
			arg.val, arg.valAt = arg.val[1:], arg.valAt+1
		}
		for len(arg.val) > 0 && isSeparator(arg.val[len(arg.val)-1]) {
			arg.val = arg.val[:len(arg.val)-1]
		}
		out = append(out, arg)
		start = i + 1
	}
	return out
}

// hexBytes reads an item's value as pairs of hexadecimal digits, with or without
// dots between them.
func (p *textParser) hexBytes(it textItem) []byte {
	out := make([]byte, 0, len(it.val)/2)
	for s := it.val; s != ""; {
		if s[0] == '.' || isSeparator(s[0]) {
			s = s[1:]
			continue
		}
		at := it.valAt + len(it.val) - len(s)
		if len(s) < 2 {
			p.fail(at, at+1, "%s: half a byte; want pairs of hexadecimal digits, such as 01.2e.ff", it.key)
			return nil
		}
		high, ok := hexDigit(s[0])
		low, ok2 := hexDigit(s[1])
		if !ok || !ok2 {
			p.fail(at, at+2, "%s: %q is not a byte; want pairs of hexadecimal digits, such as 01.2e.ff", it.key, s[:2])
			return nil
		}
		out = append(out, high<<4|low)
		s = s[2:]
	}
	return out
}

// appendDotted appends bytes in hexadecimal, with dots between them.
func appendDotted(b, data []byte) []byte {
	for i, x := range data {
		if i > 0 {
			b = append(b, '.')
		}
		b = appendHex(b, uint64(x), 2)
	}
	return b
}
