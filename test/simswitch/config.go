package simswitch

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/sluice-sdn/sluice/ofp"
)

// PortMod changes a port's configuration (section 7.3.4.4 of OpenFlow 1.3.5).
func (d *Datapath) PortMod(m *ofp.PortMod) ofp.ErrorReason {
	p := d.port(m.Port)
	switch {
	case p == nil:
		return ofp.PortModFailedBadPort
	case p.HWAddr != m.HWAddr:
		return ofp.PortModFailedBadHWAddr
	}
	changed := p.Port
	changed.Config = changed.Config&^m.Mask | m.Config&m.Mask
	d.SetPort(changed)
	return ofp.ReasonUnknown
}

// TableMod says what a table, or all, does with what no flow takes (section
// A.3.3 of OpenFlow 1.1).
func (d *Datapath) TableMod(m *ofp.TableMod) ofp.ErrorReason {
	switch {
	case d.Version == ofp.V13 && m.Config != 0, m.Config > ofp.TableMissDrop:
		return ofp.TableModFailedBadConfig
	case m.Table != ofp.TableAll && int(m.Table) >= len(d.tables):
		return ofp.TableModFailedBadTable
	}
	for i := range d.tables {
		if m.Table == ofp.TableAll || m.Table == uint8(i) {
			d.tables[i].Miss = m.Config
		}
	}
	return ofp.ReasonUnknown
}

// missed is what a table does with a packet that no flow takes; it returns the
// table that is next.
func (d *Datapath) missed(p *Packet, table int) (next int) {
	switch {
	case d.Version == ofp.V13, d.tables[table].Miss == ofp.TableMissDrop:
	case d.tables[table].Miss == ofp.TableMissContinue:
		return table + 1
	default:
		d.packetIn(p, ofp.ReasonNoMatch, uint8(table), ^uint64(0), d.miss.MissSendLen)
	}
	return len(d.tables)
}

// SetConfig takes a configuration over. The switch cannot reassemble fragments:
// as Open vSwitch it says nothing, and treats them as before.
func (d *Datapath) SetConfig(c ofp.SwitchConfig) {
	if how := c.Flags & (ofp.FragDrop | ofp.FragReasm | ofp.FragNXMatch); how == ofp.FragReasm {
		c.Flags = c.Flags&^ofp.FragReasm | d.miss.Flags&ofp.FragNXMatch
	}
	d.miss = c
}

// Queues tells the queues of a port, or since 1.2 of all with PortAny.
func (d *Datapath) Queues(port ofp.PortNo) (*ofp.QueueGetConfigReply, ofp.ErrorReason) {
	all := port == ofp.PortAny && d.Version >= ofp.V12
	if !all && d.port(port) == nil {
		return nil, ofp.QueueOpFailedBadPort
	}
	out := &ofp.QueueGetConfigReply{Port: port}
	for _, q := range d.cfg.Queues {
		if all || q.Port == port {
			out.Queues = append(out.Queues, q)
		}
	}
	return out, ofp.ReasonUnknown
}

// QueueStats tells the counters of queues, which nothing ever counts.
func (d *Datapath) QueueStats(q *ofp.QueueStatsRequest) ([]ofp.QueueStats, ofp.ErrorReason) {
	if q.Port != ofp.PortAny && d.port(q.Port) == nil {
		return nil, ofp.QueueOpFailedBadPort
	}
	var out []ofp.QueueStats
	for _, x := range d.cfg.Queues {
		if (q.Port == ofp.PortAny || q.Port == x.Port) && (q.Queue == ofp.QueueAll || q.Queue == x.ID) {
			out = append(out, ofp.QueueStats{Port: x.Port, Queue: x.ID})
		}
	}
	if len(out) == 0 && q.Queue != ofp.QueueAll {
		return nil, ofp.QueueOpFailedBadQueue
	}
	return out, ofp.ReasonUnknown
}

// TableFeatures tells what the tables can do: all that the simulation knows, in
// each of them.
func (d *Datapath) TableFeatures() []ofp.TableFeatures {
	out := make([]ofp.TableFeatures, len(d.tables))
	for i := range out {
		var next []byte
		for t := i + 1; t < len(d.tables); t++ {
			next = append(next, uint8(t))
		}
		out[i] = ofp.TableFeatures{
			Table: uint8(i), Name: fmt.Sprintf("table%d", i), MetadataMatch: ^uint64(0), MetadataWrite: ^uint64(0), MaxEntries: d.maxFlows(),
			Properties: []ofp.TableProperty{
				{Type: ofp.TableInstructions, Data: headers(1, 2, 3, 4, 5, 6)},
				{Type: ofp.TableNextTables, Data: next},
				{Type: ofp.TableWriteActions, Data: headers(0, 22, 25)},
				{Type: ofp.TableApplyActions, Data: headers(0, 17, 18, 22, 25)},
				{Type: ofp.TableMatch, Data: fieldHeaders(func(*ofp.FieldInfo) bool { return true })},
				{Type: ofp.TableWildcards, Data: fieldHeaders(func(*ofp.FieldInfo) bool { return true })},
				{Type: ofp.TableApplySetField, Data: fieldHeaders(func(f *ofp.FieldInfo) bool { return f.ID != ofp.FieldInPort })},
			},
		}
	}
	return out
}

// headers are those of instructions or actions without arguments.
func headers(types ...uint16) (b []byte) {
	for _, t := range types {
		b = binary.BigEndian.AppendUint32(b, uint32(t)<<16|4)
	}
	return b
}

// basic is the class of the fields that OpenFlow itself defines, in the upper half
// of an OXM header.
const basic = 0x8000

// fieldHeaders are the OXM headers of the fields of OpenFlow's own that pass.
func fieldHeaders(pass func(*ofp.FieldInfo) bool) (b []byte) {
	for _, f := range ofp.Fields() {
		if h := f.Header(false); h>>16 == basic && pass(f) {
			b = binary.BigEndian.AppendUint32(b, h)
		}
	}
	return slices.Clip(b)
}
