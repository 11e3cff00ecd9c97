package ofp

import (
	"encoding/hex"
	"strconv"
)

// meterFlagNames are the flags in the order in which they are printed.
var meterFlagNames = [...]struct {
	flag MeterFlags
	name string
}{{MeterKbps, "kbps"}, {MeterPktps, "pktps"}, {MeterBurst, "burst"}, {MeterStats, "stats"}}

// bandNames are the band types that text knows.
var bandNames = [...]struct {
	typ  BandType
	name string
}{{BandDrop, "drop"}, {BandDSCPRemark, "dscp_remark"}}

// String returns the band type's name, or its number.
func (t BandType) String() string {
	for _, x := range bandNames {
		if x.typ == t {
			return x.name
		}
	}
	if t == BandExperimenter {
		return "experimenter"
	}
	return strconv.Itoa(int(t))
}

// String returns the meter-mod as one line that ParseMeter takes for the same
// command, such as "meter=1,kbps,bands=type=drop,rate=1000".
func (m *MeterMod) String() string {
	if m.Command == MeterDelete {
		return string(appendMeterID([]byte("meter="), m.Meter))
	}
	c := MeterConfig{m.Flags, m.Meter, m.Bands}
	return c.String()
}

// String returns the meter as one line that ParseMeter takes. What `ovs-ofctl
// dump-meters` prints says the same with spaces and line breaks, and is taken
// too.
func (m *MeterConfig) String() string {
	return string(m.appendText(nil, ",", ","))
}

func appendMeterID(b []byte, id uint32) []byte {
	switch id {
	case MeterAll:
		return append(b, "all"...)
	case MeterController:
		return append(b, "controller"...)
	case MeterSlowPath:
		return append(b, "slowpath"...)
	}
	return strconv.AppendUint(b, uint64(id), 10)
}

// appendText appends the meter with sep between its words and before before each
// band.
func (m *MeterConfig) appendText(b []byte, sep, before string) []byte {
	b = append(b, "meter="...)
	b = appendMeterID(b, m.Meter)
	b = append(b, sep...)
	flags := m.Flags
	for _, f := range meterFlagNames {
		if flags&f.flag != 0 {
			b = append(b, f.name...)
			b = append(b, sep...)
			flags &^= f.flag
		}
	}
	if flags != 0 {
		b = append(b, "flags:0x"...)
		b = appendHex(b, uint64(flags), 1)
		b = append(b, sep...)
	}
	b = append(b, "bands="...)
	for i := range m.Bands {
		if i > 0 || sep != before {
			b = append(b, before...)
		}
		b = m.Bands[i].appendText(b, m.Flags, sep)
	}
	return b
}

func (k *MeterBand) appendText(b []byte, flags MeterFlags, sep string) []byte {
	number := func(name string, v uint64) {
		b = append(b, sep...)
		b = append(b, name...)
		b = strconv.AppendUint(b, v, 10)
	}
	b = append(b, "type="...)
	b = append(b, k.Type.String()...)
	number("rate=", uint64(k.Rate))
	if flags&MeterBurst != 0 {
		number("burst_size=", uint64(k.Burst))
	}
	if k.Type == BandDSCPRemark {
		number("prec_level=", uint64(k.PrecLevel))
	}
	if k.Type == BandExperimenter {
		b = append(b, sep...)
		b = append(b, "experimenter=0x"...)
		b = appendHex(b, uint64(k.Experimenter), 8)
	}
	if len(k.Data) > 0 {
		b = append(b, sep...)
		b = append(b, "data=0x"...)
		b = hex.AppendEncode(b, k.Data)
	}
	return b
}

func (p *printer) meterMod(m *MeterMod) {
	switch m.Command {
	case MeterAdd:
		p.text(" ADD ")
	case MeterModify:
		p.text(" MOD ")
	case MeterDelete:
		p.text(" DEL ")
	default:
		p.f(" cmd:%d ", m.Command)
	}
	c := MeterConfig{m.Flags, m.Meter, m.Bands}
	if m.Command == MeterDelete {
		c.Flags, c.Bands = 0, nil // they say nothing
	}
	p.b = c.appendText(p.b, " ", "\n")
	p.text("\n")
}

func (p *printer) meter(id uint32) {
	p.text(" meter=")
	p.b = appendMeterID(p.b, id)
}

func (p *printer) meterConfig(m *MeterConfigReply) {
	for i := range m.Meters {
		p.text("\n")
		p.b = m.Meters[i].appendText(p.b, " ", "\n")
		p.text("\n")
	}
}

func (p *printer) meterStats(m *MeterStatsReply) {
	for i := range m.Meters {
		s := &m.Meters[i]
		p.text("\nmeter:")
		p.b = appendMeterID(p.b, s.Meter)
		p.number(" flow_count:", uint64(s.Flows))
		p.number(" packet_in_count:", s.Packets)
		p.number(" byte_in_count:", s.Bytes)
		p.text(" duration:")
		p.b = appendDuration(p.b, s.DurationSec, s.DurationNsec)
		p.text(" bands:\n")
		for n, k := range s.Bands {
			p.number("", uint64(n))
			p.number(": packet_count:", k.Packets)
			p.number(" byte_count:", k.Bytes)
			p.text("\n")
		}
	}
}

var (
	bandTypeNames   = bitNames{1: "drop", 2: "dscp_remark"}
	meterCapability = bitNames{"kbps", "pktps", "burst", "stats"}
)

func (p *printer) meterFeatures(m *MeterFeatures) {
	p.f("\nmax_meter:%d max_bands:%d max_color:%d\nband_types: ", m.MaxMeter, m.MaxBands, m.MaxColor)
	p.b = bandTypeNames.list(p.b, m.BandTypes)
	p.text("\ncapabilities: ")
	p.b = meterCapability.list(p.b, m.Capabilities)
	p.text("\n")
}
