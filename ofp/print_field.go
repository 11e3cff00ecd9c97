package ofp

import (
	"encoding/hex"
	"math/bits"
	"net/netip"
	"strconv"
)

// appendMasked appends the value, and the mask if there is one.
func appendMasked(b []byte, info *FieldInfo, f *MatchField, n *Names) []byte {
	if f.Mask == nil {
		return appendValue(b, info, f.Value, n)
	}
	var buf [124]byte
	value := buf[:len(f.Value)]
	for i := range value {
		value[i] = f.Value[i] & f.Mask[i]
	}
	switch info.Format {
	case FormatFrag:
		return append(b, fragName(uint8(beUint(value)), uint8(beUint(f.Mask)))...)
	case FormatTCPFlags, FormatTunFlags, FormatCTState:
		return flagNames(info.Format).appendMasked(b, beUint(value), beUint(f.Mask)&info.max())
	case FormatIPv4, FormatIPv6:
		b = appendValue(b, info, value, n)
		b = append(b, '/')
		if l, ok := prefixLen(f.Mask); ok {
			return strconv.AppendInt(b, int64(l), 10)
		}
		return appendValue(b, info, f.Mask, n)
	case FormatMAC:
		b = appendValue(b, info, value, n)
		b = append(b, '/')
		return appendValue(b, info, f.Mask, n)
	}
	digits := fieldTexts[f.ID].digits
	if info.Format != FormatHex {
		digits = max(1, digits) // so that a zero has its 0x
	}
	b = appendHashBytes(b, value, digits)
	b = append(b, '/')
	return appendHashBytes(b, f.Mask, digits)
}

func noBits(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}

// prefixLen returns the length of the prefix that the mask is, if it is one.
func prefixLen(mask []byte) (int, bool) {
	l := 0
	for i, x := range mask {
		k := bits.LeadingZeros8(^x)
		l += k
		if k == 8 {
			continue
		}
		if x<<k != 0 || !noBits(mask[i+1:]) {
			return 0, false
		}
		break
	}
	return l, true
}

// appendValue appends an exact value as the field's format has it.
func appendValue(b []byte, info *FieldInfo, value []byte, n *Names) []byte {
	switch info.Format {
	case FormatHex, FormatEtherType:
		return appendHashBytes(b, value, fieldTexts[info.ID].digits)
	case FormatFrag:
		return append(b, fragName(uint8(beUint(value)), 3)...)
	case FormatTCPFlags, FormatCTState:
		return flagNames(info.Format).appendExact(b, beUint(value))
	case FormatTunFlags:
		return tunFlagWords.appendMasked(b, beUint(value), info.max())
	case FormatPacketType:
		v := beUint(value)
		b = append(b, '(')
		if ns := v >> 16; ns < 10 {
			b = append(b, '0'+byte(ns))
		} else {
			b = appendHash(b, ns, 0)
		}
		b = append(b, ',')
		b = appendHash(b, v&0xffff, 0)
		return append(b, ')')
	case FormatPort:
		return appendPort(b, PortNo(beUint(value)), n)
	case FormatMAC:
		return appendMAC(b, value)
	case FormatIPv4:
		return netip.AddrFrom4([4]byte(value)).AppendTo(b)
	case FormatIPv6:
		return appendIPv6(b, [16]byte(value))
	}
	return strconv.AppendUint(b, beUint(value), 10)
}

// appendIPv6 appends an address as the C library does, which takes one of zeros
// but for the last four bytes for an IPv4 address.
func appendIPv6(b []byte, a [16]byte) []byte {
	if noBits(a[:12]) && (a[12] != 0 || a[13] != 0) {
		b = append(b, "::"...)
		return netip.AddrFrom4([4]byte(a[12:])).AppendTo(b)
	}
	return netip.AddrFrom16(a).AppendTo(b)
}

func appendMAC(b, mac []byte) []byte {
	for i, x := range mac {
		if i > 0 {
			b = append(b, ':')
		}
		b = appendHex(b, uint64(x), 2)
	}
	return b
}

// appendHex appends small hexadecimal digits, at least that many.
func appendHex(b []byte, v uint64, digits int) []byte {
	for k := max(1, (bits.Len64(v)+3)/4); k < digits; k++ {
		b = append(b, '0')
	}
	return strconv.AppendUint(b, v, 16)
}

// appendHash appends a hexadecimal number as C's %#x does: a zero has no 0x,
// unless there is a number of digits to keep to.
func appendHash(b []byte, v uint64, digits int) []byte {
	if v == 0 && digits == 0 {
		return append(b, '0')
	}
	b = append(b, "0x"...)
	return appendHex(b, v, digits)
}

// appendHashBytes is appendHash for numbers of any length.
func appendHashBytes(b, v []byte, digits int) []byte {
	for len(v) > 0 && v[0] == 0 {
		v = v[1:]
	}
	if len(v) <= 8 {
		return appendHash(b, beUint(v), digits)
	}
	b = append(b, "0x"...)
	if v[0] < 16 {
		b = strconv.AppendUint(b, uint64(v[0]), 16)
		v = v[1:]
	}
	return hex.AppendEncode(b, v)
}
