package ofp

// Special meters (ofp_meter, section 7.3.4.5 of OpenFlow 1.3.5).
const (
	MeterMax        uint32 = 0xffff0000 // the highest number of a meter of flows
	MeterSlowPath   uint32 = 0xfffffffd // for the switch's slow path
	MeterController uint32 = 0xfffffffe // for packets to the controller
	MeterAll        uint32 = 0xffffffff // all meters
)

// MeterCommand is what a meter-mod does (ofp_meter_mod_command).
type MeterCommand uint16

// Meter commands.
const (
	MeterAdd    MeterCommand = 0
	MeterModify MeterCommand = 1
	MeterDelete MeterCommand = 2
)

// MeterFlags are the flags of a meter (ofp_meter_flags).
type MeterFlags uint16

// Meter flags.
const (
	MeterKbps  MeterFlags = 1 << 0 // rates are in kb/s
	MeterPktps MeterFlags = 1 << 1 // rates are in packets/s
	MeterBurst MeterFlags = 1 << 2 // bands have a burst size
	MeterStats MeterFlags = 1 << 3 // collect statistics
)

// BandType is what a meter band does with packets over its rate
// (ofp_meter_band_type).
type BandType uint16

// Band types.
const (
	BandDrop         BandType = 1
	BandDSCPRemark   BandType = 2
	BandExperimenter BandType = 0xffff
)

// MeterBand is one band of a meter (ofp_meter_band_header).
type MeterBand struct {
	Type         BandType
	Rate         uint32 // kb/s or packets/s
	Burst        uint32 // kb or packets, with MeterBurst
	PrecLevel    uint8  // dscp_remark: how much the drop precedence rises
	Experimenter uint32 // experimenter
	Data         []byte // experimenter, and types that are not known: all after what is above; aliases the frame
}

// MeterMod adds, changes or deletes a meter; 1.3.
type MeterMod struct {
	Command MeterCommand
	Flags   MeterFlags
	Meter   uint32
	Bands   []MeterBand
}

// Type returns TypeMeterMod.
func (*MeterMod) Type() Type { return TypeMeterMod }

func (m *MeterMod) walk(c *cursor) {
	b := c.fixed(8, "meter_mod")
	c.u16(b, (*uint16)(&m.Command))
	c.u16(b[2:], (*uint16)(&m.Flags))
	c.u32(b[4:], &m.Meter)
	list(c, &m.Bands, "band", walkBand)
}

func walkBand(c *cursor, k *MeterBand) {
	start, outer, ok := c.open(12, "band", 2)
	if !ok {
		return
	}
	if !c.wr {
		*k = MeterBand{}
	}
	b := c.fixed(12, "band")
	c.u16(b, (*uint16)(&k.Type))
	c.u32(b[4:], &k.Rate)
	c.u32(b[8:], &k.Burst)
	switch k.Type {
	case BandDrop:
		c.skip(4, "band drop")
		c.ended("band drop")
	case BandDSCPRemark:
		c.u8(c.fixed(4, "band dscp_remark"), &k.PrecLevel)
		c.ended("band dscp_remark")
	case BandExperimenter:
		c.u32(c.fixed(4, "band experimenter"), &k.Experimenter)
		c.rest(&k.Data)
	default:
		c.rest(&k.Data)
	}
	c.close(start, outer, 2)
}

// MeterStatsRequest asks for the counters of a meter, or of all with MeterAll
// (section 7.3.5.12 of OpenFlow 1.3.5).
type MeterStatsRequest struct{ Meter uint32 }

// Kind returns PartMeter.
func (*MeterStatsRequest) Kind() PartKind   { return PartMeter }
func (p *MeterStatsRequest) walk(c *cursor) { c.u32(c.fixed(8, "meter stats request"), &p.Meter) }

// MeterConfigRequest asks for a meter, or for all with MeterAll.
type MeterConfigRequest struct{ Meter uint32 }

// Kind returns PartMeterConfig.
func (*MeterConfigRequest) Kind() PartKind   { return PartMeterConfig }
func (p *MeterConfigRequest) walk(c *cursor) { c.u32(c.fixed(8, "meter config request"), &p.Meter) }

// MeterStatsReply lists the counters of meters.
type MeterStatsReply struct{ Meters []MeterCounters }

// Kind returns PartMeter.
func (*MeterStatsReply) Kind() PartKind   { return PartMeter }
func (p *MeterStatsReply) walk(c *cursor) { list(c, &p.Meters, "meter", walkMeterStats) }

// MeterCounters are the counters of one meter (ofp_meter_stats).
type MeterCounters struct {
	Meter        uint32
	Flows        uint32 // that use the meter
	Packets      uint64 // in
	Bytes        uint64 // in
	DurationSec  uint32 // how long the meter has been there
	DurationNsec uint32 // nanoseconds beyond DurationSec
	Bands        []BandStats
}

// BandStats are the counters of one band (ofp_meter_band_stats).
type BandStats struct {
	Packets uint64
	Bytes   uint64
}

func walkMeterStats(c *cursor, m *MeterCounters) {
	start, outer, ok := c.open(40, "meter", 4)
	if !ok {
		return
	}
	b := c.fixed(40, "meter")
	c.u32(b, &m.Meter)
	c.u32(b[12:], &m.Flows)
	c.u64(b[16:], &m.Packets)
	c.u64(b[24:], &m.Bytes)
	c.u32(b[32:], &m.DurationSec)
	c.u32(b[36:], &m.DurationNsec)
	list(c, &m.Bands, "band counter", walkBandStats)
	c.close(start, outer, 4)
}

func walkBandStats(c *cursor, k *BandStats) {
	b := c.fixed(16, "band counter")
	c.u64(b, &k.Packets)
	c.u64(b[8:], &k.Bytes)
}

// MeterConfigReply lists meters (section 7.3.5.13 of OpenFlow 1.3.5).
type MeterConfigReply struct{ Meters []MeterConfig }

// Kind returns PartMeterConfig.
func (*MeterConfigReply) Kind() PartKind   { return PartMeterConfig }
func (p *MeterConfigReply) walk(c *cursor) { list(c, &p.Meters, "meter", walkMeterConfig) }

// MeterConfig is one meter of a switch (ofp_meter_config).
type MeterConfig struct {
	Flags MeterFlags
	Meter uint32
	Bands []MeterBand
}

func walkMeterConfig(c *cursor, m *MeterConfig) {
	start, outer, ok := c.open(8, "meter", 0)
	if !ok {
		return
	}
	b := c.fixed(8, "meter")
	c.u16(b[2:], (*uint16)(&m.Flags))
	c.u32(b[4:], &m.Meter)
	list(c, &m.Bands, "band", walkBand)
	c.close(start, outer, 0)
}

// MeterFeaturesRequest asks what meters the switch can have (section 7.3.5.14
// of OpenFlow 1.3.5).
type MeterFeaturesRequest struct{}

// Kind returns PartMeterFeatures.
func (*MeterFeaturesRequest) Kind() PartKind { return PartMeterFeatures }
func (*MeterFeaturesRequest) walk(*cursor)   {}

// MeterFeatures tells what meters the switch can have (ofp_meter_features).
type MeterFeatures struct {
	MaxMeter     uint32
	BandTypes    uint32 // bit n for BandType n
	Capabilities uint32 // bits as of MeterFlags
	MaxBands     uint8
	MaxColor     uint8
}

// Kind returns PartMeterFeatures.
func (*MeterFeatures) Kind() PartKind { return PartMeterFeatures }

func (p *MeterFeatures) walk(c *cursor) {
	b := c.fixed(16, "meter features")
	c.u32(b, &p.MaxMeter)
	c.u32(b[4:], &p.BandTypes)
	c.u32(b[8:], &p.Capabilities)
	c.u8(b[12:], &p.MaxBands)
	c.u8(b[13:], &p.MaxColor)
}
