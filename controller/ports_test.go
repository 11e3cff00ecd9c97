package controller

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestManyPortChanges: what a switch with many ports tells of them is neither
// lost nor dear. A copy of the list for each message would be 40 GB here.
func TestManyPortChanges(t *testing.T) {
	const many = 20000
	var p ports
	var all []ofp.Port
	for i := range many {
		all = append(all, ofp.Port{No: ofp.PortNo(i + 1)})
	}
	p.set(all)
	bytes := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			for i := range many {
				p.change(&ofp.PortStatus{Reason: ofp.PortModified, Port: ofp.Port{No: ofp.PortNo(i + 1), Name: strconv.Itoa(i)}})
			}
		}
	}).AllocedBytesPerOp()
	if bytes > 200<<20 {
		t.Errorf("%d changes of %d ports take %d MB", many, many, bytes>>20)
	}
	for i := range all {
		all[i].Name = strconv.Itoa(i)
	}
	if diff := cmp.Diff(all, p.list()); diff != "" {
		t.Error(diff)
	}
}

// TestEventsAfterTheEnd: the events of a switch that is gone are not handled, as
// many as may have come.
func TestEventsAfterTheEnd(t *testing.T) {
	s := &testSession{detached: make(chan struct{})}
	var sw *Switch
	s.onStatus = func(*ofp.PortStatus) { <-sw.Done() }
	c := serve(t, Config{Apps: []App{testApp{"slow", func(at *Switch) Session { sw = at; return s }}}})
	p := newPeer(t, ofp.V13, 1).dial(c.addr)
	c.sw(t, 1)
	var batch []ofp.Message
	for range 100 {
		batch = append(batch, &ofp.PortStatus{Port: ofp.Port{No: 1, Name: "x"}})
	}
	p.send(0, batch...)
	eventually(t, "a message in hand", func() bool { return c.stats.In[ofp.TypePortStatus].Load() == 100 })
	p.nc.Close()
	<-s.detached
	if n := len(s.heard()); n > 2 { // the one in hand and the detach
		t.Errorf("heard %d things", n)
	}
}
