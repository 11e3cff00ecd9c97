package ofp

import "fmt"

// Validate checks what a switch would refuse a meter-mod for (section 7.3.4.5 of
// OpenFlow 1.3.5). The error names the field. What was decoded need not be
// valid, and is encoded as it came.
func (m *MeterMod) Validate() error {
	switch {
	case m.Command > MeterDelete:
		return fmt.Errorf("command %d: want add (0), modify (1) or delete (2)", uint16(m.Command))
	case m.Meter == MeterAll && m.Command == MeterDelete:
	case m.Meter == MeterAll:
		return fmt.Errorf("meter all: only a delete is about all meters")
	case m.Meter == MeterController || m.Meter == MeterSlowPath:
	case m.Meter == 0 || m.Meter > MeterMax:
		return fmt.Errorf("meter %d: want 1 to %d, MeterController or MeterSlowPath", m.Meter, MeterMax)
	}
	if m.Command == MeterDelete {
		if len(m.Bands) > 0 {
			return fmt.Errorf("%d bands: a delete has none", len(m.Bands))
		}
		return nil
	}
	if err := m.Flags.valid(); err != nil {
		return err
	}
	for i := range m.Bands {
		if err := m.Bands[i].valid(m.Flags); err != nil {
			return fmt.Errorf("band %d: %w", i, err)
		}
	}
	return nil
}

func (f MeterFlags) valid() error {
	switch unit := f & (MeterKbps | MeterPktps); {
	case unit == 0:
		return fmt.Errorf("flags: no unit of the rates; want kbps or pktps")
	case unit == MeterKbps|MeterPktps:
		return fmt.Errorf("flags kbps and pktps: rates have one unit")
	}
	if unknown := f &^ (MeterKbps | MeterPktps | MeterBurst | MeterStats); unknown != 0 {
		return fmt.Errorf("flags 0x%x: want kbps, pktps, burst and stats only", uint16(unknown))
	}
	return nil
}

func (k *MeterBand) valid(flags MeterFlags) error {
	switch k.Type {
	case BandDrop, BandDSCPRemark, BandExperimenter:
	default:
		return fmt.Errorf("type %d: want drop (1), dscp_remark (2) or experimenter (65535)", uint16(k.Type))
	}
	switch {
	case k.Rate == 0:
		return fmt.Errorf("rate 0: want at least 1")
	case flags&MeterBurst != 0 && k.Burst == 0:
		return fmt.Errorf("burst_size 0: the meter has the flag burst; want at least 1")
	case flags&MeterBurst == 0 && k.Burst != 0:
		return fmt.Errorf("burst_size %d: means nothing in a meter without the flag burst", k.Burst)
	case k.Type == BandDSCPRemark && k.PrecLevel == 0:
		return fmt.Errorf("prec_level 0: a dscp_remark band raises the drop precedence by at least 1")
	case k.Type != BandDSCPRemark && k.PrecLevel != 0:
		return fmt.Errorf("prec_level %d: only a dscp_remark band has one", k.PrecLevel)
	case k.Type != BandExperimenter && len(k.Data) > 0:
		return fmt.Errorf("data of %d bytes: only an experimenter's band has some", len(k.Data))
	}
	return nil
}
