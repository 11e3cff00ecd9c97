package faultproxy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of these tests.
const patience = 20 * time.Second

// ends are a switch and a controller with a proxy between them.
type ends struct {
	p       *Proxy
	ln      net.Listener
	sw, ctl *net.TCPConn
}

// between returns both ends of a proxied connection. It is taken down with the
// test.
func between(t *testing.T, faults string, seed uint64) *ends {
	t.Helper()
	fs, err := Parse(faults)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p, err := Start(Config{Target: ln.Addr().String(), Faults: fs, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	e := &ends{p: p, ln: ln}
	t.Cleanup(func() {
		p.Close()
		ln.Close()
	})
	e.connect(t)
	return e
}

// connect makes another connection, which takes the place of the first.
func (e *ends) connect(t *testing.T) {
	t.Helper()
	sw, err := net.Dial("tcp", e.p.Addr())
	for errors.Is(err, syscall.ECONNRESET) && t.Context().Err() == nil { // before Dial has looked at it
		sw, err = net.Dial("tcp", e.p.Addr())
	}
	if err != nil {
		t.Fatal(err)
	}
	e.sw = sw.(*net.TCPConn)
	ctl, err := e.ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	e.ctl = ctl.(*net.TCPConn)
	for _, c := range []net.Conn{sw, ctl} {
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
	}
}

// frame is a message that tells its number in its xid and its body.
func frame(n, length int) []byte {
	b := []byte{4, 2, byte(length >> 8), byte(length), 0, 0, byte(n >> 8), byte(n)}
	for len(b) < length {
		b = append(b, byte(n+len(b)))
	}
	return b
}

// stream is n messages of lengths between 8 and 71 bytes.
func stream(n int) (b []byte) {
	for i := range n {
		b = append(b, frame(i, 8+i*13%64)...)
	}
	return b
}

func write(t *testing.T, c net.Conn, b []byte) {
	t.Helper()
	if _, err := c.Write(b); err != nil {
		t.Fatal(err)
	}
}

// through sends b up, ends the switch's side, and returns all that comes out.
func (e *ends) through(t *testing.T, b []byte) []byte {
	t.Helper()
	write(t, e.sw, b)
	if err := e.sw.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(e.ctl)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// xids returns the numbers of the messages in b.
func xids(b []byte) (out []int) {
	for len(b) >= 8 {
		out = append(out, int(binary.BigEndian.Uint32(b[4:])))
		b = b[min(len(b), max(8, int(binary.BigEndian.Uint16(b[2:])))):]
	}
	return out
}

func TestNothingHappensWithoutFaults(t *testing.T) {
	e := between(t, "", 1)
	want := bytes.Repeat(stream(100), 30)
	done := make(chan struct{})
	go func() { // both ways at once
		defer close(done)
		e.ctl.Write(want)
		e.ctl.CloseWrite()
	}()
	if got := e.through(t, want); !bytes.Equal(got, want) {
		t.Errorf("up: %d bytes came out, not the %d that went in", len(got), len(want))
	}
	got, err := io.ReadAll(e.sw)
	<-done
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("down: %d bytes came out, not the %d that went in: %v", len(got), len(want), err)
	}
	if c := e.p.Counts(); c != (Counts{}) {
		t.Errorf("faults happened: %v", c)
	}
	awaitNone(t, e.p)
}

// awaitNone waits until the proxy has forgotten every connection.
func awaitNone(t *testing.T, p *Proxy) {
	t.Helper()
	for end := time.Now().Add(patience); p.Connections() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d connections are left", p.Connections())
		}
	}
}

func TestStreamsThatAreNotOpenFlowPass(t *testing.T) {
	for name, b := range map[string][]byte{
		"tls":          bytes.Repeat([]byte{0x16, 3, 1, 0xff, 0xff, 0}, 1000),
		"short length": append(stream(3), 4, 0, 0, 3, 1, 2, 3),
		"cut off":      append(stream(3), 4, 0, 0, 99, 1, 2, 3),
	} {
		if got := between(t, "corrupt-length", 1).through(t, b); name == "tls" && !bytes.Equal(got, b) || len(got) != len(b) {
			t.Errorf("%s: %d bytes became %d", name, len(b), len(got))
		}
	}
}

func TestResetPasses(t *testing.T) {
	e := between(t, "", 1)
	write(t, e.sw, frame(1, 8))
	if _, err := io.ReadFull(e.ctl, make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	reset(e.sw)
	if _, err := e.ctl.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the controller sees %v, want a reset", err)
	}
	awaitNone(t, e.p)
}

func TestResetFault(t *testing.T) {
	for _, faults := range []string{"reset@byte:100@up", "reset@message:3@up", "reset@time:20ms", "reset"} {
		e := between(t, faults, 1)
		if strings.HasSuffix(faults, "@up") {
			write(t, e.sw, stream(10))
		}
		for name, c := range map[string]net.Conn{"switch": e.sw, "controller": e.ctl} {
			if _, err := io.Copy(io.Discard, c); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%s: the %s sees %v, want a reset", faults, name, err)
			}
		}
		awaitNone(t, e.p)
		if n := e.p.Counts()[Reset]; n == 0 {
			t.Errorf("%s: not counted", faults)
		}
	}
}

// TestHalfClose: one direction ends at once, also without a message, and the
// other one goes on.
func TestHalfClose(t *testing.T) {
	e := between(t, "half-close@down@time:10ms", 1)
	if n, err := e.sw.Read(make([]byte, 1)); err != io.EOF {
		t.Fatalf("the switch reads %d, %v, want the end", n, err)
	}
	write(t, e.ctl, frame(1, 8)) // thrown away
	if got := e.through(t, stream(5)); !bytes.Equal(got, stream(5)) {
		t.Errorf("%d bytes came up, want %d", len(got), len(stream(5)))
	}
	e.ctl.Close()
	awaitNone(t, e.p)
}

// TestCutHoldsEndsBack: while a direction is cut, neither FIN nor RST pass; when
// it is over they do.
func TestCutHoldsEndsBack(t *testing.T) {
	e := between(t, "cut@up", 1)
	write(t, e.sw, stream(3))
	e.sw.Close()
	e.await(t, Cut, 1)
	e.ctl.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if n, err := e.ctl.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the controller reads %d, %v, want nothing", n, err)
	}
	e.p.Set()
	e.ctl.SetReadDeadline(time.Now().Add(patience))
	if n, err := e.ctl.Read(make([]byte, 1)); err != io.EOF {
		t.Fatalf("the controller reads %d, %v, want the end", n, err)
	}
	e.ctl.Close()
	awaitNone(t, e.p)

	// Both sides give up while both ways are cut: nobody is left to tell.
	e = between(t, "cut", 1)
	e.sw.Close()
	e.ctl.Close()
	awaitNone(t, e.p)
}

// TestSet: faults change on a living connection, and their windows begin then.
func TestSet(t *testing.T) {
	e := between(t, "", 1)
	got := make([]byte, len(stream(10)))
	drops := uint64(0)
	for _, step := range []struct {
		faults string
		want   []byte
		drops  uint64
	}{
		{"", stream(10), 0},
		{"drop@up@message:5", stream(5), 5},
		{"drop@up@byte:0-1", stream(10)[len(stream(1)):], 1},
		{"", stream(10), 0},
	} {
		fs, err := Parse(step.faults)
		if err != nil {
			t.Fatal(err)
		}
		e.p.Set(fs...)
		write(t, e.sw, stream(10))
		if n, err := io.ReadFull(e.ctl, got[:len(step.want)]); err != nil || !bytes.Equal(got[:n], step.want) {
			t.Fatalf("%q: %d bytes, %v; want %d", step.faults, n, err, len(step.want))
		}
		drops += step.drops
		e.await(t, Drop, drops)
		// Another number shows that nothing else has come.
		e.p.Set()
		write(t, e.sw, frame(999, 8))
		if _, err := io.ReadFull(e.ctl, got[:8]); err != nil || xids(got[:8])[0] != 999 {
			t.Fatalf("%q: then came %x, %v", step.faults, got[:8], err)
		}
	}
}

// TestDirectionsAndConnections: a fault acts where its text says.
func TestDirectionsAndConnections(t *testing.T) {
	e := between(t, "drop@down@connection:2", 1)
	for n := 1; n <= 3; n++ {
		if n > 1 {
			e.connect(t)
		}
		write(t, e.sw, stream(2))
		write(t, e.ctl, stream(2))
		write(t, e.ctl, []byte{4}) // the beginning of a message, which the end hands on
		e.ctl.CloseWrite()
		got, err := io.ReadAll(e.sw)
		want := append(stream(2), 4)
		if n == 2 {
			want = []byte{4}
		}
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("connection %d: down came %x, %v; want %x", n, got, err, want)
		}
		e.sw.CloseWrite()
		if got, err = io.ReadAll(e.ctl); err != nil || !bytes.Equal(got, stream(2)) {
			t.Errorf("connection %d: up came %d bytes, %v", n, len(got), err)
		}
	}
}

// TestReorderedMessageWithoutSuccessor is sent all the same.
func TestReorderedMessageWithoutSuccessor(t *testing.T) {
	e := between(t, "reorder", 1)
	write(t, e.sw, frame(1, 8))
	if _, err := io.ReadFull(e.ctl, make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
}

// TestThrottleAndDelayTakeTime: never less than they must.
func TestThrottleAndDelayTakeTime(t *testing.T) {
	for faults, least := range map[string]time.Duration{"throttle=20k": 400 * time.Millisecond, "delay=200ms": 200 * time.Millisecond} {
		e := between(t, faults, 1)
		in := stream(300)[:10<<10]
		began := time.Now()
		if got := e.through(t, in); !bytes.Equal(got, in) {
			t.Errorf("%s: %d bytes became %d", faults, len(in), len(got))
		}
		if took := time.Since(began); took < least {
			t.Errorf("%s: 10 KiB took %v, at least %v are due", faults, took, least)
		}
	}
}

// TestBounds: a side that reads nothing stops the other, soon and for every
// fault that holds things up.
func TestBounds(t *testing.T) {
	for _, faults := range []string{"", "delay=1h", "throttle=1", "split=1"} {
		e := between(t, faults, 1)
		e.sw.SetWriteBuffer(64 << 10)
		e.ctl.SetReadBuffer(64 << 10)
		b, sent := stream(1000), 0
		for {
			e.sw.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
			n, err := e.sw.Write(b)
			sent += n
			if err != nil {
				break
			}
			if sent > 16<<20 {
				t.Fatalf("%q: %d bytes went nowhere, and more are taken", faults, sent)
			}
		}
	}
}

func TestControllerIsNotThere(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	p, err := Start(Config{Target: ln.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c, err := net.Dial("tcp", p.Addr())
	if err == nil { // else the reset was quicker
		defer c.Close()
		c.SetDeadline(time.Now().Add(patience))
		_, err = c.Read(make([]byte, 1))
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the switch sees %v, want a reset", err)
	}
	if err := p.Err(); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("the proxy tells %v, want that the connection is refused", err)
	}
}

// TestCloseLeavesNothing: with every fault at work, Close ends all goroutines
// (TestMain looks) and gives all descriptors back.
func TestCloseLeavesNothing(t *testing.T) {
	before := openFiles(t)
	for k := range kinds {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		fs, err := Parse(kinds[k].example)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Start(Config{Target: ln.Addr().String(), Faults: fs})
		if err != nil {
			t.Fatal(err)
		}
		var conns []net.Conn
		for range 5 {
			sw, err := net.Dial("tcp", p.Addr())
			if err != nil {
				t.Fatal(err)
			}
			ctl, err := ln.Accept()
			if err != nil {
				t.Fatal(err)
			}
			sw.Write(stream(100))
			ctl.Write(stream(100))
			conns = append(conns, sw, ctl)
		}
		p.Close()
		if n := p.Connections(); n != 0 {
			t.Errorf("%s: %d connections are left", kinds[k].name, n)
		}
		for _, c := range conns {
			c.Close()
		}
		ln.Close()
	}
	if after := openFiles(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	d, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skipf("descriptors are not counted: %v", err)
	}
	return len(d)
}

// TestNothingComesBehindAReset: what was read together with the byte of the reset
// does not arrive, however late the reset itself does.
func TestNothingComesBehindAReset(t *testing.T) {
	want := stream(10)[:100]
	for range 20 {
		e := between(t, "delay=5ms@up,reset@byte:100@up", 1)
		write(t, e.sw, stream(10))
		got, err := io.ReadAll(e.ctl)
		if !errors.Is(err, syscall.ECONNRESET) || !bytes.HasPrefix(want, got) {
			t.Fatalf("%d bytes, %v; want at most the first 100:\n% x\n% x", len(got), err, got, want)
		}
	}
}
