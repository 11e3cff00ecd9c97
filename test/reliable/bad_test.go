package reliable

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/ovs"
	"github.com/sluice-sdn/sluice/test/simswitch"
	"github.com/sluice-sdn/sluice/test/sluiced"
)

const (
	theBad  = "0000000000000bad"
	theGood = "000000000000900d"
	manyOf  = 1000 // flows of the bad switch
)

// badRig is a controller with a switch that misbehaves, and one that does not.
type badRig struct {
	t         *testing.T
	daemon    *sluiced.Daemon
	conn      *grpc.ClientConn
	bad, good *simswitch.Switch
	serial    int
}

func newBadRig(t *testing.T) *badRig {
	t.Helper()
	d, err := sluiced.Start(t.Context(), filepath.Join(bin, "sluiced"), "--apps", "none")
	if err != nil {
		t.Fatal(err)
	}
	r := &badRig{t: t, daemon: d, bad: simswitch.New(simswitch.Config{DPID: 0xbad}), good: simswitch.New(simswitch.Config{DPID: 0x900d})}
	r.conn, err = grpc.NewClient("passthrough:///"+d.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.bad.Close()
		r.good.Close()
		r.conn.Close()
		d.End(t)
	})
	r.dial(r.good)
	r.dial(r.bad)
	for _, sw := range []string{theBad, theGood} {
		r.eventually(sw, "to be there", func(s *sluicev1.SwitchState) bool { return s.GetSwitch() != "" })
	}
	return r
}

func (r *badRig) dial(s *simswitch.Switch) {
	r.t.Helper()
	if err := s.Dial(r.t.Context(), r.daemon.OpenFlow); err != nil {
		r.t.Fatal(err)
	}
}

func (r *badRig) within() context.Context {
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	r.t.Cleanup(cancel)
	return ctx
}

// eventually waits for a state of a switch.
func (r *badRig) eventually(sw, what string, ok func(*sluicev1.SwitchState) bool) *sluicev1.SwitchState {
	r.t.Helper()
	var s *sluicev1.SwitchState
	err := ovs.Wait(r.within(), what, func(ctx context.Context) error {
		out, err := sluicev1.NewStateServiceClient(r.conn).GetState(ctx, &sluicev1.GetStateRequest{Switch: sw})
		if err != nil {
			return err
		}
		if s = out.GetSwitches()[0]; !ok(s) {
			return fmt.Errorf("it is %v", s)
		}
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// installed waits until a switch has all of n things.
func (r *badRig) installed(sw string, n int) {
	r.t.Helper()
	r.eventually(sw, "all to be there", func(s *sluicev1.SwitchState) bool {
		return s.GetInstalled() == uint32(n) && s.GetPending()+s.GetDegraded()+s.GetDeleting() == 0 && s.GetFault() == ""
	})
}

// push writes flows to a switch.
func (r *badRig) push(sw string, n int) error {
	req := &sluicev1.WriteFlowsRequest{Switch: sw}
	for range n {
		r.serial++
		req.Changes = append(req.Changes, addFlow(fmt.Sprintf("priority=%d,ip,actions=output:1", r.serial)))
	}
	_, err := sluicev1.NewFlowServiceClient(r.conn).WriteFlows(r.within(), req)
	return err
}

// unaffected demands that the good switch takes a flow as ever.
func (r *badRig) unaffected(n int) {
	r.t.Helper()
	if err := r.push(theGood, 1); err != nil {
		r.t.Errorf("the other switch: %v", err)
	}
	r.installed(theGood, n)
	if got := len(r.good.Flows()); got != n {
		r.t.Errorf("the other switch has %d flows, want %d", got, n)
	}
}

// items are those of a switch in a condition.
func (r *badRig) items(sw string, c sluicev1.StateCondition) (all []*sluicev1.StateItem) {
	r.t.Helper()
	stream, err := sluicev1.NewStateServiceClient(r.conn).ListState(r.within(), &sluicev1.ListStateRequest{Switch: sw, Condition: c})
	for err == nil {
		var part *sluicev1.ListStateResponse
		part, err = stream.Recv()
		all = append(all, part.GetItems()...)
	}
	if !errors.Is(err, io.EOF) {
		r.t.Fatal(err)
	}
	return all
}

// reconcile has the bad switch compared, and waits so long, or, for 0, for as long
// as the server does.
func (r *badRig) reconcile(wait time.Duration) error {
	ctx := r.within()
	if wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, wait)
		defer cancel()
	}
	_, err := sluicev1.NewStateServiceClient(r.conn).Reconcile(ctx, &sluicev1.ReconcileRequest{Switch: theBad})
	return err
}

// flowStatistics reports whether a message asks for the flows.
func flowStatistics(m ofp.Message) bool {
	q, ok := m.(*ofp.MultipartRequest)
	if !ok {
		return false
	}
	_, ok = q.Body.(*ofp.FlowStatsRequest)
	return ok
}

// refused demands an error that names its reason, and which flow it is about.
func (r *badRig) refused(err error, code codes.Code, index int, says ...string) {
	r.t.Helper()
	if status.Code(err) != code {
		r.t.Errorf("%v, want %v", err, code)
	}
	for _, s := range says {
		if !strings.Contains(fmt.Sprint(err), s) {
			r.t.Errorf("%v, want %q in it", err, s)
		}
	}
	if index < 0 {
		return
	}
	for _, d := range status.Convert(err).Details() {
		if f, ok := d.(*sluicev1.FlowError); ok && int(f.GetIndex()) == index {
			return
		}
	}
	r.t.Errorf("%v does not say that it was change %d", status.Convert(err).Proto(), index)
}

// TestBadSwitch has a switch do what no switch should. Nothing is lost, the error
// says what it was, the state is told truly, and the other switch is as ever.
func TestBadSwitch(t *testing.T) {
	if bin == "" {
		t.Fatal("sluiced is not built")
	}
	type message = func(int, ofp.Header, ofp.Message) simswitch.Fault
	// Statistics that do not come, each in its way, and what is said then.
	for name, row := range map[string]struct {
		fault message
		code  codes.Code
		says  string
		wait  time.Duration
	}{
		"statistics are refused": {func(_ int, _ ofp.Header, m ofp.Message) (f simswitch.Fault) {
			if flowStatistics(m) {
				f.Refuse = ofp.BadRequestEPERM
			}
			return f
		}, codes.PermissionDenied, "OFPBRC_EPERM", 0},
		"statistics never come": {func(_ int, _ ofp.Header, m ofp.Message) simswitch.Fault {
			return simswitch.Fault{Silent: flowStatistics(m)}
		}, codes.DeadlineExceeded, "no answer from the switch in time", 0},
		"statistics never come to who does not wait": {func(_ int, _ ofp.Header, m ofp.Message) simswitch.Fault {
			return simswitch.Fault{Silent: flowStatistics(m)}
		}, codes.DeadlineExceeded, "", 2 * time.Second},
	} {
		if row.code == codes.DeadlineExceeded && row.wait == 0 && times(0, 1) == 0 {
			continue // as long as the server waits: in the long form
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newBadRig(t)
			if err := r.push(theBad, manyOf); err != nil {
				t.Fatal(err)
			}
			r.bad.SetFaults(row.fault)
			r.refused(r.reconcile(row.wait), row.code, -1, row.says)
			s := r.eventually(theBad, "the fault to be told", func(s *sluicev1.SwitchState) bool { return s.GetFault() != "" })
			if !strings.Contains(s.GetFault(), "read flows") {
				t.Errorf("fault: %q", s.GetFault())
			}
			if n := len(r.bad.Flows()); n != manyOf {
				t.Errorf("the switch has %d flows, want %d: unknown is not empty", n, manyOf)
			}
			if err := r.push(theBad, 1); err != nil {
				t.Errorf("what needs no statistics: %v", err)
			}
			r.unaffected(1)
			// It has lost all, and cannot be asked: nobody knows that it has anything.
			r.bad.Restart()
			r.dial(r.bad)
			s = r.eventually(theBad, "the restart to be seen", func(s *sluicev1.SwitchState) bool { return s.GetPending() == manyOf+1 })
			if s.GetInstalled() != 0 {
				t.Errorf("installed: %v", s)
			}
			r.unaffected(2)
			r.bad.SetFaults(nil)
			if row.wait > 0 {
				r.dial(r.bad) // else what was asked is waited for
			}
			r.installed(theBad, manyOf+1)
			if n := len(r.bad.Flows()); n != manyOf+1 {
				t.Errorf("the switch has %d flows, want %d", n, manyOf+1)
			}
		})
	}

	// One flow of a thousand, in a push and when the switch is brought back.
	one := func(_ int, _ ofp.Header, m ofp.Message) (f simswitch.Fault) {
		if x, ok := m.(*ofp.FlowMod); ok && x.Command == ofp.FlowAdd && x.Priority == 500 {
			f.Refuse = ofp.FlowModFailedTableFull
		}
		return f
	}
	t.Run("one flow of a thousand is refused in a push", func(t *testing.T) {
		t.Parallel()
		r := newBadRig(t)
		r.bad.SetFaults(one)
		r.refused(r.push(theBad, manyOf), codes.ResourceExhausted, 499, "OFPFMFC_TABLE_FULL", "changes[499]", "nothing was changed")
		r.eventually(theBad, "all to be gone", func(s *sluicev1.SwitchState) bool {
			return s.GetInstalled()+s.GetPending()+s.GetDegraded()+s.GetDeleting() == 0
		})
		if n := len(r.bad.Flows()); n != 0 {
			t.Errorf("the switch has %d flows of a push that was refused", n)
		}
		r.unaffected(1)
	})
	t.Run("one flow of a thousand is refused when the switch is brought back", func(t *testing.T) {
		t.Parallel()
		r := newBadRig(t)
		if err := r.push(theBad, manyOf); err != nil {
			t.Fatal(err)
		}
		r.bad.SetFaults(one)
		r.bad.Restart()
		r.dial(r.bad)
		r.eventually(theBad, "the others", func(s *sluicev1.SwitchState) bool {
			return s.GetInstalled() == manyOf-1 && s.GetDegraded() == 1 && s.GetPending() == 0
		})
		got := r.items(theBad, sluicev1.StateCondition_STATE_CONDITION_DEGRADED)
		if len(got) != 1 || !strings.Contains(got[0].GetText(), "priority=500,") || !strings.Contains(got[0].GetWhy(), "OFPFMFC_TABLE_FULL") {
			t.Errorf("degraded: %v", got)
		}
		if n := len(r.bad.Flows()); n != manyOf-1 {
			t.Errorf("the switch has %d flows, want %d", n, manyOf-1)
		}
		r.unaffected(1)
		r.bad.SetFaults(nil)
		r.installed(theBad, manyOf)
	})
	t.Run("the connection ends in the midst of a push", func(t *testing.T) {
		t.Parallel()
		r := newBadRig(t)
		if err := r.push(theBad, 10); err != nil {
			t.Fatal(err)
		}
		r.bad.SetFaults(simswitch.DropAfter(300))
		err := r.push(theBad, manyOf)
		r.refused(err, codes.Unavailable, -1, "stored as revision", "to which the switch will be brought")
		s := r.eventually(theBad, "the end of the connection", func(s *sluicev1.SwitchState) bool { return s.GetPending() == manyOf+10 })
		if s.GetInstalled() != 0 || s.GetDegraded() != 0 {
			t.Errorf("away, and: %v", s)
		}
		r.unaffected(1)
		r.bad.SetFaults(nil)
		r.dial(r.bad)
		r.installed(theBad, manyOf+10)
		if n := len(r.bad.Flows()); n != manyOf+10 {
			t.Errorf("the switch has %d flows, want %d", n, manyOf+10)
		}
	})
}
