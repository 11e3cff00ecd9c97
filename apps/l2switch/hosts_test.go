package l2switch

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sluice-sdn/sluice/ofp"
)

// plainHosts is the table of hosts as its documentation tells it, on a map.
type plainHosts struct {
	m              map[uint64]host
	max            int
	age, nextSweep uint32
}

func (t *plainHosts) learn(k uint64, port ofp.PortNo, now uint32) sighting {
	h, ok := t.m[k]
	if !ok {
		if now >= t.nextSweep {
			t.nextSweep = now + max(t.age/10, 1)
			for k, h := range t.m {
				if now-h.seen > 2*t.age+grace {
					delete(t.m, k)
				}
			}
		}
		if len(t.m) >= t.max {
			return seenNot
		}
	}
	t.m[k] = host{port: port, seen: now}
	switch {
	case !ok:
		return seenFirst
	case h.port != port:
		return seenElsewhere
	}
	return seenAgain
}

func (t *plainHosts) forget(port ofp.PortNo) (n int) {
	for k, h := range t.m {
		if h.port == port {
			delete(t.m, k)
			n++
		}
	}
	return n
}

// TestHostsAreAsOnAMap plays packets, the passing of time and lost ports on the
// table and on a map. The key 0 and keys in which all bits are set are among
// those asked for.
func TestHostsAreAsOnAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 60).Draw(t, "limit")
		table := newHosts(limit, 30*time.Second)
		plain := plainHosts{m: map[uint64]host{}, max: limit, age: 30}
		keys := rapid.OneOf(
			rapid.Just(uint64(0)), rapid.Just(key(1<<48-1, 0xfff)),
			rapid.Map(rapid.Uint64Range(1, 80), func(n uint64) uint64 { return n }),
			rapid.Map(rapid.Uint16Range(0, 20), func(vlan uint16) uint64 { return key(1, vlan) }),
		)
		var now uint32
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			k, port := keys.Draw(t, "key"), ofp.PortNo(rapid.Uint32Range(1, 4).Draw(t, "port"))
			switch rapid.IntRange(0, 19).Draw(t, "step") {
			case 0:
				if got, want := table.forget(port), plain.forget(port); got != want {
					t.Fatalf("forget port %d: %d hosts, want %d", port, got, want)
				}
			case 1:
				now += rapid.Uint32Range(0, 80).Draw(t, "seconds")
			default:
				if got, want := table.learn(k, port, now), plain.learn(k, port, now); got != want {
					t.Fatalf("learn %#x on port %d at %d: %d, want %d", k, port, now, got, want)
				}
			}
			ask := keys.Draw(t, "ask")
			got, known := table.find(ask, now)
			h, ok := plain.m[ask]
			if ok = ok && now-h.seen <= plain.age; known != ok || ok && got != h.port {
				t.Fatalf("find %#x at %d: port %d, %v; want port %d, %v", ask, now, got, known, h.port, ok)
			}
			if table.n != len(plain.m) {
				t.Fatalf("%d hosts, want %d", table.n, len(plain.m))
			}
			if 4*table.n > 3*len(table.slots) {
				t.Fatalf("%d hosts in %d slots", table.n, len(table.slots))
			}
		}
	})
}

// TestHostsFillTheirLimit learns as many hosts as the table takes, whose
// addresses follow each other as a scan's do, and finds each where it was.
func TestHostsFillTheirLimit(t *testing.T) {
	const limit = 1 << 14
	table := newHosts(limit, time.Minute)
	for k := range uint64(limit + 5) {
		want := seenFirst
		if k >= limit {
			want = seenNot
		}
		if got := table.learn(k<<20, ofp.PortNo(k%7+1), 0); got != want {
			t.Fatalf("host %d: %d, want %d", k, got, want)
		}
	}
	for k := range uint64(limit + 5) {
		if p, ok := table.find(k<<20, 0); ok != (k < limit) || ok && p != ofp.PortNo(k%7+1) {
			t.Fatalf("host %d: port %d, %v", k, p, ok)
		}
	}
	if n := table.forget(3); n != limit/7+1 || table.n != limit-n {
		t.Errorf("%d hosts forgotten, %d left", n, table.n)
	}
}

// TestAhead: to look ahead changes nothing and allocates nothing, whatever the
// packet, and a small table does not ask for it.
func TestAhead(t *testing.T) {
	out, _ := known(t, ofp.V13, 7)
	app, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	s := newSession(&app.cfg, out)
	if s.Ahead(eth('A', 'B')) {
		t.Error("an empty table is looked at ahead")
	}
	for k := range uint64(looksAhead) {
		s.hosts.learn(k, 1, 0)
	}
	before := slices.Clone(s.hosts.slots)
	for _, packet := range [][]byte{nil, {1}, eth('A', 'B'), tagged('A', 'B', 5)} {
		if n := testing.AllocsPerRun(10, func() {
			if !s.Ahead(packet) {
				t.Fatal("a large table is not looked at ahead")
			}
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	}
	if !slices.Equal(before, s.hosts.slots) {
		t.Error("the table has changed")
	}
}
