package main

import (
	"encoding/binary"
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
)

func mustTraffic(t testing.TB, v ofp.Version, index, hosts, window int) *traffic {
	t.Helper()
	tr, err := newTraffic(v, index, hosts, window)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// sent decodes the packet-ins in b.
func sent(t *testing.T, b []byte) (ms []*ofp.PacketIn) {
	t.Helper()
	for len(b) > 0 {
		n := binary.BigEndian.Uint16(b[2:])
		_, m, err := ofp.Decode(b[:n])
		if err != nil {
			t.Fatal(err)
		}
		ms = append(ms, m.(*ofp.PacketIn).Clone())
		b = b[n:]
	}
	return ms
}

// TestLearningSwitchKnowsEveryDestination plays a learning switch on what is
// sent: after one packet-in of each host every destination is known, behind
// another port than the source's, and no host ever moves.
func TestLearningSwitchKnowsEveryDestination(t *testing.T) {
	for _, v := range ofp.Versions() {
		for _, hosts := range []int{2, 3, 4, 5, 9, 100} {
			tr := mustTraffic(t, v, 0x1234, hosts, 1<<15)
			const rounds = 7
			ms := sent(t, tr.fill(nil, 1, rounds*hosts*tr.frameLen()))
			if len(ms) != rounds*hosts {
				t.Fatalf("OpenFlow %s, %d hosts: %d packet-ins, want %d", v, hosts, len(ms), rounds*hosts)
			}
			at := map[ofp.MAC]ofp.PortNo{}
			pairs := map[[2]ofp.MAC]bool{}
			ids := map[uint32]bool{}
			for i, m := range ms {
				dst, src := ofp.MAC(m.Data[0:6]), ofp.MAC(m.Data[6:12])
				if ids[m.BufferID] || m.BufferID == ofp.NoBuffer {
					t.Fatalf("OpenFlow %s: buffer id %d comes again", v, m.BufferID)
				}
				ids[m.BufferID] = true
				if p, ok := at[src]; ok && p != m.InPort() {
					t.Fatalf("OpenFlow %s: host %s moves from port %d to %d", v, src, p, m.InPort())
				}
				at[src] = m.InPort()
				pairs[[2]ofp.MAC{src, dst}] = true
				if i < hosts {
					continue
				}
				if p, ok := at[dst]; !ok || p == m.InPort() {
					t.Fatalf("OpenFlow %s, %d hosts: packet-in %d is for host %s behind port %d, from port %d", v, hosts, i, dst, p, m.InPort())
				}
			}
			if len(at) != hosts {
				t.Errorf("OpenFlow %s: %d hosts send, want %d", v, len(at), hosts)
			}
			if hosts > 5 && len(pairs) < 3*hosts {
				t.Errorf("OpenFlow %s, %d hosts: only %d pairs in %d packet-ins", v, hosts, len(pairs), len(ms))
			}
		}
	}
}

func TestPacketInIsWhole(t *testing.T) {
	tr := mustTraffic(t, ofp.V10, 7, 2, 1)
	ms := sent(t, tr.fill(nil, 1, 1<<16))
	if len(ms) != 1 || ms[0].TotalLen != 64 || len(ms[0].Data) != 64 || tr.frameLen() != 82 {
		t.Fatalf("%d packet-ins of %d bytes: %+v", len(ms), tr.frameLen(), ms)
	}
	var sum uint32
	for i := 14; i < 34; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(ms[0].Data[i:]))
	}
	if sum = sum&0xffff + sum>>16; sum != 0xffff {
		t.Errorf("IP header checksum adds up to %#x", sum)
	}
}

func TestSwitchesShareNoHost(t *testing.T) {
	seen := map[ofp.MAC]int{}
	for _, index := range []int{0, 1, 255, 256, 65535} {
		for _, m := range sent(t, mustTraffic(t, ofp.V13, index, 10, 16).fill(nil, 1, 1<<16)) {
			mac := ofp.MAC(m.Data[6:12])
			if other, ok := seen[mac]; ok && other != index {
				t.Errorf("switches %d and %d both have host %s", other, index, mac)
			}
			seen[mac] = index
		}
	}
}

func TestWindowBoundsWhatIsInFlight(t *testing.T) {
	tr := mustTraffic(t, ofp.V10, 0, 10, 8)
	ms := sent(t, tr.fill(nil, 1, 1<<16))
	if len(ms) != 8 || len(tr.fill(nil, 2, 1<<16)) != 0 {
		t.Fatalf("%d packet-ins in a window of 8", len(ms))
	}
	// All but the third are answered: seven more may go, and none of them takes
	// the place of the third.
	for i, m := range ms {
		if i != 2 && !tr.answer(m.BufferID, 3) {
			t.Errorf("answer %d does not count", i)
		}
	}
	if n := len(sent(t, tr.fill(nil, 4, 1<<16))); n != 7 {
		t.Errorf("%d packet-ins more, want 7", n)
	}
	if !tr.answer(ms[2].BufferID, 5) {
		t.Error("the answer to the third does not count")
	}
}

func TestBufferIDsWrap(t *testing.T) {
	tr := mustTraffic(t, ofp.V10, 0, 10, 4)
	tr.next = bufferIDMask - 1
	for range 5 {
		for _, m := range sent(t, tr.fill(nil, 1, 1<<16)) {
			if m.BufferID > bufferIDMask {
				t.Errorf("buffer id %#x", m.BufferID)
			}
			if !tr.answer(m.BufferID, 2) {
				t.Errorf("the answer to %#x does not count", m.BufferID)
			}
		}
	}
	if tr.Answered != 20 || tr.next != 18 {
		t.Errorf("%d answered, next id %d", tr.Answered, tr.next)
	}
}

func TestAnswersThatDoNotCount(t *testing.T) {
	tr := mustTraffic(t, ofp.V10, 0, 10, 4)
	ms := sent(t, tr.fill(nil, 0, 1<<16))
	tr.answer(ms[0].BufferID, 1)
	tr.expire(100, 10) // gives up the rest
	tr.fill(nil, 101, 1<<16)
	for _, test := range []struct {
		name string
		id   uint32
		want tally
	}{
		{"no buffer", ofp.NoBuffer, tally{Unbuffered: 1}},
		{"not sent yet", tr.next, tally{Unknown: 1}},
		{"as old as the first", ms[0].BufferID, tally{Duplicate: 1}},
		{"far ahead", tr.next + 1000, tally{Unknown: 1}},
		{"high bit", 1 << 31, tally{Unknown: 1}},
		{"given up, and its slot in use again", ms[1].BufferID, tally{Late: 1}},
	} {
		before := tr.tally
		if tr.answer(test.id, 102) {
			t.Errorf("%s: counts", test.name)
		}
		if got := tr.tally.minus(before); got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
	id := tr.next - 1
	if before := tr.Duplicate; !tr.answer(id, 103) || tr.answer(id, 104) || tr.Duplicate != before+1 {
		t.Errorf("the second answer to one packet-in: %+v", tr.tally)
	}
}

func TestSlowControllerLosesNothing(t *testing.T) {
	// Answers come in order, each long after the timeout, but they do come.
	tr := mustTraffic(t, ofp.V10, 0, 10, 4)
	ms := sent(t, tr.fill(nil, 0, 1<<16))
	for i, m := range ms {
		now := int64(9 * (i + 1))
		tr.expire(now, 10)
		if !tr.answer(m.BufferID, now) {
			t.Errorf("answer %d does not count", i)
		}
	}
	// One is passed over: packet-ins sent later than the timeout after it are
	// answered.
	skipped := sent(t, tr.fill(nil, 40, 1*82))[0]
	for now := int64(41); now < 60; now += 3 {
		for _, m := range sent(t, tr.fill(nil, now, 1<<16)) {
			tr.answer(m.BufferID, now+1)
		}
		tr.expire(now, 10)
	}
	if tr.Lost != 1 || tr.answer(skipped.BufferID, 61) {
		t.Errorf("the one passed over was not given up: %+v", tr.tally)
	}
}

func TestTrafficAllocatesNothing(t *testing.T) {
	tr := mustTraffic(t, ofp.V13, 0, 100, 256)
	tr.latency = new(histogram)
	buf := make([]byte, 0, chunkLen)
	now := int64(0)
	if n := testing.AllocsPerRun(100, func() {
		now++
		first := tr.next
		buf = tr.fill(buf[:0], now, cap(buf))
		for id := first; id != tr.next; id++ {
			tr.answer(id, now+1)
		}
	}); n != 0 {
		t.Errorf("%v allocations a chunk", n)
	}
}

func BenchmarkPacketInAndAnswer(b *testing.B) {
	tr := mustTraffic(b, ofp.V10, 0, 100, 1024)
	tr.latency = new(histogram)
	buf := make([]byte, 0, chunkLen)
	n := 0
	for b.Loop() {
		first := tr.next
		buf = tr.fill(buf[:0], 1, cap(buf))
		for id := first; id != tr.next; id++ {
			tr.answer(id, 2)
			n++
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/packet-in")
}
