package controller

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestDeleteFromAllTables checks that a delete from all tables reaches each
// table of a 1.1 switch, that its errors are told once and by the caller's
// index, and that other versions get the one message that says it.
func TestDeleteFromAllTables(t *testing.T) {
	all := ofp.NewFlowMod(ofp.FlowDelete)
	all.Cookie = 7
	add := ofp.NewFlowMod(ofp.FlowAdd)
	for _, tc := range []struct {
		v    ofp.Version
		want []uint8 // tables of the flow-mods sent
	}{
		{ofp.V10, []uint8{0, ofp.TableAll, 0}}, // has no tables: a delete is read as one of all
		{ofp.V11, []uint8{0, 0, 1, 2, 0}},
		{ofp.V12, []uint8{0, ofp.TableAll, 0}},
		{ofp.V13, []uint8{0, ofp.TableAll, 0}},
	} {
		t.Run(tc.v.String(), func(t *testing.T) {
			c := serve(t, Config{})
			p := newPeer(t, tc.v, 1)
			var mu sync.Mutex
			var tables []uint8
			p.reply = func(_ uint32, m ofp.Message) []ofp.Message {
				switch m := m.(type) {
				case *ofp.FeaturesRequest:
					return []ofp.Message{&ofp.FeaturesReply{DPID: 1, Tables: 3}}
				case *ofp.FlowMod:
					mu.Lock()
					tables = append(tables, m.Table)
					mu.Unlock()
					if m.Command == ofp.FlowDelete {
						return []ofp.Message{&ofp.Error{Reason: ofp.FlowModFailedEPERM, Data: make([]byte, 64)}}
					}
				}
				return nil
			}
			p.dial(c.addr)
			err := c.sw(t, 1).Write(t.Context(), []ofp.Message{add, all, add})
			e := (*WriteError)(nil)
			if !errors.As(err, &e) || len(e.Errors) != 1 || e.Errors[0].Index != 1 || e.Errors[0].Message != all || e.Confirmed != 3 || e.Sent != 3 {
				t.Errorf("write: %+v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(tables, tc.want) {
				t.Errorf("flow-mods to tables %v, want %v", tables, tc.want)
			}
			if all.Table != ofp.TableAll {
				t.Errorf("the caller's message was changed: table %d", all.Table)
			}
		})
	}
}

func TestExpansionCountsWholeMessages(t *testing.T) {
	msgs := []ofp.Message{ofp.NewFlowMod(ofp.FlowAdd), ofp.NewFlowMod(ofp.FlowDelete), ofp.NewFlowMod(ofp.FlowAdd)}
	x, _ := forEachTable(msgs, 3) // 0, 1 1 1, 2
	for sent, want := range []int{0, 1, 1, 1, 2, 3} {
		if got := x.whole(sent, len(msgs)); got != want {
			t.Errorf("%d sent: %d whole messages, want %d", sent, got, want)
		}
	}
}
