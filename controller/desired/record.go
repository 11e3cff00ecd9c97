package desired

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
)

// What a key in the store begins with. A switch's own keys have its DPID next.
const (
	kindFlow      = 'f' // table, priority, match → flow
	kindGroup     = 'g' // number → group
	kindMeter     = 'm' // number → meter
	kindHead      = 'h' // nothing more → a count of changes
	kindTombstone = 't' // the key of what is to go, from its kind on → what it was
	kindOwner     = 'o' // name → number
	kindSettings  = 'c' // nothing more → its settings
	kindSwitch    = 's' // nothing more → what is remembered of it
	kindForgotten = 'z' // nothing more, nor a DPID → the revision before a switch was last forgotten
)

// place is the key of a flow, group or meter within its switch: its kind, and
// what makes it the one it is.
type place string

// longMatch is how long a match may be to stand in a key as it is. Of a longer
// one there is a digest: the match itself is in the value.
const longMatch = 512

func flowPlace(table uint8, priority uint16, m *ofp.Match) place {
	match := m.Key()
	b := make([]byte, 0, 4+len(match))
	b = append(b, kindFlow, table)
	b = binary.BigEndian.AppendUint16(b, priority)
	if len(match) > longMatch {
		sum := sha256.Sum256([]byte(match))
		b = append(append(b, "digest"...), sum[:]...)
	} else {
		b = append(b, match...)
	}
	return place(b)
}

func groupPlace(id uint32) place {
	return place(binary.BigEndian.AppendUint32([]byte{kindGroup}, id))
}

func meterPlace(id uint32) place {
	return place(binary.BigEndian.AppendUint32([]byte{kindMeter}, id))
}

// key returns the key in the store.
func (p place) key(dpid ofp.DPID) []byte {
	b := make([]byte, 0, 8+len(p))
	b = append(b, p[0])
	b = binary.BigEndian.AppendUint64(b, uint64(dpid))
	return append(b, p[1:]...)
}

func (p place) tombstone(dpid ofp.DPID) []byte {
	return append(binary.BigEndian.AppendUint64([]byte{kindTombstone}, uint64(dpid)), p...)
}

func headKey(dpid ofp.DPID) []byte {
	return binary.BigEndian.AppendUint64([]byte{kindHead}, uint64(dpid))
}

// valueHead is the length of what stands before the message in a value: the form
// of the value, its owner, and the version of OpenFlow that the message is in.
const valueHead = 4

const valueForm = 1

// value is a flow, group or meter as it is stored: its owner, and the message
// that adds it.
type value []byte

func (v value) owner() ownerID { return ownerID(binary.BigEndian.Uint16(v[1:])) }

// cookieTop returns the upper byte of a flow's cookie, which stands at a place of its
// own in each form of a flow-mod: OpenFlow 1.1 and later (section 7.3.4.1 of 1.3.5),
// 1.0 (section 5.3.3), and Nicira's, which is of type 4.
func (v value) cookieTop() byte {
	at := valueHead + 8
	switch {
	case len(v) < valueHead+2:
		return 0
	case ofp.Version(v[valueHead-1]) == ofp.V10 && v[valueHead+1] == 4:
		at = valueHead + 16
	case ofp.Version(v[valueHead-1]) == ofp.V10:
		at = valueHead + 48
	}
	if at >= len(v) {
		return 0
	}
	return v[at]
}

// message decodes the message. It aliases v.
func (v value) message() (ofp.Message, error) {
	if len(v) < valueHead || v[0] != valueForm {
		return nil, fmt.Errorf("desired: %w: form of a value", store.ErrFormat)
	}
	_, m, err := ofp.Decode(v[valueHead:])
	if err != nil {
		return nil, fmt.Errorf("desired: %w: %w", store.ErrDamaged, err)
	}
	switch m := m.(type) {
	case *ofp.NXFlowMod:
		m.FlowMod.NXTable = false
		return &m.FlowMod, nil
	case *ofp.FlowMod:
		m.NXTable = false
	}
	return m, nil
}

// deletable reports whether a version can say that it is to go.
func (v value) deletable(enc *ofp.Encoder, version ofp.Version) bool {
	m, err := v.message()
	if err != nil {
		return false
	}
	switch x := m.(type) {
	case *ofp.FlowMod:
		gone := ofp.NewFlowMod(ofp.FlowDeleteStrict)
		gone.Table, gone.Priority, gone.Match = x.Table, x.Priority, x.Match
		m = gone
	case *ofp.GroupMod:
		m = &ofp.GroupMod{Command: ofp.GroupDelete, GroupType: x.GroupType, Group: x.Group}
	case *ofp.MeterMod:
		m = &ofp.MeterMod{Command: ofp.MeterDelete, Meter: x.Meter}
	}
	_, err = enc.Append(nil, version, 0, m)
	return err == nil
}

// storeVersions are tried in this order: the first that says a message with the
// very actions that it has is the one to store it in. Some actions of a version
// become others in the next: what sets a VLAN in 1.0 would push a tag in 1.3, which
// 1.0 cannot be told again.
var storeVersions = []ofp.Version{ofp.V13, ofp.V10, ofp.V11, ofp.V12}

// sameActions reports whether messages have actions of the same types.
func sameActions(a, b ofp.Message) bool {
	switch a := a.(type) {
	case *ofp.FlowMod:
		b, ok := b.(*ofp.FlowMod)
		return ok && slices.EqualFunc(a.Instructions, b.Instructions, func(x, y ofp.Instruction) bool {
			return x.Type == y.Type && slices.EqualFunc(x.Actions, y.Actions, sameType)
		})
	case *ofp.GroupMod:
		b, ok := b.(*ofp.GroupMod)
		return ok && slices.EqualFunc(a.Buckets, b.Buckets, func(x, y ofp.Bucket) bool {
			return slices.EqualFunc(x.Actions, y.Actions, sameType)
		})
	}
	return true
}

func sameType(a, b ofp.Action) bool { return a.Type == b.Type }

// asTheyAre reports whether a message has only actions that 1.3 says just as they
// are, as almost all have: no others need to be read back.
func asTheyAre(m ofp.Message) bool {
	f, ok := m.(*ofp.FlowMod)
	if !ok {
		return false
	}
	for i := range f.Instructions {
		for n := range f.Instructions[i].Actions {
			switch f.Instructions[i].Actions[n].Type {
			case ofp.ActionOutput, ofp.ActionGroup, ofp.ActionSetQueue, ofp.ActionPushVLAN, ofp.ActionPopVLAN, ofp.ActionDecNWTTL:
			default:
				return false
			}
		}
	}
	return true
}

// packBlock is how much memory a packer takes at once for the values that follow.
const packBlock = 64 << 10

// packer makes values. They lie close together, and keep each other in memory: it
// is for those that are copied soon.
type packer struct {
	enc   ofp.Encoder
	block []byte // the free end of the last block
	next  int    // how long the next one is
}

// begin returns the head of a value, with room behind it.
func (p *packer) begin(owner ownerID, v ofp.Version) []byte {
	if cap(p.block) == 0 {
		p.block = make([]byte, 0, 160)
	}
	return append(p.block[:0:cap(p.block)], valueForm, byte(owner>>8), byte(owner), byte(v))
}

// end takes what was written behind a head as a value. The first one has memory of
// its own.
func (p *packer) end(b []byte) value {
	if p.block = b[len(b):]; cap(p.block) < 512 {
		p.block = make([]byte, 0, p.next)
		p.next = packBlock
	}
	return value(b[:len(b):len(b)])
}

// pack returns the value of a message, which adds a flow, group or meter. It
// fails if no version can say it.
func (p *packer) pack(owner ownerID, m ofp.Message) (value, error) {
	p.enc.Extensions = true
	var first value // that a version could say, perhaps with other actions
	var why error
	for _, version := range storeVersions {
		out, err := p.enc.Append(p.begin(owner, version), version, 0, m)
		if err != nil {
			if why == nil {
				why = err
			}
			if !errors.Is(err, ofp.ErrVersion) {
				break
			}
			continue
		}
		v := value(out)
		same := version == ofp.V13 && asTheyAre(m)
		if !same {
			again, err := v.message()
			same = err == nil && sameActions(m, again)
		}
		if same {
			return p.end(out), nil
		}
		if first == nil {
			first = slices.Clone(v)
		}
	}
	if first != nil {
		return first, nil
	}
	return nil, why
}
