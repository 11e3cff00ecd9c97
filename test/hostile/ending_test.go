package hostile

import (
	"context"
	"fmt"
	"io"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// endLimit is how long sluiced may take after SIGTERM. It promises five seconds; a
// busy machine is given more.
const endLimit = 15 * time.Second

// TestEndInTheMidst has sluiced end by SIGTERM while clients push, apply over several
// switches, roll back, follow the history, take a backup and restore one, and switches
// do not answer: it ends well and soon, and each client is told UNAVAILABLE.
func TestEndInTheMidst(t *testing.T) {
	l := newLab(t)
	l.store("00000000000000aa", 0, times(20_000, 100_000))
	api, flows := sluicev1.NewStateServiceClient(l.conn), sluicev1.NewFlowServiceClient(l.conn)
	var dpids []string
	var wish sluicev1.ApplyRequest
	for i := range 3 {
		sw := l.simulated(ofp.DPID(i + 1))
		dpids = append(dpids, sw.DPID().String())
		if _, err := flows.WriteFlows(l.within(), &sluicev1.WriteFlowsRequest{Switch: dpids[i], Changes: []*sluicev1.FlowChange{flow("priority=1,arp,actions=drop")}}); err != nil {
			t.Fatal(err)
		}
		if i > 0 { // it answers nothing from now on
			sw.SetFaults(stands())
		}
		wish.Switches = append(wish.Switches, &sluicev1.SwitchWish{Switch: dpids[i], Flows: []*sluicev1.FlowSpec{flow("priority=9,arp,actions=drop").GetAdd()}})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	calls := map[string]func(begun func()) error{
		"write": func(begun func()) error {
			r := &sluicev1.WriteFlowsRequest{Switch: dpids[2]}
			for i := range 500 {
				r.Changes = append(r.Changes, flow("priority=%d,ip,actions=drop", 1000+i))
			}
			begun()
			_, err := flows.WriteFlows(ctx, r)
			return err
		},
		"apply": func(begun func()) error { begun(); _, err := api.Apply(ctx, &wish); return err },
		"rollback": func(begun func()) error {
			begun()
			_, err := api.Rollback(ctx, &sluicev1.RollbackRequest{Revision: 1, Switches: dpids[1:]})
			return err
		},
		"reconcile": func(begun func()) error {
			begun()
			_, err := api.Reconcile(ctx, &sluicev1.ReconcileRequest{Switch: dpids[1]})
			return err
		},
		"history": func(begun func()) error {
			s, err := api.WatchHistory(ctx, &sluicev1.WatchHistoryRequest{AfterRevision: new(uint64)})
			for err == nil {
				_, err = s.Recv()
				begun()
			}
			return err
		},
		"backup that nobody reads": func(begun func()) error {
			s, err := api.Backup(ctx, &sluicev1.BackupRequest{})
			if err != nil {
				return err
			}
			_, err = s.Recv()
			begun()
			<-l.Ended()
			for err == nil {
				_, err = s.Recv()
			}
			return err
		},
		"restore that stops": func(begun func()) error {
			s, err := api.Restore(ctx)
			if err != nil {
				return err
			}
			err = s.Send(&sluicev1.RestoreRequest{Options: &sluicev1.RestoreOptions{}, Data: make([]byte, 1<<16)})
			begun()
			if err != nil {
				return err
			}
			return s.RecvMsg(new(sluicev1.RestoreResponse))
		},
	}
	var running, begun sync.WaitGroup
	var mu sync.Mutex
	errs := make(map[string]error)
	for name, call := range calls {
		begun.Add(1)
		running.Go(func() {
			err := call(sync.OnceFunc(begun.Done))
			mu.Lock()
			errs[name] = err
			mu.Unlock()
		})
	}
	begun.Wait()
	l.until("the calls run", func() error {
		m, err := l.Metrics(l.within())
		if err == nil && m["go_goroutines"] < 10 {
			err = fmt.Errorf("%v goroutines", m["go_goroutines"])
		}
		return err
	})
	start := time.Now()
	if err := syscall.Kill(l.PID(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-l.Ended():
		t.Logf("it ended after %v", time.Since(start).Round(time.Millisecond))
	case <-time.After(endLimit):
		t.Errorf("it has not ended after %v\n%s", endLimit, l.Dump())
	}
	running.Wait()
	for name, err := range errs {
		t.Logf("%s: %v", name, err)
		if c := status.Code(err); c != codes.Unavailable && err != io.EOF {
			t.Errorf("%s: %v, want UNAVAILABLE", name, err)
		}
	}
}
