package desired

import (
	"errors"
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestModifyOfOthersAddsNothing: in OpenFlow 1.0 and 1.1 a flow is added where none is
// modified, and flows that nobody keeps count.
func TestModifyOfOthersAddsNothing(t *testing.T) {
	for _, v := range []ofp.Version{ofp.V10, ofp.V11} {
		for _, tt := range []struct {
			name    string
			foreign []string
			lines   []string
			kept    int
			has     []string
		}{
			{"none", nil, []string{"mod-flows ip,actions=output:2"}, 1, []string{"ip actions=output:2"}},
			{"foreign", []string{"add-flow priority=9,tcp,actions=output:1"}, []string{"mod-flows ip,actions=output:2"}, 0, []string{"priority=9,tcp actions=output:2"}},
			{"others", []string{"add-flow priority=9,arp,actions=output:1"}, []string{"mod-flows ip,actions=output:2"}, 1, []string{"ip actions=output:2", "priority=9,arp actions=output:1"}},
			{"deleted before", []string{"add-flow priority=9,tcp,actions=output:1"}, []string{"del-flow priority=9,tcp", "mod-flows ip,actions=output:2"}, 1, []string{"ip actions=output:2"}},
			{"transient", nil, []string{"add-flow priority=9,idle_timeout=9,tcp,actions=output:1", "mod-flows ip,actions=output:2"}, 0, []string{"idle_timeout=9,priority=9,tcp actions=output:2"}},
			{"transient and gone", nil, []string{"add-flow priority=9,idle_timeout=9,tcp,actions=output:1", "del-flows tcp", "mod-flows ip,actions=output:2"}, 1, []string{"ip actions=output:2"}},
		} {
			t.Run(v.String()+"/"+tt.name, func(t *testing.T) {
				r := newRig(t, v)
				if err := r.sw.Write(t.Context(), parse(t, tt.foreign...)); err != nil {
					t.Fatal(err)
				}
				r.apply(tt.lines...)
				r.has(tt.has...)
				r.stands(0, tt.kept, 0)
				if got := r.reconcile(); got.Changed > 0 {
					t.Errorf("compared, and sent: %+v", got)
				}
				r.has(tt.has...)
			})
		}
	}
	r := newRig(t, ofp.V10)
	r.sw.unread = errUnread
	if err := r.try("", "mod-flows ip,actions=output:2"); !errors.Is(err, errUnread) || len(r.sw.sent) > 0 {
		t.Errorf("%v, %d messages", err, len(r.sw.sent))
	}
	r.stands(0, 0, 0)
}
