package hostile

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// TestFollowsOverRestarts has `sluice history --follow` follow a sluiced that is killed
// in the midst of writes, and ended: it prints each revision once, in order, with the
// change that was acknowledged as that revision, and says after each end from where
// it goes on, which is what it has printed last.
func TestFollowsOverRestarts(t *testing.T) {
	dir := t.TempDir()
	const dpid = "00000000000000aa"
	// An address that no other process is given while sluiced does not run.
	pid := os.Getpid()
	l := newLab(t, "--state", dir, "--grpc", fmt.Sprintf("127.77.%d.%d:0", pid>>8&255, pid&255))
	l.store(dpid, 0, 1) // before anybody follows
	f := l.follow("--after", "0")
	w := &numbered{addr: l.GRPC, dpid: dpid, acknowledged: map[uint64]int{}}
	signals := []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM}
	for range times(2, 50) {
		for _, s := range signals {
			ctx, cancel := context.WithCancel(l.within())
			stopped := make(chan error, 1)
			go func() { stopped <- w.write(ctx) }()
			l.until("some are acknowledged", func() error { return w.atLeast(5) })
			if err := syscall.Kill(l.PID(), s); err != nil {
				t.Fatal(err)
			}
			<-l.Ended()
			f.await(l, regexp.MustCompile(`^sluice: .*; trying again after revision \d+$`))
			l = newLab(t, "--state", dir, "--grpc", w.addr)
			l.until("some more are acknowledged", func() error { return w.atLeast(5) })
			cancel()
			if err := <-stopped; err != nil {
				t.Fatal(err)
			}
		}
	}
	last := l.store(dpid, 1, 1)
	f.await(l, regexp.MustCompile(fmt.Sprintf(`^revision %d, `, last)))
	f.await(l, regexp.MustCompile(`priority=2,ip`))
	f.check(t, last, w.acknowledged)
}

// numbered writes one flow after the other, each of a number of its own, over restarts
// of sluiced, and knows as which revisions they were acknowledged.
type numbered struct {
	addr, dpid string
	next       int

	mu           sync.Mutex
	acknowledged map[uint64]int
	seen         int
}

func (w *numbered) write(ctx context.Context) error {
	conn, err := grpc.NewClient("passthrough:///"+w.addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	for ctx.Err() == nil {
		w.next++
		r := &sluicev1.WriteFlowsRequest{Switch: w.dpid, Level: sluicev1.WriteLevel_WRITE_LEVEL_STORED, Changes: []*sluicev1.FlowChange{flow("udp,tp_dst=%d,actions=drop", w.next)}}
		out, err := sluicev1.NewFlowServiceClient(conn).WriteFlows(ctx, r, grpc.WaitForReady(true))
		if err == nil {
			w.mu.Lock()
			w.acknowledged[out.GetRevision()] = w.next
			w.mu.Unlock()
		}
	}
	return nil
}

// atLeast fails until so many more were acknowledged than when it last did not fail.
func (w *numbered) atLeast(more int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.acknowledged); n < w.seen+more {
		return fmt.Errorf("%d are acknowledged", n)
	}
	w.seen = len(w.acknowledged)
	return nil
}

// follower is a `sluice history --follow`.
type follower struct {
	lines chan string // of its output and its errors, in the order in which it wrote them
	all   []string
}

func (l *lab) follow(args ...string) *follower {
	l.t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		l.t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(filepath.Dir(program), "sluice"), append([]string{"-a", l.GRPC, "history", "--follow"}, args...)...)
	cmd.Stdout, cmd.Stderr = w, w
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err = cmd.Start()
	w.Close()
	if err != nil {
		l.t.Fatal(err)
	}
	f := &follower{lines: make(chan string, 1<<16)}
	go func() {
		defer close(f.lines)
		for in := bufio.NewScanner(r); in.Scan(); {
			f.lines <- in.Text()
		}
	}()
	t := l.t
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // fails only if it has ended
		for range f.lines {
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("sluice history --follow, when it is interrupted: %v", err)
		}
		r.Close()
	})
	return f
}

// await reads lines up to one that matches.
func (f *follower) await(l *lab, want *regexp.Regexp) {
	l.t.Helper()
	for ctx := l.within(); ; {
		select {
		case line, ok := <-f.lines:
			if !ok {
				l.t.Fatalf("sluice history --follow has ended:\n%s", strings.Join(f.all, "\n"))
			}
			f.all = append(f.all, line)
			if want.MatchString(line) {
				return
			}
		case <-ctx.Done():
			l.t.Fatalf("no line %s in\n%s", want, strings.Join(f.all, "\n"))
		}
	}
}

// check goes through all that was said. Each revision up to the last one must be told
// once, in order, with what was acknowledged as it.
func (f *follower) check(t *testing.T, last uint64, acknowledged map[uint64]int) {
	t.Helper()
	var at uint64
	left := maps.Clone(acknowledged)
	told := 0
	head := regexp.MustCompile(`^revision (\d+), `)
	again := regexp.MustCompile(`; trying again after revision (\d+)$`)
	item := regexp.MustCompile(`^  \+ .* flow .*udp,tp_dst=(\d+) `)
	for _, line := range f.all {
		if m := head.FindStringSubmatch(line); m != nil {
			if at++; m[1] != strconv.FormatUint(at, 10) {
				t.Fatalf("%q where revision %d is due", line, at)
			}
		}
		if m := item.FindStringSubmatch(line); m != nil {
			if n, ok := left[at]; ok && m[1] != strconv.Itoa(n) {
				t.Errorf("%q in revision %d, which was acknowledged for %d", line, at, n)
			}
			delete(left, at)
		}
		if m := again.FindStringSubmatch(line); m != nil {
			told++
			if m[1] != strconv.FormatUint(at, 10) {
				t.Errorf("%q after revision %d was printed", line, at)
			}
		}
	}
	if at != last || len(left) > 0 {
		t.Errorf("told up to revision %d of %d, and not of %v", at, last, left)
	}
	t.Logf("%d revisions, %d of them acknowledged to this test; %d times it said from where it goes on", at, len(acknowledged), told)
	if t.Failed() {
		t.Log(strings.Join(f.all, "\n"))
	}
}
