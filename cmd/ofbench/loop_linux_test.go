package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// inLoop returns a switch that a loop serves and that sends at once, and the
// controller's end of its connection.
func inLoop(t *testing.T, window int) (*fakeSwitch, *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	s, err := newFakeSwitch(&options{version: ofp.V10, switches: 1, macs: 7, window: window, throughput: true}, 0, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if s.loop, err = startLoop(); err != nil {
		t.Fatal(err)
	}
	if s.conn, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	peer, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	s.running, s.featuresAt = true, 1
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		s.loop.close()
		peer.Close()
	})
	return s, peer.(*net.TCPConn)
}

func (s *fakeSwitch) counts() tally {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.traffic.tally
}

// TestLoopWritesAllThatWaits has a controller read nothing until far more waits
// than sockets hold; then all that was sent is there, whole and in order, and so
// are replies to what it asks meanwhile.
func TestLoopWritesAllThatWaits(t *testing.T) {
	const window = 1 << 18 // 21 MB
	s, peer := inLoop(t, window)
	_ = peer.SetReadBuffer(64 << 10)
	for end := time.Now().Add(time.Minute); s.counts().Sent < 10_000; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d packet-ins sent after a minute", s.counts().Sent)
		}
	}
	if sent := s.counts().Sent; sent == window {
		t.Fatal("the sockets took all of the window: this test shows nothing")
	}
	_ = peer.SetDeadline(time.Now().Add(time.Minute))
	go func() { _, _ = peer.Write(encode(ofp.V10, &ofp.EchoRequest{Data: []byte("there?")})) }()
	r := bufio.NewReaderSize(peer, 1<<16)
	frame := make([]byte, ofp.MaxMessageLen)
	echoes, replies := 0, []byte(nil)
	const answered = window - 5000 // this one and all after it
	for id := uint32(1); id < answered+window+2000; {
		if _, err := io.ReadFull(r, frame[:ofp.HeaderLen]); err != nil {
			t.Fatal(err)
		}
		n := binary.BigEndian.Uint16(frame[2:])
		if _, err := io.ReadFull(r, frame[ofp.HeaderLen:n]); err != nil {
			t.Fatal(err)
		}
		_, m, err := ofp.Decode(frame[:n])
		if err != nil {
			t.Fatal(err)
		}
		switch m := m.(type) {
		case *ofp.EchoReply:
			echoes++
		case *ofp.PacketIn:
			if m.BufferID != id {
				t.Fatalf("packet-in %d comes where %d is due", m.BufferID, id)
			}
			// Until the last ones of the window no answer has the loop look at the
			// socket: the kernel must.
			if id++; id <= answered {
				continue
			}
			if id == window+1 { // those that are not answered keep their slots
				id = answered + window
			}
			if replies = append(replies, flowMod(ofp.V10, m.BufferID)...); len(replies) > 1<<16 {
				if _, err := peer.Write(replies); err != nil {
					t.Fatal(err)
				}
				replies = replies[:0]
			}
		default:
			t.Fatalf("a %s comes", m.Type())
		}
	}
	if echoes != 1 {
		t.Errorf("%d echo replies, want 1", echoes)
	}
	if c := s.counts(); c.Answered < 2000 || c.Unknown+c.Duplicate+c.Late+c.Unbuffered > 0 {
		t.Errorf("counted %+v", c)
	}
}

// TestLoopEndsWhatIsStuck: a controller that takes nothing for long is given up.
func TestLoopEndsWhatIsStuck(t *testing.T) {
	s, err := newFakeSwitch(&options{version: ofp.V10, switches: 1, macs: 7, window: 8, throughput: true}, 0, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	fd, err := syscall.Dup(0)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	m := &member{s: s, fd: fd, end: make(chan error, 1), started: true, stuck: now.Add(-writeDeadline)}
	l := &loop{members: map[int32]*member{int32(fd): m}, window: 8}
	if l.check(now); m.over {
		t.Error("it is given up too soon")
	}
	l.check(now.Add(time.Second))
	if !m.over || len(l.members) != 0 || l.window != 0 {
		t.Fatalf("it is not given up: %+v", l)
	}
	if err := <-m.end; !strings.Contains(err.Error(), "has taken nothing for 10s") {
		t.Error(err)
	}
}

// TestLoopRestsWhileTheControllerHasWork alone.
func TestLoopRestsWhileTheControllerHasWork(t *testing.T) {
	const million = 1e6 / 1e9 // a second
	for _, row := range []struct {
		why                     string
		members, window, flying int
		rate                    float64
		want                    time.Duration
	}{
		{"nobody is there", 0, 0, 0, million, 0},
		{"8 M/s, all windows full", 16, 16384, 16384, 8 * million, napMost},
		{"20 M/s, half of the windows full", 16, 16384, 8192, 20 * million, 102400 * time.Nanosecond},
		{"the controller waits soon", 16, 16384, 8191, 20 * million, 0},
		{"one switch has little under way", 1, 1024, 1024, 8 * million, 0},
		{"nothing was answered of late", 16, 16384, 16384, 0, 0},
		{"each switch has one packet-in under way", 1000, 1000, 1000, million, 0},
	} {
		if got := nap(row.members, row.window, row.flying, row.rate); got != row.want {
			t.Errorf("%s: %v, want %v", row.why, got, row.want)
		}
	}
}
