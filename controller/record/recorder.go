package record

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
)

// Config says where to record, and how much. Fields other than Path may be zero.
type Config struct {
	// Path is the file that is written. It is made with mode 0600; its directory
	// must be there.
	Path string
	// Size is the most bytes that one file has. Default 100 MiB, at least MinSize.
	Size int64
	// Files is how many there are at most, that which is being written included.
	// Default 5.
	Files int
	// Queue is how many bytes may wait to be written. Default 16 MiB.
	Queue int
	// Program is named in each file as what has written it.
	Program string
	// Logger receives a line when the recording pauses and when it goes on; nil
	// means logrus' standard logger.
	Logger logrus.FieldLogger
}

// MinSize is the least size of a file: it has room for the longest message
// behind the longest handshake.
const MinSize = 512 << 10

// gather is how long the writer lets bytes gather before it writes them, unless
// they are many.
const gather = 200 * time.Millisecond

// Recorder is a channel.Recorder that writes files. It is a prometheus.Collector
// of metrics named sluice_record_….
type Recorder struct {
	log   logrus.FieldLogger
	queue queue
	w     writer
	ids   atomic.Uint64

	// Counted for the metrics.
	recorded, lostQueue, lostDisk, files, failures atomic.Uint64
	paused                                         atomic.Bool
}

var _ channel.Recorder = (*Recorder)(nil)

// New makes the first file. Recording begins when the Recorder is given to
// connections; nothing is written before Run is called. It fails, with what to do
// about it, if the file cannot be made, or if something else than a recording
// has its name.
func New(cfg Config) (*Recorder, error) {
	r, err := newRecorder(cfg, createFile)
	if err != nil {
		return nil, fmt.Errorf("recording to %s: %w", cfg.Path, err)
	}
	return r, nil
}

func newRecorder(cfg Config, create func(path string) (diskFile, error)) (*Recorder, error) {
	if cfg.Size == 0 {
		cfg.Size = 100 << 20
	}
	if cfg.Files == 0 {
		cfg.Files = 5
	}
	if cfg.Queue == 0 {
		cfg.Queue = 16 << 20
	}
	if cfg.Logger == nil {
		cfg.Logger = logrus.StandardLogger()
	}
	switch {
	case cfg.Path == "" || strings.HasSuffix(cfg.Path, string(os.PathSeparator)):
		return nil, fmt.Errorf("want the name of a file")
	case cfg.Size < MinSize:
		return nil, fmt.Errorf("files of %d bytes are too small; want %d at least", cfg.Size, MinSize)
	case cfg.Files < 1:
		return nil, fmt.Errorf("%d files are too few; want 1 at least", cfg.Files)
	}
	r := &Recorder{log: cfg.Logger.WithField("file", cfg.Path)}
	r.queue.init(cfg.Queue)
	r.w.init(r, cfg, create)
	if err := r.w.next(); err != nil {
		return nil, err
	}
	return r, nil
}

// Record implements channel.Recorder.
func (r *Recorder) Record(nc net.Conn) channel.Recording {
	s := &stream{r: r}
	s.talk.init(r.ids.Add(1), nc.LocalAddr(), nc.RemoteAddr())
	r.queue.mu.Lock()
	defer r.queue.mu.Unlock()
	if r.queue.closed || !r.queue.room(0) {
		return nil // a flood of connections; each is in the log
	}
	r.queue.put(event{stream: s, kind: opened, time: time.Now()}, nil)
	return s
}

// Known implements channel.Recording.
func (s *stream) Known(v ofp.Version, dpid ofp.DPID, name string) {
	text := fmt.Sprintf("dpid %s, OpenFlow %s", dpid, v)
	if name != "" {
		text += ", name " + printable(name)
	}
	s.once(known, text)
}

// End implements channel.Recording.
func (s *stream) End(why string) { s.once(ended, printable(why)) }

// once puts an event that comes once on a connection. It goes past the bound:
// the connections have one.
func (s *stream) once(k kind, text string) {
	q := &s.r.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	if k == ended && s.gap {
		q.put(event{stream: s, kind: missed, time: time.Now(), lost: s.lost}, nil)
	}
	q.put(event{stream: s, kind: k, time: time.Now(), text: text}, nil)
}

// printable makes one line of a text of others, of at most 200 bytes.
func printable(s string) string {
	s = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return '.'
		}
		return c
	}, strings.ToValidUTF8(s, "."))
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}

// Run writes until ctx ends, then writes what is left, closes the file and
// returns. It must be called once, and ctx should end after the connections have.
func (r *Recorder) Run(ctx context.Context) {
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-r.queue.wake:
		case <-ctx.Done():
			r.queue.close()
			r.writeAll()
			r.w.close()
			return
		}
		t.Reset(gather)
		select {
		case <-t.C:
		case <-r.queue.much:
		case <-ctx.Done():
		}
		r.writeAll()
	}
}

// writeAll writes what waits.
func (r *Recorder) writeAll() {
	for _, b := range r.queue.take() {
		for i := range b.events {
			r.w.take(&b.events[i])
		}
		r.queue.done(b)
	}
	r.w.flush()
}
