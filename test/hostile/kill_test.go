package hostile

import (
	"bytes"
	"io"
	"math/rand/v2"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// TestKilledWhileItRestores kills sluiced at a random moment of a Restore: when it
// starts again, all of the backup is desired, or all of what was before, and of what
// was received nothing is left on the disk.
func TestKilledWhileItRestores(t *testing.T) {
	dir := t.TempDir()
	const dpid, many, more = "00000000000000aa", 5000, 700
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 0))
	l := newLab(t, "--state", dir)
	l.store(dpid, 0, many)
	backup := l.backup()
	l.store(dpid, 100_000, more)
	whole, before := 0, 0
	took := time.Second // of a Restore that is not disturbed, at first a guess
	for n := range times(4, 100) {
		done := make(chan error, 1)
		start := time.Now()
		go func() { done <- l.restore(backup) }()
		switch {
		case n == 0:
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			took = time.Since(start)
		default:
			time.Sleep(time.Duration(chance.Int64N(int64(took) * 3 / 2))) // the moment is what is random
		}
		if err := syscall.Kill(l.PID(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		<-l.Ended()
		acknowledged := n == 0
		if n > 0 {
			acknowledged = <-done == nil
		}
		l = newLab(t, "--state", dir)
		left, err := filepath.Glob(filepath.Join(dir, "*.received"))
		if err != nil || len(left) > 0 {
			t.Errorf("left on the disk: %v, %v", left, err)
		}
		switch has := l.desired(dpid); {
		case has == many:
			whole++
			l.store(dpid, 100_000, more)
		case has == many+more && !acknowledged:
			before++
		default:
			t.Fatalf("%d flows are desired (acknowledged: %v): neither %d nor %d", has, acknowledged, many, many+more)
		}
	}
	t.Logf("%d times the backup, %d times what was before", whole, before)
}

func (l *lab) backup() []byte {
	l.t.Helper()
	s, err := sluicev1.NewStateServiceClient(l.conn).Backup(l.within(), &sluicev1.BackupRequest{})
	var all bytes.Buffer
	for err == nil {
		var part *sluicev1.BackupResponse
		if part, err = s.Recv(); err == nil {
			all.Write(part.GetData())
		}
	}
	if err != io.EOF {
		l.t.Fatal(err)
	}
	return all.Bytes()
}

func (l *lab) restore(backup []byte) error {
	s, err := sluicev1.NewStateServiceClient(l.conn).Restore(l.within())
	if err != nil {
		return err
	}
	for b := range bytesIn(backup, 64<<10) {
		if s.Send(&sluicev1.RestoreRequest{Data: b}) != nil {
			break // the answer says why
		}
	}
	_, err = s.CloseAndRecv()
	return err
}

func bytesIn(b []byte, size int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(b) > 0 {
			n := min(len(b), size)
			if !yield(b[:n]) {
				return
			}
			b = b[n:]
		}
	}
}

// desired counts what a switch should have.
func (l *lab) desired(dpid string) int {
	l.t.Helper()
	st, err := sluicev1.NewStateServiceClient(l.conn).GetState(l.within(), &sluicev1.GetStateRequest{Switch: dpid})
	if err != nil {
		l.t.Fatal(err)
	}
	return int(st.GetSwitches()[0].GetPending())
}
