package desired

import (
	"encoding/binary"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
)

// TestShelfIsAMap does the same to a shelf and to a map, in which blocks get full,
// die and are moved, and entries are used again.
func TestShelfIsAMap(t *testing.T) {
	type thing struct {
		Value, Why string
		Since      int64
		Condition  Condition
	}
	rapid.Check(t, func(rt *rapid.T) {
		var s shelf
		want := map[place]thing{}
		held := map[string]value{} // what somebody still looks at
		places := rapid.IntRange(1, 300).Draw(rt, "places")
		for now := range int64(rapid.IntRange(1, 600).Draw(rt, "steps")) {
			n := rapid.IntRange(0, places-1).Draw(rt, "place")
			p := place(strings.Repeat("p", n%40)) + groupPlace(uint32(n))
			switch rapid.IntRange(0, 5).Draw(rt, "step") {
			case 0, 1:
				v := fmt.Sprintf("%d/%s", now, strings.Repeat("v", rapid.IntRange(0, 900).Draw(rt, "length")))
				s.put(p, value(v), now)
				want[p] = thing{Value: v, Since: now}
			case 2:
				s.remove(p)
				delete(want, p)
			case 3:
				c, why := Condition(rapid.IntRange(0, int(numConditions)-1).Draw(rt, "condition")), rapid.SampledFrom([]string{"", "full"}).Draw(rt, "why")
				s.mark(p, c, why, now)
				if x, ok := want[p]; ok && (x.Condition != c || x.Why != why) {
					want[p] = thing{x.Value, why, now, c}
				}
			case 4:
				if rapid.IntRange(0, 30).Draw(rt, "all") == 0 {
					s.markAll(Pending, now)
					for p, x := range want {
						if x.Condition != Pending || x.Why != "" {
							want[p] = thing{x.Value, "", now, Pending}
						}
					}
				}
			case 5:
				if x, ok := s.get(p); ok {
					held[string(x.value)] = x.value
				}
			}
		}
		got, counts := map[place]thing{}, [numConditions]int{}
		for p, x := range s.all() {
			got[place(p)] = thing{string(x.value), x.why, x.since, x.condition}
			counts[x.condition]++
		}
		if d := cmp.Diff(want, got); d != "" {
			rt.Fatalf("-want +got\n%s", d)
		}
		if s.len() != len(want) || s.counts != counts {
			rt.Fatalf("%d items, counted %v; there are %d, %v", s.len(), s.counts, len(want), counts)
		}
		order, items := s.sorted(0)
		if d := cmp.Diff(slices.Sorted(maps.Keys(want)), order); d != "" && len(want) > 0 {
			rt.Fatalf("-want +got\n%s", d)
		}
		for i, p := range order {
			if x, ok := s.get(p); !ok || string(x.value) != want[p].Value || string(items[i].value) != want[p].Value {
				rt.Fatalf("%q is not found", p)
			}
		}
		for was, v := range held {
			if string(v) != was {
				rt.Fatalf("a value that was got has changed from %q to %q", was, v)
			}
		}
		if used := s.live + s.dead; s.dead > max(s.live, deadAlways) || used > 0 && used > 2*max(s.live, deadAlways) {
			rt.Fatalf("%d bytes live and %d dead", s.live, s.dead)
		}
	})
}

// TestMemoryOfAFlow: what a stored flow takes, loaded from a store.
func TestMemoryOfAFlow(t *testing.T) {
	const flows = 50_000
	st := store.NewMemory(store.Options{})
	defer st.Close()
	fillStore(t, st, flows)
	before := heap()
	d, err := New(t.Context(), st)
	if err != nil {
		t.Fatal(err)
	}
	after := heap()
	bytes := 0
	for _, x := range d.books[1].items.all() {
		bytes += len(x.value)
	}
	each := float64(after-before) / flows
	t.Logf("%.0f bytes a flow, of them %d the message and its head", each, bytes/flows)
	// Beside the message: the place (about 60 bytes), 32 bytes of entry and 8 of
	// slots, and what is left empty of both.
	if each > float64(bytes)/flows+140 {
		t.Error("too many")
	}
	runtime.KeepAlive(d)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// fillStore stores flows of switch 1.
func fillStore(t testing.TB, st store.Store, n int) {
	t.Helper()
	d, err := New(t.Context(), st)
	if err != nil {
		t.Fatal(err)
	}
	for from := 0; from < n; from += 5000 {
		var lines []string
		for i := from; i < min(from+5000, n); i++ {
			var ip [4]byte
			binary.BigEndian.PutUint32(ip[:], uint32(i)+10<<24)
			lines = append(lines, fmt.Sprintf("add-flow table=1,priority=%d,tcp,in_port=%d,nw_src=%d.%d.%d.%d,nw_dst=10.200.0.1,tp_dst=443,actions=set_field:02:00:00:00:00:01->eth_dst,output:%d", 100+i%7, 1+i%48, ip[0], ip[1], ip[2], ip[3], 1+i%48))
		}
		if _, err := d.Apply(t.Context(), yesSwitch{}, Txn{Messages: parse(t, lines...)}); err != nil {
			t.Fatal(err)
		}
	}
}

// BenchmarkReconcile compares a switch that has all of 100,000 flows.
func BenchmarkReconcile(b *testing.B) {
	st := store.NewMemory(store.Options{})
	defer st.Close()
	fillStore(b, st, 100_000)
	d, err := New(b.Context(), st)
	if err != nil {
		b.Fatal(err)
	}
	var sw yesSwitch
	items, err := d.Items(1)
	if err != nil {
		b.Fatal(err)
	}
	for _, x := range items {
		m := x.Message.(*ofp.FlowMod)
		sw.has = append(sw.has, ofp.FlowStats{Table: m.Table, Priority: m.Priority, Match: m.Match, Instructions: m.Instructions})
	}
	b.ReportAllocs()
	for b.Loop() {
		if r, err := d.Reconcile(b.Context(), sw); err != nil || r.Same != 100_000 || r.Changed > 0 {
			b.Fatal(r, err)
		}
	}
}

// BenchmarkApply adds one flow to 100,000 and takes it away.
func BenchmarkApply(b *testing.B) {
	st := store.NewMemory(store.Options{Now: time.Now})
	defer st.Close()
	fillStore(b, st, 100_000)
	d, err := New(b.Context(), st)
	if err != nil {
		b.Fatal(err)
	}
	add, del := parse(b, "add-flow table=0,priority=7,ip,actions=drop"), parse(b, "del-flow table=0,priority=7,ip")
	for b.Loop() {
		for _, m := range [][]ofp.Message{add, del} {
			if _, err := d.Apply(b.Context(), yesSwitch{}, Txn{Messages: m}); err != nil {
				b.Fatal(err)
			}
		}
	}
}
