package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/need"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// TestDiskFails has the file system under a sluiced that runs become read-only, as
// ext4 does after an error, and its disk fail with I/O errors, and then work again,
// which is not trusted any more. Writes are refused, and nothing of them is sent;
// /readyz, the metrics and GetState say why; a switch that comes back has what it
// should have; and after a kill what was acknowledged is there, and nothing else.
func TestDiskFails(t *testing.T) {
	binary := buildBinary(t)
	for _, tt := range []struct {
		name, errors, want, hint string
		fail                     func(*testing.T, disk)
		mend                     func(*testing.T, disk) // nil: not while sluiced runs
	}{
		{"read-only", "remount-ro", "read-only file system", "dmesg says why", func(t *testing.T, d disk) {
			trigger := filepath.Join("/sys/fs/ext4", filepath.Base(d.loop), "trigger_fs_error")
			if err := os.WriteFile(trigger, []byte("TestDiskFails\n"), 0o200); err != nil {
				t.Skipf("skipped: ext4 cannot be told to fail: %v", err)
			}
		}, nil},
		{"I/O errors", "continue", "input/output error", "take a `sluice backup`", func(t *testing.T, d disk) { d.limit(t, 512<<10) }, func(t *testing.T, d disk) { d.limit(t, 0) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDisk(t, tt.errors)
			p := launch(t, binary, "--apps", "none", "--state", d.dir)
			sw := simswitch.New(simswitch.Config{Name: "br0"})
			t.Cleanup(sw.Close)
			if err := sw.Dial(t.Context(), p.addrs["openflow"]); err != nil {
				t.Fatal(err)
			}
			p.await(t, "switch connected")
			flows, states := p.clients(t)
			n := 0 // flows that are acknowledged
			write := func() error {
				q := &sluicev1.WriteFlowsRequest{Switch: "br0"}
				for i := range 10 {
					text := fmt.Sprintf("udp,tp_dst=%d,actions=drop", n+i)
					q.Changes = append(q.Changes, &sluicev1.FlowChange{Change: &sluicev1.FlowChange_Add{Add: &sluicev1.FlowSpec{Form: &sluicev1.FlowSpec_Text{Text: text}}}})
				}
				patience, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				_, err := flows.WriteFlows(patience, q)
				if err == nil {
					n += 10
				}
				return err
			}
			for range 3 {
				if err := write(); err != nil {
					t.Fatal(err)
				}
			}
			tt.fail(t, d)
			for range 2 {
				if err := write(); status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "nothing was changed") || !strings.Contains(err.Error(), tt.hint) {
					t.Errorf("write: %v", err)
				}
			}
			if sent := sw.Received(ofp.TypeFlowMod); sent != n {
				t.Errorf("the switch was sent %d flow-mods, %d were acknowledged", sent, n)
			}
			p.await(t, "store cannot be written: nothing new is acknowledged")
			if code, said := p.get(t, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(said, "cannot be written since") {
				t.Errorf("/readyz: %d, %q", code, said)
			}
			if _, said := p.get(t, "/metrics"); !strings.Contains(said, "\nsluice_store_unwritable 1\n") || strings.Contains(said, "\nsluice_store_failures_total 0\n") {
				t.Error("the metrics do not tell of the store")
			}
			r, err := states.GetState(t.Context(), &sluicev1.GetStateRequest{})
			if err != nil || r.GetStoreFault() == "" || r.GetStoreFaultSince() == nil || int(r.GetSwitches()[0].GetInstalled()) != n {
				t.Errorf("GetState: %v, %v", r, err)
			}
			// A switch that restarts is brought back from memory.
			sw.Close()
			p.await(t, "switch disconnected")
			sw = simswitch.New(simswitch.Config{Name: "br0"})
			t.Cleanup(sw.Close)
			if err := sw.Dial(t.Context(), p.addrs["openflow"]); err != nil {
				t.Fatal(err)
			}
			patience, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := sw.Await(patience, func() bool { return sw.Received(ofp.TypeFlowMod) == n }); err != nil {
				t.Errorf("the switch is not brought back: %v", err)
			}
			if tt.mend != nil {
				tt.mend(t, d)
				if err := write(); status.Code(err) != codes.Unavailable {
					t.Errorf("when the disk works again, and what it has is not sure: %v", err)
				}
				backup, err := states.Backup(patience, &sluicev1.BackupRequest{})
				if err != nil {
					t.Fatal(err)
				}
				if part, err := backup.Recv(); err != nil || len(part.GetData()) == 0 {
					t.Errorf("a backup of what is acknowledged: %v", err)
				}
			}
			p.signal(t, syscall.SIGKILL)
			p.end(t)
			d.again(t)
			p = launch(t, binary, "--apps", "none", "--state", d.dir)
			_, states = p.clients(t)
			if r, err = states.GetState(t.Context(), &sluicev1.GetStateRequest{}); err != nil || len(r.GetSwitches()) != 1 || int(r.GetSwitches()[0].GetPending()) != n || r.GetStoreFault() != "" {
				t.Errorf("after the restart %v, %v; want %d flows", r, err, n)
			}
			p.signal(t, syscall.SIGTERM)
			p.end(t)
		})
	}
}

// disk is an ext4 file system in a file, which is mounted by way of a loop device.
type disk struct{ image, dir, errors, loop string }

// newDisk makes one that does upon an error what mount(8) says of errors=, for the
// length of the test. It is skipped where the kernel has no ext4, or no loop devices.
func newDisk(t *testing.T, errors string) disk {
	t.Helper()
	if os.Geteuid() != 0 {
		need.Missing(t, "to mount a file system one must be root")
	}
	mkfs := need.Program(t, "mkfs.ext4", "e2fsprogs")
	d := disk{image: filepath.Join(t.TempDir(), "image"), dir: t.TempDir(), errors: errors}
	f, err := os.Create(d.image)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(64 << 20); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	// Without a journal an I/O error does not make it read-only; and with few inodes
	// all that the file system must read of itself lies in its first half megabyte.
	if out, err := exec.Command(mkfs, "-q", "-F", "-O", "^has_journal", "-N", "64", d.image).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext4: %v: %s", err, out)
	}
	d.mount(t)
	t.Cleanup(func() { d.unmount(t) })
	out, err := exec.Command("losetup", "-n", "-O", "NAME", "-j", d.image).Output()
	if err != nil || len(out) == 0 {
		t.Fatalf("losetup: %v: %s", err, out)
	}
	d.loop = strings.TrimSpace(string(out))
	return d
}

func (d disk) mount(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("mount", "-t", "ext4", "-o", "loop,errors="+d.errors, d.image, d.dir).CombinedOutput(); err != nil {
		t.Skipf("skipped: this kernel cannot mount an ext4 image: %v: %s", err, out)
	}
}

func (d disk) unmount(t *testing.T) {
	t.Helper()
	if err := unix.Unmount(d.dir, 0); err != nil {
		t.Errorf("unmount: %v", err)
		_ = unix.Unmount(d.dir, unix.MNT_DETACH)
	}
}

// again unmounts, checks and mounts it, as one does after an error.
func (d disk) again(t *testing.T) {
	t.Helper()
	d.unmount(t)
	if out, err := exec.Command("e2fsck", "-fy", d.image).CombinedOutput(); err != nil && err.(*exec.ExitError).ExitCode() > 1 {
		t.Fatalf("e2fsck: %v: %s", err, out)
	}
	d.mount(t)
}

// limit has all of the disk fail that lies behind so many bytes; 0: nothing.
func (d disk) limit(t *testing.T, bytes uint64) {
	t.Helper()
	f, err := os.OpenFile(d.loop, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := unix.IoctlLoopGetStatus64(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	info.Sizelimit = bytes
	if err := unix.IoctlLoopSetStatus64(int(f.Fd()), info); err != nil {
		t.Fatal(err)
	}
}
