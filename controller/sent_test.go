package controller

import (
	"errors"
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestWriteSentLeavesFirst: WriteSent returns though the switch never answers, what
// comes after it comes behind it, and who waits is told when the switch is gone.
func TestWriteSentLeavesFirst(t *testing.T) {
	s := serve(t, Config{})
	p := newPeer(t, ofp.V13, 1, local("br0"))
	p.reply = func(_ uint32, m ofp.Message) []ofp.Message {
		if _, ok := m.(*ofp.BarrierRequest); ok {
			return []ofp.Message{} // no answer
		}
		return nil
	}
	p.dial(s.addr)
	sw := s.sw(t, 1)
	for len(p.in) > 0 {
		<-p.in
	}
	told := make(chan error, 1)
	const n = 5000
	msgs := make([]ofp.Message, n)
	for i := range msgs {
		msgs[i] = ofp.NewFlowMod(ofp.FlowAdd)
	}
	if err := sw.WriteSent(t.Context(), msgs, func(err error) { told <- err }); err != nil {
		t.Fatal(err)
	}
	if _, err := sw.Config(Apart(t.Context())); err != nil { // in front of what has not left
		t.Fatal(err)
	}
	flows := 0
	for m := range p.in {
		if _, ok := m.(*ofp.FlowMod); ok {
			flows++
		}
		if _, ok := m.(*ofp.GetConfigRequest); ok {
			break
		}
	}
	if flows != n {
		t.Errorf("%d of %d came before what was asked later", flows, n)
	}
	p.nc.Close()
	if err := <-told; !errors.Is(err, ErrDisconnected) {
		t.Errorf("%v", err)
	}
	if err := sw.WriteSent(t.Context(), msgs, func(error) { t.Error("called, though it failed") }); !errors.Is(err, ErrDisconnected) {
		t.Errorf("after its end: %v", err)
	}
}
