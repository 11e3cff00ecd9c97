package ofp

import (
	"fmt"
	"strconv"
)

// CloneActions carries out actions on a copy of the packet, and goes on with the
// packet as it was (NXAST_CLONE).
type CloneActions struct {
	Actions []Action
}

func (*CloneActions) form(Version, uint16) uint16 { return 42 }

func (e *CloneActions) walk(c *cursor, _ uint16) {
	c.blank(c.fixed(6, "action clone"))
	walkNested(c, &e.Actions)
}

func (e *CloneActions) clone() Extension { return &CloneActions{Actions: cloneActions(e.Actions)} }

func (e *CloneActions) validate() error {
	for i := range e.Actions {
		if err := e.Actions[i].Validate(); err != nil {
			return err
		}
	}
	return nil
}

func (e *CloneActions) appendText(b []byte, v Version, n *Names) []byte {
	b = append(b, "clone("...)
	return append(appendActions(b, e.Actions, v, n), ')')
}

func cloneText(p *textParser, it textItem, m *Match) Extension {
	if !it.has {
		p.badValue(it, "needs actions in parentheses, such as clone(output:1)")
	}
	return &CloneActions{Actions: p.nested(it, m, "clone")}
}

// SampleDirection says on which side of the port a sampled packet is seen
// (NX_ACTION_SAMPLE_*).
type SampleDirection uint8

// Directions of samples.
const (
	SampleDefault SampleDirection = 0 // egress for the port of an output, else ingress
	SampleIngress SampleDirection = 1
	SampleEgress  SampleDirection = 2
)

// Sample sends some of the packets to collectors of IPFIX (NXAST_SAMPLE,
// NXAST_SAMPLE2, NXAST_SAMPLE3).
type Sample struct {
	Probability  uint16 // of 65,535 packets; not 0
	CollectorSet uint32
	ObsDomain    uint32 // the domain and the point of observation, which the records name
	ObsPoint     uint32
	Port         PortNo // whose tunnel the records tell of, or PortAny
	Direction    SampleDirection
}

// Subtypes of Sample.
const (
	subSample  = 29
	subSample2 = 38
	subSample3 = 41
)

func (e *Sample) form(_ Version, received uint16) uint16 {
	switch {
	case e.Direction != SampleDefault || received == subSample3:
		return subSample3
	case e.Port != PortAny || received == subSample2:
		return subSample2
	}
	return subSample
}

func (e *Sample) walk(c *cursor, subtype uint16) {
	b := c.fixed(14, "action sample")[:14]
	c.u16(b, &e.Probability)
	c.u32(b[2:], &e.CollectorSet)
	c.u32(b[6:], &e.ObsDomain)
	c.u32(b[10:], &e.ObsPoint)
	if subtype == subSample {
		if !c.wr {
			e.Port, e.Direction = PortAny, SampleDefault
		}
		return
	}
	b = c.fixed(8, "action sample port")[:8]
	c.port16(b, &e.Port, "action sample")
	c.blank(b[3:])
	if subtype == subSample3 {
		c.u8(b[2:], (*uint8)(&e.Direction))
		return
	}
	c.blank(b[2:3])
	if !c.wr {
		e.Direction = SampleDefault
	}
}

func (e *Sample) clone() Extension { o := *e; return &o }

// sampleDirections are the words for directions, and Open vSwitch's names.
var sampleDirections = [...]string{"", "ingress", "egress"}

func (e *Sample) validate() error {
	switch {
	case e.Probability == 0:
		return fmt.Errorf("probability 0; want 1 to 65535, of 65535 packets")
	case int(e.Direction) >= len(sampleDirections):
		return fmt.Errorf("unknown direction %d; want 1 (ingress) or 2 (egress)", e.Direction)
	}
	return nil
}

func (e *Sample) appendText(b []byte, _ Version, n *Names) []byte {
	b = strconv.AppendUint(append(b, "sample(probability="...), uint64(e.Probability), 10)
	b = strconv.AppendUint(append(b, ",collector_set_id="...), uint64(e.CollectorSet), 10)
	b = strconv.AppendUint(append(b, ",obs_domain_id="...), uint64(e.ObsDomain), 10)
	b = strconv.AppendUint(append(b, ",obs_point_id="...), uint64(e.ObsPoint), 10)
	if e.Port != PortAny {
		b = appendPort(append(b, ",sampling_port="...), e.Port, n)
	}
	if d := int(e.Direction); d > 0 && d < len(sampleDirections) {
		b = append(append(b, ','), sampleDirections[d]...)
	}
	return append(b, ')')
}

func sampleText(p *textParser, it textItem, _ *Match) Extension {
	e := &Sample{Port: PortAny}
	var seen onceKeys
	p.keyValues(it, func(arg textItem) {
		seen.note(p, arg)
		switch arg.key {
		case "probability":
			e.Probability = uint16(p.uint(arg, 1<<16-1))
		case "collector_set_id":
			e.CollectorSet = uint32(p.uint(arg, 1<<32-1))
		case "obs_domain_id":
			e.ObsDomain = uint32(p.uint(arg, 1<<32-1))
		case "obs_point_id":
			e.ObsPoint = uint32(p.uint(arg, 1<<32-1))
		case "sampling_port":
			e.Port = p.port(arg)
		case "ingress", "egress":
			p.noValue(arg)
			if e.Direction != SampleDefault {
				p.fail(arg.at, arg.at+len(arg.key), "sample: ingress and egress together; want one of them")
			}
			e.Direction = SampleIngress
			if arg.key == "egress" {
				e.Direction = SampleEgress
			}
		default:
			p.notAmong(arg, "sample", "probability", "collector_set_id", "obs_domain_id", "obs_point_id", "sampling_port", "ingress", "egress")
		}
	})
	return e
}
