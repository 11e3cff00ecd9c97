package desired

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"

	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
)

// Settings are how users have set a switch up. They are the whole switch's, and
// nobody's in particular.
type Settings struct {
	// Ports are told by their names, under which they come back after a restart of
	// the switch; one without a name by its number.
	Ports map[string]PortSetting `json:"ports,omitempty"`
	// Tables say what becomes of packets that no flow takes (OpenFlow 1.1 and 1.2),
	// by number; ofp.TableAll stands for those that have none of their own.
	Tables map[uint8]uint32 `json:"tables,omitempty"`
	// Fragments is how IP fragments are treated; nil: as the switch chooses.
	Fragments *ofp.ConfigFlags `json:"fragments,omitempty"`
	// Lifted is what was set, is wanted no more, and is not known to be gone from
	// the switch: its bits and tables are to be 0.
	Lifted *Settings `json:"lifted,omitempty"`
}

// PortSetting are bits of a port's configuration that were set or cleared.
type PortSetting struct {
	Number ofp.PortNo     `json:"number"` // when it was set; counts where the port has no name
	Config ofp.PortConfig `json:"config"`
	Mask   ofp.PortConfig `json:"mask"` // which bits
}

// maxSettings bounds the ports of a switch that have settings.
const maxSettings = 4096

// PortKey is the key of a port in Settings.Ports.
func PortKey(p *ofp.Port) string {
	if p.Name != "" {
		return p.Name
	}
	return fmt.Sprintf("#%d", uint32(p.No))
}

// Port adds bits of a port's configuration.
func (s *Settings) Port(p *ofp.Port, config, mask ofp.PortConfig) {
	if s.Ports == nil {
		s.Ports = make(map[string]PortSetting)
	}
	was := s.Ports[PortKey(p)]
	s.Ports[PortKey(p)] = PortSetting{p.No, was.Config&^mask | config&mask, was.Mask | mask}
}

// Table sets what becomes of packets that no flow of a table takes.
func (s *Settings) Table(table uint8, config uint32) {
	if table == ofp.TableAll || s.Tables == nil {
		s.Tables = make(map[uint8]uint32)
	}
	s.Tables[table] = config
}

// empty reports whether nothing is set.
func (s *Settings) empty() bool {
	return len(s.Ports) == 0 && len(s.Tables) == 0 && s.Fragments == nil && s.Lifted == nil
}

func (s *Settings) clone() Settings {
	c := *s
	c.Ports, c.Tables = maps.Clone(s.Ports), maps.Clone(s.Tables)
	if s.Lifted != nil {
		c.Lifted = new(s.Lifted.clone())
	}
	return c
}

// Settings returns those of a switch.
func (d *State) Settings(dpid ofp.DPID) Settings {
	b := d.look(dpid)
	if b == nil {
		return Settings{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.settings.clone()
}

// SettingTxn is a change of settings.
type SettingTxn struct {
	// Author, Note, Request and Expected are those of a Txn.
	Author, Note, Request string
	Expected              *store.Revision
}

// Set carries out a change of a switch's settings, and stores them: change is
// called with the settings so far, and do brings the switch to it. If do fails, or
// the store, nothing is stored. It returns the revision of the outcome. With a
// request id that was carried out before nothing is done. It fails with a
// *ChangedError, too.
func (d *State) Set(ctx context.Context, dpid ofp.DPID, t SettingTxn, do func() error, change func(*Settings)) (store.Revision, error) {
	b, err := d.take(ctx, dpid)
	if err != nil {
		return 0, err
	}
	defer d.release(b)
	var content []byte
	if t.Request != "" {
		one := new(SettingsWish)
		change(&one.Settings)
		sum := sha256.Sum256(append(one.digest(), t.Note...))
		content = sum[:]
		if rev, err := d.repeated(ctx, t.Author, t.Request, content, errNew); !errors.Is(err, errNew) {
			return rev, err
		}
	}
	if err := d.unchanged(b, t.Expected); err != nil {
		return 0, err
	}
	before := d.Settings(dpid)
	now := before.clone()
	change(&now)
	if len(now.Ports) > maxSettings {
		return 0, fmt.Errorf("settings of %d ports: %w, at most %d", len(now.Ports), store.ErrLimit, maxSettings)
	}
	now = moved(&before, &now)
	if err := do(); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout) // it is done
	defer cancel()
	rev, err := d.keepSettings(ctx, b, t, content, now)
	if err != nil {
		return 0, fmt.Errorf("the switch has it, but it is not stored, and will not be brought back: %w", err)
	}
	return rev, nil
}

// keepSettings stores settings. The caller has the turn.
func (d *State) keepSettings(ctx context.Context, b *book, t SettingTxn, content []byte, now Settings) (store.Revision, error) {
	edit, err := now.edit(b.dpid)
	if err != nil {
		return 0, err
	}
	x := d.txn(b, Txn{Author: t.Author, Note: t.Note, Request: t.Request}, nil)
	x.Content, x.Edits = content, append(x.Edits, edit)
	done, err := d.commit(ctx, x)
	if err != nil {
		b.noted = Known{} // nothing of it is stored
		return 0, err
	}
	b.exhumed = nil
	b.carry(nil, done.Revision)
	b.noteSettings(now, done.Revision)
	return done.Revision, nil
}

// edit is what has the store hold these settings and no others.
func (s *Settings) edit(dpid ofp.DPID) (store.Edit, error) {
	key := binary.BigEndian.AppendUint64([]byte{kindSettings}, uint64(dpid))
	if s.empty() {
		return store.Edit{Key: key, Remove: true}, nil
	}
	v, err := json.Marshal(s)
	if err != nil {
		return store.Edit{}, fmt.Errorf("settings: %w", err)
	}
	return store.Edit{Key: key, Value: v}, nil
}

// Kinds of settings.
const (
	PortSettings     = "port"
	TableSettings    = "table"
	FragmentSettings = "fragments"
)

// ErrNoSetting means that a switch has no such setting.
var ErrNoSetting = errors.New("nothing of that is set")

// Forget takes settings of a switch out of the store: all ("", ""), all of a kind
// (kind, ""), or that of the port with a key or the table with a number (or "all").
// The switch, which need not be connected, is not told: it stays as it is, until it
// restarts or is set otherwise. It returns how many were forgotten, and fails with
// ErrNoSetting if none, and with what the store says.
func (d *State) Forget(ctx context.Context, dpid ofp.DPID, author, note, kind, name string) (int, store.Revision, error) {
	b, err := d.take(ctx, dpid)
	if err != nil {
		return 0, 0, err
	}
	defer d.release(b)
	now := d.Settings(dpid)
	n := now.forget(kind, name)
	if n == 0 {
		return 0, 0, ErrNoSetting
	}
	rev, err := d.keepSettings(ctx, b, SettingTxn{Author: author, Note: note}, nil, now)
	if err != nil {
		return 0, 0, err
	}
	return n, rev, nil
}

func (s *Settings) forget(kind, name string) (n int) {
	if s.Lifted != nil {
		if s.Lifted.forget(kind, name); s.Lifted.empty() { // the switch stays as it is
			s.Lifted = nil
		}
	}
	if kind == "" || kind == PortSettings {
		for key := range s.Ports {
			if name == "" || name == key {
				delete(s.Ports, key)
				n++
			}
		}
	}
	if kind == "" || kind == TableSettings {
		for table := range s.Tables {
			if name == "" || name == TableName(table) {
				delete(s.Tables, table)
				n++
			}
		}
	}
	if (kind == "" || kind == FragmentSettings) && name == "" && s.Fragments != nil {
		s.Fragments = nil
		n++
	}
	return n
}

// TableName is a table's number, or "all".
func TableName(table uint8) string {
	if table == ofp.TableAll {
		return "all"
	}
	return strconv.Itoa(int(table))
}

// fragmentFlags are those that are about fragments.
const fragmentFlags = ofp.FragDrop | ofp.FragReasm | ofp.FragNXMatch

// readSettings reads a record of settings.
func readSettings(dpid ofp.DPID, value []byte) (s Settings, err error) {
	if err = json.Unmarshal(value, &s); err == nil {
		switch {
		case s.Lifted != nil && (s.Lifted.Lifted != nil || len(s.Lifted.Ports) > 2*maxSettings):
			err = errors.New("what is lifted")
		case len(s.Ports) > maxSettings:
			err = fmt.Errorf("%d ports", len(s.Ports))
		case s.Fragments != nil && *s.Fragments&^fragmentFlags != 0:
			err = fmt.Errorf("fragments %#x", *s.Fragments)
		}
	}
	if err != nil {
		return Settings{}, fmt.Errorf("settings of switch %s: %w: %w", dpid, store.ErrDamaged, err)
	}
	return s, nil
}

// loadSettings takes over a record of settings.
func (b *book) loadSettings(value []byte) (err error) {
	b.settings, err = readSettings(b.dpid, value)
	return err
}

// Settle calls do with the settings of a switch that has some, while nobody else
// changes them.
func (d *State) Settle(ctx context.Context, dpid ofp.DPID, do func(Settings) error) error {
	if now := d.Settings(dpid); now.empty() {
		return nil
	}
	b, err := d.take(ctx, dpid)
	if err != nil {
		return err
	}
	defer d.release(b)
	err = do(d.Settings(dpid))
	if err == nil {
		d.settledNow(ctx, b)
	}
	return err
}
