package desired

import "github.com/sluice-sdn/sluice/ofp"

// standing is how things stood that the switch is not known to have, before a
// transaction changed them.
type standing map[place]item

func (s standing) has(p place) bool { _, ok := s[p]; return ok }

// standing returns how what effects change stands, as far as it is not installed. The
// caller has b.mu.
func (b *book) standing(effects []effect) standing {
	if b.items.counts[Installed] == b.items.len() {
		return nil
	}
	was := make(standing)
	for _, e := range effects {
		if x, ok := b.items.get(e.at); ok && x.condition != Installed {
			was[e.at] = x
		}
	}
	return was
}

// maybeMissed reports whether a switch may have taken an effect without anything
// coming of it: to modify a flow that is not there changes nothing, and is no error
// (section 6.4 of OpenFlow 1.3.5).
func (s standing) maybeMissed(e *effect, msgs []ofp.Message) bool {
	if _, ok := s[e.at]; !ok || e.after == nil || e.message < 0 || e.message >= len(msgs) {
		return false
	}
	f, ok := msgs[e.message].(*ofp.FlowMod)
	return ok && (f.Command == ofp.FlowModify || f.Command == ofp.FlowModifyStrict)
}

// missed returns how that stood of which a switch may have taken the changes without
// anything coming of them.
func (s standing) missed(effects []effect, msgs []ofp.Message) standing {
	if len(s) == 0 {
		return nil
	}
	was := make(standing)
	for i := range effects {
		if e := &effects[i]; s.maybeMissed(e, msgs) {
			was[e.at] = s[e.at]
		}
	}
	return was
}

// stand has things stand again as they did, of which nothing was changed after all.
func (b *book) stand(was standing) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for p, x := range was {
		b.items.mark(p, x.condition, x.why, x.since)
	}
}
