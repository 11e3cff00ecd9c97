package channel

import (
	"encoding/binary"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/sluice-sdn/sluice/ofp"
)

// packetsOf counts the packet-ins of each class.
func packetsOf(all []ofp.Message) (n classCounts, state int) {
	for _, m := range all {
		if p, ok := m.(*ofp.PacketIn); ok {
			n[classOf(p.Data)]++
		} else {
			state++
		}
	}
	return n, state
}

// TestStormStarvesNoClass: while the apps are too slow for a storm of IP, ARP and
// LLDP reach them all, as do state events, in the order in which they were sent;
// and what came is what was handled and what was dropped.
func TestStormStarvesNoClass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, ofp.V13, Config{})
		r.w.each = 20 * time.Millisecond
		c := r.ready()
		var storm []byte
		for range 100 {
			b, err := ofp.Append(nil, ofp.V13, 0, packetOf(0x0800, 1000))
			if err != nil {
				t.Fatal(err)
			}
			storm = append(storm, b...)
		}
		const rounds = 200
		for i := range rounds {
			r.raw(storm)
			r.send(packetOf(0x0806, 60), packetOf(0x88cc, 60), &ofp.PortStatus{Port: ofp.Port{No: ofp.PortNo(i + 1)}})
			time.Sleep(200 * time.Millisecond)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		handled, state := packetsOf(r.w.events(t, rounds))
		var dropped classCounts
		for k, d := range c.PacketInDrops() {
			dropped[k] = d.InboxFull
		}
		if handled[ClassARP] != rounds || handled[ClassLLDP] != rounds || state != rounds {
			t.Errorf("of %d each: %d ARP, %d LLDP, %d state events handled", rounds, handled[ClassARP], handled[ClassLLDP], state)
		}
		if dropped[ClassIP] == 0 || handled[ClassIP]+dropped[ClassIP] != 100*rounds {
			t.Errorf("%d of IP handled and %d dropped of %d", handled[ClassIP], dropped[ClassIP], 100*rounds)
		}
		if n := r.stats.In[ofp.TypePacketIn].Load(); n != 102*rounds {
			t.Errorf("%d packet-ins received", n)
		}
		last := ofp.PortNo(0)
		for _, m := range r.w.events(t, rounds) {
			if s, ok := m.(*ofp.PortStatus); ok {
				if s.Port.No != last+1 {
					t.Fatalf("port status of port %d after that of %d", s.Port.No, last)
				}
				last = s.Port.No
			}
		}
		if n := r.logs.count("packet-ins dropped"); n == 0 {
			t.Error("no line says that packets were dropped")
		}
	})
}

// TestOverloadEnds: once the apps have caught up nothing is dropped any more, but
// the switch waits.
func TestOverloadEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, ofp.V13, Config{})
		r.w.slow = make(chan struct{})
		c := r.ready()
		big := packetOf(0x0800, 30000)
		for range 20 {
			r.send(big)
		}
		synctest.Wait()
		before := c.PacketInDrops()[ClassIP].InboxFull
		if before == 0 {
			t.Fatal("nothing is dropped: no overload")
		}
		caught := make(chan struct{})
		go func() { // the apps: a batch in a millisecond
			defer close(caught)
			for {
				select {
				case r.w.slow <- struct{}{}:
				case <-c.Done():
					return
				}
				time.Sleep(time.Millisecond)
			}
		}()
		time.Sleep(time.Second)
		synctest.Wait()
		for range 20 {
			r.send(big)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := c.PacketInDrops()[ClassIP].InboxFull; n != before {
			t.Errorf("%d more are dropped", n-before)
		}
		r.stop()
		<-caught
	})
}

// TestInboxProperty: whatever comes, and whenever the dispatcher takes: order is
// kept, no state event is lost, what is not handled is counted, memory is bounded,
// and a class that has sent no more than its share since the last time loses
// nothing.
func TestInboxProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := newInbox()
		q.start = func() {}
		var (
			sent, got []uint32 // by the number in its buffer id
			lost      = make(map[uint32]bool)
			dropped   classCounts
			next      uint32
			since     [NumClasses]int // bytes since the spill was taken
			events    = make(map[uint32]bool)
		)
		take := func() bool {
			b, _ := q.take()
			if b == nil {
				return false
			}
			if b.Len() == 0 {
				t.Fatal("an empty batch")
			}
			for typ, frame := range b.All() {
				_ = typ
				got = append(got, binary.BigEndian.Uint32(frame[4:]))
			}
			if q.spill.Batch == nil {
				since = [NumClasses]int{}
			}
			return true
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if rapid.IntRange(0, 3).Draw(t, "what") == 0 {
				take()
				continue
			}
			b := new(Batch)
			for range rapid.IntRange(1, 12).Draw(t, "events") {
				next++
				sent = append(sent, next)
				frame := make([]byte, rapid.IntRange(8, 9000).Draw(t, "length"))
				binary.BigEndian.PutUint32(frame[4:], next)
				if rapid.IntRange(0, 4).Draw(t, "state") == 0 {
					b.keep(ofp.TypePortStatus, frame)
					events[next] = true
				} else {
					b.keep(ofp.TypePacketIn, frame)
					b.events[len(b.events)-1].class = Class(rapid.IntRange(0, int(NumClasses)-1).Draw(t, "class"))
				}
			}
			if q.put(b) {
				if q.over {
					t.Fatal("put in overload")
				}
				continue
			}
			before := dropped
			if !q.keep(b, &dropped) {
				t.Fatal("too many state events, which cannot be here")
			}
			for i, e := range b.events {
				if e.typ == ofp.TypePacketIn {
					since[e.class] += len(b.buf[e.start:e.end])
				}
				_ = i
			}
			for k := range NumClasses {
				if dropped[k] > before[k] && since[k] <= classShare {
					t.Fatalf("class %s has sent %d bytes and lost %d", k, since[k], dropped[k]-before[k])
				}
			}
			if n := len(q.spill.buf) - q.spill.state; n > int(NumClasses)*classShare {
				t.Fatalf("%d bytes of packet-ins are kept", n)
			}
		}
		for take() {
		}
		if q.over {
			t.Fatal("still in overload")
		}
		if !slices.IsSorted(got) {
			t.Fatal("order is lost")
		}
		arrived := make(map[uint32]bool)
		for _, n := range got {
			arrived[n] = true
		}
		for _, n := range sent {
			if !arrived[n] {
				lost[n] = true
				if events[n] {
					t.Fatal("a state event is lost")
				}
			}
		}
		var sum uint64
		for _, n := range dropped {
			sum += n
		}
		if sum != uint64(len(lost)) || len(arrived) != len(got) {
			t.Fatalf("%d sent, %d arrived, %d counted as lost", len(sent), len(got), sum)
		}
	})
}

// TestSharesAreEqual: of two classes that both send more than the apps can take,
// the one that sends a twentieth has half of what the apps take.
func TestSharesAreEqual(t *testing.T) {
	q := newInbox()
	q.start = func() {}
	var lost classCounts
	handled := make(map[Class]int)
	for range 100 {
		for range 10 {
			b := new(Batch)
			for i := range 60 {
				b.keep(ofp.TypePacketIn, make([]byte, 1000))
				if b.events[i].class = ClassIP; i%20 == 0 {
					b.events[i].class = ClassARP
				}
			}
			if !q.put(b) {
				q.keep(b, &lost)
			}
		}
		b, _ := q.take()
		for _, e := range b.events {
			handled[e.class]++
		}
	}
	if handled[ClassARP] < handled[ClassIP]*8/10 {
		t.Errorf("%d of ARP handled, and %d of IP", handled[ClassARP], handled[ClassIP])
	}
}
