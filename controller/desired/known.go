package desired

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
)

// Known is what is remembered of a switch from its last connection: so that it has
// a name while it is away, and that what its version cannot say is refused at once.
type Known struct {
	DPID       ofp.DPID    `json:"-"`
	Name       string      `json:"name"`
	Version    ofp.Version `json:"version"` // 0: it never connected
	Extensions bool        `json:"extensions"`
	Tables     int         `json:"tables"` // 0: not known
}

// maxKnown bounds the switches that are remembered for as long as the program runs:
// if there are more, one of which nothing was ever wanted is forgotten when it goes.
// Those of which something was wanted are remembered in the store.
const maxKnown = 1 << 16

func knownKey(dpid ofp.DPID) []byte {
	return binary.BigEndian.AppendUint64([]byte{kindSwitch}, uint64(dpid))
}

// Remember notes what a switch is that has connected. It is stored with the next
// transaction on the switch.
func (d *State) Remember(k Known) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.known[k.DPID]; ok || len(d.known) < maxKnown || d.books[k.DPID] != nil {
		d.known[k.DPID] = k
	}
}

// Known returns what is remembered of a switch; nothing but its DPID if it never
// connected.
func (d *State) Known(dpid ofp.DPID) Known {
	d.mu.Lock()
	defer d.mu.Unlock()
	if k, ok := d.known[dpid]; ok {
		return k
	}
	return Known{DPID: dpid}
}

// KnownAs returns the switches whose name was that at their last connection, by
// ascending DPID.
func (d *State) KnownAs(name string) []ofp.DPID {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []ofp.DPID
	for dpid, k := range d.known {
		if k.Name == name {
			all = append(all, dpid)
		}
	}
	slices.Sort(all)
	return all
}

// Behind reports whether something is stored for a switch that was not sent.
func (d *State) Behind(dpid ofp.DPID) bool {
	b := d.look(dpid)
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.behind
}

// knownEdit appends what stores the memory of a switch, if the store has another.
// The caller has the turn.
func (d *State) knownEdit(to []store.Edit, b *book) []store.Edit {
	k := d.Known(b.dpid)
	if k.Version == 0 || k == b.noted {
		return to
	}
	v, err := json.Marshal(k)
	if err != nil {
		return to // a name that is no text: it stays unknown
	}
	b.noted = k
	return append(to, store.Edit{Key: knownKey(b.dpid), Value: v, Untold: true})
}

// loadKnown takes over a record of knownEdit.
func (d *State) loadKnown(b *book, value []byte) error {
	k := Known{}
	if err := json.Unmarshal(value, &k); err != nil {
		return fmt.Errorf("switch %s: %w: %w", b.dpid, store.ErrDamaged, err)
	}
	k.DPID = b.dpid
	b.noted, d.known[k.DPID] = k, k
	return nil
}
