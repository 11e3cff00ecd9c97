package hostile

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// told is what a writer was answered.
type told struct {
	request string // the request id
	code    codes.Code
	text    string
	at      []uint64 // revisions
}

// TestRacingWriters has many clients change the same flows of several switches at
// once: with the revision that they expect, with one request id for different changes
// and for the same one, and over all switches with Apply. Each answer is true, the
// history has each change once, and the switches have what is desired.
func TestRacingWriters(t *testing.T) {
	l := newLab(t)
	var dpids []string
	for i := range 3 {
		dpids = append(dpids, l.simulated(ofp.DPID(i+1)).DPID().String())
	}
	flows, api := sluicev1.NewFlowServiceClient(l.conn), sluicev1.NewStateServiceClient(l.conn)
	writers, rounds := times(50, 50), times(6, 60)
	var mu sync.Mutex
	var all []told
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := range rounds {
				x := told{request: fmt.Sprintf("w%d-%d", w, n)}
				cookie := w*rounds + n + 1
				var err error
				switch n % 3 {
				case 0: // compare and swap
					st, e := api.GetState(l.within(), &sluicev1.GetStateRequest{})
					if e != nil {
						t.Error(e)
						return
					}
					rev := st.GetRevision()
					var out *sluicev1.WriteFlowsResponse
					out, err = flows.WriteFlows(l.within(), &sluicev1.WriteFlowsRequest{
						Switch: dpids[n%len(dpids)], RequestId: x.request, ExpectedRevision: &rev,
						Changes: []*sluicev1.FlowChange{flow("priority=%d,cookie=%d,arp,actions=drop", 1+w%5, cookie), flow("priority=100,cookie=%d,arp,actions=drop", cookie)},
					})
					if err == nil {
						x.at = append(x.at, out.GetRevision())
						if out.GetRevision() <= rev {
							t.Errorf("%s: expected %d, and is told %d", x.request, rev, out.GetRevision())
						}
					}
				case 1: // one request id for what all of them want
					x.request = fmt.Sprintf("shared-%d", n)
					var out *sluicev1.WriteFlowsResponse
					out, err = flows.WriteFlows(l.within(), &sluicev1.WriteFlowsRequest{
						Switch: dpids[n%len(dpids)], RequestId: x.request, Changes: []*sluicev1.FlowChange{flow("priority=200,cookie=%d,arp,actions=drop", 1+w%2*1_000_000+n)},
					})
					if err == nil {
						x.at = append(x.at, out.GetRevision())
					}
				case 2: // in stages
					r := &sluicev1.ApplyRequest{RequestId: x.request}
					for _, d := range dpids {
						r.Switches = append(r.Switches, &sluicev1.SwitchWish{Switch: d, Flows: []*sluicev1.FlowSpec{flow("priority=300,cookie=%d,arp,actions=drop", cookie).GetAdd()}})
					}
					var out *sluicev1.ApplyResponse
					out, err = api.Apply(l.within(), r)
					for _, p := range out.GetSwitches() {
						x.at = append(x.at, p.GetRevision())
					}
				}
				x.code, x.text = status.Code(err), status.Convert(err).Message()
				mu.Lock()
				all = append(all, x)
				mu.Unlock()
			}
		})
	}
	wg.Wait()

	last, err := api.GetState(l.within(), &sluicev1.GetStateRequest{})
	if err != nil {
		t.Fatal(err)
	}
	history, err := api.ListHistory(l.within(), &sluicev1.ListHistoryRequest{Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	changes := make(map[uint64]*sluicev1.StateChange)
	for i, c := range history.GetChanges() {
		changes[c.GetRevision()] = c
		if i > 0 && c.GetRevision() != history.GetChanges()[i-1].GetRevision()-1 {
			t.Errorf("revision %d comes after %d", history.GetChanges()[i-1].GetRevision(), c.GetRevision())
		}
	}
	counts := make(map[codes.Code]int)
	shared := make(map[string][]uint64)
	oldest := last.GetRevision() - uint64(len(changes))
	for _, x := range all {
		counts[x.code]++
		switch x.code {
		case codes.OK:
			for _, rev := range x.at {
				if rev <= oldest {
					continue // the history does not reach back so far
				}
				if c := changes[rev]; c == nil || !strings.HasPrefix(c.GetRequestId(), x.request) {
					t.Errorf("%s is told revision %d, of which the history has %v", x.request, rev, c)
				}
			}
			if strings.HasPrefix(x.request, "shared-") {
				shared[x.request] = append(shared[x.request], x.at...)
			}
		case codes.Aborted, codes.AlreadyExists:
			if strings.HasPrefix(x.request, "shared-") {
				continue // another one may have been first
			}
			for _, c := range history.GetChanges() {
				if id := c.GetRequestId(); id == x.request || strings.HasPrefix(id, x.request+" ") {
					t.Errorf("%s was refused (%s), and the history has it as %v", x.request, x.text, c)
				}
			}
		default:
			t.Errorf("%s: %v %s", x.request, x.code, x.text)
		}
	}
	for request, at := range shared {
		if slices.Sort(at); at[0] != at[len(at)-1] {
			t.Errorf("%s was carried out more than once: %v", request, slices.Compact(at))
		}
	}
	if counts[codes.Aborted] == 0 || counts[codes.AlreadyExists] == 0 {
		t.Errorf("nobody was in anybody's way: %v", counts)
	}
	t.Logf("%d revisions; answers: %v", last.GetRevision(), counts)
	for _, d := range dpids {
		l.same(d)
	}
}

// same demands that a switch has what is desired of it, and that no comparison has
// anything to send.
func (l *lab) same(dpid string) {
	l.t.Helper()
	r, err := sluicev1.NewStateServiceClient(l.conn).Reconcile(l.within(), &sluicev1.ReconcileRequest{Switch: dpid})
	if err != nil || r.GetChanged()+r.GetRefused()+r.GetForeign()+r.GetUnable() > 0 {
		l.t.Errorf("%s is not as it should be: %v, %v", dpid, r, err)
	}
	actual, err := sluicev1.NewFlowServiceClient(l.conn).ListFlows(l.within(), &sluicev1.ListFlowsRequest{Switch: dpid})
	if err != nil {
		l.t.Fatal(err)
	}
	n := 0
	for {
		part, err := actual.Recv()
		if err == io.EOF {
			break
		}
		if err != nil {
			l.t.Fatal(err)
		}
		n += len(part.GetFlows())
	}
	if n != int(r.GetSame()) {
		l.t.Errorf("%s has %d flows, %d should be there", dpid, n, r.GetSame())
	}
}
