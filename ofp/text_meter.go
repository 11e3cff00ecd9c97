package ofp

import (
	"math"
	"strings"
)

// ParseMeter reads a meter in the syntax of ovs-ofctl(8): what add-meter takes
// for MeterAdd, mod-meter for MeterModify, and del-meters for MeterDelete, where
// no text at all stands for all meters. What MeterConfig.String and `ovs-ofctl
// dump-meters` print is taken too. A meter that no switch would take is an
// error. Errors are of type *TextError.
func ParseMeter(text string, command MeterCommand) (*MeterMod, error) {
	p := textParser{s: text}
	m := p.meter(command)
	if p.err != nil {
		return nil, p.err
	}
	return m, nil
}

var (
	meterKeys = []string{"meter", "kbps", "pktps", "burst", "stats", "bands"}
	bandKeys  = []string{"type", "rate", "burst_size", "prec_level", "experimenter", "data"}
)

func (p *textParser) meter(command MeterCommand) *MeterMod {
	m := &MeterMod{Command: command}
	deletes := command == MeterDelete
	var seen seenKeys
	bands := -1
	for at := 0; bands < 0; {
		it, rest, ok := p.next(at, len(p.s))
		if !ok {
			break
		}
		at = rest
		if it.key == "band" {
			it.key = "bands"
		}
		p.once(it, &seen)
		if deletes && it.key != "meter" && seenKeys(meterKeys).has(it.key) {
			p.fail(it.at, it.at+len(it.key), "%s: means nothing in a delete", it.key)
		}
		if it.key == "bands" && it.has {
			bands = it.valAt
		} else {
			p.meterKey(m, it)
		}
	}
	switch {
	case p.err != nil:
		return nil
	case deletes && len(seen) == 0:
		m.Meter = MeterAll
	case !seen.has("meter"):
		p.fail(len(p.s), len(p.s), "no meter; want meter=..., such as meter=1")
	case deletes:
	case bands < 0:
		p.fail(len(p.s), len(p.s), "no bands; want bands=..., such as bands=type=drop,rate=1000")
	default:
		p.bands(m, bands)
	}
	if err := m.Validate(); err != nil && p.err == nil {
		p.fail(0, len(p.s), "%v", err)
	}
	return m
}

func (p *textParser) meterKey(m *MeterMod, it textItem) {
	for _, f := range meterFlagNames {
		if f.name == it.key {
			p.noValue(it)
			m.Flags |= f.flag
			return
		}
	}
	if it.key != "meter" {
		p.unknownOf(it, "field of a meter", meterKeys)
		return
	}
	switch strings.ToLower(it.val) {
	case "all":
		m.Meter = MeterAll
	case "controller":
		m.Meter = MeterController
	case "slowpath":
		m.Meter = MeterSlowPath
	default:
		m.Meter = uint32(p.uint(it, uint64(MeterMax)))
		if m.Meter == 0 {
			p.badValue(it, "meters begin at 1")
		}
	}
}

// bands reads bands up to the end of the text. Each begins with its type.
func (p *textParser) bands(m *MeterMod, at int) {
	start := at // of the band at hand
	var seen seenKeys
	check := func() {
		if n := len(m.Bands); n > 0 && p.err == nil {
			if err := m.Bands[n-1].valid(m.Flags); err != nil {
				p.fail(start, len(p.s), "band %d: %v", n-1, err)
			}
		}
	}
	for {
		it, rest, ok := p.next(at, len(p.s))
		if !ok {
			break
		}
		at = rest
		if it.key == "type" {
			check()
			start, seen = it.at, nil
			m.Bands = append(m.Bands, MeterBand{Type: p.bandType(it)})
		} else if len(m.Bands) == 0 {
			p.fail(it.at, it.at+len(it.key), "%s: a band begins with its type, such as type=drop", clip(it.key))
		}
		p.once(it, &seen)
		if p.err != nil {
			return
		}
		p.bandKey(&m.Bands[len(m.Bands)-1], it)
	}
	if len(m.Bands) == 0 {
		p.fail(start, start, "bands: none; want at least one, such as bands=type=drop,rate=1000")
	}
	check()
}

func (p *textParser) bandType(it textItem) BandType {
	for _, x := range bandNames {
		if x.name == it.val {
			return x.typ
		}
	}
	if it.val == "experimenter" {
		return BandExperimenter
	}
	p.badValue(it, "%q is no type of a band; want drop, dscp_remark or experimenter", clip(it.val))
	return 0
}

func (p *textParser) bandKey(k *MeterBand, it textItem) {
	switch it.key {
	case "type":
	case "rate":
		k.Rate = uint32(p.uint(it, math.MaxUint32))
	case "burst_size":
		k.Burst = uint32(p.uint(it, math.MaxUint32))
	case "prec_level":
		k.PrecLevel = uint8(p.uint(it, 0xff))
	case "experimenter":
		k.Experimenter = uint32(p.uint(it, math.MaxUint32))
	case "data":
		k.Data = p.rowOfBytes(it)
	default:
		p.unknownOf(it, "field of a band", bandKeys)
	}
}
