package api

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

var missNames = []string{"controller", "continue", "drop"}

var fragmentNames = map[ofp.ConfigFlags]string{0: "normal", ofp.FragDrop: "drop", ofp.FragReasm: "reassemble", ofp.FragNXMatch: "nx-match"}

// settings tells how a switch was set up, and whether its ports are so. Tables and
// fragments are taken to be, where the switch is connected.
func (s *state) settings(dpid ofp.DPID, waits string) (out []*sluicev1.StateItem) {
	st, err := s.c.State()
	if err != nil {
		return nil
	}
	sw, _ := s.c.Find(dpid.String())
	add := func(kind, text string, settled bool, why string) {
		c := sluicev1.StateCondition_STATE_CONDITION_INSTALLED
		if sw == nil {
			settled, why = false, waits
		}
		if !settled {
			c = sluicev1.StateCondition_STATE_CONDITION_PENDING
		} else {
			why = ""
		}
		out = append(out, &sluicev1.StateItem{Kind: kind, Text: valid(text), Condition: c, Why: why})
	}
	x := st.Settings(dpid)
	for _, key := range slices.Sorted(maps.Keys(x.Ports)) {
		p := x.Ports[key]
		var words []string
		for bit, name := range portConfigNames {
			switch one := ofp.PortConfig(1) << bit; {
			case name == "" || p.Mask&one == 0:
			case p.Config&one != 0:
				words = append(words, name)
			default:
				words = append(words, "not "+name)
			}
		}
		settled, there := true, true
		if sw != nil {
			settled, there = sw.PortSettled(key, p)
		}
		why := "it differs until the next comparison"
		if !there {
			why = "the switch has no such port"
		}
		add("port", key+" "+strings.Join(words, ","), settled, why)
	}
	for _, table := range slices.Sorted(maps.Keys(x.Tables)) {
		name := fmt.Sprint(table)
		if table == ofp.TableAll {
			name = "all"
		}
		if miss := x.Tables[table]; int(miss) < len(missNames) {
			add("table", name+" "+missNames[miss], true, "")
		}
	}
	if x.Fragments != nil {
		add("fragments", fragmentNames[*x.Fragments], true, "")
	}
	return out
}
