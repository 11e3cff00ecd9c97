package desired

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
)

func bundleRig(t *testing.T) *rig {
	r := newRig(t, ofp.V13)
	r.sw.bundles = true
	return r
}

func TestPieces(t *testing.T) {
	flow, group, meter, barrier := ofp.NewFlowMod(ofp.FlowAdd), &ofp.GroupMod{}, &ofp.MeterMod{}, &ofp.BarrierRequest{}
	tests := []struct {
		name string
		v    ofp.Version
		msgs []ofp.Message
		want []piece
	}{
		{"one", ofp.V13, []ofp.Message{flow}, []piece{{0, 1, false}}},
		{"two", ofp.V13, []ofp.Message{group, flow}, []piece{{0, 2, true}}},
		{"two on 1.2", ofp.V12, []ofp.Message{group, flow}, []piece{{0, 2, false}}},
		{"one and a barrier", ofp.V13, []ofp.Message{flow, barrier}, []piece{{0, 2, false}}},
		{"a meter before", ofp.V13, []ofp.Message{meter, barrier, flow, flow}, []piece{{0, 1, false}, {1, 4, true}}},
		{"meters around", ofp.V13, []ofp.Message{meter, flow, flow, meter}, []piece{{0, 1, false}, {1, 3, true}, {3, 4, false}}},
		{"meters everywhere", ofp.V13, []ofp.Message{meter, flow, flow, meter, flow, flow}, []piece{{0, 6, false}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, pieces(tt.v, tt.msgs), cmp.AllowUnexported(piece{})); d != "" {
				t.Error(d)
			}
		})
	}
}

// What is refused of a bundle needs no undoing: the switch sees nothing of it, and
// what somebody else has there stays.
func TestBundleIsRefused(t *testing.T) {
	r := bundleRig(t)
	if err := r.sw.Write(t.Context(), parse(t, "add-flow priority=9,arp,actions=output:9")); err != nil {
		t.Fatal(err)
	}
	r.apply("add-flow priority=1,ip,actions=output:1", "add-flow priority=2,ip,actions=output:2")
	r.sw.sent = nil
	err := r.try("", "del-flows arp", "mod-flows ip,actions=output:3", "add-flow priority=3,idle_timeout=5,ip,actions=output:1", "add-flow priority=4,ip,actions=group:77")
	var undone *UndoneError
	if !errors.As(err, &undone) || len(undone.Err.Errors) != 1 || undone.Err.Errors[0].Index != 3 || !undone.Err.Untouched || undone.Transient {
		t.Fatalf("%v", err)
	}
	if len(r.sw.sent) > 0 {
		t.Errorf("the switch was sent %v", r.sw.sent)
	}
	r.has("priority=9,arp actions=output:9", "priority=2,ip actions=output:2", "priority=1,ip actions=output:1")
	r.stands(0, 2, 0)
}

// A meter-mod goes beside the bundle: if that is refused, the meter is undone.
func TestMeterBesideBundle(t *testing.T) {
	r := bundleRig(t)
	err := r.try("", "add-meter meter=1,kbps,band=type=drop,rate=9", "add-flow priority=1,ip,actions=meter:1,output:1", "add-flow priority=4,ip,actions=group:77")
	var undone *UndoneError
	if !errors.As(err, &undone) || len(undone.Err.Errors) != 1 || undone.Err.Errors[0].Index != 2 || undone.Err.Untouched {
		t.Fatalf("%v", err)
	}
	r.has()
	r.apply("add-meter meter=1,kbps,band=type=drop,rate=9", "add-flow priority=1,ip,actions=meter:1,output:1", "add-flow priority=4,ip,actions=output:1")
	if r.sw.bundled != 2 {
		t.Errorf("%d bundles, want 2", r.sw.bundled)
	}
	r.stands(0, 3, 0)
}

// What a switch refuses of a repair does not keep the rest from being repaired,
// however much it is, and all of it is told.
func TestRepairWithoutWhatIsRefused(t *testing.T) {
	for _, tt := range []struct{ bad, bundles int }{{1, 2}, {2, 3}, {3, 3}, {40, 3}} {
		t.Run(fmt.Sprint(tt.bad), func(t *testing.T) {
			r := bundleRig(t)
			var lines []string
			for i := range 100 {
				lines = append(lines, fmt.Sprintf("add-flow priority=%d,ip,actions=output:1", i))
			}
			r.apply(lines...)
			r.sw.dp.Restart()
			r.d.Gone(1)
			r.sw.bundled = 0
			r.sw.refuse = func(_ int, m ofp.Message) ofp.ErrorReason {
				if int(m.(*ofp.FlowMod).Priority)%2 == 0 && int(m.(*ofp.FlowMod).Priority) < 2*tt.bad {
					return ofp.FlowModFailedEPERM
				}
				return ofp.ReasonUnknown
			}
			report := r.reconcile()
			if report.Refused != tt.bad || report.Changed != 100-tt.bad || len(r.sw.all()) != 100-tt.bad || r.sw.bundled != tt.bundles {
				t.Errorf("%+v, and there are %d flows, by %d bundles", report, len(r.sw.all()), r.sw.bundled)
			}
			r.stands(0, 100-tt.bad, tt.bad)
		})
	}
}

// A switch that goes away before the commit has nothing, one that goes away before
// it answers has all: both are in doubt, and come true.
func TestBundleInDoubt(t *testing.T) {
	for _, away := range []int{1, 2} {
		r := bundleRig(t)
		r.sw.away = away
		err := r.try("", "add-flow priority=1,ip,actions=output:1", "add-flow priority=2,ip,actions=output:2")
		var doubt *InDoubtError
		if !errors.As(err, &doubt) || !errors.Is(err, channel.ErrDisconnected) {
			t.Fatalf("%v", err)
		}
		if n := len(r.sw.all()); n != 2*(away%2) {
			t.Errorf("the switch has %d flows", n)
		}
		r.sw.away = 0
		r.reconcile()
		r.has("priority=2,ip actions=output:2", "priority=1,ip actions=output:1")
		r.stands(0, 2, 0)
	}
}

// Where bundles are refused for being bundles, the messages go by themselves.
func TestBundleForLackOfRoom(t *testing.T) {
	r := bundleRig(t)
	entered := 0
	r.sw.entered = func() { entered++ }
	r.sw.refuse = func(int, ofp.Message) ofp.ErrorReason {
		if entered == 1 {
			return ofp.BundleFailedMsgTooMany
		}
		return ofp.ReasonUnknown
	}
	r.apply("add-flow priority=1,ip,actions=output:1", "add-flow priority=2,ip,actions=output:2")
	r.stands(0, 2, 0)
	r.has("priority=2,ip actions=output:2", "priority=1,ip actions=output:1")
}

// A bundle that is asked for is one, whatever is in it, or nothing at all.
func TestBundleIsAskedFor(t *testing.T) {
	r := bundleRig(t)
	one := parse(t, "add-flow priority=1,ip,actions=output:1")
	apply := func(msgs []ofp.Message) error {
		_, err := r.d.Apply(t.Context(), r.sw, Txn{Messages: msgs, Bundle: true})
		return err
	}
	if err := apply(one); err != nil || r.sw.bundled != 1 {
		t.Fatalf("%v, %d bundles", err, r.sw.bundled)
	}
	if err := apply(parse(t, "add-flow priority=2,idle_timeout=5,ip,actions=output:1")); err != nil || r.sw.bundled != 2 {
		t.Fatalf("transient: %v, %d bundles", err, r.sw.bundled)
	}
	var undone *UndoneError
	if err := apply(parse(t, "add-flow priority=3,ip,actions=output:1", "add-meter meter=1,kbps,band=type=drop,rate=9")); !errors.As(err, &undone) || undone.Err.Errors[0].Index != 1 {
		t.Errorf("a meter-mod in a bundle: %v", err)
	}
	r.stands(0, 1, 0)
	r.sw.bundles = false
	before := r.st.Revision()
	if err := apply(parse(t, "add-flow priority=4,ip,actions=output:1")); !errors.Is(err, channel.ErrNoBundles) || r.st.Revision() != before {
		t.Errorf("no bundles: %v, revision %d after %d", err, r.st.Revision(), before)
	}
	r.stands(0, 1, 0)
}
