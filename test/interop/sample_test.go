package interop

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/samples"
)

// sample is a message, and where it is from.
type sample struct {
	name  string
	frame []byte
}

// recorded returns the messages that the repository holds: those of a real Open
// vSwitch, those of ovs-ofctl, and the golden ones.
func recorded(t *testing.T) (all []sample) {
	t.Helper()
	add := func(name, text string) {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all = append(all, sample{name, b})
	}
	const dir = "../../ofp/testdata/"
	golden, err := filepath.Glob(dir + "golden/*.txt")
	if err != nil || len(golden) == 0 {
		t.Fatalf("no golden messages: %v", err)
	}
	for _, name := range append(golden, dir+"foreign/ovs.txt", dir+"ovs-recorded.jsonl") {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for line := range strings.Lines(string(data)) {
			n++
			where := fmt.Sprintf("%s:%d", filepath.Base(name), n)
			line = strings.TrimSpace(line)
			switch {
			case line == "" || line[0] == '#':
			case line[0] == '{':
				var r struct{ Hex string }
				if err := json.Unmarshal([]byte(line), &r); err != nil {
					t.Fatalf("%s: %v", where, err)
				}
				add(where, r.Hex)
			case strings.Contains(line, "\t"):
				// Package ofp compares those of other codecs' tests itself, and lists
				// what Open vSwitch says of them.
				if column := strings.Split(line, "\t"); column[2] == "ovs" || column[2] == "own" {
					add(where, column[3])
				}
			default:
				add(where, line)
			}
		}
	}
	return all
}

// drawn returns n messages of each kind and version, each with a match of many
// fields or of one, and with what Open vSwitch, or any switch, takes.
func drawn(t *testing.T, n int) (all []sample) {
	t.Helper()
	for _, v := range ofp.Versions() {
		for _, k := range samples.Kinds(v) {
			for seed := range n {
				d := samples.FromSeed(uint64(seed))
				m := samples.Message(d, v, k)
				tame(d, v, seed%2 == 1, reflect.ValueOf(m))
				frame, err := ofp.Append(nil, v, uint32(seed), m)
				if err != nil {
					t.Fatalf("%s of %s, seed %d: %v", k, v, seed, err)
				}
				all = append(all, sample{k.String() + " of " + v.String(), frame})
			}
		}
	}
	return all
}

// tame changes what a switch may not say, or not be told: where the codec writes
// any number, numbers without a meaning become some with one.
func tame(d samples.Draw, v ofp.Version, single bool, x reflect.Value) {
	if !x.CanAddr() && x.Kind() == reflect.Struct {
		return
	}
	if x.CanAddr() {
		switch m := x.Addr().Interface().(type) {
		case *ofp.Hello:
			m.Raw = nil // bytes that are no elements, which others call malformed
		case *ofp.Match:
			tameMatch(d, single, m)
			return
		case *ofp.PortNo: // 32 bits wide since 1.1, of which Open vSwitch has some 16
			if v != ofp.V10 && *m >= 0xff00 && *m < 0xffffff00 {
				*m %= 0xff00
			}
		case *ofp.FlowMonitorFlags:
			*m = ofp.FlowMonitorFlags(d(16))
		case *ofp.FlowFlags:
			*m &= ofp.FlowSendFlowRem | ofp.FlowCheckOverlap
		case *ofp.SetConfig:
			m.Flags &= 3
		case *ofp.NXPacketInFormat:
			*m = ofp.NXPacketInFormat(d(2))
		case *ofp.NXFlowFormat:
			*m = ofp.NXFlowFormat(2 * d(2))
		case *ofp.NXTLVCommand:
			*m = ofp.NXTLVCommand(d(3))
		case *ofp.NXTLVMap:
			m.Len, m.Index = 4+4*uint8(d(31)), uint16(d(64))
		case *ofp.GroupMod:
			m.Group = uint32(d(100))
		}
	}
	switch x.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !x.IsNil() {
			tame(d, v, single, x.Elem())
		}
	case reflect.Slice:
		for i := range x.Len() {
			tame(d, v, single, x.Index(i))
		}
	case reflect.Struct:
		for i := range x.NumField() {
			if x.Type().Field(i).IsExported() {
				tame(d, v, single, x.Field(i))
			}
		}
	}
}

// tameMatch leaves the match one field and what it needs, if single is set.
func tameMatch(d samples.Draw, single bool, m *ofp.Match) {
	for f := range m.All() {
		if single && f.ID != ofp.FieldUnknown && f.ID != ofp.FieldInPort && d(3) == 0 {
			*m = samples.Match(d, f.ID.Info())
			break
		}
	}
	if m.Has(ofp.FieldCTState) {
		m.SetUint(ofp.FieldCTState, 0x22) // tracked, and established
	}
}
