package desired

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
)

// SettingsWish is how a switch is to be set up. What it says of a port, a table or
// fragments is set; what it does not say stays, unless a wish prunes.
type SettingsWish struct {
	Settings
	// Whole are the kinds of settings of which a wish that prunes has nothing left
	// but what is said here.
	Whole []string
}

// SettingError says that a setting of a wish cannot be.
type SettingError struct {
	Kind, Name string
	Err        error
}

// What names the setting.
func (e *SettingError) What() string { return strings.TrimSpace(e.Kind + " " + e.Name) }

// Error names the setting and the reason.
func (e *SettingError) Error() string { return e.What() + ": " + e.Err.Error() }

// Unwrap returns the reason.
func (e *SettingError) Unwrap() error { return e.Err }

// UnsettledError says which settings a switch does not take. The others are as they
// should be.
type UnsettledError struct{ Items []channel.ItemError }

// Error names each of them.
func (e *UnsettledError) Error() string { return "settings are not taken: " + joined(e.Items) }

func joined(items []channel.ItemError) string {
	var all []string
	for _, x := range items {
		all = append(all, x.Err.Error())
	}
	return strings.Join(all, "; ")
}

// Unwrap returns the reasons.
func (e *UnsettledError) Unwrap() []error {
	var all []error
	for _, x := range e.Items {
		all = append(all, x.Err)
	}
	return all
}

// on returns what the wish makes of settings.
func (w *SettingsWish) on(before *Settings, prune bool) Settings {
	after := before.clone()
	after.Lifted = nil
	if after.Ports == nil {
		after.Ports = make(map[string]PortSetting)
	}
	if after.Tables == nil {
		after.Tables = make(map[uint8]uint32)
	}
	if prune && slices.Contains(w.Whole, PortSettings) {
		clear(after.Ports)
	}
	if prune && slices.Contains(w.Whole, TableSettings) {
		clear(after.Tables)
	}
	if prune && slices.Contains(w.Whole, FragmentSettings) {
		after.Fragments = nil
	}
	for key, x := range w.Ports {
		was := after.Ports[key]
		x.Config, x.Mask = was.Config&^x.Mask|x.Config&x.Mask, was.Mask|x.Mask
		if old, ok := before.Ports[key]; ok {
			x.Number = old.Number // it counts for nothing, or is in the key
		}
		after.Ports[key] = x
	}
	maps.Copy(after.Tables, w.Tables)
	if w.Fragments != nil {
		after.Fragments = new(*w.Fragments)
	}
	return after
}

// lifted returns what is set on a switch, or still to be lifted, and is not wanted
// any more: the bits and tables that are to be as they are where nobody has set
// them, which is 0 for all; nil if there is none.
func lifted(before, after *Settings) *Settings {
	up := &Settings{Ports: make(map[string]PortSetting), Tables: make(map[uint8]uint32)}
	for _, s := range []*Settings{before.Lifted, before} {
		if s == nil {
			continue
		}
		for key, x := range s.Ports {
			set := x.Config
			if s == before.Lifted {
				set = x.Mask
			}
			if mask := (up.Ports[key].Mask | set&x.Mask) &^ after.Ports[key].Mask; mask != 0 {
				up.Ports[key] = PortSetting{Number: x.Number, Mask: mask}
			} else {
				delete(up.Ports, key)
			}
		}
		_, all := after.Tables[ofp.TableAll]
		for table, miss := range s.Tables {
			if _, own := after.Tables[table]; !own && !all && (miss != 0 || s == before.Lifted) {
				up.Tables[table] = 0
			}
		}
		if s.Fragments != nil && after.Fragments == nil && (*s.Fragments != 0 || s == before.Lifted) {
			up.Fragments = new(ofp.FragNormal)
		}
	}
	if len(up.Ports) == 0 {
		up.Ports = nil
	}
	if len(up.Tables) == 0 {
		up.Tables = nil
	}
	if up.empty() {
		return nil
	}
	return up
}

// moved returns settings that are to be had after others.
func moved(before, to *Settings) Settings {
	after := to.clone()
	after.Lifted = lifted(before, to)
	return after
}

// settingsChange is what a wish changes about settings.
type settingsChange struct {
	before, after Settings
	steps         []SettingStep
	same          int // of what is wished for
}

// settingsOf returns what a wish makes of a book's settings, nil if it is not about
// them. The caller has the turn.
func (w *Wish) settingsOf(b *book, version ofp.Version) (*settingsChange, error) {
	b.mu.Lock()
	before := b.settings.clone()
	b.mu.Unlock()
	c := &settingsChange{before: before}
	var to Settings
	switch {
	case w.Former != nil:
		was, ok := w.Former.settings[b.dpid]
		if !ok {
			return nil, nil
		}
		to = was
	case w.Settings != nil:
		to = w.Settings.on(&before, w.Prune)
		if n := len(to.Ports); n > maxSettings {
			return nil, fmt.Errorf("settings of %d ports: %w, at most %d", n, store.ErrLimit, maxSettings)
		}
		if err := w.Settings.sayable(&before, &to, version); err != nil {
			return nil, err
		}
	default:
		return nil, nil
	}
	c.after = moved(&before, &to)
	c.steps = settingSteps(&before, &to)
	if w.Settings != nil && w.Former == nil {
		c.same = len(w.Settings.List())
		for _, x := range c.steps {
			if x.After != "" {
				c.same--
			}
		}
	}
	return c, nil
}

// sayable fails with a *SettingError if something that changes has no words in a
// version.
func (w *SettingsWish) sayable(before, after *Settings, version ofp.Version) error {
	for _, key := range sortedKeys(w.Ports) {
		x, was := w.Ports[key], before.Ports[key]
		if now := after.Ports[key]; now.Config == was.Config && now.Mask == was.Mask {
			continue
		}
		m := &ofp.PortMod{Port: x.Number, Config: x.Config, Mask: x.Mask}
		if err := m.CheckVersion(version); err != nil {
			return &SettingError{PortSettings, key, err}
		}
	}
	for _, table := range sortedKeys(w.Tables) {
		if was, ok := before.Tables[table]; ok && was == w.Tables[table] {
			continue
		}
		m := &ofp.TableMod{Table: table, Config: w.Tables[table]}
		if err := m.CheckVersion(version); err != nil {
			return &SettingError{TableSettings, TableName(table), err}
		}
	}
	return nil
}

// digest is what tells a wish's settings from others.
func (w *SettingsWish) digest() []byte {
	text, _ := json.Marshal(w) // it has nothing that cannot be
	return append([]byte("settings"), text...)
}

// carryOut has a switch set up as it should be. Its error is a *channel.WriteError
// whose items are about no message of a transaction.
func (c *settingsChange) carryOut(ctx context.Context, sw Switch) error {
	err := sw.Settle(ctx, c.after)
	if un, ok := errors.AsType[*UnsettledError](err); ok {
		we := new(channel.WriteError)
		for _, x := range un.Items {
			we.Errors = append(we.Errors, channel.ItemError{Index: -1, Message: x.Message, Err: x.Err})
		}
		return we
	}
	return err
}

// noteSettings takes settings over that the store has as a revision, 0 if it is told
// nobody.
func (b *book) noteSettings(now Settings, rev store.Revision) {
	b.mu.Lock()
	b.settings, b.settled = now, max(b.settled, rev)
	b.mu.Unlock()
}

// settledNow notes that a switch is set up as it should be: nothing is left to be
// lifted. If the store cannot note that it is lifted once more, which changes
// nothing. The caller has the turn.
func (d *State) settledNow(ctx context.Context, b *book) {
	b.mu.Lock()
	now := b.settings.clone()
	b.mu.Unlock()
	if now.Lifted == nil {
		return
	}
	now.Lifted = nil
	edit, err := now.edit(b.dpid)
	if err != nil {
		return
	}
	edit.Untold = true
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	if _, err := d.commit(ctx, store.Txn{If: []store.Condition{b.unmoved()}, Edits: []store.Edit{edit}}); err == nil {
		b.noteSettings(now, 0)
	}
}

// back returns the settings that undo the change.
func (c *settingsChange) back() Settings { return moved(&c.after, &c.before) }

// settingsAt returns the settings that a change of the history found.
func settingsAt(dpid ofp.DPID, before []byte) (Settings, error) {
	if before == nil {
		return Settings{}, nil
	}
	s, err := readSettings(dpid, before)
	s.Lifted = nil
	return s, err
}

// refusedText is what a switch has refused, of messages or of settings.
func refusedText(we *channel.WriteError) string {
	if len(we.Errors) > 0 && we.Errors[0].Index < 0 {
		return joined(we.Errors)
	}
	return we.Error()
}
