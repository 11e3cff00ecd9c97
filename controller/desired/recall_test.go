package desired

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
)

// diskRig is a rig whose store is a file.
func diskRig(t testing.TB) *rig {
	t.Helper()
	dir := t.TempDir()
	st, err := store.Open(filepath.Join(dir, "state.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	r := &rig{t: t, st: st, sw: newFake(t, ofp.V13), dir: dir}
	r.restart()
	return r
}

func (r *rig) backup() []byte {
	r.t.Helper()
	var b bytes.Buffer
	if err := r.d.Backup(&b); err != nil {
		r.t.Fatal(err)
	}
	return b.Bytes()
}

// wanted is what is desired, a line each, with the owner.
func (r *rig) wanted() (lines []string) {
	r.t.Helper()
	items, err := r.d.Items(1)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, x := range items {
		lines = append(lines, fmt.Sprintf("%s: %v", x.Owner, x.Message))
	}
	return lines
}

func (r *rig) recall(b []byte, o Recall) Recalled {
	r.t.Helper()
	x, err := r.d.Recall(r.t.Context(), bytes.NewReader(b), o)
	if err != nil {
		r.t.Fatal(err)
	}
	return x
}

func fill(t *testing.T, r *rig) {
	t.Helper()
	r.apply("add-group group_id=1,type=all,bucket=output:1", "add-flow priority=1,ip,actions=group:1", "add-flow priority=2,arp,actions=output:2")
	if err := r.try("ann", "add-flow priority=3,tcp,actions=output:3"); err != nil {
		t.Fatal(err)
	}
	if err := r.try("bob", "add-flow priority=4,cookie=77,udp,actions=output:4"); err != nil {
		t.Fatal(err)
	}
}

// TestRecall restores a backup while the state is in use: one revision, by
// differences, and the switch follows.
func TestRecall(t *testing.T) {
	r := diskRig(t)
	fill(t, r)
	was, backup, at := r.wanted(), r.backup(), r.d.Revision()
	r.apply("add-flow priority=9,icmp,actions=drop", "del-flow table=0,priority=2,arp", "mod-flow table=0,priority=1,ip,actions=output:7")
	rev := r.d.Revision()
	want := Recalled{Backup: at, Revision: rev, Switches: []RecalledSwitch{{DPID: 1, Added: 1, Changed: 1, Gone: 1, Same: 3}}}
	if d := cmp.Diff(want, r.recall(backup, Recall{PlanOnly: true})); d != "" {
		t.Errorf("plan: -want +got\n%s", d)
	}
	if r.d.Revision() != rev {
		t.Error("a plan has changed something")
	}
	var changed *ChangedError
	if _, err := r.d.Recall(t.Context(), bytes.NewReader(backup), Recall{Expected: new(at)}); !errors.As(err, &changed) {
		t.Errorf("what is not expected: %v", err)
	}
	want.Revision++
	if d := cmp.Diff(want, r.recall(backup, Recall{Expected: &rev, Author: "eve", Note: "back"})); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if d := cmp.Diff(was, r.wanted()); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if s := r.d.Summary(1); s.Tombstones != 1 || s.Pending != 2 {
		t.Errorf("%+v", s)
	}
	r.restart()
	report, err := r.d.Reconcile(t.Context(), r.sw)
	if err != nil || report.Changed != 3 || report.Foreign != 0 {
		t.Errorf("%+v, %v", report, err)
	}
	if has := strings.Join(r.sw.all(), "\n"); strings.Contains(has, "icmp") || !strings.Contains(has, "arp") || strings.Contains(has, "output:7") {
		t.Errorf("the switch has\n%s", has)
	}
	h, err := r.d.History(t.Context(), 1)
	if err != nil || len(h) != 1 || h[0].Revision != rev+1 || h[0].Author != "eve" || h[0].Note != "back" || h[0].Added != 1 || h[0].Gone != 1 {
		t.Errorf("history: %+v, %v", h, err)
	}
	if again := r.recall(backup, Recall{}); len(again.Switches) > 0 || r.wanted()[0] != was[0] {
		t.Errorf("a second time: %+v", again)
	}
}

// TestRecallKnowsOwnersByName: elsewhere an owner has another number, which also
// stands in the cookies that were left to Sluice.
func TestRecallKnowsOwnersByName(t *testing.T) {
	from, to := diskRig(t), diskRig(t)
	fill(t, from)
	ann, _ := from.d.knownOwner("ann")
	if _, err := to.st.Commit(t.Context(), store.Txn{Edits: []store.Edit{{Key: []byte("oeve"), Value: []byte{byte(ann >> 8), byte(ann)}}}}); err != nil {
		t.Fatal(err)
	}
	to.restart()
	to.recall(from.backup(), Recall{})
	now, _ := to.d.knownOwner("ann")
	if now == ann || now == 0 {
		t.Fatalf("ann is %d, and was %d", now, ann)
	}
	want := from.wanted()
	for i := range want {
		want[i] = strings.Replace(want[i], fmt.Sprintf("cookie=%#x", ann.cookie()), fmt.Sprintf("cookie=%#x", now.cookie()), 1)
	}
	if d := cmp.Diff(want, to.wanted()); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if err := to.try("eve", "del-flow table=0,priority=3,tcp"); err == nil {
		t.Error("ann's flow is eve's")
	}
}

// TestDamagedBackupChangesNothing flips bits and cuts: it is refused, or it is what
// it was.
func TestDamagedBackupChangesNothing(t *testing.T) {
	r := diskRig(t)
	fill(t, r)
	good := r.backup()
	r.apply("del-flow table=0,priority=2,arp")
	rev := r.d.Revision()
	rnd := rand.New(rand.NewPCG(3, 4))
	refused := 0
	try := func(what string, b []byte) {
		_, err := r.d.Recall(t.Context(), bytes.NewReader(b), Recall{PlanOnly: true})
		if err != nil {
			refused++
			if !errors.Is(err, store.ErrDamaged) && !errors.Is(err, store.ErrFormat) {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	for range 100 {
		bad := bytes.Clone(good)
		for range 1 + rnd.IntN(6) {
			bad[rnd.IntN(len(bad))] ^= 1 << rnd.IntN(8)
		}
		try("bits", bad)
	}
	if refused == 0 {
		t.Error("no changed bit was noticed")
	}
	for _, b := range [][]byte{nil, []byte("hello"), good[:len(good)/2], good[:len(good)-4096], bytes.Repeat([]byte("x"), 1<<16)} {
		refused = 0
		if try("cut", b); refused != 1 {
			t.Errorf("%d bytes of %d were taken", len(b), len(good))
		}
	}
	if r.d.Revision() != rev || len(r.wanted()) != 4 {
		t.Errorf("revision %d was %d; %q", r.d.Revision(), rev, r.wanted())
	}
	if left, err := filepath.Glob(filepath.Join(r.dir, "*.received*")); err != nil || len(left) > 0 {
		t.Errorf("left: %q, %v", left, err)
	}
}

// TestFollow tells each change with what it did, from any revision that is kept.
func TestFollow(t *testing.T) {
	r := newRig(t, ofp.V13)
	r.apply("add-flow priority=1,ip,actions=drop")
	r.apply("mod-flow table=0,priority=1,ip,actions=output:1", "add-flow priority=2,arp,actions=drop")
	r.apply("del-flow table=0,priority=2,arp")
	tell := func(after store.Revision) (lines []string) {
		last, err := r.d.Follow(t.Context(), after, func(c Change, items iter.Seq2[ItemChange, error]) error {
			for x, err := range items {
				if err != nil {
					return err
				}
				lines = append(lines, fmt.Sprintf("%d: %v → %v %t", c.Revision, x.Before, x.After, x.Superseded))
			}
			return nil
		})
		if err != nil || last != r.d.Revision() {
			t.Fatal(last, err)
		}
		return lines
	}
	all := tell(0)
	if len(all) != 4 {
		t.Fatalf("%q", all)
	}
	for i, want := range []string{"1: <nil> → <nil> true", "", "2: <nil> → <nil> true", "→ <nil> false"} {
		if !strings.Contains(all[i], want) {
			t.Errorf("%d: %q, want %q", i, all[i], want)
		}
	}
	if !strings.Contains(all[1], "actions=drop → ") || !strings.Contains(all[1], "output:1 false") {
		t.Errorf("%q", all[1])
	}
	if d := cmp.Diff(all[3:], tell(2)); d != "" {
		t.Errorf("resumed: -want +got\n%s", d)
	}
	if rest := tell(r.d.Revision()); rest != nil {
		t.Errorf("at the end: %q", rest)
	}
	if _, err := r.d.Follow(t.Context(), 99, nil); !errors.Is(err, ErrFuture) {
		t.Error(err)
	}
}
