package channel

import (
	"encoding/binary"

	"github.com/sluice-sdn/sluice/ofp"
)

// Class is what a packet-in carries. In overload each class has a share of its
// own, so that many packets of one class do not cost those of another.
type Class uint8

// Classes.
const (
	ClassARP Class = iota
	ClassLLDP
	ClassIP
	ClassOther
	NumClasses
)

var classNames = [NumClasses]string{"arp", "lldp", "ip", "other"}

// String returns the class as settings and metrics name it.
func (k Class) String() string { return classNames[min(k, NumClasses-1)] }

// ParseClass is the inverse of String.
func ParseClass(s string) (k Class, ok bool) {
	for k := range NumClasses {
		if s == classNames[k] {
			return k, true
		}
	}
	return 0, false
}

// maxTags is how many VLAN tags are looked behind.
const maxTags = 2

// classOf returns the class of an Ethernet frame by its EtherType, behind VLAN
// tags: ARP; LLDP, and the BDDP of those that find links across other switches;
// IP of both versions. What is cut short before its EtherType is of no class.
func classOf(packet []byte) Class {
	at := 12
	for range maxTags + 1 {
		if len(packet) < at+2 {
			break
		}
		switch binary.BigEndian.Uint16(packet[at:]) {
		case 0x0806:
			return ClassARP
		case 0x88cc, 0x8942:
			return ClassLLDP
		case 0x0800, 0x86dd:
			return ClassIP
		case 0x8100, 0x88a8:
			at += 4
		default:
			return ClassOther
		}
	}
	return ClassOther
}

// class returns the class of a packet-in; of one that cannot be read, ClassOther.
func (r *reader) class(frame []byte) Class {
	m := &r.packetIn
	if err := r.dec.Decode(frame, m); err != nil {
		return ClassOther
	}
	return classOf(m.Data)
}

// classify sets the class of each packet-in of the chunk.
func (r *reader) classify() {
	b := r.chunk
	for i := range b.events {
		if e := &b.events[i]; e.typ == ofp.TypePacketIn {
			e.class = r.class(b.buf[e.start:e.end:e.end])
		}
	}
}
