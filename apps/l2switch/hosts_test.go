package l2switch

import (
	"maps"
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

// check compares a table with the hosts that it is to have: each is there once,
// where and when it was seen, if that is not so long ago that the next sweep
// forgets it.
func (t *hosts) check(tb interface{ Fatalf(string, ...any) }, want map[uint64]host, now uint32) {
	got := map[uint64]host{}
	for h := range t.all() {
		k := h.key &^ used
		if _, twice := got[k]; twice {
			tb.Fatalf("host %#x is there twice", k)
		}
		got[k] = h
	}
	if len(got) != len(want) || t.n != len(want) {
		tb.Fatalf("%d hosts, and a count of %d; want %d", len(got), t.n, len(want))
	}
	for k, w := range want {
		g, ok := got[k]
		gone := 2*t.age + grace
		if !ok || g.port != w.port || g.seen != w.seen && (now-g.seen <= gone || now-w.seen <= gone) {
			tb.Fatalf("host %#x at %d: port %d, seen %d, %v; want port %d, seen %d", k, now, g.port, g.seen, ok, w.port, w.seen)
		}
		if port, known := t.find(k, now); known != (now-w.seen <= t.age) || known && port != w.port {
			tb.Fatalf("find %#x at %d: port %d, %v; want port %d, seen %d", k, now, port, known, w.port, w.seen)
		}
	}
	if p := t.packed; p == nil && 4*t.n > 3*len(t.slots) || p != nil && t.n > lineSlots*len(p.lines) {
		tb.Fatalf("%d hosts in too small a table", t.n)
	}
}

// TestHostsAreAsOnAMap plays packets, the passing of time and lost ports on the
// table, in both of its forms, and on a map. The key 0 and keys in which all bits
// are set are among those asked for.
func TestHostsAreAsOnAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 60).Draw(t, "limit")
		age := rapid.SampledFrom([]uint32{1, 30, 1363, 1364}).Draw(t, "age") // the last one does not fit into a packed table
		table := newHosts(limit, time.Duration(age)*time.Second)
		table.packs = rapid.SampledFrom([]int{0, 20, 100}).Draw(t, "packs")
		plain := plainHosts{m: map[uint64]host{}, max: limit, age: age}
		keys := rapid.OneOf(
			rapid.Just(uint64(0)), rapid.Just(key(1<<48-1, 0xfff)),
			rapid.Map(rapid.Uint64Range(1, 80), func(n uint64) uint64 { return n }),
			rapid.Map(rapid.Uint64Range(1, 80), func(n uint64) uint64 { return n << 32 }),
			rapid.Map(rapid.Uint16Range(0, 20), func(vlan uint16) uint64 { return key(1, vlan) }),
		)
		var now uint32
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			k, port := keys.Draw(t, "key"), ofp.PortNo(rapid.Uint32Range(1, 4).Draw(t, "port"))
			switch rapid.IntRange(0, 19).Draw(t, "step") {
			case 0:
				if got, want := table.forget(port, now), plain.forget(port); got != want {
					t.Fatalf("forget port %d: %d hosts, want %d", port, got, want)
				}
			case 1:
				now += rapid.OneOf(rapid.Uint32Range(0, 80), rapid.Uint32Range(0, 9000)).Draw(t, "seconds")
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
			table.check(t, plain.m, now)
			if table.packed != nil && (age == 1364 || table.n < table.packs) || table.packed == nil && age < 1364 && table.n > 6 && table.packs == 0 {
				t.Fatalf("%d hosts, age %d, packed from %d: packed is %v", table.n, age, table.packs, table.packed != nil)
			}
		}
	})
}

// TestManyHostsAreAsOnAMap does the same with thousands of hosts at a time, with
// addresses that follow each other or do not, in few VLANs and ports or in so many
// that a packed table cannot have them.
func TestManyHostsAreAsOnAMap(t *testing.T) {
	forms := map[bool]int{}
	rapid.Check(t, func(t *rapid.T) {
		const limit = 12000
		table := newHosts(limit, time.Minute)
		plain := plainHosts{m: map[uint64]host{}, max: limit, age: 60}
		var now uint32
		for range rapid.IntRange(1, 6).Draw(t, "steps") {
			now += rapid.SampledFrom([]uint32{0, 1, 70, 130, 5000}).Draw(t, "seconds")
			if rapid.IntRange(0, 3).Draw(t, "step") == 0 {
				port := ofp.PortNo(rapid.Uint32Range(1, 3).Draw(t, "port"))
				if got, want := table.forget(port, now), plain.forget(port); got != want {
					t.Fatalf("forget port %d: %d hosts, want %d", port, got, want)
				}
			} else {
				first := rapid.Uint64Range(0, 1<<48-1).Draw(t, "first")
				step := rapid.SampledFrom([]uint64{1, 512, 1 << 32, 0x9e37_79b9_7f4b}).Draw(t, "step")
				vlans := rapid.SampledFrom([]uint64{1, 1, 3, 4096}).Draw(t, "VLANs")
				ports := rapid.SampledFrom([]uint64{1, 4, 48, 2000}).Draw(t, "ports")
				for i := range rapid.Uint64Range(0, 9000).Draw(t, "hosts") {
					k, port := key((first+i*step)&(1<<48-1), uint16(i%vlans)), ofp.PortNo(i%ports+1)
					if got, want := table.learn(k, port, now), plain.learn(k, port, now); got != want {
						t.Fatalf("learn %#x on port %d at %d: %d, want %d", k, port, now, got, want)
					}
				}
			}
			table.check(t, plain.m, now)
			forms[table.packed != nil]++
		}
	})
	if forms[false] == 0 || forms[true] == 0 {
		t.Errorf("packed, or not: %v: want both forms", forms)
	}
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
	if n := table.forget(3, 0); n != limit/7+1 || table.n != limit-n {
		t.Errorf("%d hosts forgotten, %d left", n, table.n)
	}
}

// TestPackedTableIsSmall: that is what it is for.
func TestPackedTableIsSmall(t *testing.T) {
	for _, n := range []int{minPacked, 10000, 16384} {
		table := newHosts(n, time.Minute)
		for k := range uint64(n) {
			table.learn(k*0x9e37_79b9_7f4b&(1<<48-1), ofp.PortNo(k%48+1), 0)
		}
		if table.packed == nil {
			if n > minPacked {
				t.Errorf("%d hosts: not packed", n)
			}
			continue
		}
		if each := float64(64*len(table.packed.lines)) / float64(n); each > 12.5 {
			t.Errorf("%d hosts take %.1f bytes each", n, each)
		}
	}
}

// TestHostsMoveToNewPlaces moves hosts to ports that were not there before, which
// fill the list of places of a packed table again and again.
func TestHostsMoveToNewPlaces(t *testing.T) {
	table := newHosts(1<<14, time.Minute)
	plain := plainHosts{m: map[uint64]host{}, max: 1 << 14, age: 60}
	for i := range uint64(9000) {
		k, port := i%4000, ofp.PortNo(1)
		if i >= 4000 {
			k, port = i%700, ofp.PortNo(i)
		}
		if got, want := table.learn(k, port, 0), plain.learn(k, port, 0); got != want {
			t.Fatalf("host %d on port %d: %d, want %d", k, port, got, want)
		}
		if i > 4000 && table.packed == nil {
			t.Fatalf("not packed with %d hosts", table.n)
		}
	}
	table.check(t, plain.m, 0)
}

// TestTimesStayTold: the times of a packed table are told anew from time to time,
// and those of hosts that are remembered stay what they were.
func TestTimesStayTold(t *testing.T) {
	table := newHosts(1<<14, 1000*time.Second)
	table.packs = 0
	plain := plainHosts{m: map[uint64]host{}, max: 1 << 14, age: 1000}
	bases := map[uint32]bool{}
	for i := range uint64(400) {
		now := uint32(i * 131)
		k := i * i % 60
		if got, want := table.learn(k, 1, now), plain.learn(k, 1, now); got != want {
			t.Fatalf("host %d at %d: %d, want %d", k, now, got, want)
		}
		table.check(t, plain.m, now)
		if table.packed != nil {
			bases[table.packed.base] = true
		}
	}
	if len(bases) < 5 {
		t.Errorf("times were told from %v: too seldom anew", bases)
	}
}

// TestManyPlaces: hosts in so many places that new ones would soon fill the list
// are not packed.
func TestManyPlaces(t *testing.T) {
	for _, ports := range []uint64{700, 900} {
		table := newHosts(1<<14, time.Minute)
		for k := range uint64(4000) {
			table.learn(k, ofp.PortNo(k%ports+1), 0)
		}
		if got, want := table.packed != nil, ports < maxPlaces*3/4; got != want {
			t.Errorf("hosts on %d ports: packed is %v", ports, got)
		}
	}
}

// TestCrowdedLine puts hosts that are all at home in the same line into a packed
// table: they stand in it and in those behind, those at the end in the first
// lines, and no more fit.
func TestCrowdedLine(t *testing.T) {
	for _, line := range []uint64{0, 300, minLines - 1} {
		p := newPacked(minLines, 0)
		want := map[uint64]host{}
		for upper := uint64(0); ; upper++ {
			k := upper << offsetBits
			k |= p.lower(k, line)
			h := host{k | used, ofp.PortNo(upper%5 + 1), uint32(upper % 9)}
			if got := p.home(k); got != line {
				t.Fatalf("home of %#x: line %d, want %d", k, got, line)
			}
			if _, _, _, w := p.slot(k); w != nil {
				t.Fatalf("host %#x is there already", k)
			}
			if !p.put(h) {
				break
			}
			want[h.key] = h
		}
		if len(want) != (maxDistance+1)*lineSlots {
			t.Errorf("%d hosts fit, want %d", len(want), (maxDistance+1)*lineSlots)
		}
		got := map[uint64]host{}
		for h := range p.all() {
			got[h.key] = h
			if _, _, x, w := p.slot(h.key &^ used); w == nil || w.port != h.port || p.seen(x) != h.seen {
				t.Errorf("host %#x is not found", h.key)
			}
		}
		if !maps.Equal(got, want) {
			t.Errorf("line %d: hosts %v, want %v", line, got, want)
		}
	}
}

// TestOneAddressInManyVLANs: the hosts of a line may differ by nothing but their
// VLAN.
func TestOneAddressInManyVLANs(t *testing.T) {
	p := newPacked(minLines, 0)
	p.secret = [2]uint64{0, 0} // each hash is 0: VLANs make no difference
	for vlan := range uint16(20) {
		if !p.put(host{key(5, vlan) | used, ofp.PortNo(vlan + 1), 0}) {
			t.Fatalf("VLAN %d does not fit", vlan)
		}
	}
	for vlan := range uint16(25) {
		if _, _, _, w := p.slot(key(5, vlan)); vlan < 20 && (w == nil || w.port != ofp.PortNo(vlan+1)) || vlan >= 20 && w != nil {
			t.Errorf("VLAN %d: %v", vlan, w)
		}
	}
}

// TestAhead: to look ahead changes nothing and allocates nothing, in whichever
// form the table is.
func TestAhead(t *testing.T) {
	app, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	s := newSession(&app.cfg, &sink{v: ofp.V13})
	for _, n := range []uint64{1, minPacked, 10000} {
		for k := range n {
			s.hosts.learn(k, ofp.PortNo(k%7), 0)
		}
		before := slices.Collect(s.hosts.all())
		for _, events := range []int{2, 100, 100000} {
			if n := testing.AllocsPerRun(10, func() { s.Ahead(events) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
		}
		if !slices.Equal(before, slices.Collect(s.hosts.all())) {
			t.Error("the table has changed")
		}
	}
}
