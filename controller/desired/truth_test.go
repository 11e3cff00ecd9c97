package desired

import (
	"context"
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
)

// leaver is a switch that is gone when all has been read.
type leaver struct {
	*fake
	gone func()
}

func (f leaver) Flows(ctx context.Context, q ofp.FlowFilter) ([]ofp.FlowStats, error) {
	all, err := f.fake.Flows(ctx, q)
	f.gone()
	return all, err
}

// TestGoneSwitchHasNothingInstalled: also if it went while it was compared.
func TestGoneSwitchHasNothingInstalled(t *testing.T) {
	r := newRig(t, ofp.V13)
	r.apply("add-flow priority=1,ip,actions=output:1")
	if _, err := r.d.Reconcile(t.Context(), leaver{r.sw, func() { r.d.Gone(1) }}); err != nil {
		t.Fatal(err)
	}
	if s := r.d.Summary(1); s.Installed != 0 || s.Pending != 1 {
		t.Errorf("%+v, want one pending: the switch is gone", s)
	}
	r.reconcile()
	if s := r.d.Summary(1); s.Installed != 1 {
		t.Errorf("%+v, want one installed: the switch is back", s)
	}
}
