package controller

import (
	"errors"
	"testing"

	"github.com/sluice-sdn/sluice/controller/desired"
	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// TestConnectionsLetGo: whatever connection ends, and however, lets go of what is kept
// of its switch, which can then be forgotten, with the role that it was given.
func TestConnectionsLetGo(t *testing.T) {
	st, err := desired.New(t.Context(), store.NewMemory(store.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	c := serve(t, Config{Desired: st})
	forgotten := func(dpid ofp.DPID) {
		t.Helper()
		eventually(t, dpid.String()+" is let go of", func() bool {
			_, err := c.Forget(t.Context(), dpid, "ann")
			if err != nil && !errors.Is(err, ErrConnected) {
				t.Errorf("%v: %v", dpid, err)
			}
			return !errors.Is(err, ErrConnected)
		})
		if k := st.Known(dpid); k.Version != 0 {
			t.Errorf("%+v", k)
		}
	}

	// Those that come and go, all at once.
	var peers []*peer
	for dpid := ofp.DPID(100); dpid < 140; dpid++ {
		peers = append(peers, newPeer(t, ofp.V13, dpid).dial(c.addr))
	}
	for _, p := range peers {
		c.sw(t, p.dpid)
	}
	for _, p := range peers {
		p.nc.Close()
	}
	for _, p := range peers {
		forgotten(p.dpid)
	}

	// A second connection of a switch is refused, and the first one has it still.
	first := newPeer(t, ofp.V13, 5).dial(c.addr)
	sw := c.sw(t, 5)
	<-newPeer(t, ofp.V13, 5).dial(c.addr).gone
	if _, err := c.Forget(t.Context(), 5, "ann"); !errors.Is(err, ErrConnected) {
		t.Errorf("connected: %v", err)
	}
	if _, err := sw.Apply(t.Context(), Txn{Messages: []ofp.Message{ofp.NewFlowMod(ofp.FlowAdd)}}); err != nil {
		t.Fatal(err)
	}
	c.roles.remember(5, ofp.RoleState{Role: ofp.RoleSlave})
	first.nc.Close()
	forgotten(5)
	if all := st.Switches(); len(all) > 0 {
		t.Errorf("%v", all)
	}
	if _, ask := c.roles.wanted(5); ask {
		t.Error("its role is still known")
	}

	// An auxiliary connection that ends before its switch, and one that ends with it.
	sim := simulated(t, c, ofp.V13, simswitch.Config{DPID: 6})
	sw = c.sw(t, 6)
	auxiliary(t, c, sim, sw, 1)
	auxiliary(t, c, sim, sw, 2)
	sim.CloseAuxiliary(1)
	sim.Disconnect()
	forgotten(6)

	if _, err := c.Forget(t.Context(), 5, "ann"); !errors.Is(err, ErrUnknown) {
		t.Errorf("twice: %v", err)
	}
	none := serve(t, Config{})
	if _, err := none.Forget(t.Context(), 5, "ann"); !errors.Is(err, ErrNoState) {
		t.Errorf("without state: %v", err)
	}
}
