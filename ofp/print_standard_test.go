package ofp

import (
	"encoding/hex"
	"math/rand/v2"
	"testing"
)

// standardTexts are what the golden frames do not have and print otherwise, by
// version and body.
var standardTexts = []struct {
	v    Version
	kind Type
	body string
}{
	{V13, TypeMultipartReply, "0007000000000000" + "00080700fffffffc"},                                 // a group of an unknown type
	{V13, TypeMultipartReply, "0007000000000000" + "001801000000000500100000fffffffeffffffff00000000"}, // weight 0 in a select group, no actions
	{V13, TypeMultipartReply, "0006000000000000" + "0038000000000001" + "00000002000000000000000000000003" + "0000000000000004" + "ffffffff00000006" + "0000000000000006ffffffffffffffff"},
	{V13, TypeMultipartReply, "0006000000000000" + "0038000000000001" + "00000002000000000000000000000003" + "0000000000000004" + "0000000000000006" + "ffffffffffffffff0000000000000001"},
	{V12, TypeMultipartReply, "0008000000000000" + "0000000600000007" + "ffffff00ffffff00ffffff00ffffff00" + "03ff800103ff80010000000003ff8001"},
	{V13, TypeMultipartRequest, "0006000000000000" + "ffffffff00000000"},
	{V13, TypeMultipartRequest, "0009000000000000" + "fffffffe00000000"},
	{V13, TypeMultipartRequest, "000a000000000000" + "fffffffd00000000"},
	{V13, TypeMultipartRequest, "0007000100000000"},
	{V11, TypeMultipartRequest, "0007000100000000"},
	{V13, TypeMultipartReply, "000300ff00000000"},
	{V13, TypeMultipartReply, "0006000100000000"},
	{V13, TypeMultipartReply, "000a000000000000" + "0008000000000009" + "0008fff400000009"},
	{V13, TypeMultipartReply, "000b000000000000" + "00000001" + "00000006" + "000000ff" + "08090000"},
	{V13, TypeMultipartReply, "000b000000000000" + "00000001" + "00000000" + "00000000" + "08090000"},
	{V13, TypeMultipartReply, "0009000000000000" + "fffffffe00280000" + "00000000000000000000000000000003" + "0000000000000004" + "0000000500000000"},
	{V13, TypeMeterMod, "0001fff8fffffffd"},
	{V13, TypeMeterMod, "0002000000000005"},
	{V13, TypeMeterMod, "0000000500000003" + "00010010000003e80000000a00000000" + "00020010000001f40000001402000000"},
	{V13, TypeGroupMod, "800000000000000f"},
	{V13, TypeGroupMod, "00020000ffffffff"},
	{V13, TypeRoleRequest, "00000001" + "00000000" + "ffffffffffffffff"},
	{V13, TypeTableMod, "0300000000000003"},
	{V12, TypeTableMod, "ff00000000000002"},
	{V13, TypeSetAsync, "ffffffffffffffffffffffffffffffffffffffffffffffff"},
	{V13, TypePortMod, "0000000500000000" + "0102030405060000" + "ffffffff" + "ffffffff" + "00002800" + "00000000"},
	{V10, TypePortMod, "0001010203040506" + "ffffffff" + "ffffffff" + "00000fff" + "00000000"},
	{V10, TypeMultipartRequest, "00050000" + "ffff0000" + "00000007"},
	{V13, TypeQueueGetConfigReply, "0000000300000000" + "00000009000000030010000000000000" + "00000005000000030030000000000000" + "000100100000000003e8000000000000" + "000200100000000003e9000000000000"},
	{V10, TypeQueueGetConfigReply, "0003000000000000"},
	{V11, TypeMultipartRequest, "000500000000000000000003ffffffff"},
}

func TestStandardMessagesPrintAsOpenVSwitchPrintsThem(t *testing.T) {
	var frames [][]byte
	for _, x := range standardTexts {
		body, err := hex.DecodeString(x.body)
		if err != nil {
			t.Fatal(err)
		}
		kind, _ := x.kind.kind(x.v)
		frames = append(frames, encoded(t, x.v, 1, &Raw{Kind: kind, Body: body}))
	}
	for _, tt := range standardFrames {
		if !modelled(tt.m) || !ovsReads(tt.m) {
			continue
		}
		for _, v := range tt.vs {
			frames = append(frames, encoded(t, v, 1, tt.m))
		}
	}
	comparePrints(t, frames)
}

// ovsReads reports whether Open vSwitch takes the message, and prints no error
// in place of its contents.
func ovsReads(m Message) bool {
	switch m := m.(type) {
	case *MeterMod:
		for _, k := range m.Bands {
			if k.Type != BandDrop && k.Type != BandDSCPRemark {
				return false
			}
		}
	case *GroupMod: // a bucket that watches, in a group that is not for failover
		return false
	case *MultipartReply:
		if _, ok := m.Body.(*TableFeaturesReply); ok {
			return false // it wants eight properties in each table
		}
		if g, ok := m.Body.(*GroupDescReply); ok {
			return len(g.Groups) > 0
		}
	}
	return true
}

// TestTableFeaturesPrintAsOpenVSwitchPrintsThem compares tables with properties
// drawn at random from few, so that neighbours are often alike.
func TestTableFeaturesPrintAsOpenVSwitchPrintsThem(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(texts ...string) []byte {
		b, err := hex.DecodeString(texts[random.IntN(len(texts))])
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var frames [][]byte
	for range 150 {
		var tables []TableFeatures
		for n := range 1 + random.IntN(4) {
			table := TableFeatures{Table: uint8(n), MaxEntries: uint32(random.IntN(2)), MetadataMatch: uint64(random.IntN(2))}
			if random.IntN(5) == 0 {
				table.Name = "acl"
			}
			for _, typ := range []TablePropertyType{TableInstructions, TableNextTables, TableWriteActions, TableApplyActions, TableMatch, TableWildcards,
				TableWriteSetField, TableApplySetField, TableInstructionsMiss, TableNextTablesMiss, TableApplySetFieldMiss} {
				if typ&1 != 0 && random.IntN(4) > 0 {
					continue
				}
				var data []byte
				switch typ &^ 1 {
				case TableInstructions:
					data = pick("0001000400040004", "0001000400040004", "")
				case TableNextTables:
					data = pick("0405060809", "0102030405", "02030405", "")
				case TableWriteActions, TableApplyActions:
					data = pick("00000004", "0000000400160004", "001b0004", "")
				case TableMatch:
					data = pick("8000000480000a02"+"8000090c", "00010108"+"00010204"+"00010404", "8000000480000a02")
				case TableWildcards:
					data = pick("80000a02"+"80000806", "00010004", "")
				default:
					data = pick("80000806"+"80000606"+"80002c04", "00010004"+"00010204"+"00010404"+"80001604", "ffff0205005ad650ffff0808005ad650ffff0a05005ad650", "")
				}
				table.Properties = append(table.Properties, TableProperty{typ, data})
			}
			tables = append(tables, table)
		}
		frames = append(frames, encoded(t, V13, 1, &MultipartReply{Body: &TableFeaturesReply{Tables: tables}}))
	}
	comparePrints(t, frames)
}
