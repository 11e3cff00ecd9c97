package main

import (
	"testing"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/controller/desired"
	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// TestExportWithoutReservedCookie: what an old store has of a cookie that no flow may
// have is not in the file, which can be applied, and heals the store.
func TestExportWithoutReservedCookie(t *testing.T) {
	st, err := desired.New(t.Context(), store.NewMemory(store.Options{History: 20}))
	if err != nil {
		t.Fatal(err)
	}
	d := newDaemonWith(t, controller.Config{Desired: st})
	d.bridge(simswitch.Config{Name: "br0"})
	sw, err := d.c.Find("br0")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"priority=9,udp,actions=drop", "table=1,actions=drop", "actions=2"} {
		m, err := ofp.ParseFlow(text, ofp.FlowAdd, nil)
		if err != nil {
			t.Fatal(err)
		}
		m.Cookie = 1<<64 - 1
		if _, err := sw.Apply(t.Context(), controller.Txn{Messages: []ofp.Message{m}}); err != nil {
			t.Fatal(err)
		}
	}
	wantTexts(t, "dump-flows", d.must("", "dump-flows", "br0"), "cookie=0xffffffffffffffff")
	exported := d.must("", "export")
	if want := "switches:\n  br0:\n    flows:\n      - priority=9,udp actions=drop\n      - actions=output:2\n      - table=1 actions=drop\n"; exported != want {
		t.Errorf("exported:\n%swant:\n%s", exported, want)
	}
	wantTexts(t, "apply", d.must(exported, "apply", "--prune", "--yes", "-f", "-"), "br0: 0 added, 3 changed, 0 removed")
	if out := d.must(exported, "plan", "--prune", "-f", "-"); out != "nothing to do: 3 as they should be\n" {
		t.Error(out)
	}
}
