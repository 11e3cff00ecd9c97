package ofp

import (
	"fmt"
	"strconv"
	"strings"
)

// AsyncKinds are the kinds of messages that AsyncMasks choose, by the names that
// ChangeAsync reads.
var AsyncKinds = [...]string{AsyncPacketIn: "packet-in", AsyncPortStatus: "port-status", AsyncFlowRemoved: "flow-removed"}

// asyncAll are the reasons of each kind that OpenFlow 1.3 has (ofp_packet_in_reason,
// section 7.4.1, ofp_port_reason, 7.4.3, and ofp_flow_removed_reason, 7.4.2, of
// OpenFlow 1.3.5): what the word "all" stands for.
var asyncAll = [...]uint32{AsyncPacketIn: 1<<3 - 1, AsyncPortStatus: 1<<3 - 1, AsyncFlowRemoved: 1<<4 - 1}

// DefaultAsync is what a switch sends to a controller that has not chosen (section
// 6.3.4 of OpenFlow 1.3.5): all but packets with an invalid TTL to a master and an
// equal, port status alone to a slave.
func DefaultAsync() AsyncMasks {
	return AsyncMasks{PacketIn: [2]uint32{3}, PortStatus: [2]uint32{7, 7}, FlowRemoved: [2]uint32{15}}
}

// Mask returns the masks of a kind, for a master and equal, and for a slave; nil
// for a kind that is none of AsyncKinds.
func (m *AsyncMasks) Mask(kind AsyncMessage) *[2]uint32 {
	switch kind {
	case AsyncPacketIn:
		return &m.PacketIn
	case AsyncPortStatus:
		return &m.PortStatus
	case AsyncFlowRemoved:
		return &m.FlowRemoved
	}
	return nil
}

// AsyncReasons returns the names of the reasons that a mask has, those without a
// name as reason_N.
func AsyncReasons(kind AsyncMessage, mask uint32) []string {
	var out []string
	for bit := range 32 {
		if mask>>bit&1 != 0 {
			out = append(out, asyncReason(kind, bit))
		}
	}
	return out
}

func asyncReason(kind AsyncMessage, bit int) string {
	if names := asyncNames[kind].reasons; bit < len(names) && names[bit] != "" {
		return names[bit]
	}
	return "reason_" + strconv.Itoa(bit)
}

// AsyncMask returns the mask of reasons by their names. The error names the first
// one that there is not.
func AsyncMask(kind AsyncMessage, reasons []string) (mask uint32, err error) {
	for _, name := range reasons {
		bit := 0
		for ; bit < 32; bit++ {
			if name == asyncReason(kind, bit) || name == "reason_"+strconv.Itoa(bit) {
				break
			}
		}
		if bit == 32 {
			return 0, fmt.Errorf("%s has no reason %q: want %s", AsyncKinds[kind], clipped(name), strings.Join(AsyncReasons(kind, asyncAll[kind]), ", "))
		}
		mask |= 1 << bit
	}
	return mask, nil
}

// maxEchoed bounds what an error repeats of a word, in bytes.
const maxEchoed = 64

func clipped(s string) string {
	if len(s) > maxEchoed {
		return strings.ToValidUTF8(s[:maxEchoed], "") + "…"
	}
	return s
}

// ChangeAsync changes masks as words say: [slave:]KIND=REASONS, with commas or
// spaces between them. KIND is one of AsyncKinds; REASONS are names with + between
// them, all or none. Without slave: the mask is that of a master and of an equal.
// What no word is about stays as it is. The error names the word; the masks have
// not changed then.
func ChangeAsync(masks *AsyncMasks, words string) error {
	next := *masks
	for word := range strings.FieldsFuncSeq(words, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' }) {
		if err := changeAsync(&next, word); err != nil {
			return err
		}
	}
	*masks = next
	return nil
}

func changeAsync(masks *AsyncMasks, word string) error {
	name, reasons, ok := strings.Cut(word, "=")
	who := 0
	switch role, rest, has := strings.Cut(name, ":"); {
	case has && role == "slave":
		who, name = 1, rest
	case has && (role == "master" || role == "equal"):
		name = rest
	}
	kind := -1
	for i, k := range AsyncKinds {
		if name == k {
			kind = i
		}
	}
	if kind < 0 || !ok || reasons == "" {
		return fmt.Errorf("%q: want [slave:]KIND=REASONS, KIND being %s, such as packet-in=no_match+action or slave:flow-removed=none",
			clipped(word), strings.Join(AsyncKinds[:], ", "))
	}
	mask := masks.Mask(AsyncMessage(kind))
	switch reasons {
	case "none":
		mask[who] = 0
	case "all":
		mask[who] = asyncAll[kind]
	default:
		bits, err := AsyncMask(AsyncMessage(kind), strings.Split(reasons, "+"))
		if err != nil {
			return fmt.Errorf("%q: %w", clipped(word), err)
		}
		mask[who] = bits
	}
	return nil
}

// AsyncWords returns the words that say for ChangeAsync what masks are, those of a
// master and of an equal first.
func AsyncWords(masks AsyncMasks) []string {
	var out []string
	for who, role := range [...]string{"", "slave:"} {
		for kind, name := range AsyncKinds {
			reasons := strings.Join(AsyncReasons(AsyncMessage(kind), masks.Mask(AsyncMessage(kind))[who]), "+")
			if reasons == "" {
				reasons = "none"
			}
			out = append(out, role+name+"="+reasons)
		}
	}
	return out
}
