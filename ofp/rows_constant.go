package ofp

import "strconv"

// constant is one number that messages hold, and the versions that have it.
type constant struct {
	table, name string
	number      uint64
	from, to    Version
}

// constants are the flags, reasons, commands and reserved numbers of messages,
// for documentation and tests.
var constants = [...]constant{
	{"config flag", "frag_normal", uint64(FragNormal), V10, V13},
	{"config flag", "frag_drop", uint64(FragDrop), V10, V13},
	{"config flag", "frag_reasm", uint64(FragReasm), V10, V13},
	{"config flag", "frag_nx_match", uint64(FragNXMatch), V10, V13},
	{"config flag", "invalid_ttl_to_controller", uint64(InvalidTTLToController), V11, V12},
	{"capability", "flow_stats", uint64(CapFlowStats), V10, V13},
	{"capability", "table_stats", uint64(CapTableStats), V10, V13},
	{"capability", "port_stats", uint64(CapPortStats), V10, V13},
	{"capability", "stp", uint64(CapSTP), V10, V10},
	{"capability", "group_stats", uint64(CapGroupStats), V11, V13},
	{"capability", "ip_reasm", uint64(CapIPReasm), V10, V13},
	{"capability", "queue_stats", uint64(CapQueueStats), V10, V13},
	{"capability", "arp_match_ip", uint64(CapARPMatchIP), V10, V11},
	{"capability", "port_blocked", uint64(CapPortBlocked), V12, V13},
	{"port config", "port_down", uint64(PortDown), V10, V13},
	{"port config", "no_stp", uint64(PortNoSTP), V10, V10},
	{"port config", "no_recv", uint64(PortNoRecv), V10, V13},
	{"port config", "no_recv_stp", uint64(PortNoRecvSTP), V10, V10},
	{"port config", "no_flood", uint64(PortNoFlood), V10, V10},
	{"port config", "no_fwd", uint64(PortNoFwd), V10, V13},
	{"port config", "no_packet_in", uint64(PortNoPacketIn), V10, V13},
	{"port state", "link_down", uint64(PortLinkDown), V10, V13},
	{"port state", "blocked", uint64(PortBlocked), V11, V13},
	{"port state", "live", uint64(PortLive), V11, V13},
	{"port state", "stp_mask", uint64(PortSTPMask), V10, V10},
	{"port feature", "10mb_hd", uint64(Port10MbHD), V10, V13},
	{"port feature", "10mb_fd", uint64(Port10MbFD), V10, V13},
	{"port feature", "100mb_hd", uint64(Port100MbHD), V10, V13},
	{"port feature", "100mb_fd", uint64(Port100MbFD), V10, V13},
	{"port feature", "1gb_hd", uint64(Port1GbHD), V10, V13},
	{"port feature", "1gb_fd", uint64(Port1GbFD), V10, V13},
	{"port feature", "10gb_fd", uint64(Port10GbFD), V10, V13},
	{"port feature", "40gb_fd", uint64(Port40GbFD), V11, V13},
	{"port feature", "100gb_fd", uint64(Port100GbFD), V11, V13},
	{"port feature", "1tb_fd", uint64(Port1TbFD), V11, V13},
	{"port feature", "other", uint64(PortOtherRate), V11, V13},
	{"port feature", "copper", uint64(PortCopper), V10, V13},
	{"port feature", "fiber", uint64(PortFiber), V10, V13},
	{"port feature", "autoneg", uint64(PortAutoneg), V10, V13},
	{"port feature", "pause", uint64(PortPause), V10, V13},
	{"port feature", "pause_asym", uint64(PortPauseAsym), V10, V13},
	{"group capability", "select_weight", uint64(GroupSelectWeight), V12, V13},
	{"group capability", "select_liveness", uint64(GroupSelectLiveness), V12, V13},
	{"group capability", "chaining", uint64(GroupChaining), V12, V13},
	{"group capability", "chaining_checks", uint64(GroupChainingChecks), V12, V13},
	{"flow flag", "send_flow_rem", uint64(FlowSendFlowRem), V10, V13},
	{"flow flag", "check_overlap", uint64(FlowCheckOverlap), V10, V13},
	{"flow flag", "emerg", uint64(FlowEmergency), V10, V10},
	{"flow flag", "reset_counts", uint64(FlowResetCounts), V12, V13},
	{"flow flag", "no_pkt_counts", uint64(FlowNoPktCounts), V13, V13},
	{"flow flag", "no_byt_counts", uint64(FlowNoByteCounts), V13, V13},
	{"meter flag", "kbps", uint64(MeterKbps), V13, V13},
	{"meter flag", "pktps", uint64(MeterPktps), V13, V13},
	{"meter flag", "burst", uint64(MeterBurst), V13, V13},
	{"meter flag", "stats", uint64(MeterStats), V13, V13},
	{"packet-in reason", "no_match", uint64(ReasonNoMatch), V10, V13},
	{"packet-in reason", "action", uint64(ReasonAction), V10, V13},
	{"packet-in reason", "invalid_ttl", uint64(ReasonInvalidTTL), V12, V13},
	{"flow-removed reason", "idle_timeout", uint64(RemovedIdleTimeout), V10, V13},
	{"flow-removed reason", "hard_timeout", uint64(RemovedHardTimeout), V10, V13},
	{"flow-removed reason", "delete", uint64(RemovedDelete), V10, V13},
	{"flow-removed reason", "group_delete", uint64(RemovedGroupDelete), V11, V13},
	{"port-status reason", "add", uint64(PortAdded), V10, V13},
	{"port-status reason", "delete", uint64(PortDeleted), V10, V13},
	{"port-status reason", "modify", uint64(PortModified), V10, V13},
	{"role", "nochange", uint64(RoleNoChange), V12, V13},
	{"role", "equal", uint64(RoleEqual), V12, V13},
	{"role", "master", uint64(RoleMaster), V12, V13},
	{"role", "slave", uint64(RoleSlave), V12, V13},
	{"role-status reason", "master_request", uint64(RoleMasterRequest), V13, V13},
	{"role-status reason", "config", uint64(RoleConfig), V13, V13},
	{"role-status reason", "experimenter", uint64(RoleExperimenterData), V13, V13},
	{"table config", "miss_controller", uint64(TableMissController), V11, V12},
	{"table config", "miss_continue", uint64(TableMissContinue), V11, V12},
	{"table config", "miss_drop", uint64(TableMissDrop), V11, V12},
	{"flow command", "add", uint64(FlowAdd), V10, V13},
	{"flow command", "modify", uint64(FlowModify), V10, V13},
	{"flow command", "modify_strict", uint64(FlowModifyStrict), V10, V13},
	{"flow command", "delete", uint64(FlowDelete), V10, V13},
	{"flow command", "delete_strict", uint64(FlowDeleteStrict), V10, V13},
	{"group command", "add", uint64(GroupAdd), V11, V13},
	{"group command", "modify", uint64(GroupModify), V11, V13},
	{"group command", "delete", uint64(GroupDelete), V11, V13},
	{"meter command", "add", uint64(MeterAdd), V13, V13},
	{"meter command", "modify", uint64(MeterModify), V13, V13},
	{"meter command", "delete", uint64(MeterDelete), V13, V13},
	{"port number", "max", uint64(PortMax), V10, V13},
	{"port number", "in_port", uint64(PortInPort), V10, V13},
	{"port number", "table", uint64(PortTable), V10, V13},
	{"port number", "normal", uint64(PortNormal), V10, V13},
	{"port number", "flood", uint64(PortFlood), V10, V13},
	{"port number", "all", uint64(PortAll), V10, V13},
	{"port number", "controller", uint64(PortController), V10, V13},
	{"port number", "local", uint64(PortLocal), V10, V13},
	{"port number", "any", uint64(PortAny), V10, V13},
	{"group number", "max", uint64(GroupMax), V11, V13},
	{"group number", "all", uint64(GroupAll), V11, V13},
	{"group number", "any", uint64(GroupAny), V11, V13},
	{"meter number", "max", uint64(MeterMax), V13, V13},
	{"meter number", "slowpath", uint64(MeterSlowPath), V13, V13},
	{"meter number", "controller", uint64(MeterController), V13, V13},
	{"meter number", "all", uint64(MeterAll), V13, V13},
	{"other number", "queue all", uint64(QueueAll), V10, V13},
	{"other number", "table all", uint64(TableAll), V10, V13},
	{"other number", "no buffer", uint64(NoBuffer), V10, V13},
	{"other number", "whole packet", uint64(ControllerMaxLenNone), V11, V13},
	{"other number", "default priority", uint64(PriorityDefault), V10, V13},
	{"other number", "vlan present", uint64(VLANPresent), V12, V13},
	{"other number", "vlan none", uint64(VLANNone), V12, V13},
	{"bundle flag", "atomic", uint64(BundleAtomic), V13, V13},
	{"bundle flag", "ordered", uint64(BundleOrdered), V13, V13},
	{"bundle control", "open_request", uint64(BundleOpenRequest), V13, V13},
	{"bundle control", "open_reply", uint64(BundleOpenReply), V13, V13},
	{"bundle control", "close_request", uint64(BundleCloseRequest), V13, V13},
	{"bundle control", "close_reply", uint64(BundleCloseReply), V13, V13},
	{"bundle control", "commit_request", uint64(BundleCommitRequest), V13, V13},
	{"bundle control", "commit_reply", uint64(BundleCommitReply), V13, V13},
	{"bundle control", "discard_request", uint64(BundleDiscardRequest), V13, V13},
	{"bundle control", "discard_reply", uint64(BundleDiscardReply), V13, V13},
}

// wire is the number as version v writes it: 1.0 has shorter port numbers, and
// other places for some bits.
func (n *constant) wire(v Version) (uint64, bool) {
	if v < n.from || v > n.to {
		return 0, false
	}
	if v != V10 {
		return n.number, true
	}
	c := cursor{wr: true, v: v}
	b := make([]byte, 4)
	switch n.table {
	case "port number":
		p := PortNo(n.number)
		c.port16(b[2:], &p, "port")
	case "port feature":
		p := PortFeatures(n.number)
		c.features(b, &p)
	case "flow flag":
		frame, err := Append(nil, v, 0, &FlowMod{Flags: FlowFlags(n.number)})
		if err != nil {
			return 0, false
		}
		copy(b[2:], frame[len(frame)-2:]) // the last of a flow-mod without actions
	default:
		return n.number, true
	}
	return uint64(b[0])<<24 | uint64(b[1])<<16 | uint64(b[2])<<8 | uint64(b[3]), c.err == nil
}

// Constants returns the flags, reasons, commands and reserved numbers of messages
// as rows: a number of two digits or more is in hexadecimal.
func Constants() (rows []Row) {
	for i := range constants {
		r := Row{Table: constants[i].table, Name: constants[i].name}
		for _, v := range Versions() {
			switch n, ok := constants[i].wire(v); {
			case ok && n < 10:
				r.Wire[v-V10] = strconv.FormatUint(n, 10)
			case ok:
				r.Wire[v-V10] = "0x" + strconv.FormatUint(n, 16)
			}
		}
		rows = append(rows, r)
	}
	return rows
}
