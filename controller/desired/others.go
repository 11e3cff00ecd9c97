package desired

import (
	"fmt"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
)

// others reports whether a message that modifies what matches, and nothing of what is
// kept, modifies flows that nobody keeps: transient ones, an app's, or foreign ones.
// In OpenFlow 1.0 and 1.1 it adds a flow only where it modifies none (section 4.6 of
// 1.0.0, A.3.4.1 of 1.1.0), so the switch has to be asked what it has.
func (d *decider) others(m *ofp.FlowMod) (bool, error) {
	if d.has == nil {
		return false, nil
	}
	if !d.asked {
		all, err := d.has()
		if err != nil {
			return false, &channel.WriteError{Err: fmt.Errorf("read the flows that %v may modify: %w", describe(m), err), Untouched: true}
		}
		d.asked = true
		d.there = make([]ofp.FlowMod, len(all))
		for i := range all {
			d.there[i] = *asFlowMod(&all[i])
		}
	}
	q := *m
	if d.version == ofp.V10 {
		q.Cookie, q.CookieMask = 0, 0
		if !d.extended {
			q.Table = ofp.TableAll
		}
	}
	for i := range d.there {
		f := &d.there[i]
		if !covers(&q, f) || d.deleted(f, d.earlier) {
			continue
		}
		p := flowPlace(f.Table, f.Priority, &f.Match)
		if _, known := d.overlay[p]; !known && d.value(p) == nil {
			return true, nil
		}
	}
	for i, f := range d.earlier {
		if f.Command == ofp.FlowAdd && covers(&q, f) && !d.deleted(f, d.earlier[i+1:]) {
			return true, nil
		}
	}
	return false, nil
}

// deleted reports whether one of messages deletes a flow.
func (d *decider) deleted(f *ofp.FlowMod, by []*ofp.FlowMod) bool {
	for _, m := range by {
		if m.Command != ofp.FlowDelete && m.Command != ofp.FlowDeleteStrict {
			continue
		}
		q := *m
		if d.version == ofp.V10 {
			q.Cookie, q.CookieMask = 0, 0
			if !d.extended && q.Table == 0 {
				q.Table = ofp.TableAll
			}
		}
		if covers(&q, f) {
			return true
		}
	}
	return false
}
