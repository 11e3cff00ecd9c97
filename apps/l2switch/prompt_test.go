package l2switch

import (
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// TestPrompt: a packet is handled without waiting, unless its host has moved and
// the version has to be asked for flows. That the session keeps its word is checked for
// every packet of every test (rig).
func TestPrompt(t *testing.T) {
	for _, v := range ofp.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			r := newRig(t, v, Config{}, simswitch.Config{})
			before := r.prompts
			for range 3 {
				r.inject(1, eth('*', 'a'))
				r.inject(2, eth('*', 'b'))
			}
			if n := r.prompts - before; n != 6 {
				t.Errorf("%d of 6 packets were to be handled without waiting", n)
			}
			want := 1
			if v == ofp.V10 {
				want = 0
			}
			before = r.prompts
			r.inject(3, eth('*', 'a'))
			if n := r.prompts - before; n != want {
				t.Errorf("host moved: %d packets were to be handled without waiting, want %d", n, want)
			}
		})
	}
}
