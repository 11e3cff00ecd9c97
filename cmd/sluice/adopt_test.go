package main

import (
	"context"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// TestAdoptSaysWhatItLeavesOut: a switch that is back with OpenFlow 1.0 may tell in
// poorer words what it should have: that is not adopted, and told.
func TestAdoptSaysWhatItLeavesOut(t *testing.T) {
	d := newStateDaemon(t)
	first := d.bridge(simswitch.Config{Name: "br0"})
	d.must("", "add-flow", "br0", "priority=6,metadata=1,actions=output:1")
	first.Close()
	stranger := newDaemon(t) // keeps no state
	s := stranger.bridge(simswitch.Config{Name: "br0", Versions: []ofp.Version{ofp.V10}})
	stranger.must("", "add-flow", "br0", "priority=6,actions=output:1")
	stranger.must("", "add-flow", "br0", "priority=7,udp,actions=output:1")
	s.Disconnect()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.Dial(ctx, d.openflow); err != nil {
		t.Fatal(err)
	}
	for {
		if sw, err := d.c.Find("br0"); err == nil && sw.Version() == ofp.V10 {
			break
		}
		select {
		case <-ctx.Done():
			t.Fatal("br0 is not back")
		case <-time.After(2 * time.Millisecond):
		}
	}
	for _, args := range [][]string{{"adopt", "--dry-run", "br0"}, {"adopt", "br0"}} {
		wantTexts(t, "adopt", d.must("", args...), "2 left out: the switch speaks an older OpenFlow version", "\n0 ")
	}
	wantTexts(t, "status --foreign", d.must("", "status", "br0", "--foreign"), "flow priority=6 actions=output:1\n", "flow priority=7,udp actions=output:1\n")
	wantTexts(t, "export", d.must("", "export"), "flows:\n      - priority=6,metadata=0x1 actions=output:1\n")
}
