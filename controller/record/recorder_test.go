package record

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// message returns an OpenFlow 1.3 message.
func message(t testing.TB, xid uint32, m ofp.Message) []byte {
	t.Helper()
	b, err := ofp.Append(nil, ofp.V13, xid, m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// handshake is what both say at first.
func handshake(t testing.TB, dpid ofp.DPID) (up, down []byte) {
	up = append(message(t, 1, ofp.NewHello(ofp.V13)), message(t, 2, &ofp.FeaturesReply{DPID: dpid})...)
	down = append(message(t, 1, ofp.NewHello(ofp.V13)), message(t, 2, &ofp.FeaturesRequest{})...)
	return up, down
}

func packetIn(t testing.TB, n, size int) []byte {
	data := make([]byte, size)
	copy(data, fmt.Sprintf("packet %d", n))
	return message(t, 0, &ofp.PacketIn{BufferID: ofp.NoBuffer, TotalLen: uint16(size), Data: data})
}

func TestRecording(t *testing.T) {
	x := run(t, Config{Program: "test 1.0"}, nil)
	if list := read(t, x.path); len(list) > 0 {
		t.Fatal("there are connections before the first")
	}
	before := time.Now()
	up, down := handshake(t, 0x42)
	type side struct {
		nc   net.Conn
		want [2]string
		real string
	}
	sides := []side{
		{between("192.0.2.1:40000", "192.0.2.9:6653"), [2]string{"192.0.2.1:40000", "192.0.2.9:6653"}, "switch 192.0.2.1:40000, controller 192.0.2.9:6653"},
		// The controller's port is another, and the pair the same.
		{between("192.0.2.1:40000", "192.0.2.9:6633"), [2]string{"192.0.2.1:49152", "192.0.2.9:6653"}, "switch 192.0.2.1:40000, controller 192.0.2.9:6633"},
		// The switch listens on the port.
		{between("192.0.2.1:6653", "192.0.2.9:40000"), [2]string{"192.0.2.1:49153", "192.0.2.9:6653"}, "switch 192.0.2.1:6653, controller 192.0.2.9:40000"},
		{between("[2001:db8::1]:5", "[2001:db8::2]:7"), [2]string{"[2001:db8::1]:5", "[2001:db8::2]:6653"}, "switch [2001:db8::1]:5, controller [2001:db8::2]:7"},
		{between("[::ffff:192.0.2.7]:5", "192.0.2.9:6653"), [2]string{"192.0.2.7:5", "192.0.2.9:6653"}, "switch 192.0.2.7:5, controller 192.0.2.9:6653"},
		{end{local: &net.UnixAddr{Name: "/run/of.sock", Net: "unix"}, remote: &net.UnixAddr{Name: "@", Net: "unix"}},
			[2]string{"[fd73:6c75:6963:6500::6]:49152", "[fd73:6c75:6963:6500::]:6653"}, "switch without an address, controller /run/of.sock"},
		{end{}, [2]string{"[fd73:6c75:6963:6500::7]:49152", "[fd73:6c75:6963:6500::]:6653"}, "switch without an address, controller without an address"},
	}
	big := packetIn(t, 1, 65000)
	var all []channel.Recording
	for i, s := range sides {
		r := x.Record(s.nc)
		r.Sent(down)
		r.Received(up)
		r.Known(ofp.V13, 0x42, fmt.Sprintf("br%d\n", i))
		r.Received(big[:10])
		r.Received(big[10:50000])
		r.Sent(message(t, 9, &ofp.BarrierRequest{}))
		r.Received(big[50000:])
		r.Received(up[:3]) // the start of one that does not come
		all = append(all, r)
	}
	for _, r := range all {
		r.End("peer_closed: EOF")
	}
	x.end()

	info, err := os.Stat(x.path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	got := read(t, x.path)
	if len(got) != len(sides) {
		t.Fatalf("%d connections, want %d", len(got), len(sides))
	}
	for i, c := range got {
		if ends := [2]string{c.ends[0].String(), c.ends[1].String()}; ends != sides[i].want {
			t.Errorf("ends %v, want %v", ends, sides[i].want)
		}
		want := [2][]byte{slices.Concat(up, big, up[:3]), slices.Concat(down, message(t, 9, &ofp.BarrierRequest{}))}
		for dir, data := range c.data {
			if !bytes.Equal(data, want[dir]) {
				t.Errorf("%v: direction %d has %d bytes, want %d", c.ends, dir, len(data), len(want[dir]))
			}
		}
		comments := []string{
			fmt.Sprintf("sluice: connection %d, %s", i+1, sides[i].real),
			fmt.Sprintf("sluice: connection %d is dpid 0000000000000042, OpenFlow 1.3, name br%d.", i+1, i),
			"sluice: the rest of this message did not come",
			"sluice: the connection ends: peer_closed: EOF",
		}
		if d := cmp.Diff(comments, c.comments); d != "" {
			t.Errorf("comments (-want +got):\n%s", d)
		}
		if c.finished != 2 {
			t.Errorf("%v: %d sides end", c.ends, c.finished)
		}
		for _, at := range c.times {
			if at.Before(before.Truncate(time.Microsecond)) || at.After(time.Now()) {
				t.Errorf("said at %v", at)
			}
		}
	}
	if len(x.logs.AllEntries()) > 0 {
		t.Errorf("logged: %v", x.logs.LastEntry().Message)
	}
}

// TestRotation: files are bounded in size and number, each is whole by itself,
// and together they hold all that was said since the first of them.
func TestRotation(t *testing.T) {
	const size, files, connections = MinSize, 3, 4
	x := run(t, Config{Size: size, Files: files, Queue: 8 << 20}, nil)
	up, down := handshake(t, 1)
	var said [connections][]byte
	var all []channel.Recording
	for i := range connections {
		r := x.Record(between(fmt.Sprintf("192.0.2.%d:4000", i+1), "192.0.2.9:6653"))
		r.Sent(down)
		r.Received(up)
		r.Known(ofp.V13, 1, "br0")
		all = append(all, r)
	}
	for n := range 900 {
		m := packetIn(t, n, 100+n)
		// Pieces that end within messages, and others speak meanwhile.
		for i, r := range all {
			said[i] = append(said[i], m...)
			r.Received(m[:50])
		}
		for _, r := range all {
			r.Received(m[50:])
		}
	}
	for _, r := range all {
		r.End("shutdown")
	}
	x.end()
	list := x.files()
	if len(list) != files {
		t.Fatalf("files %v", list)
	}
	var tails [connections][]byte
	for n, path := range list {
		info, err := os.Stat(path)
		if err != nil || info.Size() > size || n < files-1 && info.Size() < size/2 {
			t.Errorf("%s has %d bytes, %v", path, info.Size(), err)
		}
		for _, c := range read(t, path) {
			again := strings.Contains(c.comments[0], "dpid 0000000000000001, OpenFlow 1.3, name br0; goes on here; its handshake is repeated")
			if !again || !bytes.Equal(c.repeated[fromSwitch], up) || !bytes.Equal(c.repeated[toSwitch], down) {
				t.Errorf("%s: %q repeats %d and %d bytes", path, c.comments[0], len(c.repeated[0]), len(c.repeated[1]))
			}
			i := c.ends[fromSwitch].Addr().As4()[3] - 1
			tails[i] = append(tails[i], c.data[fromSwitch]...)
		}
	}
	for i, tail := range tails {
		if len(tail) == 0 || !bytes.HasSuffix(said[i], tail) {
			t.Errorf("connection %d: %d bytes that are not the last of what was said", i, len(tail))
		}
	}
	if n := testutil.ToFloat64(only(x.Recorder, "sluice_record_files_total")); n < files+1 {
		t.Errorf("%v files begun", n)
	}
}

// TestEarlierFiles: the recording of an earlier run is moved, and what is no
// recording is left alone.
func TestEarlierFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "of.pcapng")
	say := func(n int) {
		x := run(t, Config{Path: path, Files: 3}, nil)
		r := x.Record(between(fmt.Sprintf("192.0.2.%d:4000", n), "192.0.2.9:6653"))
		r.Sent(message(t, 1, &ofp.Hello{}))
		r.End("shutdown")
		x.end()
	}
	for n := 1; n <= 4; n++ {
		say(n)
	}
	for i, name := range []string{"", ".1", ".2"} {
		if got := read(t, path+name)[0].ends[0].Addr().As4()[3]; int(got) != 4-i {
			t.Errorf("%s is of run %d", name, got)
		}
	}
	if _, err := os.Stat(path + ".3"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there are more than 3 files: %v", err)
	}
	// A gap in the numbers is filled.
	if err := os.Remove(path + ".1"); err != nil {
		t.Fatal(err)
	}
	say(5)
	if got := read(t, path+".2")[0].ends[0].Addr().As4()[3]; got != 2 {
		t.Errorf("the last is of run %d", got)
	}

	// Runs in which nothing is said push nothing out.
	for range 3 {
		run(t, Config{Path: path, Files: 3}, nil).end()
	}
	if got := read(t, path+".1")[0].ends[0].Addr().As4()[3]; got != 5 {
		t.Errorf("the last but one is of run %d", got)
	}

	text := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(text, []byte("do not lose this\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path string
		cfg  Config
		want string
	}{
		{text, Config{}, "is there and is no recording; move it away or name another file"},
		{dir, Config{}, "is there and is no recording"},
		{"/dev/null", Config{}, "is there and is no recording"},
		{"", Config{}, "want the name of a file"},
		{dir + "/", Config{}, "want the name of a file"},
		{dir + "/none/of.pcapng", Config{}, "no such file or directory"},
		{path, Config{Size: 1000}, "files of 1000 bytes are too small"},
		{path, Config{Files: -1}, "too few"},
	} {
		c.cfg.Path = c.path
		if _, err := New(c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.path, err, c.want)
		}
	}
	if b, err := os.ReadFile(text); err != nil || string(b) != "do not lose this\n" {
		t.Errorf("%q, %v", b, err)
	}
}

// gate is a file that takes nothing while it is shut.
type gate struct {
	diskFile
	shut *sync.Mutex
}

func (g gate) Write(b []byte) (int, error) {
	g.shut.Lock()
	defer g.shut.Unlock()
	return g.diskFile.Write(b)
}

// TestSlowDisk: nobody waits for a slow disk; what is left out is counted, and
// the connection goes on with whole messages.
func TestSlowDisk(t *testing.T) {
	var shut sync.Mutex
	x := run(t, Config{Queue: 2 << 20}, func(path string) (diskFile, error) {
		f, err := createFile(path)
		return gate{f, &shut}, err
	})
	up, down := handshake(t, 7)
	r := x.Record(between("192.0.2.1:4000", "192.0.2.9:6653"))
	r.Sent(down)
	r.Received(up)
	r.Known(ofp.V13, 7, "br0")
	lost := func() float64 { return testutil.ToFloat64(only(x.Recorder, "sluice_record_lost_bytes_total")) }

	shut.Lock()
	n := 0
	var all [][]byte
	speak := func() {
		m := packetIn(t, n, 1000+n%7)
		all = append(all, m)
		r.Received(m[:100])
		r.Received(m[100:])
		r.Sent(message(t, uint32(n), &ofp.BarrierRequest{}))
		n++
	}
	for lost() < 1<<20 {
		speak()
		if n > 100_000 {
			t.Fatal("nothing is left out")
		}
	}
	if held := testutil.ToFloat64(only(x.Recorder, "sluice_record_queue_bytes")); held > 2<<20 {
		t.Errorf("%v bytes wait", held)
	}
	r.Received(packetIn(t, n, 5000)[:2500]) // the gap ends within a message
	shut.Unlock()
	x.await("the queue is written", func() bool { return testutil.ToFloat64(only(x.Recorder, "sluice_record_queue_bytes")) == 0 })
	r.Received(packetIn(t, n, 5000)[2500:])
	for range 10 {
		speak()
	}
	r.End("shutdown")
	x.end()

	got := read(t, x.path)
	if len(got) != 2 {
		t.Fatalf("%d connections, want 2", len(got))
	}
	joined := bytes.Join(all, nil)
	if !bytes.HasPrefix(slices.Concat(up, joined), got[0].data[fromSwitch]) {
		t.Error("what stands before the gap is not what was said")
	}
	after := got[1].data[fromSwitch]
	if len(after) < 9000 || !bytes.HasSuffix(joined, after) || after[1] != 10 {
		t.Errorf("what stands after the gap, %d bytes, is not what was said", len(after))
	}
	if !bytes.Equal(got[1].repeated[fromSwitch], up) {
		t.Error("the handshake is not repeated")
	}
	var a, b int
	last := got[0].comments[len(got[0].comments)-1]
	if _, err := fmt.Sscanf(last, "sluice: here %d bytes from the switch and %d to it are left out, because the disk was slow", &a, &b); err != nil {
		t.Errorf("%q: %v", last, err)
	}
	if want := len(joined) + len(up) + 5000 + packetInOverhead(t) - len(got[0].data[fromSwitch]) - len(after); a != want {
		t.Errorf("%d bytes are said to be left out, %d are", a, want)
	}
	if float64(a+b) != lost() {
		t.Errorf("%d bytes are told, %v counted", a+b, lost())
	}
	if want := fmt.Sprintf("goes on here; its handshake is repeated; before this %d bytes from the switch and %d to it are left out", a, b); !strings.Contains(got[1].comments[0], want) {
		t.Errorf("%q, want %q", got[1].comments[0], want)
	}
}

func packetInOverhead(t testing.TB) int { return len(packetIn(t, 0, 100)) - 100 }

// sick is a file that fails after so many bytes, writing a part.
type sick struct {
	diskFile
	left *int
	mu   *sync.Mutex
}

func (s sick) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if *s.left >= len(b) {
		*s.left -= len(b)
		return s.diskFile.Write(b)
	}
	n, err := s.diskFile.Write(b[:*s.left])
	*s.left = 0
	return n, errors.Join(err, errors.New("no space left on device"))
}

// TestSickDisk: a write that fails pauses the recording with one line; the file
// stays whole, and is gone on with when the disk is well again.
func TestSickDisk(t *testing.T) {
	var mu sync.Mutex
	left := 100_000
	x := run(t, Config{}, func(path string) (diskFile, error) {
		f, err := createFile(path)
		return sick{f, &left, &mu}, err
	})
	paused := func() bool { return testutil.ToFloat64(only(x.Recorder, "sluice_record_paused")) == 1 }
	up, down := handshake(t, 7)
	r := x.Record(between("192.0.2.1:4000", "192.0.2.9:6653"))
	r.Sent(down)
	r.Received(up)
	r.Known(ofp.V13, 7, "br0")
	x.await("the handshake is written", func() bool { return testutil.ToFloat64(only(x.Recorder, "sluice_record_bytes_total")) > 0 })
	for n := range 500 {
		r.Received(packetIn(t, n, 1000))
	}
	x.await("the recording pauses", paused)
	for n := range 500 {
		r.Received(packetIn(t, n, 1000)[:600])
		r.Received(packetIn(t, n, 1000)[600:])
	}
	x.await("what is said is left out", func() bool { return testutil.ToFloat64(only(x.Recorder, "sluice_record_queue_bytes")) == 0 })
	if n := len(x.logs.AllEntries()); n != 1 || x.logs.LastEntry().Level != logrus.ErrorLevel {
		t.Errorf("%d lines, the last: %v", n, x.logs.LastEntry())
	}
	mu.Lock()
	left = 1 << 30
	mu.Unlock()
	x.w.retryAt = time.Now().Add(-time.Second) // the writer is idle: see await
	last := packetIn(t, 1000, 2000)
	r.Received(last)
	x.await("the recording goes on", func() bool { return !paused() })
	r.End("shutdown")
	x.end()

	got := read(t, x.path)
	if len(got) != 2 {
		t.Fatalf("%d connections, want 2", len(got))
	}
	if !bytes.Equal(got[0].data[fromSwitch], up) {
		t.Errorf("%d bytes stand before the pause", len(got[0].data[fromSwitch]))
	}
	if !bytes.Equal(got[1].data[fromSwitch], last) || !bytes.Equal(got[1].repeated[fromSwitch], up) {
		t.Errorf("%d bytes stand after the pause, %d are repeated", len(got[1].data[fromSwitch]), len(got[1].repeated[fromSwitch]))
	}
	told := slices.IndexFunc(got[1].comments, func(s string) bool { return strings.Contains(s, "because the disk took none") })
	if want := fmt.Sprintf(": %d bytes of all connections", 1000*len(packetIn(t, 0, 1000))); told < 0 || !strings.HasSuffix(got[1].comments[told], want) {
		t.Errorf("%q, want %q", got[1].comments, want)
	}
	lines := x.logs.AllEntries()
	if len(lines) != 2 || lines[1].Message != "recording goes on" {
		t.Errorf("%d lines, the last: %v", len(lines), lines[len(lines)-1].Message)
	}
}

// TestHandshakesAreBounded: one that is too long is not repeated, and nobody's
// handshake is kept after its end.
func TestHandshakesAreBounded(t *testing.T) {
	var total int
	mk := func(dir int, n int) *talk {
		var k talk
		for i := range n {
			k.keep(dir*(i%2), time.Time{}, message(t, 0, &ofp.FeaturesRequest{}), &total)
		}
		return &k
	}
	if k := mk(0, 100); k.kept != 800 || len(k.handshake) != 1 {
		t.Errorf("%d bytes in %d turns", k.kept, len(k.handshake))
	}
	if k := mk(0, 10_000); k.kept != 0 || !k.shaken {
		t.Errorf("%d bytes", k.kept)
	}
	if k := mk(1, maxTurns+1); k.kept != 0 || !k.shaken {
		t.Errorf("%d turns", len(k.handshake))
	}
	if total != 800 {
		t.Errorf("%d bytes of all", total)
	}
	total = maxHandshakes - 7
	if k := mk(0, 1); k.kept != 0 {
		t.Error("more than the bound of all is kept")
	}
}

// TestClosed: who speaks after the end of the recorder is not heard, and nothing
// is held.
func TestClosed(t *testing.T) {
	x := run(t, Config{}, nil)
	r := x.Record(between("192.0.2.1:4000", "192.0.2.9:6653"))
	x.end()
	r.Received(make([]byte, 100))
	r.Sent(make([]byte, 100))
	r.Known(ofp.V13, 1, "")
	r.End("late")
	if x.Record(end{}) != nil {
		t.Error("a connection is recorded after the end")
	}
	if n := x.queue.bytes(); n != 0 {
		t.Errorf("%d bytes wait", n)
	}
}
