package api

import (
	"context"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// TestSettingsBehindARefusal: a port that the switch refuses to set does not keep
// what comes behind it from being set, and the comparison says so.
func TestSettingsBehindARefusal(t *testing.T) {
	r := newStateRig(t)
	cfg := simswitch.Config{Name: "br0", DPID: 5, Versions: []ofp.Version{ofp.V13}, Ports: []ofp.Port{{No: 1, Name: "eth1"}, {No: 2, Name: "eth2"}}}
	sim := r.connect(cfg)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	api := sluicev1.NewConfigServiceClient(r.conn)
	for _, name := range []string{"eth1", "eth2"} {
		if _, err := api.ModifyPort(ctx, &sluicev1.ModifyPortRequest{Switch: "br0", Port: name, Set: []string{"port_down"}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := api.SetSwitchConfig(ctx, &sluicev1.SetSwitchConfigRequest{Switch: "br0", Fragments: sluicev1.FragmentHandling_FRAGMENT_HANDLING_DROP}); err != nil {
		t.Fatal(err)
	}
	r.gone(sim)
	sim.Close()
	again := simswitch.New(cfg)
	t.Cleanup(again.Close)
	again.SetFaults(func(_ int, _ ofp.Header, m ofp.Message) simswitch.Fault {
		if p, ok := m.(*ofp.PortMod); ok && p.Port == 1 {
			return simswitch.Fault{Refuse: ofp.PortModFailedEPERM}
		}
		return simswitch.Fault{}
	})
	if err := again.Dial(ctx, r.openflow); err != nil {
		t.Fatal(err)
	}
	r.eventually("the rest is set", func() bool {
		got := r.standing("br0")
		return got["eth2 down"] == "INSTALLED: " && got["drop"] == "INSTALLED: " && got["eth1 down"] != "INSTALLED: "
	})
	now, err := api.GetSwitchConfig(ctx, &sluicev1.GetSwitchConfigRequest{Switch: "br0"})
	if err != nil || now.GetConfig().GetFragments() != sluicev1.FragmentHandling_FRAGMENT_HANDLING_DROP {
		t.Errorf("%v, %v", now, err)
	}
	_, err = sluicev1.NewStateServiceClient(r.conn).Reconcile(ctx, &sluicev1.ReconcileRequest{Switch: "br0"})
	if said := status.Convert(err).Message(); !strings.Contains(said, "port eth1") {
		t.Errorf("the comparison ends with %v", err)
	}
}

// TestSettingsComeBack: a switch that has restarted has its ports, tables and
// fragments set as before; a port that comes later, under another number, is set
// when it comes.
func TestSettingsComeBack(t *testing.T) {
	for _, v := range []ofp.Version{ofp.V10, ofp.V12, ofp.V13} {
		t.Run(v.String(), func(t *testing.T) {
			r := newStateRig(t)
			port := func(no ofp.PortNo, name string) ofp.Port {
				return ofp.Port{No: no, Name: name, HWAddr: ofp.MAC{2, 0, 0, 0, 0, byte(no)}}
			}
			cfg := simswitch.Config{Name: "br0", DPID: 5, Versions: []ofp.Version{v}, Ports: []ofp.Port{port(1, "eth1"), port(2, "eth2")}}
			sim := r.connect(cfg)
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			api := sluicev1.NewConfigServiceClient(r.conn)
			for _, q := range []*sluicev1.ModifyPortRequest{{Port: "eth1", Set: []string{"port_down"}}, {Port: "2", Set: []string{"no_fwd"}}, {Port: "2", Set: []string{"no_recv"}, Clear: []string{"no_fwd"}}} {
				q.Switch = "br0"
				if _, err := api.ModifyPort(ctx, q); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := api.SetSwitchConfig(ctx, &sluicev1.SetSwitchConfigRequest{Switch: "br0", Fragments: sluicev1.FragmentHandling_FRAGMENT_HANDLING_DROP}); err != nil {
				t.Fatal(err)
			}
			if v == ofp.V12 {
				if _, err := api.ModifyTable(ctx, &sluicev1.ModifyTableRequest{Switch: "br0", Miss: sluicev1.TableMiss_TABLE_MISS_CONTROLLER}); err != nil {
					t.Fatal(err)
				}
			}
			r.gone(sim)
			sim.Close()
			if got := r.standing("br0"); got["eth1 down"] != "PENDING: the switch is away" {
				t.Errorf("%v", got)
			}
			cfg.Ports = cfg.Ports[:1]
			again := r.connect(cfg)
			config := func(name string) ofp.PortConfig {
				i := slices.IndexFunc(again.Ports(), func(p ofp.Port) bool { return p.Name == name })
				if i < 0 {
					return 0
				}
				return again.Ports()[i].Config
			}
			r.eventually("eth1 is down", func() bool { return config("eth1") == ofp.PortDown })
			r.eventually("it is told", func() bool { return r.standing("br0")["eth1 down"] == "INSTALLED: " })
			if got := r.standing("br0"); got["eth2 no-receive,forward"] != "PENDING: the switch has no such port" || got["drop"] != "INSTALLED: " {
				t.Errorf("%v", got)
			}
			if v == ofp.V12 && r.standing("br0")["all controller"] != "INSTALLED: " {
				t.Errorf("%v", r.standing("br0"))
			}
			again.SetPort(port(7, "eth2"))
			r.eventually("eth2 is set", func() bool { return config("eth2") == ofp.PortNoRecv })
			now, err := api.GetSwitchConfig(ctx, &sluicev1.GetSwitchConfigRequest{Switch: "br0"})
			if err != nil || now.GetConfig().GetFragments() != sluicev1.FragmentHandling_FRAGMENT_HANDLING_DROP {
				t.Errorf("%v, %v", now, err)
			}
			state := sluicev1.NewStateServiceClient(r.conn)
			h, err := state.ListHistory(ctx, &sluicev1.ListHistoryRequest{})
			if err != nil || !slices.ContainsFunc(h.GetChanges(), func(c *sluicev1.StateChange) bool { return c.GetNote() == "mod-port eth1" && c.GetAuthor() != "" }) {
				t.Errorf("%v, %v", h, err)
			}
			for _, q := range []*sluicev1.ForgetSettingsRequest{{Kind: "ports"}, {Name: "eth1"}, {Kind: "fragments", Name: "drop"}} {
				q.Switch = "br0"
				if _, err := state.ForgetSettings(ctx, q); status.Code(err) != codes.InvalidArgument {
					t.Errorf("%v: %v", q, err)
				}
			}
			if _, err := state.ForgetSettings(ctx, &sluicev1.ForgetSettingsRequest{Switch: "br0", Kind: "port", Name: "eth3"}); status.Code(err) != codes.NotFound {
				t.Error(err)
			}
			r.gone(again)
			if x, err := state.ForgetSettings(ctx, &sluicev1.ForgetSettingsRequest{Switch: "br0", Kind: "port"}); err != nil || x.GetForgotten() != 2 {
				t.Errorf("%v, %v", x, err)
			}
			if got := r.standing("br0"); got["drop"] != "PENDING: the switch is away" || got["eth1 down"] != "" {
				t.Errorf("%v", got)
			}
		})
	}
}
