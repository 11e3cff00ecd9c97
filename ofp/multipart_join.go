package ofp

import "fmt"

// Join adds what the next segment of the same reply lists to m, which then says
// whether more follows as that segment does (section 7.3.5 of OpenFlow 1.3.5).
// The elements are not copied: m aliases what next aliases. A body that is no
// list, such as a Desc, is one segment only; another one is an error, as is a
// segment of another kind. So is a second segment of an experimenter's body that
// is not modelled: how its segments go together is the experimenter's to say.
func (m *MultipartReply) Join(next *MultipartReply) error {
	if m.Body == nil || next.Body == nil {
		return fmt.Errorf("multipart_reply: %w: a segment without a body", ErrMalformed)
	}
	if m.Body.Kind() != next.Body.Kind() {
		return fmt.Errorf("multipart_reply: %w: a segment of %s among those of %s", ErrMalformed, next.Body.Kind(), m.Body.Kind())
	}
	if !joinParts(m.Body, next.Body) {
		return fmt.Errorf("multipart_reply: %w: a second segment of %s", ErrMalformed, m.Body.Kind())
	}
	m.Flags = next.Flags
	return nil
}

// joinParts adds the elements of a later part of the same kind, and reports
// whether the part is a list.
func joinParts(to, from Part) bool {
	switch to := to.(type) {
	case *FlowStatsReply:
		return join(from, func(p *FlowStatsReply) { to.Flows = append(to.Flows, p.Flows...) })
	case *PortStatsReply:
		return join(from, func(p *PortStatsReply) { to.Ports = append(to.Ports, p.Ports...) })
	case *TableStatsReply:
		return join(from, func(p *TableStatsReply) { to.Tables = append(to.Tables, p.Tables...) })
	case *QueueStatsReply:
		return join(from, func(p *QueueStatsReply) { to.Queues = append(to.Queues, p.Queues...) })
	case *GroupStatsReply:
		return join(from, func(p *GroupStatsReply) { to.Groups = append(to.Groups, p.Groups...) })
	case *GroupDescReply:
		return join(from, func(p *GroupDescReply) { to.Groups = append(to.Groups, p.Groups...) })
	case *MeterStatsReply:
		return join(from, func(p *MeterStatsReply) { to.Meters = append(to.Meters, p.Meters...) })
	case *MeterConfigReply:
		return join(from, func(p *MeterConfigReply) { to.Meters = append(to.Meters, p.Meters...) })
	case *TableFeaturesReply:
		return join(from, func(p *TableFeaturesReply) { to.Tables = append(to.Tables, p.Tables...) })
	case *PortDescReply:
		return join(from, func(p *PortDescReply) { to.Ports = append(to.Ports, p.Ports...) })
	case *NXFlowStatsReply:
		return join(from, func(p *NXFlowStatsReply) { to.Flows = append(to.Flows, p.Flows...) })
	case *NXGroupStatsReply:
		return join(from, func(p *NXGroupStatsReply) { to.Groups = append(to.Groups, p.Groups...) })
	case *NXGroupDescReply:
		return join(from, func(p *NXGroupDescReply) { to.Groups = append(to.Groups, p.Groups...) })
	case *FlowMonitorReply:
		return join(from, func(p *FlowMonitorReply) { to.Updates = append(to.Updates, p.Updates...) })
	case *NXIPFIXFlowReply:
		return join(from, func(p *NXIPFIXFlowReply) { to.Sets = append(to.Sets, p.Sets...) })
	case *RawPart:
		return join(from, func(p *RawPart) { to.Body = append(to.Body[:len(to.Body):len(to.Body)], p.Body...) })
	}
	return false
}

// join calls add if the later part is of the same type.
func join[T any](from Part, add func(T)) bool {
	p, ok := from.(T)
	if ok {
		add(p)
	}
	return ok
}
