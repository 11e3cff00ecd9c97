package channel

import (
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestVendorReplies: what a switch answers to a request of an experimenter's
// reaches who asked, and is counted by its own name.
func TestVendorReplies(t *testing.T) {
	flows := func(flags uint16, cookie uint64) ofp.Message {
		return &ofp.MultipartReply{Flags: flags, Body: &ofp.NXFlowStatsReply{Flows: []ofp.NXFlowStats{{FlowStats: ofp.FlowStats{Cookie: cookie}}}}}
	}
	role := ofp.RoleState{Role: ofp.RoleMaster, Generation: ofp.NoGeneration}
	for _, tt := range []struct {
		name    string
		v       ofp.Version
		ask     ofp.Message
		answers []ofp.Message
		want    ofp.Message
		err     string
	}{
		{"role in 1.0", ofp.V10, &ofp.RoleRequest{RoleState: role}, []ofp.Message{&ofp.RoleReply{RoleState: role}}, &ofp.RoleReply{RoleState: role}, ""},
		{"role in 1.1", ofp.V11, &ofp.RoleRequest{RoleState: role}, []ofp.Message{&ofp.RoleReply{RoleState: role}}, &ofp.RoleReply{RoleState: role}, ""},
		{"flows in two segments", ofp.V10, ofp.Request(&ofp.NXFlowStatsRequest{FlowFilter: ofp.AllFlows()}), []ofp.Message{flows(ofp.MultipartMore, 1), flows(0, 2)},
			&ofp.MultipartReply{Body: &ofp.NXFlowStatsReply{Flows: []ofp.NXFlowStats{{FlowStats: ofp.FlowStats{Cookie: 1}}, {FlowStats: ofp.FlowStats{Cookie: 2}}}}}, ""},
		{"groups in 1.0", ofp.V10, ofp.Request(&ofp.GroupDescRequest{}), []ofp.Message{&ofp.MultipartReply{Body: &ofp.NXGroupDescReply{Groups: []ofp.NXGroup{{Group: 5}}}}},
			&ofp.MultipartReply{Body: &ofp.NXGroupDescReply{Groups: []ofp.NXGroup{{Group: 5}}}}, ""},
		{"groups in 1.0, answered otherwise", ofp.V10, ofp.Request(&ofp.GroupDescRequest{}), []ofp.Message{&ofp.MultipartReply{Body: &ofp.Desc{}}}, nil, "group_desc: switch answered with desc, which is no answer to this"},
		{"tunnel options", ofp.V13, &ofp.NXTLVTableRequest{}, []ofp.Message{&ofp.NXTLVTableReply{MaxSpace: 256}}, &ofp.NXTLVTableReply{MaxSpace: 256}, ""},
		{"bundle", ofp.V13, &ofp.BundleControl{ID: 5}, []ofp.Message{&ofp.BundleControl{ID: 5}}, &ofp.BundleControl{ID: 5}, ""},
		{"refused", ofp.V13, &ofp.NXTLVTableRequest{}, []ofp.Message{&ofp.Error{Reason: ofp.BadRequestBadExperimenter}}, nil, "switch answered"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t, tt.v, Config{})
				c := r.ready()
				synctest.Wait()
				c.out.mu.Lock()
				c.out.enc.Extensions = true
				c.out.mu.Unlock()
				go func() {
					for got := range r.in {
						if got.m.Type() != tt.ask.Type() || !sameAsk(got.m, tt.ask) {
							continue
						}
						// What nobody waits for comes first: it must do no harm.
						r.send(&ofp.NXPacketIn2{NXPacket: ofp.NewNXPacket(make([]byte, 14))})
						for _, m := range tt.answers {
							r.sendX(got.XID, m)
						}
						return
					}
				}()
				got, err := c.Request(t.Context(), tt.ask)
				synctest.Wait()
				if n, lost := c.stats.In[ofp.TypeNXPacketIn2].Load(), c.stats.Drops[DropUnhandled].Load(); n != 1 || lost != 1 {
					t.Errorf("%d packet-ins counted and %d unhandled, want one of each", n, lost)
				}
				if tt.err != "" {
					if err == nil || !strings.Contains(err.Error(), tt.err) {
						t.Errorf("error %v, want %q", err, tt.err)
					}
					return
				}
				if err != nil || ofp.PrintBody(tt.v, got) != ofp.PrintBody(tt.v, tt.want) {
					t.Errorf("got %v, %v, want %v", got, err, tt.want)
				}
			})
		})
	}
}

func sameAsk(a, b ofp.Message) bool {
	x, ok := a.(*ofp.MultipartRequest)
	if !ok {
		return true
	}
	asked := b.(*ofp.MultipartRequest).Body
	_, nx := x.Body.(*ofp.NXGroupDescRequest)
	return reflect.TypeOf(x.Body) == reflect.TypeOf(asked) || nx && asked.Kind() == ofp.PartGroupDesc
}

// TestEveryTypeHasACounter: no two types of messages share one.
func TestEveryTypeHasACounter(t *testing.T) {
	for _, typ := range ofp.Types() {
		if int(typ) >= NumTypes {
			t.Errorf("%s has the number %d, and there are %d counters", typ, typ, NumTypes)
		}
	}
}
