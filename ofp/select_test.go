package ofp

import "testing"

func TestMatchesCoverAndOverlap(t *testing.T) {
	for _, tt := range []struct {
		a, b                   string
		covers, back, overlaps bool
	}{
		{"", "", true, true, true},
		{"", "ip", true, false, true},
		{"ip", "tcp,tp_dst=80", true, false, true},
		{"ip,nw_dst=10.0.0.0/8", "ip,nw_dst=10.1.0.0/16", true, false, true},
		{"ip,nw_dst=10.0.0.0/8", "ip,nw_dst=11.1.0.0/16", false, false, false},
		{"ip,nw_dst=10.0.0.0/8", "ip,nw_src=10.0.0.1", false, false, true},
		{"in_port=1", "in_port=2", false, false, false},
		{"in_port=1,ip", "in_port=1,arp", false, false, false},
		{"in_port=1", "ip", false, false, true},
		{"reg0=1/1", "reg0=3/3", true, false, true},
		{"reg0=1/1", "reg0=2/3", false, false, false},
		{"dl_dst=01:00:00:00:00:00/01:00:00:00:00:00", "dl_dst=ff:ff:ff:ff:ff:ff", true, false, true},
	} {
		parse := func(s string) *Match {
			m, err := ParseMatch(s, nil)
			if err != nil {
				t.Fatal(s, err)
			}
			return &m
		}
		a, b := parse(tt.a), parse(tt.b)
		if got := [4]bool{a.Covers(b), b.Covers(a), a.Overlaps(b), b.Overlaps(a)}; got != [4]bool{tt.covers, tt.back, tt.overlaps, tt.overlaps} {
			t.Errorf("%q and %q: covers, is covered, overlaps both ways: %v", tt.a, tt.b, got)
		}
	}
	var x, y Match
	if x.SetRaw(0xfff00004, []byte{1, 2, 3, 4}) != nil || y.SetRaw(0xfff00004, []byte{1, 2, 3, 5}) != nil {
		t.Fatal("cannot set a field without a row")
	}
	if !x.Covers(&x) || x.Covers(&y) || x.Overlaps(&y) {
		t.Error("fields without a row are not compared")
	}
}

func TestFilterSelects(t *testing.T) {
	f, err := ParseFlow("table=2,cookie=0x15,priority=7,tcp,actions=output:3,group:4", FlowAdd, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		change func(*FlowFilter)
		want   bool
	}{
		{func(*FlowFilter) {}, true},
		{func(q *FlowFilter) { q.Table = 2 }, true},
		{func(q *FlowFilter) { q.Table = 3 }, false},
		{func(q *FlowFilter) { q.Cookie, q.CookieMask = 0x10, 0xf0 }, true},
		{func(q *FlowFilter) { q.Cookie, q.CookieMask = 0x10, 0xff }, false},
		{func(q *FlowFilter) { q.OutPort = 3 }, true},
		{func(q *FlowFilter) { q.OutPort = 4 }, false},
		{func(q *FlowFilter) { q.OutGroup = 4 }, true},
		{func(q *FlowFilter) { q.OutPort, q.OutGroup = 3, 5 }, false},
		{func(q *FlowFilter) { q.Match.SetUint(FieldEthType, 0x800) }, true},
		{func(q *FlowFilter) { q.Match.SetUint(FieldEthType, 0x806) }, false},
	} {
		q := AllFlows()
		tt.change(&q)
		if got := q.Selects(f.Table, f.Cookie, &f.Match, f.Instructions); got != tt.want {
			t.Errorf("%+v selects: %t", q, got)
		}
	}
}
