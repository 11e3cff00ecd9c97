package ofp

import (
	"encoding/binary"
	"reflect"
)

// vendorPart is one row of the table of multipart bodies that experimenters
// defined: a kind of theirs, and the versions that it is sent in.
type vendorPart struct {
	vendorForm
	name string // as Open vSwitch prints it
	body [2]*bodyInfo
}

// vendorParts is that table (ofp-msgs.h of Open vSwitch).
var vendorParts = [...]vendorPart{
	{vendorForm{niciraID, 0, V10, V10}, "NXST_FLOW", [2]*bodyInfo{body[NXFlowStatsRequest](), body[NXFlowStatsReply]()}},
	{vendorForm{niciraID, 1, V10, V10}, "NXST_AGGREGATE", [2]*bodyInfo{body[NXAggregateRequest](), body[NXAggregateReply]()}},
	{vendorForm{niciraID, 2, V10, V12}, "NXST_FLOW_MONITOR", [2]*bodyInfo{body[FlowMonitorRequest](), body[FlowMonitorReply]()}},
	{vendorForm{onfID, 1870, V13, V13}, "ONFST_FLOW_MONITOR", [2]*bodyInfo{body[FlowMonitorRequest](), body[FlowMonitorReply]()}},
	{vendorForm{niciraID, 7, V10, V10}, "NXST_GROUP", [2]*bodyInfo{body[NXGroupStatsRequest](), body[NXGroupStatsReply]()}},
	{vendorForm{niciraID, 8, V10, V10}, "NXST_GROUP_DESC", [2]*bodyInfo{body[NXGroupDescRequest](), body[NXGroupDescReply]()}},
	{vendorForm{niciraID, 9, V10, V11}, "NXST_GROUP_FEATURES", [2]*bodyInfo{body[NXGroupFeaturesRequest](), body[NXGroupFeatures]()}},
	{vendorForm{niciraID, 3, V10, V13}, "NXST_IPFIX_BRIDGE", [2]*bodyInfo{body[NXIPFIXBridgeRequest](), body[NXIPFIXBridgeReply]()}},
	{vendorForm{niciraID, 4, V10, V13}, "NXST_IPFIX_FLOW", [2]*bodyInfo{body[NXIPFIXFlowRequest](), body[NXIPFIXFlowReply]()}},
}

// vendorPartOf returns the row of a body in version v, or nil.
func vendorPartOf(v Version, experimenter, subtype uint32) *vendorPart {
	for i := range vendorParts {
		if r := &vendorParts[i]; r.experimenter == experimenter && r.subtype == subtype && v >= r.from && v <= r.to {
			return r
		}
	}
	return nil
}

// vendorPartIn returns the row of the experimenter's body in b, which is all
// that follows the multipart header, or nil.
func vendorPartIn(v Version, b []byte) *vendorPart {
	if len(b) < vendorPartHead(v) {
		return nil
	}
	return vendorPartOf(v, binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:]))
}

// vendorPartHead is the length of what stands before an experimenter's body: in
// 1.0 there is padding after experimenter and type (nicira10_stats_msg of Open
// vSwitch's nicira-ext.h).
func vendorPartHead(v Version) int {
	if v == V10 {
		return 12
	}
	return 8
}

// walkVendorPart walks the body of a multipart message of kind experimenter. What
// is not modelled is an ExperimenterPart.
func walkVendorPart(c *cursor, body *Part, direction int) {
	if c.wr {
		writeVendorPart(c, *body, direction)
		return
	}
	row := vendorPartIn(c.v, c.buf[c.off:c.end])
	if row == nil {
		if _, ok := (*body).(*ExperimenterPart); !ok {
			*body = new(ExperimenterPart)
		}
		(*body).walk(c)
		return
	}
	c.fixed(vendorPartHead(c.v), row.name)
	if want := row.body[direction]; reflect.TypeOf(*body) != want.typ {
		*body = want.make()
	}
	(*body).walk(c)
}

func writeVendorPart(c *cursor, body Part, direction int) {
	switch body.(type) {
	case *ExperimenterPart, *RawPart:
		body.walk(c)
		return
	}
	typ := reflect.TypeOf(body)
	name := ""
	for i := range vendorParts {
		row := &vendorParts[i]
		if row.body[direction].typ != typ {
			continue
		}
		if c.v < row.from || c.v > row.to {
			name = row.name
			continue
		}
		b := c.room(vendorPartHead(c.v))
		binary.BigEndian.PutUint64(b, uint64(row.experimenter)<<32|uint64(row.subtype))
		body.walk(c)
		return
	}
	if name != "" {
		c.lacks("multipart " + name)
		return
	}
	c.bad("multipart body", "%T does not belong here", body)
}
