package desired

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-sdn/sluice/controller/plan"
	"github.com/sluice-sdn/sluice/ofp"
)

// TestUntoldIsNotGone: a switch that tells its flows, and fails to tell its groups or
// meters, is not taken for one without them: nothing is sent, the state says why it
// was not compared, and what is known of it stays.
func TestUntoldIsNotGone(t *testing.T) {
	for _, kind := range []plan.Object{plan.Group, plan.Meter} {
		for _, rule := range []ForeignRule{ForeignReport, ForeignRemove, ForeignAdopt} {
			t.Run(fmt.Sprintf("%s, rule %d", kind, rule), func(t *testing.T) {
				r := newRig(t, ofp.V13)
				r.d.Govern(Foreign{Rule: rule}, nil)
				r.apply("add-meter meter=1,kbps,band=type=drop,rate=10", "add-group group_id=1,type=all,bucket=output:1", "add-flow priority=1,ip,actions=meter:1,group:1")
				before := r.d.Revision()
				r.sw.sent = nil
				r.sw.untold = map[plan.Object]error{kind: errUnread}
				_, err := r.d.Reconcile(t.Context(), r.sw)
				if !errors.Is(err, errUnread) || !strings.HasPrefix(err.Error(), "read "+kind.String()+"s: ") {
					t.Errorf("the comparison ends with %v", err)
				}
				items, unreadable := r.d.Items(1)
				if unreadable != nil {
					t.Fatal(unreadable)
				}
				s := r.d.Summary(1)
				if s.Fault != err.Error() || s.Installed != len(items) || len(items) != 3 {
					t.Errorf("the state is %+v with %d items", s, len(items))
				}
				r.sw.untold = nil
				if got := r.reconcile(); len(r.sw.sent) > 0 || got.Same != 3 || r.d.Revision() != before {
					t.Errorf("sent %v; %+v; revision %d, was %d", r.sw.sent, got, r.d.Revision(), before)
				}
			})
		}
	}
}
