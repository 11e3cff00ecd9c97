package api

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// wantStatus compares an error's code and a part of its text.
func wantStatus(t *testing.T, what string, err error, code codes.Code, says string) {
	t.Helper()
	if status.Code(err) != code || !strings.Contains(err.Error(), says) {
		t.Errorf("%s: %v, want %v with %q", what, err, code, says)
	}
}

func TestModifyPort(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		r := newRig(t, Config{})
		sim := r.bridge(v)
		api := sluicev1.NewConfigServiceClient(r.conn)
		modify := func(q *sluicev1.ModifyPortRequest) error {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			q.Switch = "br0"
			_, err := api.ModifyPort(ctx, q)
			return err
		}
		config := func() []string {
			list, err := r.switches.ListPorts(t.Context(), &sluicev1.ListPortsRequest{Switch: "br0"})
			if err != nil {
				t.Fatal(err)
			}
			return list.GetPorts()[1].GetConfig()
		}
		if err := modify(&sluicev1.ModifyPortRequest{Port: "eth2", Set: []string{"port_down", "no_packet_in"}}); err != nil {
			t.Fatal(err)
		}
		if err := modify(&sluicev1.ModifyPortRequest{Port: "2", Set: []string{"no_fwd"}, Clear: []string{"port_down", "no_recv"}}); err != nil {
			t.Fatal(err)
		}
		if p := sim.Ports()[1]; p.Config != ofp.PortNoFwd|ofp.PortNoPacketIn {
			t.Errorf("the switch's port is %+v", p)
		}
		if d := cmp.Diff([]string{"no_fwd", "no_packet_in"}, config()); d != "" {
			t.Errorf("the controller's port (-want +got):\n%s", d)
		}
		err := modify(&sluicev1.ModifyPortRequest{Port: "2", Set: []string{"no_flood"}})
		if v == ofp.V10 {
			if err != nil || sim.Ports()[1].Config&ofp.PortNoFlood == 0 {
				t.Errorf("no_flood: %v", err)
			}
		} else {
			wantStatus(t, "no_flood", err, codes.FailedPrecondition, "no_flood: not in OpenFlow "+v.String())
		}
		sent := sim.Received(ofp.TypePortMod)
		for _, row := range []struct {
			name string
			q    *sluicev1.ModifyPortRequest
			says string
		}{
			{"no port", &sluicev1.ModifyPortRequest{Set: []string{"port_down"}}, "port: "},
			{"unknown port", &sluicev1.ModifyPortRequest{Port: "eth9", Set: []string{"port_down"}}, `port: the switch has no port "eth9"`},
			{"number of no port", &sluicev1.ModifyPortRequest{Port: "77", Set: []string{"port_down"}}, `port: the switch has no port "77"`},
			{"all ports", &sluicev1.ModifyPortRequest{Port: "ALL", Set: []string{"port_down"}}, `port: the switch has no port "ALL"`},
			{"unknown bit", &sluicev1.ModifyPortRequest{Port: "1", Set: []string{"no_fwd", "downn"}}, `set[1]: no configuration bit is called "downn"`},
			{"empty bit", &sluicev1.ModifyPortRequest{Port: "1", Clear: []string{""}}, `clear[0]: no configuration bit is called ""`},
			{"both", &sluicev1.ModifyPortRequest{Port: "1", Set: []string{"no_fwd"}, Clear: []string{"no_recv", "no_fwd"}}, "clear: no_fwd: cannot be set and cleared"},
			{"nothing", &sluicev1.ModifyPortRequest{Port: "1"}, "set: is empty, and clear too"},
		} {
			wantStatus(t, row.name, modify(row.q), codes.InvalidArgument, row.says)
		}
		if n := sim.Received(ofp.TypePortMod); n != sent {
			t.Errorf("%d port-mods were sent for what is invalid", n-sent)
		}
		_, err = api.ModifyPort(t.Context(), &sluicev1.ModifyPortRequest{Switch: "br9", Port: "1", Set: []string{"port_down"}})
		wantStatus(t, "no switch", err, codes.NotFound, "br9")
	})
}

func TestModifyTable(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		r := newRig(t, Config{})
		sim := r.bridge(v) // which drops what no flow takes
		api := sluicev1.NewConfigServiceClient(r.conn)
		modify := func(table *uint32, miss sluicev1.TableMiss) error {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			_, err := api.ModifyTable(ctx, &sluicev1.ModifyTableRequest{Switch: "br0", Table: table, Miss: miss})
			return err
		}
		const next = sluicev1.TableMiss_TABLE_MISS_CONTINUE
		if v != ofp.V11 && v != ofp.V12 {
			wantStatus(t, "version", modify(nil, next), codes.FailedPrecondition, "table miss: not in OpenFlow "+v.String())
			if sim.Received(ofp.TypeTableMod) != 0 {
				t.Error("a table-mod was sent")
			}
			return
		}
		r.mustWrite(addTexts("table=1,actions=output:3"))
		leaves := func() int {
			sim.Clear()
			sim.Inject(1, make([]byte, 64))
			return len(sim.Sent())
		}
		if n := leaves(); n != 0 {
			t.Fatalf("%d packets leave before", n)
		}
		for _, table := range []*uint32{ptr(uint32(0)), nil} {
			if err := modify(table, next); err != nil {
				t.Fatal(err)
			}
			if n := leaves(); n != 1 {
				t.Errorf("continue: %d packets leave", n)
			}
			if err := modify(table, sluicev1.TableMiss_TABLE_MISS_DROP); err != nil {
				t.Fatal(err)
			}
			if n := leaves(); n != 0 {
				t.Errorf("drop: %d packets leave", n)
			}
		}
		if err := modify(nil, sluicev1.TableMiss_TABLE_MISS_CONTROLLER); err != nil {
			t.Fatal(err)
		}
		wantStatus(t, "table", modify(ptr(uint32(255)), next), codes.InvalidArgument, "table: 255: want at most 254")
		wantStatus(t, "miss", modify(nil, 0), codes.InvalidArgument, "miss: TABLE_MISS_UNSPECIFIED: want")
		wantStatus(t, "miss", modify(nil, 4), codes.InvalidArgument, "miss: 4: want")
		wantStatus(t, "missing table", modify(ptr(uint32(99)), next), codes.FailedPrecondition, "OFPTMFC_BAD_TABLE")
	})
}

// TestTableFeatures reads features that come in several segments.
func TestTableFeatures(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		r := newRig(t, Config{})
		r.connect(simswitch.Config{Name: "br0", Versions: []ofp.Version{v}, Tables: 20, SegmentBytes: 2000})
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		got, err := sluicev1.NewConfigServiceClient(r.conn).ListTableFeatures(ctx, &sluicev1.ListTableFeaturesRequest{Switch: "br0"})
		if v != ofp.V13 {
			wantStatus(t, "version", err, codes.FailedPrecondition, "table_features: not in OpenFlow "+v.String())
			return
		}
		if err != nil || len(got.GetTables()) != 20 {
			t.Fatalf("%d tables, %v", len(got.GetTables()), err)
		}
		for i, x := range got.GetTables() {
			if x.GetTable() != uint32(i) || x.GetMaxEntries() != 1_000_000 || x.GetMetadataMatch() != ^uint64(0) || len(x.GetProperties()) != 7 {
				t.Errorf("table %d: %v", i, x)
			}
		}
		want := &sluicev1.TableProperty{Type: uint32(ofp.TableNextTables), Payload: []byte{18, 19}}
		if d := cmp.Diff(want, got.GetTables()[17].GetProperties()[1], protocmp.Transform()); d != "" {
			t.Errorf("next tables (-want +got):\n%s", d)
		}
		for _, s := range []string{"  table 0 (\"table0\"):\n    metadata: match=0xffffffffffffffff", "\n    max_entries=1000000\n", "  table 1 (\"table1\"): ditto\n"} {
			if !strings.Contains(got.GetText(), s) {
				t.Errorf("the text lacks %q:\n%s", s, got.GetText())
			}
		}
	})
}

func TestFragments(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		r := newRig(t, Config{})
		r.bridge(v)
		api := sluicev1.NewConfigServiceClient(r.conn)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		before, err := api.GetSwitchConfig(ctx, &sluicev1.GetSwitchConfigRequest{Switch: "br0"})
		if err != nil || before.GetConfig().GetFragments() != sluicev1.FragmentHandling_FRAGMENT_HANDLING_NORMAL {
			t.Fatalf("%v, %v", before, err)
		}
		set := func(how sluicev1.FragmentHandling) (*sluicev1.SetSwitchConfigResponse, error) {
			return api.SetSwitchConfig(ctx, &sluicev1.SetSwitchConfigRequest{Switch: "br0", Fragments: how})
		}
		for _, how := range []sluicev1.FragmentHandling{sluicev1.FragmentHandling_FRAGMENT_HANDLING_NX_MATCH, sluicev1.FragmentHandling_FRAGMENT_HANDLING_DROP} {
			done, err := set(how)
			now, err2 := api.GetSwitchConfig(ctx, &sluicev1.GetSwitchConfigRequest{Switch: "br0"})
			if err != nil || err2 != nil || done.GetConfig().GetFragments() != how || now.GetConfig().GetFragments() != how ||
				now.GetConfig().GetMissSendLen() != before.GetConfig().GetMissSendLen() {
				t.Errorf("%s: %v, %v; then %v, %v", how, done, err, now, err2)
			}
		}
		_, err = set(sluicev1.FragmentHandling_FRAGMENT_HANDLING_REASSEMBLE)
		wantStatus(t, "reassemble", err, codes.FailedPrecondition, "br0 does not do that: its way with fragments is drop")
		_, err = set(0)
		wantStatus(t, "none", err, codes.InvalidArgument, "fragments: FRAGMENT_HANDLING_UNSPECIFIED: want")
		_, err = set(5)
		wantStatus(t, "unknown", err, codes.InvalidArgument, "fragments: 5: want")
	})
}

func TestQueues(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		r := newRig(t, Config{})
		rate := func(min, max uint16) (ps []ofp.QueueProperty) {
			ps = append(ps, ofp.QueueProperty{Type: ofp.QueueMinRate, Rate: min})
			if v >= ofp.V12 {
				ps = append(ps, ofp.QueueProperty{Type: ofp.QueueMaxRate, Rate: max})
			}
			return ps
		}
		sim := r.connect(simswitch.Config{Name: "br0", Versions: []ofp.Version{v}, Queues: []ofp.Queue{
			{ID: 7, Port: 3, Properties: rate(105, 0xffff)}, {ID: 2, Port: 1, Properties: rate(0xffff, 1000)}, {ID: 1, Port: 3}}})
		api := sluicev1.NewConfigServiceClient(r.conn)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		two := &sluicev1.Queue{Port: 1, Id: 2}
		text := "port=1\nqueue 2:"
		if v >= ofp.V12 {
			two.MaxRate = ptr(uint32(1000))
			text += " max_rate:100.0%"
		}
		text += "\nport=3\nqueue 1:\nqueue 7: min_rate:10.5%"
		three := []*sluicev1.Queue{{Port: 3, Id: 7, MinRate: ptr(uint32(105))}, {Port: 3, Id: 1}}
		list := func(port string) *sluicev1.ListQueuesResponse {
			t.Helper()
			got, err := api.ListQueues(ctx, &sluicev1.ListQueuesRequest{Switch: "br0", Port: port})
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		want := &sluicev1.ListQueuesResponse{Queues: append([]*sluicev1.Queue{two}, three...), Text: text}
		if v >= ofp.V12 {
			want.Queues = []*sluicev1.Queue{three[0], two, three[1]} // as the switch says them
		}
		if d := cmp.Diff(want, list(""), protocmp.Transform()); d != "" {
			t.Errorf("all (-want +got):\n%s", d)
		}
		if got := list("eth3"); cmp.Diff(three, got.GetQueues(), protocmp.Transform()) != "" || got.GetText() != "port=3\nqueue 1:\nqueue 7: min_rate:10.5%" {
			t.Errorf("one port: %v", got)
		}
		if got := list("2"); len(got.GetQueues()) != 0 || got.GetText() != "" {
			t.Errorf("a port without queues: %v", got)
		}
		_, err := api.ListQueues(ctx, &sluicev1.ListQueuesRequest{Switch: "br0", Port: "eth9"})
		wantStatus(t, "unknown port", err, codes.InvalidArgument, `port: the switch has no port "eth9"`)
		_, err = api.ListQueues(ctx, &sluicev1.ListQueuesRequest{Switch: "br0", Port: "9"})
		wantStatus(t, "port that is not there", err, codes.InvalidArgument, `port: the switch has no port "9"`)
		if n := len(sim.Refused()); n != 0 {
			t.Errorf("the switch refused %v", sim.Refused())
		}
	})
}

func TestQueueStats(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		r := newRig(t, Config{})
		r.connect(simswitch.Config{Name: "br0", Versions: []ofp.Version{v}, Queues: []ofp.Queue{{ID: 7, Port: 3}, {ID: 2, Port: 1}, {ID: 1, Port: 3}}})
		api := sluicev1.NewConfigServiceClient(r.conn)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		for _, row := range []struct {
			port  string
			queue *uint32
			want  string // pairs of port and queue
		}{
			{"", nil, "3 7, 1 2, 3 1"}, {"eth3", nil, "3 7, 3 1"}, {"", ptr(uint32(2)), "1 2"}, {"3", ptr(uint32(1)), "3 1"}, {"2", nil, ""},
		} {
			got, err := api.ListQueueStats(ctx, &sluicev1.ListQueueStatsRequest{Switch: "br0", Port: row.port, Queue: row.queue})
			if err != nil {
				t.Fatal(err)
			}
			var want []*sluicev1.QueueStats
			for pair := range strings.SplitSeq(row.want, ", ") {
				if pair != "" {
					port, queue := uint32(pair[0]-'0'), uint32(pair[2]-'0')
					want = append(want, &sluicev1.QueueStats{Port: port, Id: queue, TxBytes: ptr(uint64(0)), TxPackets: ptr(uint64(0)), TxErrors: ptr(uint64(0))})
				}
			}
			text := fmt.Sprintf("%d queues", len(want))
			if d := cmp.Diff(want, got.GetQueues(), protocmp.Transform()); d != "" || !strings.HasPrefix(got.GetText(), text) {
				t.Errorf("port %q (-want +got):\n%s%s", row.port, d, got.GetText())
			}
		}
		_, err := api.ListQueueStats(ctx, &sluicev1.ListQueueStatsRequest{Switch: "br0", Queue: ptr(uint32(9))})
		wantStatus(t, "unknown queue", err, codes.FailedPrecondition, "OFPQOFC_BAD_QUEUE")
		_, err = api.ListQueueStats(ctx, &sluicev1.ListQueueStatsRequest{Switch: "br0", Port: "9"})
		wantStatus(t, "port that is not there", err, codes.InvalidArgument, `port: the switch has no port "9"`)
	})
}
