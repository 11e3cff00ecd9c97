package ofp

import (
	"fmt"
	"strings"
)

// Version is the version byte of an OpenFlow message (ofp_header, section
// A.1 of OpenFlow 1.3.5).
type Version uint8

// The versions that Sluice speaks.
const (
	V10 Version = 0x01 // OpenFlow 1.0.0
	V11 Version = 0x02 // OpenFlow 1.1.0
	V12 Version = 0x03 // OpenFlow 1.2
	V13 Version = 0x04 // OpenFlow 1.3
)

// Versions lists every supported version, lowest first.
func Versions() []Version { return []Version{V10, V11, V12, V13} }

// Supported reports whether Sluice speaks v.
func (v Version) Supported() bool { return v >= V10 && v <= V13 }

// String returns the version as the specifications write it, such as "1.3", or
// the byte in hexadecimal for a version that Sluice does not speak.
func (v Version) String() string {
	switch v {
	case V10:
		return "1.0"
	case V11:
		return "1.1"
	case V12:
		return "1.2"
	case V13:
		return "1.3"
	case 5:
		return "1.4"
	case 6:
		return "1.5"
	}
	return fmt.Sprintf("0x%02x", uint8(v))
}

// ParseVersion reads a version as written in the specifications ("1.3") or by
// Open vSwitch's tools ("OpenFlow13").
func ParseVersion(s string) (Version, error) {
	t := strings.TrimPrefix(strings.ToLower(s), "openflow")
	for _, v := range Versions() {
		if t == v.String() || t == strings.Replace(v.String(), ".", "", 1) {
			return v, nil
		}
	}
	return 0, fmt.Errorf("openflow version %q: want 1.0, 1.1, 1.2 or 1.3", clip(s))
}

// VersionBitmap is the set of versions in a hello's version bitmap element: bit
// n stands for version byte n (section A.5.1 of OpenFlow 1.3.5).
type VersionBitmap uint32

// BitmapOf returns the set of the given versions.
func BitmapOf(vs ...Version) VersionBitmap {
	var b VersionBitmap
	for _, v := range vs {
		if v < 32 {
			b |= 1 << v
		}
	}
	return b
}

// Has reports whether v is in the set.
func (b VersionBitmap) Has(v Version) bool { return v < 32 && b&(1<<v) != 0 }

// wire holds one number for each version, V10 first; a version that lacks the
// thing holds none.
type wire [4]int16

const none = -1

// in returns the number for v, and whether v has one.
func (w *wire) in(v Version) (uint16, bool) {
	i := int(v) - int(V10)
	if uint(i) >= uint(len(w)) || w[i] < 0 {
		return 0, false
	}
	return uint16(w[i]), true
}

// all is a number that every version shares.
func all(n int16) wire { return wire{n, n, n, n} }

// since is a number that v and every later version share.
func since(v Version, n int16) wire {
	w := wire{none, none, none, none}
	for i := v; i <= V13; i++ {
		w[i-1] = n
	}
	return w
}
