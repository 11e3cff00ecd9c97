package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/controller/desired"
	"github.com/sluice-sdn/sluice/controller/store"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// stateRig is a rig that keeps desired state in a file, with a short history.
func stateRig(t *testing.T) (*rig, *desired.State, context.Context) {
	t.Helper()
	kept, err := store.Open(filepath.Join(t.TempDir(), "state.db"), store.Options{History: 4})
	if err != nil {
		t.Fatal(err)
	}
	st, err := desired.New(t.Context(), kept)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kept.Close() }) // when nobody is served any more
	r := newRigOver(t, controller.Config{Desired: st}, Config{})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return r, st, ctx
}

func (r *rig) add(ctx context.Context, text string) {
	r.t.Helper()
	one := &sluicev1.FlowChange{Change: &sluicev1.FlowChange_Add{Add: &sluicev1.FlowSpec{Form: &sluicev1.FlowSpec_Text{Text: text}}}}
	if _, err := r.flows.WriteFlows(ctx, &sluicev1.WriteFlowsRequest{Switch: "br0", Changes: []*sluicev1.FlowChange{one}}); err != nil {
		r.t.Fatal(err)
	}
}

// TestRestore takes a backup over gRPC, changes more, and restores it in small
// parts; and what is no backup, or is asked in a wrong way, changes nothing.
func TestRestore(t *testing.T) {
	r, st, ctx := stateRig(t)
	sim := r.connect(simswitch.Config{Name: "br0"})
	api := sluicev1.NewStateServiceClient(r.conn)
	r.add(ctx, "priority=1,arp,actions=drop")
	parts, err := api.Backup(ctx, &sluicev1.BackupRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var backup bytes.Buffer
	for {
		p, err := parts.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		backup.Write(p.GetData())
	}
	if open, err := api.Backup(context.WithoutCancel(ctx), &sluicev1.BackupRequest{}); err != nil {
		t.Fatal(err)
	} else if _, err := open.Recv(); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a backup without a deadline: %v", err)
	}
	r.add(ctx, "priority=2,ip,actions=drop")
	restore := func(ctx context.Context, o *sluicev1.RestoreOptions, data []byte) (*sluicev1.RestoreResponse, error) {
		stream, err := api.Restore(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for ; err == nil && (o != nil || len(data) > 0); o = nil {
			n := min(len(data), 1000)
			err = stream.Send(&sluicev1.RestoreRequest{Options: o, Data: data[:n]})
			data = data[n:]
		}
		return stream.CloseAndRecv()
	}
	for _, tt := range []struct {
		name string
		ctx  context.Context
		o    *sluicev1.RestoreOptions
		data []byte
		code codes.Code
		text string
	}{
		{"a text", ctx, &sluicev1.RestoreOptions{}, []byte("hello"), codes.InvalidArgument, "nothing was changed: take another backup"},
		{"nothing", ctx, nil, nil, codes.InvalidArgument, "the first one has the options"},
		{"no file", ctx, &sluicev1.RestoreOptions{}, nil, codes.InvalidArgument, "the file is empty"},
		{"half", ctx, &sluicev1.RestoreOptions{}, backup.Bytes()[:backup.Len()/2], codes.InvalidArgument, "damaged"},
		{"without a deadline", t.Context(), &sluicev1.RestoreOptions{}, backup.Bytes(), codes.InvalidArgument, "needs a deadline"},
		{"not what is expected", ctx, &sluicev1.RestoreOptions{ExpectedRevision: new(uint64(1))}, backup.Bytes(), codes.Aborted, "revision 2"},
	} {
		if _, err := restore(tt.ctx, tt.o, tt.data); status.Code(err) != tt.code || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	plan, err := restore(ctx, &sluicev1.RestoreOptions{PlanOnly: true}, backup.Bytes())
	if err != nil || len(plan.GetSwitches()) != 1 || plan.GetSwitches()[0].GetSwitch() != "br0" || plan.GetSwitches()[0].GetRemoved() != 1 || plan.GetRevision() != 2 || st.Revision() != 2 {
		t.Fatalf("plan: %v, %v", plan, err)
	}
	done, err := restore(ctx, &sluicev1.RestoreOptions{ExpectedRevision: &plan.Revision, Note: "back"}, backup.Bytes())
	if err != nil || done.GetRevision() != 3 || done.GetBackupRevision() != 1 {
		t.Fatalf("%v, %v", done, err)
	}
	if _, err := api.Reconcile(ctx, &sluicev1.ReconcileRequest{Switch: "br0"}); err != nil || len(sim.Flows()) != 1 {
		t.Errorf("%v; the switch has %d flows", err, len(sim.Flows()))
	}
	if h, err := api.ListHistory(ctx, &sluicev1.ListHistoryRequest{}); err != nil || len(h.GetChanges()) != 3 || h.GetChanges()[0].GetNote() != "back" {
		t.Errorf("history: %v, %v", h, err)
	}
}

// TestWatchHistory: a watcher is told what was and what comes, each once and in
// order, can go on where it was, and is told when that is not kept any more.
func TestWatchHistory(t *testing.T) {
	r, _, ctx := stateRig(t)
	r.connect(simswitch.Config{Name: "br0"})
	api := sluicev1.NewStateServiceClient(r.conn)
	watch := func(after *uint64) func() (*sluicev1.WatchHistoryResponse, error) {
		ctx, cancel := context.WithCancel(ctx)
		t.Cleanup(cancel)
		stream, err := api.WatchHistory(ctx, &sluicev1.WatchHistoryRequest{AfterRevision: after})
		if err != nil {
			t.Fatal(err)
		}
		return stream.Recv
	}
	r.add(ctx, "priority=1,arp,actions=drop")
	next := watch(new(uint64(0)))
	expect := func(next func() (*sluicev1.WatchHistoryResponse, error), rev uint64, after string) {
		t.Helper()
		m, err := next()
		if err != nil || m.GetChange().GetRevision() != rev || len(m.GetItems()) != 1 || !strings.Contains(m.GetItems()[0].GetAfter(), after) || m.GetMore() {
			t.Fatalf("%v, %v; want revision %d with %s", m, err, rev, after)
		}
	}
	expect(next, 1, "arp")
	r.add(ctx, "priority=2,ip,actions=drop")
	expect(next, 2, "ip")
	r.add(ctx, "priority=3,udp,actions=drop")
	expect(next, 3, "udp")
	expect(watch(new(uint64(2))), 3, "udp")
	for _, text := range []string{"tcp", "icmp", "ipv6"} {
		r.add(ctx, "priority=4,"+text+",actions=drop")
	}
	for i, text := range []string{"tcp", "icmp", "ipv6"} {
		expect(next, uint64(4+i), text)
	}
	if m, err := watch(new(uint64(0)))(); status.Code(err) != codes.OutOfRange || !strings.Contains(err.Error(), "watch after revision 2 or later") {
		t.Errorf("too old: %v, %v", m, err)
	}
	if m, err := watch(new(uint64(99)))(); status.Code(err) != codes.OutOfRange {
		t.Errorf("too new: %v, %v", m, err)
	}
}
