package desired

import (
	"strings"
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestTransientTakesNoPlace: a flow with timeouts cannot take the place of one that
// is kept, which the switch would lose with it; beside it it can be, and is neither
// stored nor missed.
func TestTransientTakesNoPlace(t *testing.T) {
	for _, v := range []ofp.Version{ofp.V10, ofp.V13} {
		for _, timeout := range []string{"idle_timeout=5", "hard_timeout=5"} {
			t.Run(v.String()+" "+timeout, func(t *testing.T) {
				r := newRig(t, v)
				r.apply("add-flow priority=1,ip,actions=output:1")
				before, has := r.d.Revision(), r.sw.all()
				r.sw.sent = nil
				err := r.try("", "add-flow priority=2,ip,actions=output:2", "add-flow priority=1,"+timeout+",ip,actions=output:2")
				if err == nil || !strings.Contains(err.Error(), "flow table=0,priority=1,ip: a flow with timeouts would take the place of one that is to stay") {
					t.Errorf("the write ends with %v", err)
				}
				if len(r.sw.sent) > 0 || r.d.Revision() != before {
					t.Errorf("sent %v; revision %d, was %d", r.sw.sent, r.d.Revision(), before)
				}
				r.apply("add-flow priority=2," + timeout + ",ip,actions=output:2")
				if got := r.sw.all(); len(got) != len(has)+1 || r.d.Revision() != before {
					t.Errorf("beside it: %v, revision %d, was %d", got, r.d.Revision(), before)
				}
				r.sw.dp.Restart()
				if _, err := r.d.Reconcile(t.Context(), r.sw); err != nil {
					t.Fatal(err)
				}
				if got := r.sw.all(); strings.Join(got, "\n") != strings.Join(has, "\n") {
					t.Errorf("after a restart of the switch: %v, want %v", got, has)
				}
			})
		}
	}
}
