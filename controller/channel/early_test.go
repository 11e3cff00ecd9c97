package channel

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sluice-sdn/sluice/ofp"
)

func TestEarlyOverflow(t *testing.T) {
	for _, m := range []ofp.Message{&ofp.FlowRemoved{}, &ofp.PortStatus{Port: ofp.Port{No: 1}}} {
		t.Run(m.Type().String(), func(t *testing.T) {
			r := start(t, ofp.V10, Config{})
			r.mute = map[ofp.Type]bool{ofp.TypeFeaturesRequest: true}
			r.shakeHands(&ofp.Hello{})
			frame, _ := ofp.Append(nil, ofp.V10, 0, m)
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				for range 2*earlyLimit/len(frame) + 1 {
					if _, err := r.nc.Write(frame); err != nil {
						return
					}
				}
			}()
			if e := r.ended(); e.Reason != ReasonOverflow {
				t.Errorf("end: %v", e)
			}
			<-sent
		})
	}
}

// TestEndlessPorts: a switch that describes ports without end is refused.
func TestEndlessPorts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, ofp.V13, Config{})
		r.part = map[ofp.PartKind]bool{ofp.PartPortDesc: true}
		r.shakeHands(ofp.NewHello(ofp.V13))
		asked := r.want(ofp.TypeMultipartRequest)
		for asked.m.(*ofp.MultipartRequest).Body.Kind() != ofp.PartPortDesc {
			asked = r.want(ofp.TypeMultipartRequest)
		}
		segment := &ofp.MultipartReply{Flags: ofp.MultipartMore, Body: &ofp.PortDescReply{Ports: make([]ofp.Port, 1000)}}
		for range 2 * maxPorts / 1000 {
			r.sendX(asked.XID, segment)
		}
		if e := r.ended(); e.Reason != ReasonMalformed || !strings.Contains(e.Error(), "more than 65536 ports") {
			t.Errorf("end: %v", e)
		}
	})
}
