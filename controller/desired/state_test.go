package desired

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
)

// parse returns the messages of lines: a verb of ovs-ofctl and its argument.
func parse(t testing.TB, lines ...string) (all []ofp.Message) {
	t.Helper()
	flows := map[string]ofp.FlowCommand{
		"add-flow": ofp.FlowAdd, "mod-flows": ofp.FlowModify, "del-flows": ofp.FlowDelete, "del-flow": ofp.FlowDeleteStrict, "mod-flow": ofp.FlowModifyStrict,
	}
	groups := map[string]ofp.GroupCommand{"add-group": ofp.GroupAdd, "mod-group": ofp.GroupModify, "del-groups": ofp.GroupDelete}
	meters := map[string]ofp.MeterCommand{"add-meter": ofp.MeterAdd, "mod-meter": ofp.MeterModify, "del-meters": ofp.MeterDelete}
	for _, line := range lines {
		verb, arg, _ := strings.Cut(line, " ")
		var m ofp.Message
		var err error
		if c, ok := flows[verb]; ok {
			m, err = ofp.ParseFlow(arg, c, nil)
		} else if c, ok := groups[verb]; ok {
			m, err = ofp.ParseGroup(arg, c, nil)
		} else if c, ok := meters[verb]; ok {
			m, err = ofp.ParseMeter(arg, c)
		} else {
			t.Fatalf("what is %q?", verb)
		}
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		all = append(all, m)
	}
	return all
}

// rig is a state and a switch.
type rig struct {
	t  testing.TB
	st store.Store
	d  *State
	sw *fake

	dir string // of the store, if that is a file
}

func newRig(t testing.TB, v ofp.Version) *rig {
	t.Helper()
	r := &rig{t: t, st: store.NewMemory(store.Options{}), sw: newFake(t, v)}
	r.restart()
	return r
}

// restart forgets all but the store.
func (r *rig) restart() {
	r.t.Helper()
	d, err := New(r.t.Context(), r.st)
	if err != nil {
		r.t.Fatal(err)
	}
	r.d = d
}

func (r *rig) try(owner string, lines ...string) error {
	_, err := r.d.Apply(r.t.Context(), r.sw, Txn{Owner: owner, Messages: parse(r.t, lines...)})
	return err
}

func (r *rig) apply(lines ...string) {
	r.t.Helper()
	if err := r.try("", lines...); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) reconcile() Report {
	r.t.Helper()
	report, err := r.d.Reconcile(r.t.Context(), r.sw)
	if err != nil {
		r.t.Fatal(err)
	}
	return report
}

func (r *rig) has(want ...string) {
	r.t.Helper()
	if d := cmp.Diff(want, r.sw.all(), cmpopts.EquateEmpty()); d != "" {
		r.t.Errorf("the switch has: -want +got\n%s", d)
	}
}

func (r *rig) stands(pending, installed, degraded int) {
	r.t.Helper()
	s := r.d.Summary(1)
	if s.Pending != pending || s.Installed != installed || s.Degraded != degraded {
		r.t.Errorf("%d pending, %d installed, %d degraded; want %d, %d, %d", s.Pending, s.Installed, s.Degraded, pending, installed, degraded)
	}
}

func TestSwitchIsBroughtBack(t *testing.T) {
	for _, v := range ofp.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			r := newRig(t, v)
			r.apply("add-flow priority=1,ip,actions=output:1", "add-flow priority=2,ip,actions=output:2", "add-flow priority=3,idle_timeout=9,arp,actions=drop")
			r.stands(0, 2, 0)
			r.sw.dp.Restart() // the switch has restarted
			if x := parse(t, "add-flow priority=9,actions=drop"); r.sw.Write(t.Context(), x) != nil {
				t.Fatal("cannot add a foreign flow")
			}
			r.restart() // and so have we
			r.stands(2, 0, 0)
			r.sw.sent = nil
			got := r.reconcile()
			got.Duration = 0
			if d := cmp.Diff(Report{Changed: 2, Foreign: 1, First: "add flow priority=2,ip actions=output:2"}, got); d != "" {
				t.Error(d)
			}
			r.has("priority=9 actions=drop", "priority=2,ip actions=output:2", "priority=1,ip actions=output:1")
			r.stands(0, 2, 0)
			r.sw.sent = nil
			if got := r.reconcile(); got.Same != 2 || len(r.sw.sent) > 0 {
				t.Errorf("a second time: %+v, %d messages", got, len(r.sw.sent))
			}
		})
	}
}

func TestWhatIsDeletedWhileAwayGoes(t *testing.T) {
	r := newRig(t, ofp.V13)
	r.apply("add-group group_id=1,type=all,bucket=output:1", "add-meter meter=1,kbps,band=type=drop,rate=1",
		"add-flow priority=1,ip,actions=output:1", "add-flow priority=2,ip,actions=group:1", "add-flow priority=3,ip,actions=output:1")
	r.sw.away = 1 // it takes the first message, and is gone
	err := r.try("", "del-flow priority=1,ip", "del-groups group_id=1", "del-meters meter=1")
	var doubt *InDoubtError
	if !errors.As(err, &doubt) || !errors.Is(err, channel.ErrDisconnected) || doubt.Revision != r.st.Revision() {
		t.Fatalf("%v", err)
	}
	r.sw.away = 0
	r.restart()
	r.reconcile()
	r.has("priority=3,ip actions=output:1")
	r.stands(0, 1, 0)
	if s := r.d.Summary(1); s.Tombstones != 0 {
		t.Errorf("%d tombstones are left", s.Tombstones)
	}
	r.restart()
	if s := r.d.Summary(1); s.Tombstones != 0 {
		t.Errorf("%d tombstones are left in the store", s.Tombstones)
	}
}

func TestAllOrNothing(t *testing.T) {
	r := newRig(t, ofp.V13)
	r.apply("add-flow priority=1,ip,actions=output:1", "add-flow priority=2,ip,actions=output:1", "add-flow priority=3,ip,actions=output:1")
	before := r.sw.all()
	err := r.try("", "mod-flow priority=1,ip,actions=output:4", "del-flow priority=2,ip", "add-flow priority=5,ip,actions=group:77", "add-flow priority=6,ip,actions=output:2")
	var we *channel.WriteError
	if !errors.As(err, &we) || len(we.Errors) != 1 || we.Errors[0].Index != 2 || errors.As(err, new(*InDoubtError)) {
		t.Fatalf("%v", err)
	}
	r.has(before...)
	r.stands(0, 3, 0)
	r.restart()
	if got := r.reconcile(); got.Same != 3 || got.Changed != 0 {
		t.Errorf("afterwards: %+v", got)
	}
	r.has(before...)
}

func TestWhatCannotBeSaidChangesNothing(t *testing.T) {
	r := newRig(t, ofp.V10)
	err := r.try("", "add-flow priority=1,ip,actions=output:1", "add-flow priority=2,ipv6,ipv6_src=::1,actions=drop")
	var we *channel.WriteError
	if !errors.As(err, &we) || len(we.Errors) != 1 || we.Errors[0].Index != 1 || !errors.Is(err, ofp.ErrVersion) {
		t.Fatalf("%v", err)
	}
	r.has()
	if r.st.Revision() != 0 {
		t.Error("something was stored")
	}
}

func TestOwners(t *testing.T) {
	r := newRig(t, ofp.V13)
	r.apply("add-flow priority=1,ip,actions=output:1")
	if err := r.try("ann", "add-flow priority=2,ip,actions=output:1", "add-group group_id=1,type=all,bucket=output:1"); err != nil {
		t.Fatal(err)
	}
	before := r.sw.all()
	for _, tt := range []struct{ who, line, want string }{
		{"ann", "add-flow priority=1,ip,actions=output:2", `message 0: flow table=0,priority=1,ip belongs to the default owner`},
		{"bob", "mod-flow priority=2,ip,actions=output:2", `message 0: flow table=0,priority=2,ip belongs to "ann"`},
		{"bob", "del-flows ip", `belongs to the default owner`},
		{"", "del-groups group_id=1", `message 0: group 1 belongs to "ann"`},
	} {
		err := r.try(tt.who, tt.line)
		var oe *OwnerError
		if !errors.As(err, &oe) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %s: %v", tt.who, tt.line, err)
		}
	}
	r.has(before...)
	r.restart()
	if err := r.try("ann", "del-flow priority=2,ip"); err != nil {
		t.Errorf("the owner after a restart: %v", err)
	}
}

func TestUnknownIsNotEmpty(t *testing.T) {
	r := newRig(t, ofp.V13)
	r.apply("add-flow priority=1,ip,actions=output:1")
	r.sw.unread, r.sw.sent = errUnread, nil
	if _, err := r.d.Reconcile(t.Context(), r.sw); !errors.Is(err, errUnread) || len(r.sw.sent) > 0 {
		t.Errorf("%v, %d messages", err, len(r.sw.sent))
	}
	if s := r.d.Summary(1); s.Fault == "" {
		t.Error("the fault is not told")
	}
}

func TestRefusedIsDegraded(t *testing.T) {
	r := newRig(t, ofp.V13)
	r.apply("add-flow priority=1,ip,actions=output:1", "add-flow priority=2,ip,actions=output:1")
	r.sw.dp.Restart()
	r.sw.refuse = func(_ int, m ofp.Message) ofp.ErrorReason {
		if f, ok := m.(*ofp.FlowMod); ok && f.Priority == 2 {
			return ofp.FlowModFailedTableFull
		}
		return ofp.ReasonUnknown
	}
	if got := r.reconcile(); got.Refused != 1 || got.Changed != 1 {
		t.Errorf("%+v", got)
	}
	r.stands(0, 1, 1)
	r.sw.refuse = nil
	r.reconcile()
	r.stands(0, 2, 0)
}

// TestWhatIsGoneIsNotDeleting: that a switch refuses something does not keep what
// was deleted, and is gone, among what is yet to go.
func TestWhatIsGoneIsNotDeleting(t *testing.T) {
	r := newRig(t, ofp.V13)
	r.apply("add-flow priority=1,ip,actions=output:1", "add-flow priority=2,ip,actions=output:1")
	r.sw.away = 1
	if err := r.try("", "del-flow table=0,priority=1,ip", "add-flow priority=3,ip,actions=output:3"); err == nil {
		t.Fatal("the switch was away")
	}
	r.sw.away = 0
	r.sw.refuse = func(_ int, m ofp.Message) ofp.ErrorReason {
		if f, ok := m.(*ofp.FlowMod); ok && f.Priority == 3 {
			return ofp.FlowModFailedTableFull
		}
		return ofp.ReasonUnknown
	}
	r.reconcile()
	if s := r.d.Summary(1); s.Tombstones != 0 || s.Degraded != 1 {
		t.Errorf("%+v, want nothing to go, and one degraded", s)
	}
}

func TestSameRequestIsDoneOnce(t *testing.T) {
	r := newRig(t, ofp.V13)
	once := Txn{Author: "ann", Request: "r1", Messages: parse(t, "add-flow priority=1,ip,actions=output:1")}
	first, err := r.d.Apply(t.Context(), r.sw, once)
	if err != nil {
		t.Fatal(err)
	}
	r.apply("del-flow priority=1,ip")
	again, err := r.d.Apply(t.Context(), r.sw, once)
	if err != nil || again != first {
		t.Errorf("revision %d, then %d, %v", first, again, err)
	}
	r.has()
	once.Messages = parse(t, "add-flow priority=2,ip,actions=output:1")
	if _, err := r.d.Apply(t.Context(), r.sw, once); !errors.Is(err, store.ErrReused) {
		t.Errorf("something else under its id: %v", err)
	}
}

func TestOneNumberAnOwner(t *testing.T) {
	r := newRig(t, ofp.V13)
	var all sync.WaitGroup
	ids := make([]ownerID, 32)
	for i := range ids {
		all.Go(func() {
			var err error
			if ids[i], err = r.d.owner(t.Context(), fmt.Sprintf("owner %d", i%2)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	r.restart()
	for i, id := range ids {
		if now, _ := r.d.owner(t.Context(), fmt.Sprintf("owner %d", i%2)); id == 0 || id != ids[i%2] || now != id || ids[0] == ids[1] {
			t.Fatalf("the numbers are %v, and after a restart %d", ids, now)
		}
	}
}
