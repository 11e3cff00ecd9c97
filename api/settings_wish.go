package api

import (
	"fmt"
	"strings"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// toSettings converts how a switch is wished to be set up; kept is how users have
// set it up so far. It fails with a *fieldError below settings.
func toSettings(sw controller.Target, kept controller.Settings, x *sluicev1.SettingsWish) (*controller.SettingsWish, error) {
	if x == nil {
		return nil, nil
	}
	w := new(controller.SettingsWish)
	if x.Ports != nil {
		w.Whole = append(w.Whole, controller.PortSettings)
	}
	for i, p := range x.GetPorts().GetPorts() {
		field := fmt.Sprintf("ports.ports[%d]", i)
		port, err := settingsPort(sw, kept, p.GetPort())
		if err != nil {
			return nil, at(field+".port", err)
		}
		if _, twice := w.Ports[controller.PortKey(&port)]; twice {
			return nil, bad(field+".port", "%q is there already", clip(p.GetPort(), 100))
		}
		set, cleared, err := changedBits(p.GetSet(), p.GetClear())
		if err != nil {
			return nil, at(field, err)
		}
		w.Port(&port, set, set|cleared)
	}
	if x.Tables != nil {
		w.Whole = append(w.Whole, controller.TableSettings)
	}
	for i, t := range x.GetTables().GetTables() {
		field := fmt.Sprintf("tables.tables[%d]", i)
		m, err := tableMod(t.Table, t.GetMiss())
		if err != nil {
			return nil, at(field, err)
		}
		if _, twice := w.Tables[m.Table]; twice {
			return nil, bad(field+".table", "table %s is there already", controller.TableName(m.Table))
		}
		if w.Tables == nil {
			w.Tables = make(map[uint8]uint32)
		}
		w.Tables[m.Table] = m.Config
	}
	if f := x.GetFragments(); f != nil {
		w.Whole = append(w.Whole, controller.FragmentSettings)
		if f.GetHandling() != sluicev1.FragmentHandling_FRAGMENT_HANDLING_UNSPECIFIED {
			how, err := toFragments(f.GetHandling())
			if err != nil {
				return nil, at("fragments.handling", err)
			}
			w.Fragments = &how
		}
	}
	return w, nil
}

// settingsPort finds a port that the switch has, or that is set already. The ports
// of a switch that is away nobody knows: any name is good, and no number.
func settingsPort(sw controller.Target, kept controller.Settings, ref string) (ofp.Port, error) {
	if x, ok := kept.Ports[ref]; ok {
		if strings.HasPrefix(ref, "#") {
			return ofp.Port{No: x.Number}, nil
		}
		return ofp.Port{No: x.Number, Name: ref}, nil
	}
	if ref == "" {
		return ofp.Port{}, fmt.Errorf("is empty: want a name")
	}
	here, connected := sw.(*controller.Switch)
	if !connected {
		if _, err := ofp.ParsePort(ref); err == nil || strings.HasPrefix(ref, "#") {
			return ofp.Port{}, fmt.Errorf("%q: %s is away, and its ports may have other numbers when it is back: want a name", clip(ref, 100), sw.Name())
		}
		return ofp.Port{Name: ref}, nil
	}
	no, err := toPort(strings.TrimPrefix(ref, "#"), sw.Names())
	if err == nil {
		if p, ok := here.Port(no); ok {
			return p, nil
		}
	}
	return ofp.Port{}, fmt.Errorf("%s has no port %q", sw.Name(), clip(ref, 100))
}

// changedBits reads the bits of a port's configuration that are set and cleared, at
// least one.
func changedBits(toSet, toClear []string) (set, cleared ofp.PortConfig, err error) {
	if set, err = portBits("set", toSet); err != nil {
		return 0, 0, err
	}
	cleared, err = portBits("clear", toClear)
	switch {
	case err != nil:
		return 0, 0, err
	case set&cleared != 0:
		return 0, 0, bad("clear", "%s: cannot be set and cleared", strings.Join(bitNames(uint32(set&cleared), portConfigNames), ", "))
	case set|cleared == 0:
		return 0, 0, bad("set", "is empty, and clear too: want what to change")
	}
	return set, cleared, nil
}

// tableMod converts what becomes of packets that no flow of a table takes, of all
// tables if it is nil.
func tableMod(table *uint32, miss sluicev1.TableMiss) (*ofp.TableMod, error) {
	m := &ofp.TableMod{Table: ofp.TableAll}
	if table != nil {
		if *table >= uint32(ofp.TableAll) {
			return nil, bad("table", "%d: want at most 254", *table)
		}
		m.Table = uint8(*table)
	}
	if miss < sluicev1.TableMiss_TABLE_MISS_CONTROLLER || miss > sluicev1.TableMiss_TABLE_MISS_DROP {
		return nil, bad("miss", "%s: want TABLE_MISS_CONTROLLER, _CONTINUE or _DROP", miss)
	}
	m.Config = uint32(miss - sluicev1.TableMiss_TABLE_MISS_CONTROLLER)
	return m, nil
}

func toFragments(how sluicev1.FragmentHandling) (ofp.ConfigFlags, error) {
	if how < 1 || how > sluicev1.FragmentHandling_FRAGMENT_HANDLING_NX_MATCH {
		return 0, fmt.Errorf("%s: want FRAGMENT_HANDLING_NORMAL, _DROP, _REASSEMBLE or _NX_MATCH", how)
	}
	return ofp.ConfigFlags(how - 1), nil
}
