package hostile

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// TestSwitchThatConfirmsAndDoesNotKeep: a switch loses every flow, answers barriers as
// if it had them, and tells all the time that they were removed. It is compared ever
// less often, the status says so, and another switch is served as ever.
func TestSwitchThatConfirmsAndDoesNotKeep(t *testing.T) {
	l := newLab(t)
	liar, honest := l.simulated(1), l.simulated(2)
	api, flows := sluicev1.NewStateServiceClient(l.conn), sluicev1.NewFlowServiceClient(l.conn)
	liar.SetFaults(simswitch.Silent(ofp.TypeFlowMod))
	if _, err := flows.WriteFlows(l.within(), &sluicev1.WriteFlowsRequest{Switch: liar.DPID().String(), Changes: []*sluicev1.FlowChange{flow("priority=7,arp,actions=drop")}}); err != nil {
		t.Fatal(err)
	}
	var match ofp.Match
	match.SetUint(ofp.FieldEthType, 0x0806)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for tick := time.NewTicker(time.Millisecond); ; {
			select {
			case <-stop:
				return
			case <-tick.C:
				for range 20 {
					_ = liar.Send(0, &ofp.FlowRemoved{Priority: 7, Reason: ofp.RemovedDelete, Match: match}) // it may be closed for flooding
				}
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	l.until("the status tells", func() error {
		st, err := api.GetState(l.within(), &sluicev1.GetStateRequest{Switch: liar.DPID().String()})
		if err == nil && !strings.Contains(st.GetSwitches()[0].GetFault(), "comparisons in a row") {
			err = fmt.Errorf("%v", st)
		}
		return err
	})
	if n := liar.Received(ofp.TypeFlowMod); n > 20 {
		t.Errorf("it was sent %d flow-mods until the status tells", n)
	}
	if _, err := flows.WriteFlows(l.within(), &sluicev1.WriteFlowsRequest{Switch: honest.DPID().String(), Level: sluicev1.WriteLevel_WRITE_LEVEL_VERIFIED, Changes: []*sluicev1.FlowChange{flow("priority=7,arp,actions=drop")}}); err != nil {
		t.Errorf("another switch: %v", err)
	}
	_, err := flows.WriteFlows(l.within(), &sluicev1.WriteFlowsRequest{Switch: liar.DPID().String(), Level: sluicev1.WriteLevel_WRITE_LEVEL_VERIFIED, Changes: []*sluicev1.FlowChange{flow("priority=8,arp,actions=drop")}})
	if err == nil {
		t.Error("what the switch does not have is verified")
	}
	if !strings.Contains(l.Log(), "compared less often") {
		t.Error("the log does not tell")
	}
}
