package controller

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/simswitch"
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

// TestLatePorts: a switch that is taken before it has told its ports is asked once
// more, and has its ports and its name then.
func TestLatePorts(t *testing.T) {
	c := serve(t, Config{})
	sim := simswitch.New(simswitch.Config{Versions: []ofp.Version{ofp.V13}})
	t.Cleanup(sim.Close)
	sim.SetPort(ofp.Port{No: ofp.PortLocal, Name: "br-late"})
	sim.SetPort(ofp.Port{No: 7, Name: "before"})
	asked := 0
	again, tell := make(chan struct{}), make(chan struct{})
	sim.SetFaults(func(_ int, _ ofp.Header, m ofp.Message) simswitch.Fault {
		q, ok := m.(*ofp.MultipartRequest)
		if !ok || q.Body.Kind() != ofp.PartPortDesc {
			return simswitch.Fault{}
		}
		asked++
		if asked == 1 {
			return simswitch.Fault{Silent: true}
		}
		if asked == 2 {
			close(again)
		}
		return simswitch.Fault{Hold: tell}
	})
	if err := sim.Dial(t.Context(), c.addr); err != nil {
		t.Fatal(err)
	}
	s := c.sw(t, 1)
	<-again
	if n := len(s.Ports()); n != 0 {
		t.Errorf("%d ports are known before they were told", n)
	}
	close(tell)
	eventually(t, "ports", func() bool { return len(s.Ports()) == len(sim.Ports()) })
	if s.Name() != "br-late" {
		t.Errorf("name %q", s.Name())
	}
	eventually(t, "a line", func() bool { return len(c.logs.with("switch has told its ports late")) == 1 })
	sim.SetPort(ofp.Port{No: 7, Name: "after"})
	eventually(t, "the change", func() bool { p, _ := s.Port(7); return p.Name == "after" })
}
