package main

import (
	"strings"
	"testing"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/controller/desired"
	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// flooder is an app with two lasting flows on each switch.
type flooder struct{}

func (flooder) Name() string { return "flooder" }

func (flooder) Attach(sw *controller.Switch) controller.Session {
	for _, text := range []string{"priority=0,actions=FLOOD", "priority=1,arp,actions=FLOOD"} {
		m, err := ofp.ParseFlow(text, ofp.FlowAdd, nil)
		if err == nil {
			err = sw.Send(m)
		}
		if err != nil {
			return nil // the test misses it
		}
	}
	return nil
}

// TestReplaceFlowsBesideAnApp: the lasting flows of an app stay, and are named; all
// others are as in the file.
func TestReplaceFlowsBesideAnApp(t *testing.T) {
	st, err := desired.New(t.Context(), store.NewMemory(store.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	d := newDaemonWith(t, controller.Config{Desired: st, Apps: []controller.App{flooder{}}})
	d.bridge(simswitch.Config{Name: "br0"})
	const own = "priority=1,arp actions=FLOOD\npriority=0 actions=FLOOD\n"
	d.must("", "add-flow", "br0", "priority=7,udp,actions=output:1")
	r := d.sluice("", "replace-flows", "br0", flowFile(t, "priority=9,tcp,actions=output:2", "priority=8,tcp,actions=output:1"))
	if r.code != exitDone || strings.Count(r.err, "sluice: left alone, as it belongs to an app: table=0,priority=") != 2 {
		t.Fatalf("status %d\n%s%s", r.code, r.out, r.err)
	}
	var has []string
	for line := range strings.Lines(d.must("", "dump-flows", "br0")) {
		has = append(has, line[strings.Index(line, "priority="):])
	}
	if got, want := strings.Join(has, ""), "priority=9,tcp actions=output:2\npriority=8,tcp actions=output:1\n"+own; got != want {
		t.Errorf("the switch has\n%swant\n%s", got, want)
	}
	// A file that has another flow in the place of the app's is an error, as ever.
	if r := d.sluice("", "replace-flows", "br0", flowFile(t, "priority=0,actions=drop")); r.code != exitError || !strings.Contains(r.err, "belongs to an app; nothing was changed") {
		t.Errorf("status %d\n%s%s", r.code, r.out, r.err)
	}
	if out := d.must("", "dump-flows", "br0"); !strings.Contains(out, "priority=9,tcp") {
		t.Errorf("something was changed:\n%s", out)
	}
}
