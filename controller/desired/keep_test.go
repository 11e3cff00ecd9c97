package desired

import (
	"context"
	"errors"
	"testing"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/controller/store"
)

// slowStore is a store whose disk writes when it may, and may fail.
type slowStore struct {
	store.Store
	may chan error
}

func (s slowStore) Commit(ctx context.Context, t store.Txn) (store.Done, error) {
	if err := <-s.may; err != nil {
		return store.Done{}, err
	}
	return s.Store.Commit(ctx, t)
}

// A bundle is given to the switch while it is stored, and is carried out when it
// is: a disk that only writes once the switch has it holds up nothing.
func TestBundleIsGivenBeforeItIsStored(t *testing.T) {
	r := bundleRig(t)
	before := r.st.Revision()
	slow := slowStore{r.st, make(chan error, 1)}
	r.d.store = slow
	r.sw.staged = func() {
		if n := r.st.Revision(); n != before {
			t.Errorf("stored as %d before the switch had it", n)
		}
		slow.may <- nil
	}
	r.sw.entered = func() {
		if n := r.st.Revision(); n != before+1 {
			t.Errorf("carried out at revision %d, want %d", n, before+1)
		}
	}
	r.apply("add-flow priority=1,ip,actions=output:1", "add-flow priority=2,ip,actions=output:2")
	r.has("priority=2,ip actions=output:2", "priority=1,ip actions=output:1")
	r.stands(0, 2, 0)
}

// What cannot be stored is not carried out, whether the switch has bundles or says
// so only when it is given one.
func TestBundleIsNotStored(t *testing.T) {
	full := errors.New("no space left on device")
	for _, lacking := range []bool{false, true} {
		r := bundleRig(t)
		r.sw.bundles = !lacking
		slow := slowStore{r.st, make(chan error, 2)}
		r.d.store = slow
		slow.may <- full
		err := r.try("", "add-flow priority=1,ip,actions=output:1", "add-flow priority=2,ip,actions=output:2")
		if !errors.Is(err, full) || errors.As(err, new(*channel.WriteError)) || errors.As(err, new(*InDoubtError)) {
			t.Fatalf("lacking %v: %v", lacking, err)
		}
		if len(r.sw.sent) > 0 {
			t.Errorf("lacking %v: the switch has carried out %v", lacking, r.sw.sent)
		}
		r.stands(0, 0, 0)
		if lacking {
			slow.may <- nil
			r.apply("add-flow priority=1,ip,actions=output:1", "add-flow priority=2,ip,actions=output:2")
			r.stands(0, 2, 0)
		}
	}
}

// A bundle of a request that was carried out before is dropped.
func TestBundleIsNotRepeated(t *testing.T) {
	r := bundleRig(t)
	once := Txn{Author: "ann", Request: "r1", Messages: parse(t, "add-flow priority=1,ip,actions=output:1", "add-flow priority=2,ip,actions=output:2")}
	first, err := r.d.Apply(t.Context(), r.sw, once)
	if err != nil {
		t.Fatal(err)
	}
	r.apply("mod-flows ip,actions=output:9", "add-flow priority=3,ip,actions=output:9")
	r.sw.sent = nil
	again, err := r.d.Apply(t.Context(), r.sw, once)
	if err != nil || again != first {
		t.Errorf("revision %d, want %d: %v", again, first, err)
	}
	if len(r.sw.sent) > 0 {
		t.Errorf("the switch has carried out %v", r.sw.sent)
	}
}

// Both fail: nothing is stored, and the error is the store's.
func TestBundleIsRefusedAndNotStored(t *testing.T) {
	r := bundleRig(t)
	full := errors.New("no space left on device")
	slow := slowStore{r.st, make(chan error, 1)}
	r.d.store = slow
	r.sw.away = 2 // the connection ends before the switch has the bundle
	r.sw.staged = func() { slow.may <- full }
	err := r.try("", "add-flow priority=1,ip,actions=output:1", "add-flow priority=2,ip,actions=output:2")
	if !errors.Is(err, full) {
		t.Errorf("%v", err)
	}
	r.stands(0, 0, 0)
}
