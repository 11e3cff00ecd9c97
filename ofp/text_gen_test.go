package ofp

import (
	"slices"

	"pgregory.net/rapid"
)

// unknownToOVS are the fields that Open vSwitch has no name for.
var unknownToOVS = []FieldID{FieldInPhyPort, FieldPBBISID, FieldIPv6ExtHdr}

// genMatch draws matches whose fields have what they need. With ovs they are
// such as Open vSwitch takes.
func genMatch(ovs bool) *rapid.Generator[Match] {
	return rapid.Custom(func(t *rapid.T) Match {
		var m Match
		if rapid.IntRange(0, 4).Draw(t, "protocol") > 0 {
			w := rapid.SampledFrom(matchKeywords[:]).Draw(t, "word")
			m.SetUint(FieldEthType, uint64(w.ethType))
			if w.ipProto != 0 {
				m.SetUint(FieldIPProto, uint64(w.ipProto))
			}
		}
		extended := rapid.Bool().Draw(t, "extended")
		for _, info := range Fields() {
			if m.Has(info.ID) || !extended && info.Since == 0 || rapid.IntRange(0, 3).Draw(t, info.Name) > 0 {
				continue
			}
			if ovs && slices.Contains(unknownToOVS, info.ID) || !drawable(t, &m, info, ovs) {
				continue
			}
			met := true
			for _, need := range info.Needs {
				met = met && m.satisfies(need)
			}
			if !met {
				continue
			}
			drawField(t, &m, info, ovs)
		}
		return m
	})
}

// drawable reports whether a field can stand in the match, and says no more often
// to those of which there are many.
func drawable(t *rapid.T, m *Match, info *FieldInfo, ovs bool) bool {
	switch id := info.ID; {
	case id == FieldPacketType, ovs && id == FieldRecircID: // TestOddMatchesPrint has these
		return false
	case ovs && (id == FieldTunERSPANIdx || id == FieldTunERSPANDir || id == FieldTunERSPANHWID): // printed with some versions only
		return false
	case id == FieldVLANTCI:
		return !m.Has(FieldVLANVID) && !m.Has(FieldVLANPCP)
	case ovs && id >= FieldNSHC1 && id <= FieldNSHC4: // printed with this type of metadata only
		typ, _, _ := m.Uint(FieldNSHMDType)
		return typ == 1
	case id >= FieldXReg0 && id < FieldTunMetadata0: // overlap with reg0 to reg15
		for r := FieldReg0; r < id; r++ {
			if m.Has(r) {
				return false
			}
		}
	case id >= FieldReg0:
		return rapid.IntRange(0, 7).Draw(t, "of many") == 0
	}
	return true
}

// unmaskedInOVS are the fields of which Open vSwitch prints no mask.
var unmaskedInOVS = []FieldID{FieldTunGBPFlags, FieldTunERSPANVer, FieldTunGTPUFlags, FieldTunGTPUMsgType}

func drawField(t *rapid.T, m *Match, info *FieldInfo, ovs bool) {
	n := info.Bytes()
	if info.Variable {
		n = rapid.IntRange(1, 20).Draw(t, "length")
	}
	value := rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "value")
	if info.Variable {
		value[0] |= 0x80 // without zeros, which text does not show
	}
	mask := slices.Clone(info.full[:n])
	masked := fieldTexts[info.ID].mask && rapid.IntRange(0, 2).Draw(t, "masked") == 0
	if ovs && slices.Contains(unmaskedInOVS, info.ID) {
		masked = false
	}
	if masked {
		mask = rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "mask")
		// ovs-ofctl reads no IPv6 address with a mask longer than an address is.
		if rapid.Bool().Draw(t, "prefix") || ovs && info.Format == FormatIPv6 {
			n := rapid.IntRange(1, 8*len(mask)).Draw(t, "length")
			for i := range mask {
				mask[i] = byte(uint(0xff00) >> max(0, min(8, n-8*i)))
			}
		}
	}
	if info.Variable {
		mask[0] |= 0x80
	}
	for i := range value {
		mask[i] &= info.full[i]
		value[i] &= mask[i]
	}
	switch info.ID {
	case FieldVLANTCI:
		m.SetUintMasked(FieldVLANTCI, 0x2000, 0x6000)
		return
	case FieldActsetOutput:
		putUint(value, uint64(rapid.Uint32Range(1, 0xfeff).Draw(t, "port")))
	case FieldIPFrag:
		w := rapid.SampledFrom(fragWords[:5]).Draw(t, "frag")
		value[0], mask[0] = w.value, w.mask
	case FieldCTState:
		clear(value[:3])
		clear(mask[:3])
		value[3] |= 2
		mask[3] |= 2
	case FieldNSHMDType, FieldCTNWProto, FieldTunGTPUFlags, FieldTunGTPUMsgType, FieldTunERSPANVer: // zeros are not printed
		value[0] |= 1
	case FieldInPort, FieldInPhyPort:
		putUint(value, uint64(rapid.Uint32Range(1, 0xfeff).Draw(t, "port")))
	case FieldVLANVID: // any tag, one tag, or none
		id := rapid.SampledFrom([]uint64{0, VLANPresent, VLANPresent | 5, VLANPresent | 4095}).Draw(t, "vid")
		m.SetUint(FieldVLANVID, id)
		if id == VLANPresent {
			m.SetUintMasked(FieldVLANVID, id, id)
		}
		return
	case FieldEthType:
		putUint(value, rapid.SampledFrom([]uint64{0x88cc, 0x600, 0x9000, 0x894f}).Draw(t, "type"))
	case FieldIPProto:
		putUint(value, rapid.SampledFrom([]uint64{2, 47, 255}).Draw(t, "proto"))
	case FieldARPOp:
		value[0] = 0
	}
	if ovs && info.ID == FieldMPLSLabel {
		value[1] &= 0xf
	}
	if err := m.SetMasked(info.ID, value, mask); err != nil {
		t.Fatalf("%s: %v", info.Name, err)
	}
}

// genActions draws actions that all versions can say, or that OpenFlow 1.3 can.
func genActions(v Version, m *Match) *rapid.Generator[[]Action] {
	tp := ActionOutput
	if v <= V11 {
		tp = ActionSetTPSrc
	}
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Action {
		arg := rapid.Uint32().Draw(t, "arg")
		mac := rapid.SliceOfN(rapid.Byte(), 6, 6).Draw(t, "mac")
		as := []Action{
			Output(PortNo(arg%0xfeff + 1)), Output(PortFlood), Output(PortNormal), Output(PortInPort), Output(PortAll), Output(PortLocal),
			OutputController(uint16(arg)),
		}
		if v != V12 && v != V13 {
			as = append(as, Action{Type: ActionSetEthSrc, Value: mac}, Action{Type: ActionSetEthDst, Value: mac})
		} else {
			as = append(as, SetField(FieldEthDst, mac), SetField(FieldMetadata, append(mac, 1, 2)),
				Action{Type: ActionGroup, Arg: arg % GroupMax}, Action{Type: ActionSetQueue, Arg: arg})
		}
		if m.Has(FieldIPProto) && v <= V11 {
			if eth, _, _ := m.Uint(FieldEthType); eth == ethIPv4 {
				as = append(as, Action{Type: ActionSetIPv4Src, Arg: arg}, Action{Type: ActionSetIPToS, Arg: arg & 0xfc})
				if p, _, _ := m.Uint(FieldIPProto); p == protoTCP {
					as = append(as, Action{Type: tp, Arg: arg & 0xffff})
				}
			}
		}
		return rapid.SampledFrom(as).Draw(t, "action")
	}), 1, 5)
}

// genFlow draws flow-mods of a version.
func genFlow(v Version, ovs bool) *rapid.Generator[*FlowMod] {
	return rapid.Custom(func(t *rapid.T) *FlowMod {
		m := NewFlowMod(FlowAdd)
		m.Match = genMatch(ovs).Draw(t, "match")
		m.Cookie = rapid.Uint64Range(0, 1<<63).Draw(t, "cookie")
		m.Priority = rapid.Uint16().Draw(t, "priority")
		m.IdleTimeout = rapid.Uint16().Draw(t, "idle")
		m.HardTimeout = rapid.Uint16().Draw(t, "hard")
		m.Flags = FlowFlags(rapid.IntRange(0, 3).Draw(t, "flags"))
		if v >= V12 && rapid.Bool().Draw(t, "reset") {
			m.Flags |= FlowResetCounts
		}
		if v >= V11 {
			m.Table = rapid.Uint8Range(0, 200).Draw(t, "table")
		}
		if rapid.IntRange(0, 5).Draw(t, "drop") == 0 {
			return m
		}
		actions := genActions(v, &m.Match)
		if v >= V13 && rapid.IntRange(0, 3).Draw(t, "meter") == 0 {
			m.Instructions = append(m.Instructions, Instruction{Type: InstructionMeter, Meter: rapid.Uint32Range(1, 0xffff0000).Draw(t, "meter id")})
		}
		as := actions.Draw(t, "actions")
		if v >= V12 && !m.Match.Has(FieldVLANVID) { // a switch refuses more tags than it can match
			as = append([]Action{{Type: ActionPushVLAN, Arg: 0x8100}}, as...)
		}
		m.Instructions = append(m.Instructions, Apply(as...))
		if v == V10 {
			return m
		}
		if rapid.IntRange(0, 3).Draw(t, "clear") == 0 {
			m.Instructions = append(m.Instructions, Instruction{Type: InstructionClearActions})
		}
		if rapid.IntRange(0, 3).Draw(t, "write") == 0 {
			m.Instructions = append(m.Instructions, WriteActions(Output(PortNo(rapid.IntRange(1, 99).Draw(t, "port")))))
		}
		if rapid.IntRange(0, 3).Draw(t, "metadata") == 0 {
			m.Instructions = append(m.Instructions, Instruction{Type: InstructionWriteMetadata,
				Metadata: rapid.Uint64().Draw(t, "metadata"), MetadataMask: rapid.Uint64Range(1, ^uint64(0)).Draw(t, "mask")})
		}
		if rapid.IntRange(0, 3).Draw(t, "goto") == 0 {
			m.Instructions = append(m.Instructions, GotoTable(m.Table+1))
		}
		return m
	})
}
