package main

import (
	"context"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// TestDiskHangs has the file system under a sluiced that runs be frozen, so that a write
// is in the kernel until it is thawed: the caller is told so in time, and so does
// whoever asks; SIGTERM is obeyed; and when it is thawed all that was begun is there.
func TestDiskHangs(t *testing.T) {
	binary := buildBinary(t)
	d := newDisk(t, "continue")
	p := launch(t, binary, "--apps", "none", "--state", d.dir)
	flows, states := p.clients(t)
	write := func(text string) error {
		in, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := flows.WriteFlows(in, &sluicev1.WriteFlowsRequest{Switch: "00000000000000aa", Level: sluicev1.WriteLevel_WRITE_LEVEL_STORED, Changes: []*sluicev1.FlowChange{
			{Change: &sluicev1.FlowChange_Add{Add: &sluicev1.FlowSpec{Form: &sluicev1.FlowSpec_Text{Text: text}}}},
		}})
		return err
	}
	if err := write("priority=1,arp,actions=drop"); err != nil {
		t.Fatal(err)
	}
	thaw := d.freeze(t)
	first := make(chan error, 1)
	go func() { first <- write("priority=2,ip,actions=drop") }()
	if err := write("priority=3,udp,actions=drop"); status.Code(err) != codes.Unavailable {
		t.Errorf("one of the two, of which one is behind the other: %v", err)
	}
	if err := <-first; status.Code(err) != codes.Unavailable {
		t.Errorf("the other: %v", err)
	}
	for tick, limit := time.NewTicker(100*time.Millisecond), time.After(time.Minute); ; {
		code, said := p.get(t, "/readyz")
		if code == http.StatusServiceUnavailable && strings.Contains(said, "does not answer") {
			break
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("/readyz: %d, %q", code, said)
		}
	}
	if _, said := p.get(t, "/metrics"); !strings.Contains(said, "\nsluice_store_unwritable 1\n") || strings.Contains(said, "\nsluice_store_write_seconds 0\n") {
		t.Error("the metrics do not tell of the disk")
	}
	if r, err := states.GetState(t.Context(), &sluicev1.GetStateRequest{}); err != nil || !strings.Contains(r.GetStoreFault(), "does not answer") || r.GetStoreFaultSince() == nil {
		t.Errorf("GetState: %v, %v", r, err)
	}
	p.await(t, "store cannot be written: nothing new is acknowledged")
	thaw()
	p.await(t, "store can be written again")
	if err := write("priority=4,tcp,actions=drop"); err != nil {
		t.Errorf("after it: %v", err)
	}
	thaw = d.freeze(t)
	if err := write("priority=5,icmp,actions=drop"); status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "nobody knows yet") {
		t.Errorf("the write: %v", err)
	}
	began := time.Now()
	p.signal(t, syscall.SIGTERM)
	p.awaitText(t, "the disk of --state has not answered")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it ends after %v", took)
	}
	thaw()
	if rest, status, _ := p.end(t); status != 1 {
		t.Errorf("exit status %d: %s", status, rest)
	}
	p = launch(t, binary, "--apps", "none", "--state", d.dir)
	_, states = p.clients(t)
	if r, err := states.GetState(t.Context(), &sluicev1.GetStateRequest{}); err != nil || len(r.GetSwitches()) != 1 || r.GetSwitches()[0].GetPending() < 3 {
		t.Errorf("after the restart: %v, %v", r, err)
	}
	p.signal(t, syscall.SIGTERM)
	p.end(t)
}

// awaitText reads lines up to one that has the text in it.
func (p *process) awaitText(t *testing.T, text string) {
	t.Helper()
	limit := time.After(30 * time.Second)
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				t.Fatalf("ended without a word of %q", text)
			}
			if strings.Contains(line, text) {
				return
			}
		case <-limit:
			t.Fatalf("said nothing of %q", text)
		}
	}
}

// From linux/fs.h.
const (
	fiFreeze = 0xc0045877
	fiThaw   = 0xc0045878
)

// freeze has all writes to the disk wait until thaw is called, or the test ends.
func (d disk) freeze(t *testing.T) (thaw func()) {
	t.Helper()
	f, err := os.Open(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetInt(int(f.Fd()), fiFreeze, 0); err != nil {
		f.Close()
		t.Skipf("skipped: this kernel cannot freeze a file system: %v", err)
	}
	done := false
	thaw = func() {
		if done {
			return
		}
		done = true
		if err := unix.IoctlSetInt(int(f.Fd()), fiThaw, 0); err != nil {
			t.Errorf("thaw: %v", err)
		}
		f.Close()
	}
	t.Cleanup(thaw)
	return thaw
}
