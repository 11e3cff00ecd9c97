package controller

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/controller/desired"
	"github.com/sluice-sdn/sluice/ofp"
)

// Settings are how users have set a switch up.
type Settings = desired.Settings

// SettingsWish is how a switch is to be set up.
type SettingsWish = desired.SettingsWish

// SettingError says that a setting cannot be.
type SettingError = desired.SettingError

// PortKey is the key of a port in Settings.Ports.
func PortKey(p *ofp.Port) string { return desired.PortKey(p) }

// Kinds of settings.
const (
	PortSettings     = desired.PortSettings
	TableSettings    = desired.TableSettings
	FragmentSettings = desired.FragmentSettings
)

// ErrNoSetting means that a switch has no such setting.
var ErrNoSetting = desired.ErrNoSetting

// TableName is a table's number, or "all".
func TableName(table uint8) string { return desired.TableName(table) }

// SettingTxn is a change of a switch's settings.
type SettingTxn = desired.SettingTxn

// KeepPort is ModifyPort whose outcome is stored, where the controller keeps desired
// state: the port is brought back to it when the switch has restarted, or when the
// port comes back. It returns the revision of the outcome, 0 where nothing is kept:
// there an expected revision is ErrNoState.
func (s *Switch) KeepPort(ctx context.Context, t SettingTxn, m *ofp.PortMod) (Revision, error) {
	p, ok := s.Port(m.Port)
	do := func() error { return s.ModifyPort(ctx, m) }
	if s.c.cfg.Desired == nil || !ok {
		return 0, unkept(&t, do)
	}
	t.Note = cmp.Or(t.Note, "mod-port "+desired.PortKey(&p))
	return s.c.cfg.Desired.Set(ctx, s.dpid, t, do, func(x *Settings) { x.Port(&p, m.Config, m.Mask) })
}

// unkept is a change that is not stored.
func unkept(t *SettingTxn, do func() error) error {
	if t.Expected != nil {
		return ErrNoState
	}
	return do()
}

// KeepTable writes a table-mod, and stores its outcome as KeepPort does.
func (s *Switch) KeepTable(ctx context.Context, t SettingTxn, m *ofp.TableMod) (Revision, error) {
	do := func() error { return s.Write(ctx, []ofp.Message{m}) }
	if s.c.cfg.Desired == nil {
		return 0, unkept(&t, do)
	}
	t.Note = cmp.Or(t.Note, "mod-table "+TableName(m.Table))
	return s.c.cfg.Desired.Set(ctx, s.dpid, t, do, func(x *Settings) { x.Table(m.Table, m.Config) })
}

// KeepFragments is SetFragments whose outcome is stored as KeepPort's. now is how the
// switch treats fragments after it; if that is not how, the error is an
// *UnsettledError and nothing is stored.
func (s *Switch) KeepFragments(ctx context.Context, t SettingTxn, how ofp.ConfigFlags) (now ofp.SwitchConfig, rev Revision, err error) {
	do := func() (err error) {
		now, err = s.setFragments(ctx, how)
		return err
	}
	if s.c.cfg.Desired == nil {
		err = unkept(&t, do)
		return now, 0, err
	}
	t.Note = cmp.Or(t.Note, "set-frags")
	rev, err = s.c.cfg.Desired.Set(ctx, s.dpid, t, do, func(x *Settings) { x.Fragments = &how })
	if err == nil && now == (ofp.SwitchConfig{}) { // it was carried out before
		now, err = s.Config(ctx)
	}
	return now, rev, err
}

// setFragments is SetFragments that fails if the switch does not do it.
func (s *Switch) setFragments(ctx context.Context, how ofp.ConfigFlags) (ofp.SwitchConfig, error) {
	now, err := s.SetFragments(ctx, how)
	if err == nil && now.Flags&allFragments != how {
		err = &UnsettledError{Items: []channel.ItemError{{Message: &ofp.SetConfig{SwitchConfig: ofp.SwitchConfig{Flags: how}}, Err: &desired.SettingError{Kind: FragmentSettings, Err: errOtherFragments}}}}
	}
	return now, err
}

var errOtherFragments = errors.New("the switch has taken it, and goes on as before")

const allFragments = ofp.FragDrop | ofp.FragReasm | ofp.FragNXMatch

// keptPort returns the port that a setting is about, as it is now.
func (s *Switch) keptPort(key string, x desired.PortSetting) (ofp.Port, bool) {
	if no, ok := s.portNamed(key); ok {
		return s.Port(no)
	}
	if p, ok := s.Port(x.Number); ok && desired.PortKey(&p) == key {
		return p, true
	}
	return ofp.Port{}, false
}

// resettle brings ports, tables and the treatment of fragments back to what users
// have set.
func (s *Switch) resettle(ctx context.Context) error {
	return s.c.cfg.Desired.Settle(ctx, s.dpid, func(x Settings) error { return s.Settle(ctx, x) })
}

// Settle has the switch set up as settings say. Only what differs is sent, but for
// tables, of which nobody can be asked everywhere. A port that is not there is set
// when it comes. What the switch refuses does not keep the rest from being set; the
// *UnsettledError tells all of it.
func (s *Switch) Settle(ctx context.Context, x Settings) error {
	un := new(UnsettledError)
	failed := func(kind, name string, m ofp.Message, err error) (ended bool) {
		if we, ok := errors.AsType[*WriteError](err); ok && len(we.Errors) > 0 {
			err = we.Errors[0].Err
		}
		un.Items = append(un.Items, channel.ItemError{Message: m, Err: &desired.SettingError{Kind: kind, Name: name, Err: err}})
		return s.ended() || ctx.Err() != nil
	}
	lifted := x.Lifted
	if lifted == nil {
		lifted = new(Settings)
	}
	for _, all := range []map[string]desired.PortSetting{lifted.Ports, x.Ports} {
		for _, key := range slices.Sorted(maps.Keys(all)) {
			want := all[key]
			p, ok := s.keptPort(key, want)
			if !ok || p.Config&want.Mask == want.Config {
				continue
			}
			m := &ofp.PortMod{Port: p.No, HWAddr: p.HWAddr, Config: want.Config, Mask: want.Mask}
			if err := m.CheckVersion(s.Version()); err != nil {
				s.log.WithField("error", err).WithField("port", key).Warn("port cannot be brought back to its settings")
				continue
			}
			if err := s.ModifyPort(ctx, m); err != nil && failed(PortSettings, key, m, err) {
				return un.Items[len(un.Items)-1].Err
			}
		}
	}
	if msgs := tableMods(s.Version(), lifted.Tables, x.Tables); len(msgs) > 0 {
		if err := s.Write(ctx, msgs); err != nil {
			failed(TableSettings, "miss", msgs[0], err)
		}
	}
	if how := cmp.Or(x.Fragments, lifted.Fragments); how != nil && !s.ended() {
		now, err := s.Config(ctx)
		if err == nil && now.Flags&allFragments != *how {
			_, err = s.setFragments(ctx, *how)
		}
		if refused, ok := errors.AsType[*UnsettledError](err); ok {
			un.Items = append(un.Items, refused.Items...)
		} else if err != nil {
			failed(FragmentSettings, "", &ofp.SetConfig{SwitchConfig: ofp.SwitchConfig{Flags: *how}}, err)
		}
	}
	switch {
	case len(un.Items) == 0:
		return nil
	case s.ended() || ctx.Err() != nil:
		return un.Items[len(un.Items)-1].Err
	}
	return un
}

// tableMods are those of a version with table misses, that of all tables first, for
// what is to be lifted and then for what is set.
func tableMods(v ofp.Version, lifted, set map[uint8]uint32) (msgs []ofp.Message) {
	if v != ofp.V11 && v != ofp.V12 {
		return nil
	}
	for _, all := range []map[uint8]uint32{lifted, set} {
		tables := slices.Sorted(maps.Keys(all))
		slices.Reverse(tables)
		for _, table := range tables {
			msgs = append(msgs, &ofp.TableMod{Table: table, Config: all[table]})
		}
	}
	return msgs
}

// UnsettledError says which settings a switch does not take.
type UnsettledError = desired.UnsettledError

// PortSettled reports whether a port that users have set is as they have set it,
// and whether it is there at all.
func (s *Switch) PortSettled(key string, x desired.PortSetting) (settled, there bool) {
	p, there := s.keptPort(key, x)
	return there && p.Config&x.Mask == x.Config, there
}

// portCame has the switch compared soon if a port came, or was changed, that is not
// as users have set it; and if a port came while the switch lacks something of its
// desired state, which may name that port.
func (s *Switch) portCame(m *ofp.PortStatus) {
	d := s.c.cfg.Desired
	if d == nil || m.Reason == ofp.PortDeleted {
		return
	}
	want, ok := d.Settings(s.dpid).Ports[desired.PortKey(&m.Port)]
	if ok && m.Port.Config&want.Mask != want.Config {
		s.restore.asked(time.Now().Add(retryFirst))
	}
	if m.Reason != ofp.PortAdded {
		return
	}
	if n := d.Summary(s.dpid); n.Pending+n.Degraded > 0 {
		s.restore.drifted(time.Now(), driftGap)
	}
}
