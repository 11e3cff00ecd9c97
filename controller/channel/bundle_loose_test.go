package channel

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/ofp"
)

func TestBundleNamesWhatItAdds(t *testing.T) {
	parse := func(lines ...string) (msgs []ofp.Message) {
		for _, line := range lines {
			var m ofp.Message
			var err error
			switch line[0] {
			case '+':
				m, err = ofp.ParseFlow(line[1:], ofp.FlowAdd, nil)
			case '-':
				m, err = ofp.ParseFlow(line[1:], ofp.FlowDelete, nil)
			case '=':
				m, err = ofp.ParseFlow(line[1:], ofp.FlowDeleteStrict, nil)
			case '~':
				m, err = ofp.ParseFlow(line[1:], ofp.FlowModify, nil)
			case '!':
				m, err = ofp.ParseFlow(line[1:], ofp.FlowModifyStrict, nil)
			case 'g':
				m = &ofp.GroupMod{Command: ofp.GroupAdd, Group: 1}
			}
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			msgs = append(msgs, m)
		}
		return msgs
	}
	said := func(msgs []ofp.Message) (all []string) {
		for _, m := range msgs {
			b, err := ofp.Append(nil, ofp.V13, 1, m)
			all = append(all, fmt.Sprintf("%v %x %v", m, b, err))
		}
		return all
	}
	const a, b = "+table=1,priority=22,ip,nw_dst=10.0.0.1,actions=group:1", "+table=0,cookie=7,priority=9,ip,actions=output:1"
	tests := []struct {
		name       string
		msgs, want []string
		origin     []int
	}{
		{"nothing loose", []string{a, b, "=table=0,priority=9,ip"}, nil, nil},
		{"loose before", []string{"-ip", a, b}, nil, nil},
		{"delete", []string{a, "g", b, "-table=1,ip,nw_dst=10.0.0.0/8", "g"},
			[]string{a, "g", b, "=table=1,priority=22,ip,nw_dst=10.0.0.1", "-table=1,ip,nw_dst=10.0.0.0/8", "g"}, []int{0, 1, 2, 3, 3, 4}},
		{"all tables", []string{a, b, "-ip"}, []string{a, b, "=table=1,priority=22,ip,nw_dst=10.0.0.1", "=table=0,priority=9,ip", "-ip"}, []int{0, 1, 2, 2, 2}},
		{"of a cookie", []string{a, b, "-cookie=7/-1,ip"}, []string{a, b, "=table=0,priority=9,cookie=7/-1,ip", "-cookie=7/-1,ip"}, []int{0, 1, 2, 2}},
		{"of a group", []string{a, b, "-out_group=1"}, []string{a, b, "=table=1,priority=22,out_group=1,ip,nw_dst=10.0.0.1", "-out_group=1"}, []int{0, 1, 2, 2}},
		{"of a group, after a change", []string{b, "!table=0,priority=9,ip,actions=group:1", "-out_group=1"},
			[]string{b, "!table=0,priority=9,ip,actions=group:1", "=table=0,priority=9,out_group=1,ip", "-out_group=1"}, []int{0, 1, 2, 2}},
		{"modify", []string{b, "~ip,actions=drop"}, []string{b, "!table=0,priority=9,ip,actions=drop", "~ip,actions=drop"}, []int{0, 1, 1}},
		{"others", []string{a, "-table=2", "-udp", "-ipv6"}, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.want == nil {
				tt.want = tt.msgs
			}
			got, origin, _, err := withAdded(parse(tt.msgs...))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(said(parse(tt.want...)), said(got)); diff != "" {
				t.Error(diff)
			}
			if tt.origin == nil { // each stands for itself
				for i, n := range origin {
					if i != n {
						t.Errorf("origin %v", origin)
					}
				}
			} else if diff := cmp.Diff(tt.origin, origin); diff != "" {
				t.Error(diff)
			}
		})
	}
	if got := composed([]int{0, 0, 1}, []int{0, 1, 1, 2}); !cmp.Equal(got, []int{0, 0, 0, 1}) {
		t.Error(got)
	}
}

func TestBundleNamesBoundedMany(t *testing.T) {
	add, all := ofp.NewFlowMod(ofp.FlowAdd), ofp.NewFlowMod(ofp.FlowDelete)
	all.Table = ofp.TableAll
	none := ofp.NewFlowMod(ofp.FlowDelete)
	none.Table = 9
	repeat := func(m ofp.Message, n int) (msgs []ofp.Message) {
		for range n {
			msgs = append(msgs, m)
		}
		return msgs
	}
	if _, _, bad, err := withAdded(append(repeat(add, MaxBundle/2), all, all)); !errors.Is(err, ErrBundleTooLong) || bad != MaxBundle/2+1 {
		t.Errorf("message %d: %v", bad, err)
	}
	if _, _, bad, err := withAdded(append(repeat(add, 5000), repeat(none, 5000)...)); !errors.Is(err, ErrBundleLooseFlows) || bad != 5000+loosePairs/5000 {
		t.Errorf("message %d: %v", bad, err)
	}
}
