package desired

import (
	"context"
	"encoding/binary"
	"maps"
	"slices"

	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
)

// settingsTrail is what a part of the history says of settings: what each change of a
// switch's found. All settings of a switch are one record, so that the next change
// tells what the one before it has left. It is bounded by the history.
type settingsTrail map[ofp.DPID]*settingsLeft

type settingsLeft struct {
	found []settingsFound
	// now are those that the last change up to a revision has led to.
	now  Settings
	upTo store.Revision
}

type settingsFound struct {
	revision store.Revision // of the change
	before   []byte
}

// settingsAfter reads the trail of the changes after a revision.
func (d *State) settingsAfter(ctx context.Context, after store.Revision) (settingsTrail, error) {
	trail := make(settingsTrail)
	d.mu.Lock()
	books := slices.Collect(maps.Values(d.books))
	d.mu.Unlock()
	for _, b := range books {
		b.mu.Lock()
		trail[b.dpid] = &settingsLeft{now: b.settings.clone(), upTo: b.settled}
		b.mu.Unlock()
	}
	err := d.store.History(ctx, after, func(c store.Change) error {
		for _, e := range c.Edits {
			if e.Key[0] == kindSettings {
				dpid := ofp.DPID(binary.BigEndian.Uint64(e.Key[1:]))
				if trail[dpid] == nil { // its first
					trail[dpid] = new(settingsLeft)
				}
				trail[dpid].found = append(trail[dpid].found, settingsFound{c.Revision, e.Before})
			}
		}
		return nil
	})
	return trail, err
}

// steps returns what a change of settings did. superseded says that it is not known
// what it led to, since it was changed again after the trail was read.
func (t settingsTrail) steps(rev store.Revision, e *store.Changed) (dpid ofp.DPID, steps []SettingStep, superseded bool, err error) {
	dpid = ofp.DPID(binary.BigEndian.Uint64(e.Key[1:]))
	before, err := settingsAt(dpid, e.Before)
	if err != nil {
		return dpid, nil, false, err
	}
	after, err := settingsAt(dpid, e.After)
	if err != nil {
		return dpid, nil, false, err
	}
	if superseded = !e.Removed && e.After == nil; superseded && t[dpid] != nil {
		if rev <= t[dpid].upTo {
			after, superseded = t[dpid].now, false
		}
		for _, x := range t[dpid].found {
			if x.revision > rev {
				superseded = false
				if after, err = settingsAt(dpid, x.before); err != nil {
					return dpid, nil, false, err
				}
				break
			}
		}
	}
	return dpid, settingSteps(&before, &after), superseded, nil
}

// changes tells what an edit did to settings, and reports whether to go on.
func (t settingsTrail) changes(rev store.Revision, e *store.Changed, yield func(ItemChange, error) bool) bool {
	dpid, steps, superseded, err := t.steps(rev, e)
	if err != nil {
		yield(ItemChange{}, err)
		return false
	}
	for i := range steps {
		if !yield(ItemChange{DPID: dpid, Setting: &steps[i], Superseded: superseded}, nil) {
			return false
		}
	}
	return true
}

// count adds what an edit did to settings to a change.
func (t settingsTrail) count(e *store.Changed, x *Change) error {
	_, steps, _, err := t.steps(x.Revision, e)
	for _, s := range steps {
		switch {
		case s.Before == "":
			x.Added++
		case s.After == "":
			x.Gone++
		default:
			x.Changed++
		}
	}
	return err
}
