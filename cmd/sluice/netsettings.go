package main

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// Settings in a file: how a switch is to be set up, in the words of mod-port,
// mod-table and set-frags.
//
//	ports: {eth1: [no-flood, down], eth2: up}
//	tables: {all: drop, 3: continue}
//	fragments: drop

var settingKinds = []string{"ports", "tables", "fragments"}

// addSetting reads one of settingKinds. A null has nothing, which --prune makes true.
func (f *netFile) addSetting(s *fileSwitch, field, kind string, n *yaml.Node) error {
	if s.wish.Settings == nil {
		s.wish.Settings = new(sluicev1.SettingsWish)
	}
	w := s.wish.Settings
	none := n.Kind == yaml.ScalarNode && n.Tag == "!!null"
	switch kind {
	case "ports":
		w.Ports = new(sluicev1.PortSettings)
		if none {
			return nil
		}
		return f.mapping(n, field, nil, func(port string, key, value *yaml.Node) error {
			x := &sluicev1.PortSetting{Port: port}
			w.Ports.Ports = append(w.Ports.Ports, x)
			s.items[kind] = append(s.items[kind], fileItem{node: key})
			return f.portWords(x, field+"."+port, value)
		})
	case "tables":
		w.Tables = new(sluicev1.TableSettings)
		if none {
			return nil
		}
		return f.mapping(n, field, nil, func(table string, key, value *yaml.Node) error {
			x := new(sluicev1.TableSetting)
			if table != "all" {
				no, err := strconv.ParseUint(table, 0, 8)
				if err != nil || no == 255 {
					return f.fault(key, field, "table %q: want a number up to 254, or all", cut(table))
				}
				x.Table = new(uint32(no))
			}
			miss, ok := missWords[value.Value]
			if !ok {
				return f.fault(value, field+"."+table, "%q: want %s", cut(value.Value), words(missWords))
			}
			x.Miss = miss
			w.Tables.Tables = append(w.Tables.Tables, x)
			s.items[kind] = append(s.items[kind], fileItem{node: key})
			return nil
		})
	}
	w.Fragments = new(sluicev1.FragmentSettings)
	if none {
		return nil
	}
	how, ok := fragmentWords[n.Value]
	if !ok {
		return f.fault(n, field, "%q: want %s", cut(n.Value), words(fragmentWords))
	}
	w.Fragments.Handling = how
	s.items[kind] = append(s.items[kind], fileItem{node: n})
	return nil
}

// portWords reads the words for a port: a list, or a text with commas between them.
func (f *netFile) portWords(x *sluicev1.PortSetting, field string, n *yaml.Node) error {
	list := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		list = n.Content
	}
	said := make(map[string]string) // by bit
	for _, one := range list {
		if one = resolved(one); one.Kind != yaml.ScalarNode {
			return f.fault(one, field, "want words of mod-port: [down, no-forward]")
		}
		for word := range strings.SplitSeq(one.Value, ",") {
			word = strings.TrimSpace(word)
			a, ok := portActions[word]
			if !ok {
				return f.fault(one, field, "%q: want %s", cut(word), words(portActions))
			}
			if before, twice := said[a.bit]; twice {
				return f.fault(one, field, "%s: %s is there already", word, before)
			}
			said[a.bit] = word
			if a.set {
				x.Set = append(x.Set, a.bit)
			} else {
				x.Clear = append(x.Clear, a.bit)
			}
		}
	}
	if len(said) == 0 {
		return f.fault(n, field, "there is no word: want %s", words(portActions))
	}
	return nil
}

func words[T any](m map[string]T) string {
	return strings.Join(slices.Sorted(maps.Keys(m)), ", ")
}

// exportedSettings appends what a file says of settings to what it says of a switch.
func exportedSettings(n *yaml.Node, items []*sluicev1.StateItem) {
	for _, kind := range settingKinds {
		list := &yaml.Node{Kind: yaml.MappingNode}
		for _, x := range items {
			if x.GetKind() != strings.TrimSuffix(kind, "s") && x.GetKind() != kind {
				continue
			}
			if kind == "fragments" {
				n.Content = append(n.Content, text(kind), text(x.GetText()))
				continue
			}
			i := strings.LastIndexByte(x.GetText(), ' ') // a name may have some
			if i < 0 {
				continue
			}
			name, said := x.GetText()[:i], text(x.GetText()[i+1:])
			if kind == "ports" {
				said = &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
				for word := range strings.SplitSeq(x.GetText()[i+1:], ",") {
					said.Content = append(said.Content, text(word))
				}
			}
			key := text(name)
			if kind == "tables" && name != "all" {
				key.Tag = "!!int"
			}
			list.Content = append(list.Content, key, said)
		}
		if len(list.Content) > 0 {
			n.Content = append(n.Content, text(kind), list)
		}
	}
}
