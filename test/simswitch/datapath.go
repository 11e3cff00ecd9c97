package simswitch

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// Config says what a switch is like. The zero Config is a switch with DPID 1,
// four ports and eight tables that speaks every version and buffers nothing.
type Config struct {
	DPID     ofp.DPID      // 0: 1
	Name     string        // what its description calls it; "": s and the DPID
	Ports    []ofp.Port    // nil: Ports(4)
	Tables   int           // 0: 8
	MaxFlows int           // in each table, more are refused; 0: no bound
	Buffers  int           // packets that it keeps for the controller; 0: none, as Open vSwitch
	Queues   []ofp.Queue   // of its ports; they count nothing
	Versions []ofp.Version // that it offers; nil: all that Sluice speaks

	NoRoles       bool // know no roles of controllers
	Bundles       bool // have bundles in 1.3, as Open vSwitch does
	NoBitmap      bool // say hello without a version bitmap
	PortDesc      bool // answer port descriptions in 1.0 to 1.2 too, as Open vSwitch does
	SegmentBytes  int  // the length that a multipart segment aims at; 0: 60,000
	MissDrop      bool // drop what no flow takes in 1.0 to 1.2 too, instead of sending it to the controller
	DefaultAccept bool // start with the flow priority=0 actions=NORMAL, as Open vSwitch does
}

// Ports returns n ports, numbered from 1 and named eth1 and so on, that are up.
func Ports(n int) []ofp.Port {
	out := make([]ofp.Port, n)
	for i := range out {
		no := i + 1
		out[i] = ofp.Port{
			No: ofp.PortNo(no), HWAddr: ofp.MAC{2, 0, 0, 0, byte(no >> 8), byte(no)}, Name: fmt.Sprintf("eth%d", no),
			Curr: ofp.Port10GbFD | ofp.PortCopper, CurrSpeed: 10_000_000, MaxSpeed: 10_000_000,
		}
	}
	return out
}

// Transmission is one packet that left the switch.
type Transmission struct {
	Port  ofp.PortNo // PortLocal for the switch's own network stack
	Frame []byte
}

// Datapath is a switch without a connection. Its methods must not be called
// concurrently.
type Datapath struct {
	// Notify is called with what the switch tells of its own accord: packet-in,
	// flow-removed and port-status messages. The message is the callee's.
	Notify func(ofp.Message)
	// Version is the one that decides where versions behave differently: 1.3
	// drops what no flow takes, the others send it to the controller.
	Version ofp.Version

	cfg     Config
	now     time.Duration
	tables  []Table
	ports   []port
	sent    []Transmission
	miss    ofp.SwitchConfig
	groups  map[uint32]*group
	meters  map[uint32]*meter
	chain   int // groups that the packet at hand is in
	buffers map[uint32]*Packet
	nextBuf uint32
}

type port struct {
	ofp.Port
	stats ofp.PortStats
	added time.Duration
}

// NewDatapath returns a switch as cfg says, with its ports and, unless cfg says
// otherwise, no flows.
func NewDatapath(cfg Config) *Datapath {
	cfg.DPID = cmp.Or(cfg.DPID, 1)
	cfg.Name = cmp.Or(cfg.Name, fmt.Sprintf("s%d", uint64(cfg.DPID)))
	cfg.Tables = cmp.Or(cfg.Tables, 8)
	cfg.SegmentBytes = cmp.Or(cfg.SegmentBytes, 60000)
	if cfg.Ports == nil {
		cfg.Ports = Ports(4)
	}
	if cfg.Versions == nil {
		cfg.Versions = ofp.Versions()
	}
	d := &Datapath{Notify: func(ofp.Message) {}, Version: ofp.V13, cfg: cfg}
	for _, p := range cfg.Ports {
		d.ports = append(d.ports, port{Port: p, stats: ofp.PortStats{Port: p.No}})
	}
	d.Restart()
	return d
}

// Restart empties the tables, groups, meters and buffers, as a switch that crashed does.
// Ports and clock stay.
func (d *Datapath) Restart() {
	d.tables = make([]Table, d.cfg.Tables)
	if d.cfg.MissDrop {
		for i := range d.tables {
			d.tables[i].Miss = ofp.TableMissDrop
		}
	}
	d.groups, d.meters = map[uint32]*group{}, map[uint32]*meter{}
	d.buffers = map[uint32]*Packet{}
	d.miss = ofp.SwitchConfig{MissSendLen: 128}
	if d.cfg.DefaultAccept {
		d.tables[0].Put(&Flow{Instructions: []ofp.Instruction{ofp.Apply(ofp.Output(ofp.PortNormal))}, Added: d.now, Used: d.now})
	}
}

// Tick moves the clock on and removes the flows whose time is up, each at the
// end of its time.
func (d *Datapath) Tick(by time.Duration) {
	d.now += by
	for i := range d.tables {
		reason := map[*Flow]ofp.FlowRemovedReason{}
		for _, f := range d.tables[i].Remove(func(f *Flow) bool {
			switch {
			case f.HardTimeout > 0 && d.now >= f.Added+time.Duration(f.HardTimeout)*time.Second:
				reason[f] = ofp.RemovedHardTimeout
			case f.IdleTimeout > 0 && d.now >= f.Used+time.Duration(f.IdleTimeout)*time.Second:
				reason[f] = ofp.RemovedIdleTimeout
			default:
				return false
			}
			return true
		}) {
			d.removed(uint8(i), f, reason[f])
		}
	}
}

// Now is the clock: the sum of all ticks.
func (d *Datapath) Now() time.Duration { return d.now }

func (d *Datapath) removed(table uint8, f *Flow, why ofp.FlowRemovedReason) {
	if f.Flags&ofp.FlowSendFlowRem == 0 {
		return
	}
	age := d.now - f.Added
	d.Notify(&ofp.FlowRemoved{
		Cookie: f.Cookie, Priority: f.Priority, Reason: why, Table: table,
		DurationSec: uint32(age / time.Second), DurationNsec: uint32(age % time.Second),
		IdleTimeout: f.IdleTimeout, HardTimeout: f.HardTimeout, Packets: f.Packets, Bytes: f.Bytes, Match: f.Match.Clone(),
	})
}

// Sent returns the packets that left the switch since the last Clear, in order.
func (d *Datapath) Sent() []Transmission { return slices.Clone(d.sent) }

// Clear forgets the packets that have left the switch.
func (d *Datapath) Clear() { d.sent = nil }

// Ports returns the ports as they are now.
func (d *Datapath) Ports() []ofp.Port {
	out := make([]ofp.Port, len(d.ports))
	for i, p := range d.ports {
		out[i] = p.Port
	}
	return out
}

func (d *Datapath) port(no ofp.PortNo) *port {
	for i := range d.ports {
		if d.ports[i].No == no {
			return &d.ports[i]
		}
	}
	return nil
}

// SetPort adds a port, or changes the one of that number, and tells the
// controller.
func (d *Datapath) SetPort(p ofp.Port) {
	why := ofp.PortModified
	if old := d.port(p.No); old != nil {
		old.Port = p
	} else {
		why = ofp.PortAdded
		d.ports = append(d.ports, port{Port: p, stats: ofp.PortStats{Port: p.No}, added: d.now})
	}
	d.Notify(&ofp.PortStatus{Reason: why, Port: p})
}

// SetLink takes a port's link away or brings it back, and tells the controller.
// A port that is not there stays so.
func (d *Datapath) SetLink(no ofp.PortNo, up bool) {
	p := d.port(no)
	if p == nil {
		return
	}
	changed := p.Port
	changed.State &^= ofp.PortLinkDown
	if !up {
		changed.State |= ofp.PortLinkDown
	}
	d.SetPort(changed)
}

// RemovePort takes a port out and tells the controller.
func (d *Datapath) RemovePort(no ofp.PortNo) {
	at := slices.IndexFunc(d.ports, func(p port) bool { return p.No == no })
	if at < 0 {
		return
	}
	p := d.ports[at].Port
	d.ports = slices.Delete(d.ports, at, at+1)
	d.Notify(&ofp.PortStatus{Reason: ofp.PortDeleted, Port: p})
}

// Inject lets a frame come in on a port. It reports whether the switch took it:
// it takes nothing on a port that it does not have or that is down.
func (d *Datapath) Inject(in ofp.PortNo, frame []byte) bool {
	p := d.port(in)
	if p == nil || !p.Up() || p.Config&ofp.PortNoRecv != 0 {
		if p != nil {
			p.stats.RxDropped++
		}
		return false
	}
	p.stats.RxPackets++
	p.stats.RxBytes += uint64(len(frame))
	d.run(NewPacket(in, bytes.Clone(frame)), 0)
	return true
}

// run takes a packet through the tables, beginning with table.
func (d *Datapath) run(p *Packet, table int) {
	var set actionSet
	for table < len(d.tables) {
		f := d.tables[table].Lookup(p)
		if f == nil {
			table = d.missed(p, table)
			continue
		}
		f.Used = d.now
		d.passMeter(f, p)
		f.Packets++
		f.Bytes += uint64(len(p.Frame))
		next := len(d.tables)
		from := source{table: uint8(table), cookie: f.Cookie, reason: ofp.ReasonAction}
		if d.Version == ofp.V13 && f.Priority == 0 && f.Match.Empty() {
			from.reason = ofp.ReasonNoMatch
		}
		for i := range inOrder(f.Instructions) {
			switch i.Type {
			case ofp.InstructionApplyActions:
				d.apply(p, i.Actions, from)
			case ofp.InstructionClearActions:
				set = actionSet{}
			case ofp.InstructionWriteActions:
				set.add(i.Actions)
			case ofp.InstructionWriteMetadata:
				p.Metadata = p.Metadata&^i.MetadataMask | i.Metadata&i.MetadataMask
			case ofp.InstructionGotoTable:
				next = int(i.Table)
			}
		}
		if next >= len(d.tables) {
			d.apply(p, set.ordered(), from)
			return
		}
		table = next
	}
}

// packetIn sends a packet to the controller, at most maxLen bytes of it if the
// rest can be kept.
func (d *Datapath) packetIn(p *Packet, why ofp.PacketInReason, table uint8, cookie uint64, maxLen uint16) {
	if in := d.port(p.InPort); in != nil && in.Config&ofp.PortNoPacketIn != 0 {
		return
	}
	m := &ofp.PacketIn{
		BufferID: ofp.NoBuffer, TotalLen: uint16(min(len(p.Frame), 0xffff)), Reason: why, Table: table, Cookie: cookie,
		Data: bytes.Clone(p.Frame),
	}
	m.Match.SetUint(ofp.FieldInPort, uint64(p.InPort))
	if d.Version >= ofp.V12 && p.Metadata != 0 {
		m.Match.SetUint(ofp.FieldMetadata, p.Metadata)
	}
	if d.cfg.Buffers > 0 && maxLen != ofp.ControllerMaxLenNone {
		m.BufferID = d.nextBuf
		d.nextBuf = (d.nextBuf + 1) % 0x7fffffff
		delete(d.buffers, m.BufferID-uint32(d.cfg.Buffers)) // the oldest makes room
		d.buffers[m.BufferID] = NewPacket(p.InPort, bytes.Clone(p.Frame))
		m.Data = m.Data[:min(len(m.Data), int(maxLen))]
	}
	d.Notify(m)
}

// Buffered returns how many packets wait for the controller's answer.
func (d *Datapath) Buffered() int { return len(d.buffers) }

// PacketOut does what the controller says with a packet. ReasonUnknown means
// that it was done.
func (d *Datapath) PacketOut(m *ofp.PacketOut) ofp.ErrorReason {
	if why := d.checkActions(m.Actions, true); why != ofp.ReasonUnknown {
		return why
	}
	p := NewPacket(m.InPort, bytes.Clone(m.Data))
	if m.BufferID != ofp.NoBuffer {
		var why ofp.ErrorReason
		if p, why = d.unbuffer(m.BufferID); why != ofp.ReasonUnknown {
			return why
		}
	}
	d.apply(p, m.Actions, source{cookie: ^uint64(0), reason: ofp.ReasonAction})
	return ofp.ReasonUnknown
}

func (d *Datapath) unbuffer(id uint32) (*Packet, ofp.ErrorReason) {
	p, ok := d.buffers[id]
	if !ok {
		return nil, ofp.BadRequestBufferUnknown
	}
	delete(d.buffers, id)
	return p, ofp.ReasonUnknown
}
