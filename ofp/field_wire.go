package ofp

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// OXM classes (ofp_oxm_class), and those that Open vSwitch used before OXM
// (NXM_OF_ and NXM_NX_) and still does for fields that OXM does not have.
const (
	classNXMOF      = 0x0000
	classNXMNX      = 0x0001
	classEricsson   = 0x1000
	oxmBasic        = 0x8000
	classPacketRegs = 0x8001
	oxmExperimenter = 0xffff
)

// Experimenters that have match fields.
const (
	expONF = 0x4f4e4600
	expNSH = 0x005ad650
	expNX  = niciraID
)

// vLater marks a number that OpenFlow gave after 1.3. It is read, and written
// where a field has no other.
const vLater = Version(5)

// form is one way in which the wire names a field.
type form struct {
	name  string // as ovs-fields(7) has it
	class uint16
	num   uint8
	since Version // of OpenFlow; 0 for a number of Open vSwitch's own
	exp   uint32  // experimenter, of class 0xffff
}

func is(f ...form) []form { return f }

func nxmOF(num uint8, name string) form    { return form{"NXM_OF_" + name, classNXMOF, num, 0, 0} }
func nxmNX(num uint8, name string) form    { return form{"NXM_NX_" + name, classNXMNX, num, 0, 0} }
func oxm12(num uint8, name string) form    { return form{"OXM_OF_" + name, oxmBasic, num, V12, 0} }
func oxm13(num uint8, name string) form    { return form{"OXM_OF_" + name, oxmBasic, num, V13, 0} }
func oxmLater(num uint8, name string) form { return form{"OXM_OF_" + name, oxmBasic, num, vLater, 0} }
func ericsson(num uint8, name string) form {
	return form{"ERICOXM_OF_" + name, classEricsson, num, 0, 0}
}
func onf13(num uint8, name string) form {
	return form{"ONFOXM_ET_" + name, oxmExperimenter, num, V13, expONF}
}
func et(num uint8, name string) form {
	return form{"NXOXM_ET_" + name, oxmExperimenter, num, 0, expNX}
}
func etLater(num uint8, name string) form {
	return form{"NXOXM_ET_" + name, oxmExperimenter, num, vLater, expNX}
}
func nsh(num uint8, name string) form {
	return form{"NXOXM_NSH_" + name, oxmExperimenter, num, 0, expNSH}
}

// header returns the OXM header with the experimenter in its lower 32 bits, for a
// value of n bytes.
func (f *form) header(masked bool, n int) uint64 {
	h := uint64(f.class)<<16 | uint64(f.num)<<9
	if masked {
		h |= 1 << 8
		n *= 2
	}
	if f.class == oxmExperimenter {
		n += 4
	}
	return (h|uint64(n))<<32 | uint64(f.exp)
}

// headerKey is what of a header, with the experimenter in its lower 32 bits, says
// which field it is: all but the mask bit and the length.
func headerKey(h uint64) uint64 { return h &^ (0x1ff << 32) }

// in returns the form that Open vSwitch writes in a version: the newest that is
// no newer than the version, or else the oldest. Version 0 is Nicira's own
// format, which has the number of NXM if there is one.
func (f *FieldInfo) in(v Version) *form {
	x := &f.forms[0]
	for i := range f.forms {
		if f.forms[i].since <= v {
			x = &f.forms[i]
		}
	}
	return x
}

// header returns the header of an exact field in a version, or in Nicira's own
// format for 0, with the experimenter in its lower 32 bits.
func (f *FieldInfo) header(v Version) uint64 { return f.in(v).header(false, f.Bytes()) }

// writable reports whether the version at hand can say the field: its OXM has
// it, or Open vSwitch has a number for it that takes the place.
func (f *FieldInfo) writable(v Version) bool {
	return f.in(v).since <= v || f.Since == 0 // 0: Open vSwitch takes its own fields in every OXM
}

// openVSwitch reports whether Open vSwitch knows the field, which has no others
// to say with its extensions.
func (f *FieldInfo) openVSwitch() bool {
	return f.ID != FieldInPhyPort && f.ID != FieldPBBISID && f.ID != FieldIPv6ExtHdr
}

// basicField is what reading needs to know of a field of the OpenFlow basic class.
type basicField struct {
	oxm, oxmMasked uint32
	id             FieldID
	same12         bool
}

// basicFields has the field of each number in the OpenFlow basic class, where that
// is the form which a Match holds.
var basicFields [128]basicField

// nxmField is the field of each number of NXM_OF_ and, from 128 on, of NXM_NX_.
var nxmField [256]FieldID

// fieldByKey has every form of every field, fieldByForm their names.
var fieldByKey, fieldByForm = func() (byKey map[uint64]FieldID, byName map[string]FieldID) {
	for _, run := range numbered {
		for i := run.count - 1; i >= 0; i-- {
			f := fields[run.first]
			f.Name += strconv.Itoa(i)
			f.forms = slices.Clone(f.forms)
			f.forms[0].name += strconv.Itoa(i)
			f.forms[0].num += uint8(i)
			fields[run.first+FieldID(i)] = f
		}
	}
	byKey, byName = make(map[uint64]FieldID), make(map[string]FieldID)
	for id := FieldUnknown + 1; id < numFields; id++ {
		f := &fields[id]
		f.ID = id
		f.setUp()
		for i := range f.forms {
			x := &f.forms[i]
			byKey[headerKey(x.header(false, 0))] = id
			byName[x.name] = id
			if x.class <= classNXMNX {
				nxmField[int(x.class)<<7|int(x.num)] = id
			}
		}
		if f.own.class == oxmBasic {
			basicFields[f.own.num] = basicField{f.oxm, f.oxmMasked, id, f.same12}
		}
	}
	return byKey, byName
}()

// setUp fills in what follows from the row.
func (f *FieldInfo) setUp() {
	n := f.bytes
	switch {
	case n > 0:
	case f.Bits == 20: // labels have four bytes, of which the lower 20 bits count
		n = 4
	default:
		n = (f.Bits + 7) / 8
	}
	f.full = make([]byte, n)
	for b := range f.Bits {
		f.full[n-1-b/8] |= 1 << (b % 8)
	}
	for i := range f.forms {
		if x := &f.forms[i]; x.class == oxmBasic && x.since <= V13 {
			f.Since = x.since
		}
	}
	f.own = f.in(V13)
	f.same12 = f.in(V12) == f.own && f.writable(V12)
	f.oxm, f.oxmMasked = f.Header(false), f.Header(true)
}

// fieldOf returns the field that an OXM header of the basic class stands for,
// whatever its mask bit and length, or FieldUnknown.
func fieldOf(header uint32) FieldID {
	if header>>16 == oxmBasic {
		return basicFields[header>>9&127].id
	}
	return FieldUnknown
}

// fieldOfHeader returns the field that a header of any kind stands for, with the
// experimenter in its lower 32 bits, or FieldUnknown; its length must be the
// field's.
func fieldOfHeader(h uint64) FieldID {
	id := fieldByKey[headerKey(h)]
	if id == FieldUnknown {
		return FieldUnknown
	}
	n := int(h >> 32 & 0xff)
	if h>>48 == oxmExperimenter {
		n -= 4
	}
	if h>>40&1 != 0 {
		if n%2 != 0 {
			return FieldUnknown
		}
		n /= 2
	}
	f := &fields[id]
	if n != f.Bytes() && !(f.Variable && n >= 0 && n < f.Bytes()) {
		return FieldUnknown
	}
	return id
}

// formName is how Open vSwitch names the field in its own actions.
func (f *FieldInfo) formName() string { return f.in(0).name }

// headerText is what is shown of a header that no field has.
func headerText(h uint64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "oxm_0x%08x", h>>32)
	if h>>48 == oxmExperimenter {
		fmt.Fprintf(&b, "_%08x", uint32(h))
	}
	return b.String()
}
