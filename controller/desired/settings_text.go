package desired

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-sdn/sluice/ofp"
)

// portWords are the words of ovs-ofctl mod-port for the bits of a port's
// configuration (section 7.2.1 of OpenFlow 1.3.5, 5.2.1 of 1.0), set and clear.
var portWords = []struct {
	bit        ofp.PortConfig
	set, clear string
}{
	{ofp.PortDown, "down", "up"},
	{ofp.PortNoSTP, "no-stp", "stp"},
	{ofp.PortNoRecv, "no-receive", "receive"},
	{ofp.PortNoRecvSTP, "no-receive-stp", "receive-stp"},
	{ofp.PortNoFlood, "no-flood", "flood"},
	{ofp.PortNoFwd, "no-forward", "forward"},
	{ofp.PortNoPacketIn, "no-packet-in", "packet-in"},
}

// missWords say what becomes of packets that no flow of a table takes, by the bits
// of a table-mod's configuration (section 5.3.3 of OpenFlow 1.1).
var missWords = []string{"controller", "continue", "drop"}

var fragmentWords = map[ofp.ConfigFlags]string{0: "normal", ofp.FragDrop: "drop", ofp.FragReasm: "reassemble", ofp.FragNXMatch: "nx-match"}

// words are those of mod-port, with a comma between them.
func (x PortSetting) words() string {
	var all []string
	for _, w := range portWords {
		switch {
		case x.Mask&w.bit == 0:
		case x.Config&w.bit != 0:
			all = append(all, w.set)
		default:
			all = append(all, w.clear)
		}
	}
	return strings.Join(all, ",")
}

func missWord(config uint32) string {
	if int(config) < len(missWords) {
		return missWords[config]
	}
	return fmt.Sprintf("%#x", config)
}

func fragmentWord(how ofp.ConfigFlags) string {
	if w, ok := fragmentWords[how]; ok {
		return w
	}
	return fmt.Sprintf("%#x", uint16(how))
}

// Setting is how one port or table was set, or fragments, as a text: "eth1
// down,no-flood", "3 drop", "normal".
type Setting struct {
	Kind string // PortSettings, TableSettings or FragmentSettings
	Name string // the port's key, or the table's number or "all"
	Text string
}

// List returns the settings: ports by their names, tables by their numbers.
func (s *Settings) List() (all []Setting) {
	for _, key := range slices.Sorted(maps.Keys(s.Ports)) {
		all = append(all, Setting{PortSettings, key, key + " " + s.Ports[key].words()})
	}
	for _, table := range slices.Sorted(maps.Keys(s.Tables)) {
		name := TableName(table)
		all = append(all, Setting{TableSettings, name, name + " " + missWord(s.Tables[table])})
	}
	if s.Fragments != nil {
		all = append(all, Setting{FragmentSettings, "", fragmentWord(*s.Fragments)})
	}
	return all
}

// SettingStep is what changes about one setting: its texts, "" where it is not set.
type SettingStep struct {
	Kind, Before, After string
}

// settingSteps compares settings.
func settingSteps(before, after *Settings) (steps []SettingStep) {
	type id struct{ kind, name string }
	was := make(map[id]string)
	for _, x := range before.List() {
		was[id{x.Kind, x.Name}] = x.Text
	}
	for _, x := range after.List() {
		at := id{x.Kind, x.Name}
		if was[at] != x.Text {
			steps = append(steps, SettingStep{x.Kind, was[at], x.Text})
		}
		delete(was, at)
	}
	for _, x := range before.List() {
		if _, gone := was[id{x.Kind, x.Name}]; gone {
			steps = append(steps, SettingStep{x.Kind, x.Text, ""})
		}
	}
	return steps
}
