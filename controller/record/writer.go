package record

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/pcapgo"
	"github.com/sirupsen/logrus"
)

// diskFile is what the writer needs of a file.
type diskFile interface {
	Write(b []byte) (int, error)
	Truncate(size int64) error
	Stat() (os.FileInfo, error)
	Close() error
}

// bufferSize is how many bytes are written at once.
const bufferSize = 1 << 20

// When the recording is tried again after a failure: the first time, and at
// most so much later.
const (
	firstRetry = 10 * time.Second
	lastRetry  = 10 * time.Minute
)

// writer makes packets of events and writes them into files. It belongs to
// Recorder.Run.
type writer struct {
	r      *Recorder
	cfg    Config
	create func(path string) (diskFile, error)

	file   diskFile // nil: none could be made
	number int      // of the file
	opens  uint32   // TCP connections that were begun
	buf    bytes.Buffer
	ng     *pcapgo.NgWriter
	sound  int64 // bytes of the file that are whole packets
	empty  bool  // the file has no packets yet

	payload   uint64 // bytes of OpenFlow in buf
	packetBuf gopacket.SerializeBuffer
	taken     map[[2]netip.AddrPort]struct{}
	kept      int // bytes of all handshakes

	failing bool // nothing could be written since the last failure: the recording pauses
	trying  bool // the next flush shows whether it goes on
	wait    time.Duration
	retryAt time.Time
	since   time.Time // of the last failure's pause
	lost    uint64    // Recorder.lostDisk when that was told last
	note    string    // for the next packet
}

func (w *writer) init(r *Recorder, cfg Config, create func(path string) (diskFile, error)) {
	w.r, w.cfg, w.create = r, cfg, create
	w.packetBuf = gopacket.NewSerializeBuffer()
	w.taken = make(map[[2]netip.AddrPort]struct{})
}

// take writes what an event says into the buffer.
func (w *writer) take(e *event) {
	t := &e.stream.talk
	switch e.kind {
	case opened:
		t.choosePort(w.taken)
		w.taken[t.pair()] = struct{}{}
	case received, sent:
		dir := fromSwitch
		if e.kind == sent {
			dir = toSwitch
		}
		t.dirs[dir].feed(e.data, maxSegment, func(b []byte) { w.say(t, dir, e.time, b) })
	case known:
		t.known, t.shaken = e.text, true
		t.note = fmt.Sprintf("sluice: connection %d is %s", t.id, t.known)
	case missed:
		w.missed(t, e)
	case ended:
		w.ended(t, e)
	}
}

// say writes messages.
func (w *writer) say(t *talk, dir int, at time.Time, b []byte) {
	if w.ready(t, at, len(b)+2*packetCost, true) {
		w.segments(t, dir, at, b, "")
	} else {
		t.left[dir] += uint64(len(b))
		w.r.lostDisk.Add(uint64(len(b)))
	}
	t.keep(dir, at, b, &w.kept)
}

// missed ends the TCP connection where bytes are left out; the next message
// begins another.
func (w *writer) missed(t *talk, e *event) {
	lost := e.lost
	for dir := range t.dirs {
		n := uint64(len(t.dirs[dir].partial))
		lost[dir] += n
		w.r.lostQueue.Add(n)
		t.dirs[dir].partial = nil
	}
	if t.file == w.number && w.ready(t, e.time, 3*packetCost, false) {
		w.shut(t, e.time, fmt.Sprintf("sluice: here %d bytes from the switch and %d to it are left out, because the disk was slow", lost[fromSwitch], lost[toSwitch]))
	}
	for dir := range lost {
		t.left[dir] += lost[dir]
	}
}

// ended ends a connection. One that has said nothing in the file is not begun
// there to end.
func (w *writer) ended(t *talk, e *event) {
	tail := len(t.dirs[fromSwitch].partial) + len(t.dirs[toSwitch].partial)
	if (t.file == w.number || !t.begun || tail > 0 || t.left != [2]uint64{}) && w.ready(t, e.time, tail+6*packetCost, tail > 0) {
		for dir := range t.dirs {
			w.segments(t, dir, e.time, t.dirs[dir].partial, "sluice: the rest of this message did not come")
		}
		w.shut(t, e.time, "sluice: the connection ends: "+e.text)
	}
	delete(w.taken, t.pair())
	t.forget(&w.kept)
}

// ready makes sure that n bytes of a talk can be written: that there is a file,
// that it has room, and that the talk has a TCP connection in it. It returns
// false if the recording pauses.
func (w *writer) ready(t *talk, at time.Time, n int, repeat bool) bool {
	if w.buf.Len() >= bufferSize {
		w.flush()
	}
	if w.failing && !w.trying && (time.Now().Before(w.retryAt) || !w.again()) {
		return false
	}
	if t.file != w.number {
		n += 3*packetCost + t.kept + len(t.handshake)*packetCost
	}
	if w.sound+int64(w.buf.Len()+n) > w.cfg.Size && !w.empty {
		w.flush()
		if w.failing || !w.rotate() {
			return false
		}
	}
	if t.file != w.number {
		w.open(t, at, repeat)
	}
	w.empty = false
	return true
}

// rotate goes on to the next file; it returns false if the recording pauses.
func (w *writer) rotate() bool {
	err := w.file.Close()
	w.file = nil
	if err == nil {
		err = w.next()
	}
	if err != nil {
		w.pause(err)
		return false
	}
	w.wait = 0
	return true
}

// again tries to go on after a failure: in the same file, if it is still where
// it was, so that the files before it stay.
func (w *writer) again() bool {
	if w.file != nil && !w.inPlace() {
		_ = w.file.Close() // nobody finds it any more
		w.file = nil
	}
	if w.file != nil {
		w.number++ // what is said goes on in new TCP connections
	} else if err := w.next(); err != nil {
		w.pause(err)
		return false
	}
	w.trying = true
	lost := w.r.lostDisk.Load()
	w.note = fmt.Sprintf("sluice: nothing was recorded from %s until here, because the disk took none: %d bytes of all connections", w.since.UTC().Format(time.RFC3339), lost-w.lost)
	return true
}

// inPlace reports whether the file still has its name.
func (w *writer) inPlace() bool {
	ours, err := w.file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(w.cfg.Path)
	return err == nil && os.SameFile(ours, there)
}

// next moves the files on and begins a new one. There is none at present.
func (w *writer) next() error {
	if err := shift(w.cfg.Path, w.cfg.Files); err != nil {
		return err
	}
	f, err := w.create(w.cfg.Path)
	if err != nil {
		return err
	}
	w.buf.Reset()
	if err = w.section("OpenFlow of a controller, with the data of users. Port 6653 stands for the controller, whatever its port is."); err == nil {
		_, err = f.Write(w.buf.Bytes())
	}
	if err != nil {
		return errors.Join(err, f.Close(), os.Remove(w.cfg.Path))
	}
	w.file, w.sound, w.empty = f, int64(w.buf.Len()), true
	w.number++
	w.buf.Reset()
	w.r.files.Add(1)
	return nil
}

// flush writes the buffer to the file.
func (w *writer) flush() {
	if w.file == nil || w.buf.Len() == 0 {
		return
	}
	n, err := w.file.Write(w.buf.Bytes())
	if err == nil {
		w.sound += int64(n)
		w.r.recorded.Add(w.payload)
		w.well()
	} else {
		w.r.lostDisk.Add(w.payload)
		// What stands there of the buffer may end within a packet.
		if cut := w.file.Truncate(w.sound); cut != nil {
			err = errors.Join(err, cut, w.file.Close())
			w.file = nil
		}
		w.pause(err)
	}
	w.payload = 0
	w.buf.Reset()
	if w.buf.Cap() > 2*bufferSize {
		w.buf = bytes.Buffer{}
	}
}

// well ends a pause.
func (w *writer) well() {
	if w.failing {
		w.failing, w.trying = false, false
		w.lost = w.r.lostDisk.Load()
		w.r.paused.Store(false)
		w.r.log.Info("recording goes on")
	}
}

// pause stops the recording until it is tried again.
func (w *writer) pause(err error) {
	w.wait = min(max(2*w.wait, firstRetry), lastRetry)
	w.retryAt = time.Now().Add(w.wait)
	w.r.failures.Add(1)
	log := w.r.log.WithFields(logrus.Fields{"error": err, "retry_in": w.wait})
	if w.failing {
		log.Debug("recording pauses still")
	} else {
		w.since = time.Now()
		log.Error("recording pauses: what is said is not written down; the controller goes on")
	}
	w.failing, w.trying = true, false
	w.r.paused.Store(true)
}

// close writes what is left and closes the file.
func (w *writer) close() {
	w.flush()
	if w.file == nil {
		return
	}
	if err := w.file.Close(); err != nil {
		w.r.log.WithField("error", err).Error("closing the recording failed; its end may be missing")
	}
	w.file = nil
}

// createFile makes a file that was not there. It is written at its end, which
// Truncate may have moved back.
func createFile(path string) (diskFile, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	return f, nil
}
