package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	switchEnd     = netip.MustParseAddrPort("192.0.2.1:43210")
	controllerEnd = netip.MustParseAddrPort("192.0.2.2:6653")
)

// echo is an echo request of n bytes with this transaction identifier.
func echo(xid uint32, n int) []byte {
	b := make([]byte, n)
	b[0], b[1] = 4, 2
	binary.BigEndian.PutUint16(b[2:], uint16(n))
	binary.BigEndian.PutUint32(b[4:], xid)
	for i := 8; i < n; i++ {
		b[i] = 0xee
	}
	return b
}

// play puts segments together and lists what comes out: the transaction
// identifiers of messages, and errors.
func play(segments ...*segment) []string {
	var got []string
	a := newStreams([]uint16{6653}, func(m captured) {
		if m.err != nil {
			got = append(got, m.err.Error())
		} else {
			got = append(got, fmt.Sprint(binary.BigEndian.Uint32(m.frame[4:])))
		}
	})
	for _, s := range segments {
		a.add(s)
	}
	a.end()
	return got
}

func up(seq uint32, data []byte) *segment {
	return &segment{from: switchEnd, to: controllerEnd, seq: seq, data: data, time: time.Unix(1, 0)}
}

func syn(seq uint32) *segment {
	s := up(seq, nil)
	s.syn = true
	return s
}

func fin(seq uint32) *segment {
	s := up(seq, nil)
	s.end = true
	return s
}

// ack is the controller's word that it has all before seq.
func ack(seq uint32) *segment {
	return &segment{from: controllerEnd, to: switchEnd, ack: seq, acks: true, time: time.Unix(2, 0)}
}

func TestStreams(t *testing.T) {
	a, b, c, d := echo(1, 16), echo(2, 24), echo(3, 16), echo(4, 16)
	abc := slices.Concat(a, b, c)
	for _, row := range []struct {
		name     string
		segments []*segment
		want     []string
	}{
		{"in order", []*segment{syn(99), up(100, abc)}, []string{"1", "2", "3"}},
		{"split", []*segment{syn(99), up(100, abc[:3]), up(103, abc[3:20]), up(120, abc[20:])}, []string{"1", "2", "3"}},
		{"with the syn", []*segment{{from: switchEnd, to: controllerEnd, seq: 99, syn: true, data: a}, up(116, b)}, []string{"1", "2"}},
		{"out of order", []*segment{syn(99), up(140, c), up(116, b), up(100, a)}, []string{"1", "2", "3"}},
		{"sent again", []*segment{syn(99), up(100, a), up(100, abc[:20]), up(110, abc[10:]), up(100, a)}, []string{"1", "2", "3"}},
		{"sent again ahead", []*segment{syn(99), up(116, b), up(116, b), up(130, abc[30:]), up(100, a)}, []string{"1", "2", "3"}},
		{"around zero", []*segment{syn(1<<32 - 10), up(1<<32-9, abc[:16]), up(15, abc[24:]), up(7, abc[16:24])}, []string{"1", "2", "3"}},
		{"keep-alive", []*segment{syn(99), up(100, a), up(115, []byte{0}), up(116, b)}, []string{"1", "2"}},
		{"lost and acknowledged", []*segment{syn(99), up(100, a), up(140, c), ack(156), up(156, d)},
			[]string{"1", "24 bytes are missing from the capture", "3", "4"}},
		{"lost to the end", []*segment{syn(99), up(100, a), up(140, c), fin(156)}, []string{"1", "24 bytes are missing from the capture", "3"}},
		{"lost within a message", []*segment{syn(99), up(100, abc[:20]), up(130, abc[30:]), ack(156)},
			[]string{"1", "10 bytes are missing from the capture, after the first 4 bytes of a message", "no message was found in 10 bytes", "3"}},
		{"joined late", []*segment{up(100, abc[5:]), up(151, d)}, []string{"no message was found in 11 bytes", "2", "3", "4"}},
		{"joined late, whole", []*segment{up(100, abc)}, []string{"1", "2", "3"}},
		{"cut off", []*segment{syn(99), up(100, abc[:50])}, []string{"1", "2", "the capture ends after the first 10 bytes of a message"}},
		{"ports used again", []*segment{syn(99), up(100, abc[:20]), syn(5), up(6, c)}, []string{"1", "the capture ends after the first 4 bytes of a message", "3"}},
		{"no OpenFlow", []*segment{syn(99), up(100, []byte{4, 9, 0, 7, 9, 9, 9, 9}), up(108, a)},
			[]string{"a message of 7 bytes, at least 8: this is no OpenFlow from here on", "no message was found in 8 bytes", "1"}},
		{"nothing but noise", []*segment{up(100, bytes.Repeat([]byte{0xff}, 200_000))}, []string{"no message was found in the last 7 bytes; no message was found in 199993 bytes before"}},
		{"other ports", []*segment{{from: netip.MustParseAddrPort("192.0.2.1:80"), to: netip.MustParseAddrPort("192.0.2.2:81"), data: a}}, nil},
		{"no data", []*segment{ack(7)}, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			if d := cmp.Diff(row.want, play(row.segments...)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestStreamsInAnyOrder: whatever the order and however often segments come,
// the messages are those that were sent.
func TestStreamsInAnyOrder(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var all []byte
		var want []string
		for xid := range 30 {
			all = append(all, echo(uint32(xid), 8+rnd.IntN(100))...)
			want = append(want, fmt.Sprint(xid))
		}
		start := rnd.Uint32()
		var segments []*segment
		for at := 0; at < len(all); {
			n := min(1+rnd.IntN(90), len(all)-at)
			again := min(rnd.IntN(20), at)
			segments = append(segments, up(start+1+uint32(at-again), all[at-again:at+n]))
			at += n
		}
		rnd.Shuffle(len(segments), func(i, j int) { segments[i], segments[j] = segments[j], segments[i] })
		if d := cmp.Diff(want, play(append([]*segment{syn(start)}, segments...)...)); d != "" {
			t.Fatalf("(-want +got):\n%s", d)
		}
	}
}

// TestStreamsAreBounded: what a hostile capture makes us keep has its bounds.
func TestStreamsAreBounded(t *testing.T) {
	a := newStreams([]uint16{6653}, func(captured) {})
	check := func(what string) {
		t.Helper()
		held := 0
		for e := a.recent.Front(); e != nil; e = e.Next() {
			st := e.Value.(*stream)
			held += st.held + len(st.buf)
			if len(st.ahead) > maxAheadPieces || st.held > maxAhead {
				t.Fatalf("%s: %d pieces, %d bytes ahead", what, len(st.ahead), st.held)
			}
		}
		if held != a.bytes || held > maxStreamBytes || a.recent.Len() > maxStreams || len(a.all) != a.recent.Len() {
			t.Fatalf("%s: %d bytes held, %d counted, %d streams", what, held, a.bytes, a.recent.Len())
		}
	}
	a.add(syn(0))
	for i := range uint32(3 * maxAheadPieces) {
		a.add(up(10+2*i, []byte{1}))
	}
	check("a gap after each byte")
	block := bytes.Repeat([]byte{0xff}, 32<<10)
	for port := range uint16(120) {
		end := netip.AddrPortFrom(switchEnd.Addr(), port)
		a.add(&segment{from: end, to: controllerEnd, syn: true})
		for i := range uint32(25) {
			a.add(&segment{from: end, to: controllerEnd, seq: 10 + i*32<<10, data: block})
		}
	}
	check("many with a gap")
	if a.bytes < maxStreamBytes/2 {
		t.Fatalf("%d bytes held: the bound was not put to the test", a.bytes)
	}
	for i := range uint32(3 * maxStreams) {
		var ip [4]byte
		binary.BigEndian.PutUint32(ip[:], i)
		a.add(&segment{from: netip.AddrPortFrom(netip.AddrFrom4(ip), 1), to: controllerEnd, syn: true})
	}
	check("many connections")
	a.end()
	check("at the end")
}
