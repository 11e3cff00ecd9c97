package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// Bounds of what is read of a recording.
const (
	maxTalks     = 65536   // connections
	maxTalkBytes = 1 << 30 // of the messages of those that are played, with lineCost each
	lineCost     = 64
)

// dialogue is a connection of a recording.
type dialogue struct {
	number     int
	ends       [2]netip.AddrPort // as they speak: the first is of whoever spoke or asked first
	sw         int               // which of the ends is the switch
	begin, end time.Time
	version    ofp.Version // of the last hello, or of what came last
	dpid       ofp.DPID
	shaken     bool // the features reply is there
	messages   [2]int
	gaps       int
	lines      []line // if the talk is wanted
	votes      int    // for the second end being the switch
}

// line is a message of a dialogue.
type line struct {
	time  time.Time
	from  int // which of the ends
	frame []byte
}

// addr returns the switch's address.
func (t *dialogue) addr() netip.AddrPort { return t.ends[t.sw] }

// talkReader puts the connections of a capture together.
type talkReader struct {
	ports  []uint16
	wanted func(number int) bool // whose lines are kept
	list   []*dialogue
	now    map[[2]netip.AddrPort]*dialogue // by both orders of the ends
	bytes  int
	err    error
}

// readTalks reads the connections of a capture.
func readTalks(in io.Reader, ports []uint16, wanted func(number int) bool) ([]*dialogue, error) {
	r := &talkReader{ports: ports, wanted: wanted, now: map[[2]netip.AddrPort]*dialogue{}}
	s := newStreams(ports, r.message)
	err := eachSegment(in, func(g *segment) {
		s.add(g)
		if g.syn && !g.acks && (slices.Contains(ports, g.from.Port()) || slices.Contains(ports, g.to.Port())) {
			r.begin(g.from, g.to, g.time)
		}
	})
	s.end()
	for _, t := range r.list {
		t.orient(ports)
	}
	// A connection on which nothing is said is none.
	r.list = slices.DeleteFunc(r.list, func(t *dialogue) bool { return t.messages == [2]int{} })
	return r.list, errors.Join(err, r.err)
}

func (r *talkReader) begin(from, to netip.AddrPort, at time.Time) *dialogue {
	if len(r.list) == maxTalks {
		r.err = fmt.Errorf("more than %d connections", maxTalks)
		return nil
	}
	t := &dialogue{number: len(r.list) + 1, ends: [2]netip.AddrPort{from, to}, begin: at, end: at}
	r.list = append(r.list, t)
	r.now[[2]netip.AddrPort{from, to}], r.now[[2]netip.AddrPort{to, from}] = t, t
	return t
}

// message takes the next message, or what is wrong in place of one.
func (r *talkReader) message(m captured) {
	t := r.now[[2]netip.AddrPort{m.from, m.to}]
	if t == nil {
		if t = r.begin(m.from, m.to, m.time); t == nil {
			return
		}
	}
	if m.time.After(t.end) {
		t.end = m.time
	}
	if m.err != nil {
		t.gaps++
		return
	}
	from := 0
	if m.from != t.ends[0] {
		from = 1
	}
	t.messages[from]++
	t.note(from, m.frame)
	if !r.wanted(t.number) {
		return
	}
	if r.bytes += len(m.frame) + lineCost; r.bytes > maxTalkBytes {
		r.err = fmt.Errorf("more than %d bytes of messages; choose less of them with --connection or --dpid", maxTalkBytes)
		return
	}
	t.lines = append(t.lines, line{m.time, from, bytes.Clone(m.frame)})
}

// note learns from a message who speaks.
func (t *dialogue) note(from int, frame []byte) {
	typ := ofp.TypeOf(frame)
	if typ != ofp.TypeHello || t.version == 0 {
		t.version = ofp.Version(frame[0])
	}
	vote := 0
	switch typ {
	case ofp.TypeFeaturesReply:
		if len(frame) >= 16 && !t.shaken {
			t.dpid, t.shaken = ofp.DPID(binary.BigEndian.Uint64(frame[8:])), true
		}
		vote = 100
	case ofp.TypePacketIn, ofp.TypeFlowRemoved, ofp.TypePortStatus, ofp.TypeMultipartReply, ofp.TypeBarrierReply, ofp.TypeGetConfigReply:
		vote = 1
	case ofp.TypePacketOut, ofp.TypeFlowMod, ofp.TypeMultipartRequest, ofp.TypeBarrierRequest, ofp.TypeFeaturesRequest:
		vote = -1
	}
	if from == 0 {
		vote = -vote
	}
	t.votes += vote
}

// orient decides which end is the switch: by what it says, and else by its port.
func (t *dialogue) orient(ports []uint16) {
	switch {
	case t.votes > 0:
		t.sw = 1
	case t.votes < 0:
		t.sw = 0
	case !slices.Contains(ports, t.ends[1].Port()):
		t.sw = 1
	}
}
