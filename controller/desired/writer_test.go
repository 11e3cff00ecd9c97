package desired

import (
	"bytes"
	"errors"
	"testing"

	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
)

// TestSecondWriterIsAConflict: what another writer of the store has changed about a
// switch is not overwritten, whichever way somebody comes whose book is out of date.
func TestSecondWriterIsAConflict(t *testing.T) {
	r := diskRig(t)
	r.apply("add-flow priority=1,ip,actions=output:1")
	backup := r.backup()
	r.apply("add-flow priority=2,ip,actions=output:1")
	f, err := r.d.AsOf(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	stale := r.d
	r.restart() // the other writer
	r.apply("add-flow priority=1,ip,actions=output:2")
	rev, has := r.st.Revision(), r.sw.all()
	things := parse(t, "add-flow priority=1,ip,actions=output:3")
	for way, try := range map[string]func() error{
		"apply": func() error { _, err := stale.Apply(t.Context(), r.sw, Txn{Messages: things}); return err },
		"stored": func() error {
			_, err := stale.Apply(t.Context(), r.sw, Txn{Messages: things, Level: Stored})
			return err
		},
		"fulfil":   func() error { _, err := stale.Fulfil(t.Context(), r.sw, Wish{Things: things}); return err },
		"rollback": func() error { _, err := stale.Fulfil(t.Context(), r.sw, Wish{Former: f}); return err },
		"restore":  func() error { _, err := stale.Recall(t.Context(), bytes.NewReader(backup), Recall{}); return err },
		"set": func() error {
			_, err := stale.Set(t.Context(), 1, SettingTxn{}, func() error { return nil }, func(s *Settings) { s.Fragments = new(ofp.ConfigFlags) })
			return err
		},
	} {
		var changed *ChangedError
		if err := try(); !errors.As(err, &changed) || !errors.Is(err, store.ErrConflict) || changed.Revision != rev {
			t.Errorf("%s: %v", way, err)
		}
		if r.st.Revision() != rev {
			t.Fatalf("%s: something is stored", way)
		}
		r.has(has...)
	}
	r.apply("mod-flow priority=1,ip,actions=output:4") // who has made the last change goes on
	r.reconcile()
	r.apply("del-flow priority=1,ip")
}
