package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// The one rule of precedence: flag, then environment, then configuration file,
// then default. A setting is taken whole from the first that has it.

// envName returns the environment variable of a flag: log-level is read from
// SLUICE_LOG_LEVEL.
func envName(flag string) string {
	return "SLUICE_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// othersVariables are read by the programs beside the daemon.
var othersVariables = []string{"SLUICE_ADDR", "SLUICE_CONFIG"}

// strayVariables returns the names in environ, a list of NAME=VALUE, that look
// like settings and are none, each with what was perhaps meant. They are no error,
// as an unknown key of the file is: whoever starts the daemon may not choose them,
// such as those that Kubernetes makes for a service named sluice.
func strayVariables(flags *pflag.FlagSet, environ []string) []string {
	known := slices.Clone(othersVariables)
	flags.VisitAll(func(f *pflag.Flag) { known = append(known, envName(f.Name)) })
	var stray []string
	for _, x := range environ {
		name, _, _ := strings.Cut(x, "=")
		if strings.HasPrefix(name, "SLUICE_") && !slices.Contains(known, name) {
			stray = append(stray, cut(name)+didYouMean(name, known))
		}
	}
	slices.Sort(stray)
	return stray
}

// resolve sets the flags that the command line did not set from the environment
// or else from the file, a YAML text called path in errors. A nil file sets
// nothing. The error joins all that is wrong anywhere, so that nothing wrong
// waits unseen behind something that goes before it.
func resolve(flags *pflag.FlagSet, lookup func(name string) (string, bool), path string, file io.Reader) error {
	keys, err := parseFile(flags, path, file)
	wrong := []error{err}
	flags.VisitAll(func(f *pflag.Flag) {
		onCommandLine := f.Value.String()
		set := f.Value.Set
		if l, ok := f.Value.(*listFlag); ok {
			set = l.replace // not added to what another source has
		}
		if key, ok := keys[f.Name]; ok {
			if err := set(key.text); err != nil {
				wrong = append(wrong, fmt.Errorf("%s:%d: %s: %w", path, key.line, f.Name, err))
			}
		}
		if text, ok := lookup(envName(f.Name)); ok {
			if err := set(text); err != nil {
				wrong = append(wrong, fmt.Errorf("%s: %w", envName(f.Name), err))
			}
		}
		if f.Changed {
			if err := set(onCommandLine); err != nil {
				wrong = append(wrong, fmt.Errorf("--%s: %w", f.Name, err))
			}
		}
	})
	return errors.Join(wrong...)
}

// fileKey is the value of a key in the form that a flag takes, and where it stands.
type fileKey struct {
	text string
	line int
}

// parseFile reads a configuration file: a mapping of flag names to texts, and
// for lists also to sequences of texts. It is strict, because a key that is
// silently ignored is a setting that somebody believes in.
func parseFile(flags *pflag.FlagSet, path string, file io.Reader) (map[string]fileKey, error) {
	if file == nil {
		return nil, nil
	}
	in := yaml.NewDecoder(file)
	var doc, second yaml.Node
	switch err := in.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%s: %s", path, cutTo(maxFault, err.Error()))
	}
	if err := in.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s:%d: a second document; want one", path, second.Line)
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		if root.ShortTag() == "!!null" { // Nothing but comments.
			return nil, nil
		}
		return nil, fmt.Errorf("%s:%d: is %s; want lines such as \"openflow: :6653\"", path, root.Line, kind(root))
	}

	var known []string
	flags.VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	keys := make(map[string]fileKey)
	var wrong []error
	for i := 0; i < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		at := func(format string, args ...any) {
			wrong = append(wrong, fmt.Errorf("%s:%d: "+format, append([]any{path, key.Line}, args...)...))
		}
		flag := flags.Lookup(key.Value)
		if flag == nil {
			at("unknown key %q%s; there are: %s", cut(key.Value), didYouMean(key.Value, known), strings.Join(known, ", "))
			continue
		}
		if before, twice := keys[key.Value]; twice {
			at("%s: stands in line %d already", key.Value, before.line)
			continue
		}
		text, err := textOf(value, flag.Value)
		if err != nil {
			at("%s: %w", key.Value, err)
			continue
		}
		keys[key.Value] = fileKey{text: text, line: key.Line}
	}
	return keys, errors.Join(wrong...)
}

// textOf returns a value as a flag with such a value takes it: a text as it is, true
// or false or a number where that is wanted, a sequence of texts, where a list is wanted,
// with commas.
func textOf(n *yaml.Node, as any) (string, error) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.ShortTag() == "!!str" {
		return n.Value, nil
	}
	switch as.(type) {
	case *toggle:
		if n.ShortTag() == "!!bool" {
			return n.Value, nil
		}
		return "", fmt.Errorf("is %s; want true or false", kind(n))
	case *generationID, *number, *size:
		if n.ShortTag() == "!!int" {
			return n.Value, nil
		}
		return "", fmt.Errorf("is %s; want a number", kind(n))
	case *count:
		if n.ShortTag() == "!!int" {
			return n.Value, nil
		}
		return "", fmt.Errorf("is %s; want a number", kind(n))
	case *appNames:
		return listOf(n, "[l2switch]")
	case *listFlag:
		if n.Kind != yaml.SequenceNode {
			return "", fmt.Errorf("is %s; want a text or a list of texts", kind(n))
		}
		return listOf(n, "")
	default:
		return "", fmt.Errorf("is %s; want a text", kind(n))
	}
}

// listOf returns a sequence of texts with commas between them. The error for
// anything else shows the example.
func listOf(n *yaml.Node, example string) (string, error) {
	if n.Kind != yaml.SequenceNode {
		return "", fmt.Errorf("is %s; want a list such as %s", kind(n), example)
	}
	items := make([]string, len(n.Content))
	for i, item := range n.Content {
		text, err := textOf(item, nil)
		if err != nil {
			return "", fmt.Errorf("item %d %w", i+1, err)
		}
		items[i] = text
	}
	return strings.Join(items, ","), nil
}

// kind names what a value is, for people.
func kind(n *yaml.Node) string {
	names := map[string]string{
		"!!str": "a text", "!!int": "a number", "!!float": "a number", "!!bool": "true or false",
		"!!null": "empty", "!!seq": "a list", "!!map": "a mapping", "!!timestamp": "a date",
	}
	if name, ok := names[n.ShortTag()]; ok {
		return name
	}
	return cut(n.ShortTag())
}
