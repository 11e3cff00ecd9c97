package main

import (
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestMutated is the first twenty thousand of what `make fuzz-long` runs.
func TestMutated(t *testing.T) {
	t.Chdir("../..")
	for _, v := range ofp.Versions() {
		r, err := run(v, 20_000, 1, 2)
		if err != nil {
			t.Error(err)
		}
		if r.inputs < 20_000 || r.decoded == 0 || r.decoded == r.inputs {
			t.Errorf("OpenFlow %s: %d of %d inputs decoded", v, r.decoded, r.inputs)
		}
	}
}
