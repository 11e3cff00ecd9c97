package ofp

import (
	"encoding/binary"
	"fmt"
)

// SetRaw adds a field by its OXM header and what follows it: the value, then the
// mask where the header says that there is one. A field that the table has must
// have the length that it says there, and becomes what SetMasked makes of it; any
// other is kept as it is, and sent by the versions that have OXM. No field may
// stand in the match already.
func (m *Match) SetRaw(header uint32, payload []byte) error {
	id, n := fieldOf(header), int(header&0xff)
	what := fmt.Sprintf("match field 0x%08x", header)
	if len(payload) != n {
		return fmt.Errorf("%s: %w: payload of %d bytes; the header says %d", what, ErrMalformed, len(payload), n)
	}
	if info := id.Info(); info != nil {
		if header != info.oxm && header != info.oxmMasked {
			return fmt.Errorf("%s: %w: %s has %d bytes; want %s", what, ErrMalformed, id, n, info.lengths())
		}
		if m.Has(id) {
			return fmt.Errorf("%s: %w: %s stands twice", what, ErrMalformed, id)
		}
		if header&0x100 != 0 {
			return m.SetMasked(id, payload[:n/2], payload[n/2:])
		}
		return m.Set(id, payload)
	}
	if header>>16 == oxmExperimenter {
		n -= 4 // the experimenter's identifier
	}
	if n <= 0 || header&0x100 != 0 && n%2 != 0 {
		return fmt.Errorf("%s: %w: payload of %d bytes has no room for all that the header says", what, ErrMalformed, len(payload))
	}
	for x := range m.All() {
		if x.Header == header && header>>16 != oxmExperimenter {
			return fmt.Errorf("%s: %w: stands twice", what, ErrMalformed)
		}
	}
	m.received, m.oxm11 = m.received[:0], false
	m.oxm = append(binary.BigEndian.AppendUint32(m.oxm, header), payload...)
	return nil
}

// ForProtocol turns set_tp_src and set_tp_dst into the set_field of the port that
// the match is about, which every version can say. Without a protocol in the
// match these stay what they are, which 1.0 and 1.1 can say, and so does every
// other action.
func (m *Match) ForProtocol(a Action) Action {
	if a.Type != ActionSetTPSrc && a.Type != ActionSetTPDst {
		return a
	}
	for _, l := range legacySet {
		if l.action != a.Type {
			continue
		}
		met := true
		for _, need := range fields[l.field].Needs {
			met = met && m.satisfies(need)
		}
		if met {
			value := make([]byte, fields[l.field].Bytes())
			putUint(value, uint64(a.Arg))
			return SetField(l.field, value)
		}
	}
	return a
}
