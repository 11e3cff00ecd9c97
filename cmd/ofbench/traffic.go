package main

import (
	"encoding/binary"
	"fmt"

	"github.com/sluice-sdn/sluice/ofp"
)

const (
	portCount    = 4  // of each switch; a power of 2
	payloadLen   = 64 // bytes of the packet in a packet-in
	bufferIDAt   = 8  // of a packet-in, in all versions
	bufferIDMask = 1<<31 - 1
)

// traffic makes the packet-ins of one switch and matches answers with them. It
// knows no socket and no clock: times are nanoseconds since a start of the
// caller's choice. It is not safe for concurrent use.
type traffic struct {
	sheet     []byte // packet-ins, one after the other, that are stamped where they stand
	frame     int    // bytes of one
	payloadAt int    // where the packet begins in one
	portsAt   [2]int // where the lowest byte of the ingress port is; 1.1 has it twice
	prefix    uint64 // first three bytes of the switch's MAC addresses
	turn      turn

	slots   []slot // by the lowest bits of the buffer id; len is a power of 2
	next    uint32 // buffer id of the next packet-in
	waiting int    // slots that wait for an answer
	credit  int    // packet-ins that may be sent, whatever the window lets; unlimited if negative

	tally
	lastAnswer   int64 // when the latest answer came
	answeredUpTo int64 // when the youngest of the answered packet-ins was sent
	latency      *histogram
}

// tally counts packet-ins and what came for them.
type tally struct {
	Sent       uint64 `json:"sent"`              // packet-ins
	Answered   uint64 `json:"answered"`          // packet-ins, each once
	Lost       uint64 `json:"given_up"`          // packet-ins
	Duplicate  uint64 `json:"duplicate"`         // answers to what was answered
	Late       uint64 `json:"late"`              // answers to what was given up
	Unknown    uint64 `json:"unknown_buffer_id"` // answers with a buffer id that was never sent
	Unbuffered uint64 `json:"without_buffer_id"` // flow-mods and packet-outs
}

func (t tally) plus(o tally) tally {
	return tally{
		t.Sent + o.Sent, t.Answered + o.Answered, t.Lost + o.Lost,
		t.Duplicate + o.Duplicate, t.Late + o.Late, t.Unknown + o.Unknown, t.Unbuffered + o.Unbuffered,
	}
}

func (t tally) minus(o tally) tally {
	return tally{
		t.Sent - o.Sent, t.Answered - o.Answered, t.Lost - o.Lost,
		t.Duplicate - o.Duplicate, t.Late - o.Late, t.Unknown - o.Unknown, t.Unbuffered - o.Unbuffered,
	}
}

type slotState uint8

const (
	slotUnused slotState = iota
	slotWaiting
	slotAnswered
	slotLost
)

// slot remembers one packet-in.
type slot struct {
	sentAt     int64
	id         uint32
	state      slotState
	lostBefore bool // the packet-in that had the slot before was given up
}

// newTraffic makes the traffic of switch number index with so many hosts and at
// most window packet-ins unanswered, a power of 2.
func newTraffic(v ofp.Version, index, hosts, window int) (*traffic, error) {
	t := &traffic{
		prefix: 0x02<<16 | uint64(index&0xffff),
		turn:   turn{step: 1, hosts: uint32(hosts)},
		credit: -1,
		slots:  make([]slot, window),
		next:   1,
	}
	var of [2][]byte // packet-ins that differ in nothing but their port
	for i := range of {
		m := &ofp.PacketIn{TotalLen: payloadLen, Reason: ofp.ReasonNoMatch, Data: payload(index)}
		m.Match.SetUint(ofp.FieldInPort, uint64(i+1))
		b, err := ofp.Append(nil, v, 0, m)
		if err != nil {
			return nil, fmt.Errorf("make a packet-in: %w", err)
		}
		of[i] = b
	}
	t.frame = len(of[0])
	t.payloadAt = t.frame - payloadLen
	first := true
	for i, c := range of[0] {
		if c == of[1][i] {
			continue
		}
		if t.portsAt[1] = i; first {
			t.portsAt[0], first = i, false
		}
	}
	t.sheet = of[0]
	return t, nil
}

// payload is an Ethernet frame with a UDP packet from 192.168.0.40 to
// 192.168.1.40, all hosts alike, and MAC addresses of the switch's first host. A
// host's address is 02, two bytes of the switch's number, three of the host's.
func payload(index int) []byte {
	b := make([]byte, payloadLen)
	for _, at := range []int{0, 6} {
		b[at] = 0x02
		binary.BigEndian.PutUint16(b[at+1:], uint16(index))
	}
	b[12], b[13] = 0x08, 0x00
	ip := b[14:34]
	copy(ip, []byte{0x45, 0, 0, payloadLen - 14, 0, 0, 0, 0, 64, 17, 0, 0, 192, 168, 0, 40, 192, 168, 1, 40})
	var sum uint32
	for i := 0; i < len(ip); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(ip[i:]))
	}
	binary.BigEndian.PutUint16(ip[10:], ^uint16(sum+sum>>16))
	binary.BigEndian.PutUint16(b[34:], 5001)
	binary.BigEndian.PutUint16(b[36:], 5001)
	binary.BigEndian.PutUint16(b[38:], payloadLen-34)
	return b
}

// frameLen is the length of each packet-in.
func (t *traffic) frameLen() int { return t.frame }

// hostPort returns the index of the port that a host is behind.
func hostPort(host uint32) uint32 { return host % portCount }

// turn says whose turn it is: the next packet-in goes from host src to the host
// step after it, of so many hosts.
type turn struct{ src, step, hosts uint32 }

// next returns source and destination of the next packet-in. Each host in turn
// is the source; the destination is the host step after it, or the first one
// after that which is behind another port, and step grows by one each round.
func (t *turn) next() (src, dst uint32) {
	src = t.src
	dst = src + t.step
	if dst >= t.hosts {
		dst -= t.hosts
	}
	for hostPort(dst) == hostPort(src) {
		if dst++; dst >= t.hosts {
			dst = 0
		}
	}
	if t.src++; t.src == t.hosts {
		t.src = 0
		if t.step++; t.step == t.hosts {
			t.step = 1
		}
	}
	return src, dst
}

// expire gives up packet-ins older than timeout if nothing was answered for that
// long, or if packet-ins sent so much later were answered. So a controller that
// is slow, but answers all in order, loses nothing.
func (t *traffic) expire(now, timeout int64) {
	if t.waiting == 0 {
		return
	}
	silent := now-t.lastAnswer > timeout
	for i := range t.slots {
		s := &t.slots[i]
		if s.state == slotWaiting && now-s.sentAt > timeout && (silent || t.answeredUpTo-s.sentAt > timeout) {
			s.state = slotLost
			t.waiting--
			t.Lost++
		}
	}
}
