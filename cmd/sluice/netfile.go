package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// netFile is a file that says what switches should have.
type netFile struct {
	name     string
	switches []*fileSwitch
}

// fileSwitch is a switch of a file, and where what it should have stands there.
type fileSwitch struct {
	wish  *sluicev1.SwitchWish
	items map[string][]fileItem // by "flows", "groups", "meters", "ports", "tables", "fragments"
}

type fileItem struct {
	node *yaml.Node
	text string // "" for a structured one
}

// fault is an error about a node of the file.
func (f *netFile) fault(n *yaml.Node, field, format string, args ...any) error {
	if field != "" {
		field += ": "
	}
	return fmt.Errorf("%s:%d: %s%s", f.name, n.Line, printable(field), fmt.Sprintf(format, args...))
}

// yamlLine is the beginning of an error of the YAML reader that names a line.
var yamlLine = regexp.MustCompile(`^yaml: line (\d+): `)

// maxNetFile bounds a file, in bytes.
const maxNetFile = 64 << 20

// readNet reads a file with switches and what they should have.
func (c *client) readNet(name string) (*netFile, error) {
	in, err := c.fileOrInput(name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	raw, err := io.ReadAll(io.LimitReader(in, maxNetFile+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxNetFile {
		return nil, fmt.Errorf("%s: larger than %d MiB: split it by switches", name, maxNetFile>>20)
	}
	f := &netFile{name: name}
	var doc yaml.Node
	d := yaml.NewDecoder(strings.NewReader(string(raw)))
	if err := d.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s: is empty: want switches: with a name each", name)
		}
		if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
			return nil, fmt.Errorf("%s:%s: %s", name, m[1], strings.TrimPrefix(err.Error(), m[0]))
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: has more than one YAML document: want one", name)
	}
	err = f.mapping(doc.Content[0], "", []string{"switches"}, func(_ string, _, list *yaml.Node) error {
		return f.mapping(list, "switches", nil, func(sw string, key, n *yaml.Node) error {
			return f.addSwitch(sw, key, n)
		})
	})
	if err == nil && len(f.switches) == 0 {
		err = f.fault(doc.Content[0], "switches", "there are none")
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// mapping calls each for the fields of a mapping, which are among known, unless
// that is nil, and none of which is there twice.
func (f *netFile) mapping(n *yaml.Node, field string, known []string, each func(name string, key, value *yaml.Node) error) error {
	n = resolved(n)
	if n.Kind != yaml.MappingNode {
		what := "fields"
		if known != nil {
			what = strings.Join(known, ", ")
		}
		return f.fault(n, field, "want a mapping with %s", what)
	}
	seen := make(map[string]int)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], resolved(n.Content[i+1])
		if at, twice := seen[key.Value]; twice {
			return f.fault(key, field, "%s is there already, in line %d", printable(key.Value), at)
		}
		seen[key.Value] = key.Line
		if known != nil && !slices.Contains(known, key.Value) {
			return f.fault(key, field, "unknown field %q: want %s", key.Value, strings.Join(known, ", "))
		}
		if err := each(key.Value, key, value); err != nil {
			return err
		}
	}
	return nil
}

// resolved returns the node that an alias stands for.
func resolved(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func (f *netFile) addSwitch(name string, key, n *yaml.Node) error {
	if name == "" {
		return f.fault(key, "switches", "a switch without a name")
	}
	s := &fileSwitch{wish: &sluicev1.SwitchWish{Switch: name}, items: make(map[string][]fileItem)}
	f.switches = append(f.switches, s)
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return nil // nothing, which --prune makes true
	}
	at := "switches." + name
	return f.mapping(n, at, append([]string{"flows", "groups", "meters"}, settingKinds...), func(kind string, _, list *yaml.Node) error {
		if slices.Contains(settingKinds, kind) {
			return f.addSetting(s, at+"."+kind, kind, list)
		}
		if list.Kind == yaml.ScalarNode && list.Tag == "!!null" {
			return nil
		}
		if list.Kind != yaml.SequenceNode {
			return f.fault(list, at+"."+kind, "want a list of %s", kind)
		}
		for i, item := range list.Content {
			if err := f.addItem(s, fmt.Sprintf("%s.%s[%d]", at, kind, i), kind, resolved(item)); err != nil {
				return err
			}
		}
		return nil
	})
}

// addItem adds a flow, group or meter, which is a text or has the fields of the
// API.
func (f *netFile) addItem(s *fileSwitch, field, kind string, n *yaml.Node) error {
	item := fileItem{node: n}
	var into proto.Message
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag == "!!str":
		item.text = n.Value
	case n.Kind == yaml.MappingNode:
		into = map[string]proto.Message{"flows": &sluicev1.Flow{}, "groups": &sluicev1.Group{}, "meters": &sluicev1.Meter{}}[kind]
		if err := f.fill(into, field, n); err != nil {
			return err
		}
	default:
		return f.fault(n, field, "want a text as for ovs-ofctl, or a mapping with fields")
	}
	s.items[kind] = append(s.items[kind], item)
	switch m := into.(type) {
	case *sluicev1.Flow:
		s.wish.Flows = append(s.wish.Flows, &sluicev1.FlowSpec{Form: &sluicev1.FlowSpec_Flow{Flow: m}})
	case *sluicev1.Group:
		s.wish.Groups = append(s.wish.Groups, &sluicev1.GroupSpec{Form: &sluicev1.GroupSpec_Group{Group: m}})
	case *sluicev1.Meter:
		s.wish.Meters = append(s.wish.Meters, &sluicev1.MeterSpec{Form: &sluicev1.MeterSpec_Meter{Meter: m}})
	default:
		switch kind {
		case "flows":
			s.wish.Flows = append(s.wish.Flows, flowText(item.text))
		case "groups":
			s.wish.Groups = append(s.wish.Groups, groupText(item.text))
		case "meters":
			s.wish.Meters = append(s.wish.Meters, meterText(item.text))
		}
	}
	return nil
}

var (
	jsonPlace  = regexp.MustCompile(`^proto:[\s\x{a0}]*\(line \d+:\d+\):[\s\x{a0}]*`)
	jsonFields = regexp.MustCompile(`(?:unknown|duplicate) field "([^"]+)"|field (\w+)`)
)

// fill reads the fields of a structured item.
func (f *netFile) fill(into proto.Message, field string, n *yaml.Node) error {
	var v any
	if err := n.Decode(&v); err != nil {
		return f.fault(n, field, "%s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return f.fault(n, field, "%v", err)
	}
	if err := protojson.Unmarshal(raw, into); err != nil {
		where := n
		if m := jsonFields.FindStringSubmatch(err.Error()); m != nil {
			where = cmp.Or(keyIn(n, cmp.Or(m[1], m[2])), n)
		}
		return f.fault(where, field, "%s", jsonPlace.ReplaceAllString(err.Error(), ""))
	}
	return nil
}

// keyIn returns the first key of a name, or nil.
func keyIn(n *yaml.Node, name string) *yaml.Node {
	for i, x := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			if x.Value == name {
				return x
			}
			continue
		}
		if found := keyIn(x, name); found != nil {
			return found
		}
	}
	return nil
}

// wishField is a field of a request that has to do with a file: of which switch,
// what, and what of it.
var wishField = regexp.MustCompile(`^switches\[(\d+)\]\.(flows|groups|meters)\[(\d+)\](?:\.\w+\.?)?(.*)$`)

// settingField is such a field about how a switch is to be set up.
var settingField = regexp.MustCompile(`^switches\[(\d+)\]\.settings\.(ports|tables|fragments)(?:\.\w+\[(\d+)\])?()`)

// locate returns lines that show where in the file a field of the request stands.
func (f *netFile) locate(field, description string) []string {
	m := wishField.FindStringSubmatch(field)
	if m == nil {
		if m = settingField.FindStringSubmatch(field); m == nil {
			return nil
		}
	}
	at, _ := strconv.Atoi(m[1])
	i, _ := strconv.Atoi(m[3])
	if at >= len(f.switches) || i >= len(f.switches[at].items[m[2]]) {
		return nil
	}
	s := f.switches[at]
	item := s.items[m[2]][i]
	where, path := item.node, fmt.Sprintf("switches.%s.%s[%d]", s.wish.GetSwitch(), m[2], i)
	if item.text == "" && m[4] != "" {
		path += "." + m[4]
		name := m[4][strings.LastIndexByte(m[4], '.')+1:]
		name, _, _ = strings.Cut(name, "[")
		where = cmp.Or(keyIn(where, name), where)
	}
	lines := []string{fmt.Sprintf("  %s:%d: %s", f.name, where.Line, path)}
	if item.text != "" {
		lines = append(lines, "  "+item.text)
		if m := columnText.FindStringSubmatch(description); m != nil {
			if col, err := strconv.Atoi(m[1]); err == nil && col >= 1 && col <= len(item.text)+1 {
				lines = append(lines, strings.Repeat(" ", 2+len([]rune(printable(item.text[:col-1]))))+"^")
			}
		}
	}
	return lines
}

// netFault is a failed call about what a file says.
type netFault struct {
	err  error
	file *netFile
}

func (e *netFault) Error() string { return e.err.Error() }
func (e *netFault) Unwrap() error { return e.err }
