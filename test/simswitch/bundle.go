package simswitch

import (
	"maps"
	"slices"

	"github.com/sluice-sdn/sluice/ofp"
)

// Bounds of the bundles that a connection has open.
const (
	maxBundles     = 16
	maxBundleBytes = 64 << 20 // of each
)

// bundle is messages that wait for their commit. What was refused when it was
// added is not among them, as in Open vSwitch.
type bundle struct {
	flags  ofp.BundleFlags
	adds   []bundled
	size   int
	closed bool
}

// bundled is one message of a bundle.
type bundled struct {
	h     ofp.Header
	frame []byte
	m     ofp.Message
}

// controlBundle does what a bundle control message asks for.
func (s *Switch) controlBundle(l *link, h ofp.Header, m *ofp.BundleControl) ofp.ErrorReason {
	if !s.dp.cfg.Bundles {
		return ofp.BadRequestBadExperimenterType
	}
	b := l.bundles[m.ID]
	switch {
	case m.Kind == ofp.BundleOpenRequest && b != nil:
		delete(l.bundles, m.ID)
		return ofp.BundleFailedBadID
	case m.Kind == ofp.BundleOpenRequest:
		if _, why := l.openBundle(m.ID, m.Flags); why != ofp.ReasonUnknown {
			return why
		}
	case m.Kind != ofp.BundleCloseRequest && m.Kind != ofp.BundleCommitRequest && m.Kind != ofp.BundleDiscardRequest:
		return ofp.BundleFailedBadType
	case b == nil:
		return ofp.BundleFailedBadID
	case m.Kind == ofp.BundleCloseRequest:
		b.closed = true
	case m.Kind == ofp.BundleDiscardRequest:
		delete(l.bundles, m.ID)
	default:
		delete(l.bundles, m.ID)
		if bad, why := s.dp.Bundle(b.messages()); why != ofp.ReasonUnknown {
			s.refuse(l, b.adds[bad].h, b.adds[bad].frame, why)
			return ofp.BundleFailedMsgFailed
		}
	}
	s.emit(l, h.XID, &ofp.BundleControl{ID: m.ID, Kind: m.Kind + 1}) // each reply follows its request
	return ofp.ReasonUnknown
}

func (l *link) openBundle(id uint32, flags ofp.BundleFlags) (*bundle, ofp.ErrorReason) {
	if len(l.bundles) >= maxBundles {
		return nil, ofp.BundleFailedOutOfBundles
	}
	if l.bundles == nil {
		l.bundles = make(map[uint32]*bundle)
	}
	b := &bundle{flags: flags}
	l.bundles[id] = b
	return b, ofp.ReasonUnknown
}

// addToBundle keeps a message for the commit. One to a bundle that is not open
// opens it.
func (s *Switch) addToBundle(l *link, h ofp.Header, frame []byte, m *ofp.BundleAdd) ofp.ErrorReason {
	if !s.dp.cfg.Bundles {
		return ofp.BadRequestBadExperimenterType
	}
	b := l.bundles[m.ID]
	if b == nil {
		opened, why := l.openBundle(m.ID, m.Flags)
		if why != ofp.ReasonUnknown {
			return why
		}
		b = opened
	}
	switch m.Message.(type) {
	case *ofp.FlowMod, *ofp.GroupMod, *ofp.PortMod, *ofp.PacketOut:
	default:
		return ofp.BundleFailedMsgUnsup
	}
	switch {
	case b.closed:
		return ofp.BundleFailedBundleClosed
	case b.flags != m.Flags:
		return ofp.BundleFailedBadFlags
	case b.size+len(frame) > maxBundleBytes:
		return ofp.BundleFailedMsgTooMany
	}
	b.size += len(frame)
	b.adds = append(b.adds, bundled{h, frame, m.Message})
	return ofp.ReasonUnknown
}

func (b *bundle) messages() []ofp.Message {
	var all []ofp.Message
	for _, x := range b.adds {
		all = append(all, x.m)
	}
	return all
}

// Bundle carries messages out in order, all or none. Where one is refused it
// returns which and why.
func (d *Datapath) Bundle(msgs []ofp.Message) (bad int, why ofp.ErrorReason) {
	before, notify, sent := d.state(), d.Notify, len(d.sent)
	var told []ofp.Message
	d.Notify = func(m ofp.Message) { told = append(told, m) }
	defer func() { d.Notify = notify }()
	for i, m := range msgs {
		switch m := m.(type) {
		case *ofp.FlowMod:
			why = d.FlowMod(m)
		case *ofp.GroupMod:
			why = d.GroupMod(m)
		case *ofp.PortMod:
			why = d.PortMod(m)
		case *ofp.PacketOut:
			why = d.PacketOut(m)
		default:
			why = ofp.BundleFailedMsgUnsup
		}
		if why != ofp.ReasonUnknown {
			d.tables, d.groups, d.ports, d.sent = before.tables, before.groups, before.ports, d.sent[:sent]
			return i, why
		}
	}
	for _, m := range told {
		notify(m)
	}
	return 0, ofp.ReasonUnknown
}

// state returns a copy of what messages of a bundle may change.
func (d *Datapath) state() (c Datapath) {
	c.ports = slices.Clone(d.ports)
	c.groups = maps.Clone(d.groups)
	for id, g := range c.groups {
		own := *g
		own.stats.Buckets = slices.Clone(g.stats.Buckets)
		c.groups[id] = &own
	}
	c.tables = slices.Clone(d.tables)
	for i := range c.tables {
		t := &c.tables[i]
		t.flows, t.index = slices.Clone(t.flows), maps.Clone(t.index)
		for n, f := range t.flows {
			own := *f
			t.flows[n], t.index[id(f.Priority, &f.Match)] = &own, &own
		}
	}
	return c
}
