package record

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"golang.org/x/sys/unix"

	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/need"
)

// TestFullDisk records on a disk of 256 KiB: what fits is whole, and recording
// goes on when there is room again.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		need.Missing(t, "a file system cannot be mounted: "+err.Error())
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Errorf("unmounting %s: %v", dir, err)
		}
	})
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 100<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	x := run(t, Config{Path: filepath.Join(dir, "of.pcapng")}, nil)
	r := x.Record(between("192.0.2.1:4000", "192.0.2.9:6653"))
	up, down := handshake(t, 7)
	r.Sent(down)
	r.Received(up)
	r.Known(ofp.V13, 7, "br0")
	var all []byte
	speak := func(n int) {
		for range 20 {
			m := packetIn(t, n, 2000)
			all = append(all, m...)
			r.Received(m)
		}
		x.await("it is written or left out", func() bool { return x.queue.bytes() == 0 })
	}
	paused := func() bool { return testutil.ToFloat64(only(x.Recorder, "sluice_record_paused")) == 1 }
	n := 0
	for ; !paused(); n++ {
		if n > 1000 {
			t.Fatal("the disk is never full")
		}
		speak(n)
	}
	speak(n)
	got := read(t, x.path) // whole, though the last write was not
	if len(got) != 1 || len(got[0].data[fromSwitch]) < 2000 || !bytes.HasPrefix(append(bytes.Clone(up), all...), got[0].data[fromSwitch]) {
		t.Fatalf("%d connections", len(got))
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	x.w.retryAt = time.Now().Add(-time.Second) // the writer is idle: see speak
	last := packetIn(t, 5000, 2000)
	r.Received(last)
	x.await("the recording goes on", func() bool { return !paused() })
	r.End("shutdown")
	x.end()
	got = read(t, x.path)
	if len(got) != 2 || !bytes.Equal(got[1].data[fromSwitch], last) {
		t.Errorf("%d connections after the pause", len(got))
	}
}
