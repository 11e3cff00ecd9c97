package controller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sluice-sdn/sluice/controller/desired"
	"github.com/sluice-sdn/sluice/ofp"
)

// Settings are how users have set a switch up.
type Settings = desired.Settings

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

// KeepPort is ModifyPort whose outcome is stored, where the controller keeps desired
// state: the port is brought back to it when the switch has restarted, or when the
// port comes back.
func (s *Switch) KeepPort(ctx context.Context, author string, m *ofp.PortMod) error {
	p, ok := s.Port(m.Port)
	do := func() error { return s.ModifyPort(ctx, m) }
	if s.c.cfg.Desired == nil || !ok {
		return do()
	}
	return s.c.cfg.Desired.Set(ctx, s.dpid, author, "mod-port "+desired.PortKey(&p), do, func(x *Settings) { x.Port(&p, m.Config, m.Mask) })
}

// KeepTable writes a table-mod, and stores its outcome as KeepPort does.
func (s *Switch) KeepTable(ctx context.Context, author string, m *ofp.TableMod) error {
	do := func() error { return s.Write(ctx, []ofp.Message{m}) }
	if s.c.cfg.Desired == nil {
		return do()
	}
	return s.c.cfg.Desired.Set(ctx, s.dpid, author, "mod-table", do, func(x *Settings) { x.Table(m.Table, m.Config) })
}

// KeepFragments is SetFragments whose outcome is stored as KeepPort's, if the switch
// has taken it.
func (s *Switch) KeepFragments(ctx context.Context, author string, how ofp.ConfigFlags) (now ofp.SwitchConfig, err error) {
	if s.c.cfg.Desired == nil {
		return s.SetFragments(ctx, how)
	}
	refused := errors.New("not taken")
	err = s.c.cfg.Desired.Set(ctx, s.dpid, author, "set-frags", func() error {
		var err error
		if now, err = s.SetFragments(ctx, how); err == nil && now.Flags&allFragments != how {
			err = refused
		}
		return err
	}, func(x *Settings) { x.Fragments = &how })
	if errors.Is(err, refused) {
		err = nil // now tells
	}
	return now, err
}

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
// have set. Only what differs is sent, but for tables, of which nobody can be asked
// everywhere. A port that is not there is set when it comes. What the switch refuses
// does not keep the rest from being set; the error tells all of it.
func (s *Switch) resettle(ctx context.Context) error {
	return s.c.cfg.Desired.Settle(ctx, s.dpid, func(x Settings) error { return s.settle(ctx, &x) })
}

func (s *Switch) settle(ctx context.Context, x *Settings) error {
	var refused []error
	for _, key := range slices.Sorted(maps.Keys(x.Ports)) {
		want := x.Ports[key]
		p, ok := s.keptPort(key, want)
		if !ok || p.Config&want.Mask == want.Config {
			continue
		}
		m := &ofp.PortMod{Port: p.No, HWAddr: p.HWAddr, Config: want.Config, Mask: want.Mask}
		if err := m.CheckVersion(s.Version()); err != nil {
			s.log.WithField("error", err).WithField("port", key).Warn("port cannot be brought back to its settings")
			continue
		}
		if err := s.ModifyPort(ctx, m); err != nil {
			refused = append(refused, fmt.Errorf("port %s: %w", key, err))
			if s.ended() || ctx.Err() != nil {
				return errors.Join(refused...)
			}
		}
	}
	if s.Version() == ofp.V11 || s.Version() == ofp.V12 {
		tables := slices.Sorted(maps.Keys(x.Tables))
		slices.Reverse(tables) // all of them first
		var msgs []ofp.Message
		for _, table := range tables {
			msgs = append(msgs, &ofp.TableMod{Table: table, Config: x.Tables[table]})
		}
		if len(msgs) > 0 {
			if err := s.Write(ctx, msgs); err != nil {
				refused = append(refused, fmt.Errorf("tables: %w", err))
			}
		}
	}
	if x.Fragments != nil {
		now, err := s.Config(ctx)
		if err == nil && now.Flags&allFragments != *x.Fragments {
			_, err = s.SetFragments(ctx, *x.Fragments)
		}
		if err != nil {
			refused = append(refused, fmt.Errorf("fragments: %w", err))
		}
	}
	err := errors.Join(refused...)
	if err == nil || s.ended() || ctx.Err() != nil {
		return err
	}
	return &UnsettledError{err}
}

// UnsettledError says which settings a switch does not take. The others are as they
// should be.
type UnsettledError struct{ Err error }

// Error names each of them.
func (e *UnsettledError) Error() string {
	return "settings are not taken: " + strings.ReplaceAll(e.Err.Error(), "\n", "; ")
}

// Unwrap returns the reasons.
func (e *UnsettledError) Unwrap() error { return e.Err }

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
