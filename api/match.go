package api

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"net"
	"net/netip"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// matchField pairs a row of ofp's table of match fields with the fields of the
// API's Match that carry it.
type matchField struct {
	info  *ofp.FieldInfo
	value protoreflect.FieldDescriptor
	mask  protoreflect.FieldDescriptor // nil where a mask stands in the text or cannot be
}

// matchFields has an entry for each row, by identifier.
var matchFields = func() map[ofp.FieldID]matchField {
	names := (*sluicev1.Match)(nil).ProtoReflect().Descriptor().Fields()
	t := map[ofp.FieldID]matchField{}
	for _, f := range ofp.Fields() {
		if value := names.ByName(protoreflect.Name(f.Name)); value != nil {
			t[f.ID] = matchField{f, value, names.ByName(protoreflect.Name(f.Name + "_mask"))}
		}
	}
	return t
}()

// matchRows are the fields in the order of ofp's table, and matchRow is where in it
// the field of the API's Match with a number has its row.
var matchRows, matchRow = func() (rows []matchField, at map[protoreflect.FieldNumber]int) {
	at = map[protoreflect.FieldNumber]int{}
	for _, info := range ofp.Fields() {
		f, ok := matchFields[info.ID]
		if !ok {
			continue
		}
		at[f.value.Number()] = len(rows)
		if f.mask != nil {
			at[f.mask.Number()] = len(rows)
		}
		rows = append(rows, f)
	}
	return rows, at
}()

// toMatch converts a match and checks that every field has what it needs.
func toMatch(m *sluicev1.Match) (ofp.Match, error) {
	var out ofp.Match
	r := m.ProtoReflect()
	var few [16]int
	set := few[:0] // the rows of what is set, which are few of very many
	r.Range(func(f protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		if row, ok := matchRow[f.Number()]; ok {
			set = append(set, row)
		}
		return true
	})
	slices.Sort(set)
	for _, row := range slices.Compact(set) {
		f := &matchRows[row]
		if !r.Has(f.value) {
			return out, bad(string(f.mask.Name()), "a mask needs a value: set %s too", f.info.Name)
		}
		value, mask, err := f.read(r)
		if err != nil {
			return out, at(f.info.Name, err)
		}
		if err := out.SetMasked(f.info.ID, value, mask); err != nil {
			return out, at(f.info.Name, err)
		}
	}
	for i, x := range m.GetOther() {
		if err := out.SetRaw(x.GetHeader(), x.GetPayload()); err != nil {
			return out, at(fmt.Sprintf("other[%d]", i), err)
		}
	}
	if err := out.Validate(); err != nil {
		return out, err
	}
	return out, nil
}

// read returns value and mask in OXM form; a nil mask is none.
func (f matchField) read(r protoreflect.Message) (value, mask []byte, err error) {
	switch f.value.Kind() {
	case protoreflect.StringKind:
		return parseAddress(f.info, r.Get(f.value).String())
	case protoreflect.BytesKind:
		if f.mask != nil && r.Has(f.mask) {
			mask = r.Get(f.mask).Bytes()
		}
		return r.Get(f.value).Bytes(), mask, nil
	}
	v, m := r.Get(f.value).Uint(), ^uint64(0)
	if f.mask != nil && r.Has(f.mask) {
		m = r.Get(f.mask).Uint()
		mask = f.bytes(m)
	}
	if err := f.fits(v, m, mask != nil); err != nil {
		return nil, nil, err
	}
	return f.bytes(v), mask, nil
}

// fits fails if a number, or the mask that it may have, cannot be the field's.
func (f *matchField) fits(v, mask uint64, masked bool) error {
	if !masked {
		mask = ^uint64(0)
	}
	switch {
	case mask != ^uint64(0) && bits.Len64(mask) > f.info.Bits:
		return fmt.Errorf("mask 0x%x has more than the field's %d bits", mask, f.info.Bits)
	case bits.Len64(v) > f.info.Bits:
		return fmt.Errorf("%d has more than the field's %d bits: want at most %d", v, f.info.Bits, uint64(1)<<f.info.Bits-1)
	case f.info.ID == ofp.FieldVLANVID && v != ofp.VLANNone && v&mask&ofp.VLANPresent == 0:
		return fmt.Errorf("%d: want 4096 plus the VLAN's number (%d for VLAN %d), or 0 for packets without a tag", v, v|ofp.VLANPresent, v)
	}
	return nil
}

// bytes returns the lower bits of v as long as the field.
func (f matchField) bytes(v uint64) []byte {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], v)
	return b[8-f.info.Bytes():]
}

// addressForms says how each kind of address is written.
var addressForms = map[ofp.FieldFormat]string{
	ofp.FormatMAC:  "an Ethernet address such as 00:11:22:aa:bb:cc",
	ofp.FormatIPv4: "an IPv4 address such as 192.0.2.1",
	ofp.FormatIPv6: "an IPv6 address such as 2001:db8::1",
}

// parseAddress reads an address, and a mask or the number of leading ones behind
// a slash.
func parseAddress(info *ofp.FieldInfo, s string) (value, mask []byte, err error) {
	text, maskText, masked := strings.Cut(s, "/")
	if value = addressBytes(info.Format, text); value == nil {
		return nil, nil, fmt.Errorf("%q: want %s", s, addressForms[info.Format])
	}
	switch {
	case !masked:
		return value, nil, nil
	case !info.Maskable:
		return nil, nil, fmt.Errorf("%q: this field takes no mask", s)
	}
	if mask = addressBytes(info.Format, maskText); mask != nil {
		return value, mask, nil
	}
	var n int
	if _, err := fmt.Sscanf(maskText, "%d", &n); err != nil || fmt.Sprint(n) != maskText || n < 0 || n > info.Bits || info.Format == ofp.FormatMAC {
		return nil, nil, fmt.Errorf("%q: the mask %q is none: want %s%s", s, maskText, addressForms[info.Format], prefixForm(info))
	}
	return value, net.CIDRMask(n, info.Bits), nil
}

func prefixForm(info *ofp.FieldInfo) string {
	if info.Format == ofp.FormatMAC {
		return ""
	}
	return fmt.Sprintf(", or 0 to %d leading ones", info.Bits)
}

// addressBytes returns nil for a text that is no address of the format.
func addressBytes(format ofp.FieldFormat, s string) []byte {
	switch format {
	case ofp.FormatMAC:
		if a, err := net.ParseMAC(s); err == nil && len(a) == 6 {
			return a
		}
	case ofp.FormatIPv4, ofp.FormatIPv6:
		if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" && a.Is4() == (format == ofp.FormatIPv4) {
			return a.AsSlice()
		}
	}
	return nil
}

// fromMatch converts a match. What has no place in the API's Match goes into its
// raw fields, so nothing is lost.
func fromMatch(m *ofp.Match) *sluicev1.Match {
	out := &sluicev1.Match{}
	r := out.ProtoReflect()
	for x := range m.All() {
		f, ok := matchFields[x.ID]
		if !ok || !f.write(r, x) {
			payload := append(append([]byte{}, x.Value...), x.Mask...)
			out.Other = append(out.Other, &sluicev1.RawMatchField{Header: x.Header, Payload: payload})
		}
	}
	return out
}

// write reports whether the field could be said.
func (f matchField) write(r protoreflect.Message, x ofp.MatchField) bool {
	if f.value.Kind() == protoreflect.StringKind {
		if x.Mask != nil && !f.info.Maskable {
			return false
		}
		r.Set(f.value, protoreflect.ValueOfString(formatAddress(f.info, x)))
		return true
	}
	if x.Mask != nil && f.mask == nil {
		return false
	}
	if f.value.Kind() == protoreflect.BytesKind {
		r.Set(f.value, protoreflect.ValueOfBytes(bytes.Clone(x.Value)))
		if x.Mask != nil {
			r.Set(f.mask, protoreflect.ValueOfBytes(bytes.Clone(x.Mask)))
		}
		return true
	}
	v, m := x.Uint()
	r.Set(f.value, uintValue(f.value, v))
	if x.Mask != nil {
		r.Set(f.mask, uintValue(f.mask, m))
	}
	return true
}

func uintValue(f protoreflect.FieldDescriptor, v uint64) protoreflect.Value {
	if f.Kind() == protoreflect.Uint32Kind {
		return protoreflect.ValueOfUint32(uint32(v))
	}
	return protoreflect.ValueOfUint64(v)
}

func formatAddress(info *ofp.FieldInfo, x ofp.MatchField) string {
	show := func(b []byte) string {
		if info.Format == ofp.FormatMAC {
			return net.HardwareAddr(b).String()
		}
		a, _ := netip.AddrFromSlice(b)
		return a.String()
	}
	if x.Mask == nil {
		return show(x.Value)
	}
	if ones, size := net.IPMask(x.Mask).Size(); size > 0 && info.Format != ofp.FormatMAC {
		return fmt.Sprintf("%s/%d", show(x.Value), ones)
	}
	return show(x.Value) + "/" + show(x.Mask)
}

// singleField returns the one field, without a mask, that a set_field action
// writes.
func singleField(m *sluicev1.Match) (ofp.Action, error) {
	var one protoreflect.FieldDescriptor
	count := 0
	m.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		one, count = f, count+1
		return true
	})
	if count != 1 {
		return ofp.Action{}, fmt.Errorf("%d fields are set: want exactly one", count)
	}
	for _, f := range matchFields {
		if f.value != one {
			continue
		}
		value, mask, err := f.read(m.ProtoReflect())
		if err == nil && mask != nil {
			err = errors.New("want a value without a mask")
		}
		if err != nil {
			return ofp.Action{}, at(f.info.Name, err)
		}
		return ofp.SetField(f.info.ID, value), nil
	}
	return ofp.Action{}, bad(string(one.Name()), "cannot be set")
}
