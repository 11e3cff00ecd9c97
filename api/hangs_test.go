package api

import (
	"context"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/controller/desired"
	"github.com/sluice-sdn/sluice/controller/store"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// hangingStore is a store whose disk does not answer while answers is set.
type hangingStore struct {
	store.Store
	answers atomic.Pointer[chan struct{}]
	since   atomic.Pointer[time.Time]
	begun   atomic.Int64
}

// Commit is that of store.Store: once it has begun it does not look at the context.
func (s *hangingStore) Commit(ctx context.Context, t store.Txn) (store.Done, error) {
	if answers := s.answers.Load(); answers != nil {
		s.since.CompareAndSwap(nil, new(time.Now()))
		s.begun.Add(1)
		<-*answers
		s.since.Store(nil)
		ctx = context.WithoutCancel(ctx)
	}
	return s.Store.Commit(ctx, t)
}

func (s *hangingStore) Health() store.Health {
	h := s.Store.Health()
	if at := s.since.Load(); at != nil {
		h.Writing = *at
	}
	return h
}

// TestCallWhileDiskHangs: while the disk does not answer, the callers are answered in
// time, who waits behind as well, and reads are; when it answers, what was begun is
// stored and on the switch, and nothing else, and all goes on.
func TestCallWhileDiskHangs(t *testing.T) {
	kept, err := store.Open(filepath.Join(t.TempDir(), "state.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	hanging := &hangingStore{Store: kept}
	st, err := desired.New(t.Context(), hanging)
	if err != nil {
		t.Fatal(err)
	}
	r := newRigOver(t, controller.Config{Desired: st}, Config{})
	t.Cleanup(func() { kept.Close() })
	sim := r.connect(simswitch.Config{Name: "br0"})
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	r.add(ctx, "priority=1,arp,actions=drop")

	answers := make(chan struct{})
	hanging.answers.Store(&answers)
	write := func(text string) chan error {
		told := make(chan error, 1)
		go func() {
			in, cancel := context.WithTimeout(ctx, 4*time.Second)
			defer cancel()
			one := &sluicev1.FlowChange{Change: &sluicev1.FlowChange_Add{Add: &sluicev1.FlowSpec{Form: &sluicev1.FlowSpec_Text{Text: text}}}}
			_, err := r.flows.WriteFlows(in, &sluicev1.WriteFlowsRequest{Switch: "br0", Changes: []*sluicev1.FlowChange{one}})
			told <- err
		}()
		return told
	}
	first := write("priority=2,ip,actions=drop")
	r.eventually("the commit has begun", func() bool { return hanging.begun.Load() == 1 })
	behind := write("priority=3,udp,actions=drop")
	for name, told := range map[string]chan error{"not answered for": first, "has lasted for": behind} {
		if err := <-told; status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want UNAVAILABLE, %s", err, name)
		}
	}
	if r, err := sluicev1.NewStateServiceClient(r.conn).GetState(ctx, &sluicev1.GetStateRequest{}); err != nil || r.GetRevision() != 1 {
		t.Errorf("GetState: %v, %v", r, err)
	}
	hanging.answers.Store(nil)
	close(answers)
	r.eventually("what was begun is stored", func() bool { return st.Revision() == 2 })
	if _, err := sluicev1.NewStateServiceClient(r.conn).Reconcile(ctx, &sluicev1.ReconcileRequest{Switch: "br0"}); err != nil || len(sim.Flows()) != 2 {
		t.Errorf("the switch has %d flows: %v", len(sim.Flows()), err)
	}
	r.add(ctx, "priority=4,tcp,actions=drop")
	if n := len(sim.Flows()); n != 3 || st.Revision() != 3 {
		t.Errorf("%d flows, revision %d; want 3 of both", n, st.Revision())
	}
}
