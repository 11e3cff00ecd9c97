package ofp

import "testing"

// TestLookFlowNews: news of one's own flow-mods alone are told from all others, and
// both from what is no news of flows.
func TestLookFlowNews(t *testing.T) {
	own := FlowUpdate{Event: FlowAbbreviated, XID: 7}
	gone := FlowUpdate{Event: FlowDeleted, Priority: 5}
	for _, v := range Versions() {
		for _, tt := range []struct {
			what string
			m    Message
			want FlowNews
		}{
			{"no update", &MultipartReply{Body: &FlowMonitorReply{}}, OwnFlowNews},
			{"own", &MultipartReply{Body: &FlowMonitorReply{Updates: []FlowUpdate{own, own}}}, OwnFlowNews},
			{"others'", &MultipartReply{Body: &FlowMonitorReply{Updates: []FlowUpdate{gone}}}, ForeignFlowNews},
			{"both", &MultipartReply{Body: &FlowMonitorReply{Updates: []FlowUpdate{own, gone}}}, ForeignFlowNews},
			{"statistics", &MultipartReply{Body: &FlowStatsReply{}}, NoFlowNews},
			{"an echo", &EchoReply{Data: make([]byte, 64)}, NoFlowNews},
		} {
			frame, err := Append(nil, v, 0, tt.m)
			if err != nil {
				t.Fatalf("%s: %s: %v", v, tt.what, err)
			}
			if got := LookFlowNews(frame); got != tt.want {
				t.Errorf("%s: %s: %d, want %d", v, tt.what, got, tt.want)
			}
			for n := range frame { // cut anywhere: nothing but an answer
				LookFlowNews(frame[:n])
			}
			if n := testing.AllocsPerRun(10, func() { LookFlowNews(frame) }); n > 0 {
				t.Errorf("%s: %s: %v allocations", v, tt.what, n)
			}
		}
	}
}
