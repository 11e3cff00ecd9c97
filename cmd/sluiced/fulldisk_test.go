package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/need"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// TestDiskFull fills the disk under a sluiced that runs: writes are refused and
// nothing of them is sent; /readyz, the metrics and GetState say so; with room
// again it recovers by itself, and after a kill what was acknowledged is there,
// and nothing else.
func TestDiskFull(t *testing.T) {
	if os.Geteuid() != 0 {
		need.Missing(t, "to mount a small file system one must be root")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m"); err != nil {
		need.Missing(t, "cannot mount a small file system: "+err.Error())
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	binary := buildBinary(t)
	other := filepath.Join(dir, "other")
	p := launch(t, binary, "--apps", "none", "--state", dir)
	sw := simswitch.New(simswitch.Config{Name: "br0"})
	t.Cleanup(sw.Close)
	if err := sw.Dial(t.Context(), p.addrs["openflow"]); err != nil {
		t.Fatal(err)
	}
	p.await(t, "switch connected")
	flows, states := p.clients(t)

	n := 0 // flows that are acknowledged
	write := func(count int) error {
		q := &sluicev1.WriteFlowsRequest{Switch: "br0"}
		for i := range count {
			text := fmt.Sprintf("priority=%d,udp,tp_dst=%d,actions=drop", 1+(n+i)/60000, (n+i)%60000)
			q.Changes = append(q.Changes, &sluicev1.FlowChange{Change: &sluicev1.FlowChange_Add{Add: &sluicev1.FlowSpec{Form: &sluicev1.FlowSpec_Text{Text: text}}}})
		}
		_, err := flows.WriteFlows(t.Context(), q)
		if err == nil {
			n += count
		}
		return err
	}
	if err := write(10); err != nil {
		t.Fatal(err)
	}
	fill(t, other)
	var err error
	for range 50 {
		if err = write(1000); err != nil {
			break
		}
	}
	if status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), "nothing was changed: make room") {
		t.Fatalf("on a full disk, after %d flows: %v", n, err)
	}
	stored, sent := n, sw.Received(ofp.TypeFlowMod)
	if sent != stored {
		t.Errorf("the switch was sent %d flow-mods, %d were acknowledged", sent, stored)
	}
	if code, said := p.get(t, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(said, "no space left on device") {
		t.Errorf("/readyz: %d, %q", code, said)
	}
	if _, said := p.get(t, "/metrics"); !strings.Contains(said, "\nsluice_store_unwritable 1\n") || strings.Contains(said, "\nsluice_store_failures_total 0\n") {
		t.Error("the metrics do not tell of the store")
	}
	r, err := states.GetState(t.Context(), &sluicev1.GetStateRequest{})
	if err != nil || !strings.Contains(r.GetStoreFault(), "no space left on device") || r.GetStoreFaultSince() == nil || int(r.GetSwitches()[0].GetInstalled()) != stored {
		t.Errorf("GetState: %v, %v", r, err)
	}
	p.await(t, "store cannot be written: nothing new is acknowledged")

	if err := os.Remove(other); err != nil {
		t.Fatal(err)
	}
	p.await(t, "store can be written again")
	waitReady(t, p.addrs["http"])
	if err := write(10); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if r, err := states.GetState(t.Context(), &sluicev1.GetStateRequest{}); err != nil || r.GetStoreFault() != "" || r.GetStoreFaultSince() != nil {
		t.Errorf("GetState with room again: %v, %v", r, err)
	}
	p.signal(t, syscall.SIGKILL)
	p.end(t)

	p = launch(t, binary, "--apps", "none", "--state", dir)
	_, states = p.clients(t)
	if r, err = states.GetState(t.Context(), &sluicev1.GetStateRequest{}); err != nil {
		t.Fatal(err)
	}
	if len(r.GetSwitches()) != 1 || int(r.GetSwitches()[0].GetPending()) != n {
		t.Errorf("after the restart %v; want %d flows", r, n)
	}
}

// fill makes a file of all the room that there is.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
}

// clients are those of a process, for the length of the test.
func (p *process) clients(t *testing.T) (sluicev1.FlowServiceClient, sluicev1.StateServiceClient) {
	t.Helper()
	conn, err := grpc.NewClient(p.addrs["grpc"], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return sluicev1.NewFlowServiceClient(conn), sluicev1.NewStateServiceClient(conn)
}

// get returns a page of the HTTP port.
func (p *process) get(t *testing.T, path string) (int, string) {
	t.Helper()
	client := http.Client{Timeout: time.Minute}
	r, err := client.Get("http://" + p.addrs["http"] + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(b)
}
