package ofp

import (
	"encoding/binary"
	"reflect"
)

// FlowNews is what a multipart reply is as news of flows, see LookFlowNews.
type FlowNews uint8

// What a multipart reply may be.
const (
	NoFlowNews      FlowNews = iota // something else
	OwnFlowNews                     // a flow monitor tells of what its connection has asked for, and no more
	ForeignFlowNews                 // a flow monitor tells of more than that, or of what cannot be read
)

// LookFlowNews tells what a frame that holds a whole message is as news of flows, for
// who gets many: it looks at the heads of the updates alone, and allocates nothing.
func LookFlowNews(frame []byte) FlowNews {
	if len(frame) < HeaderLen || !hasFlowMonitor(Version(frame[0])) {
		return NoFlowNews
	}
	v, head := Version(frame[0]), 16
	if v == V10 {
		head = 12
	}
	if TypeOf(frame) != TypeMultipartReply || len(frame) < head+vendorPartHead(v) || PartKind(binary.BigEndian.Uint16(frame[8:])) != PartExperimenter {
		return NoFlowNews
	}
	row := vendorPartIn(v, frame[head:])
	if row == nil || row.body[1].typ != flowMonitorReply {
		return NoFlowNews
	}
	for b := frame[head+vendorPartHead(v):]; len(b) > 0; {
		if len(b) < 8 || FlowEvent(binary.BigEndian.Uint16(b[2:])) != FlowAbbreviated || binary.BigEndian.Uint16(b) != 8 {
			return ForeignFlowNews
		}
		b = b[8:]
	}
	return OwnFlowNews
}

var flowMonitorReply = reflect.TypeFor[*FlowMonitorReply]()

func hasFlowMonitor(v Version) bool { return v >= V10 && v <= V13 }
