package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// print shows an answer: as JSON or YAML with the field names of the .proto
// files, or with text.
func (c *client) print(m proto.Message, text func(w io.Writer)) error {
	if c.output != "text" {
		return c.printFields(m)
	}
	var b bytes.Buffer
	text(&b)
	_, err := c.out.Write(b.Bytes())
	return err
}

// printFields shows the fields of several answers as one object, in JSON or
// YAML.
func (c *client) printFields(ms ...proto.Message) error {
	var raw []byte
	for _, m := range ms {
		b, err := protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}.Marshal(m)
		if err != nil {
			return err
		}
		switch {
		case raw == nil:
			raw = b
		case len(b) > len("{}"):
			raw = append(append(raw[:len(raw)-1], ','), b[1:]...)
		}
	}
	return c.printJSON(raw)
}

// printJSON lays a JSON text out, as JSON or as YAML.
func (c *client) printJSON(raw []byte) error {
	// protojson leaves its white space to chance on purpose: it is laid out anew.
	var laid bytes.Buffer
	err := json.Indent(&laid, raw, "", "  ")
	if err != nil {
		return err
	}
	b := laid.Bytes()
	if c.output == "yaml" {
		if b, err = toYAML(b); err != nil {
			return err
		}
		_, err = c.out.Write(b)
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s\n", b)
	return err
}

// toYAML keeps the order of the fields.
func toYAML(data []byte) ([]byte, error) {
	var n yaml.Node
	if err := yaml.Unmarshal(data, &n); err != nil {
		return nil, err
	}
	blockStyle(&n)
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(&n); err != nil {
		return nil, err
	}
	return b.Bytes(), e.Close()
}

// blockStyle lays out what JSON wrote in one line; empty lists and maps stay.
func blockStyle(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		if n.Tag != "!!str" || !ambiguous(n.Value) {
			n.Style = 0
		}
	} else if len(n.Content) > 0 {
		n.Style = 0
	}
	for _, x := range n.Content {
		blockStyle(x)
	}
}

// ambiguous reports whether a string needs its quotes to stay one.
func ambiguous(s string) bool {
	var v any
	if err := yaml.Unmarshal([]byte(s), &v); err != nil {
		return true
	}
	text, ok := v.(string)
	return !ok || text != s
}

// printable writes what is not printable in s as Go does in a string, such as
// \x1b: what a switch calls itself and its ports is for people to read, not for
// their terminal to obey. Everything that is printed as text and comes from
// elsewhere goes through it; JSON and YAML have escapes of their own.
func printable(s string) string {
	odd := func(r rune) bool { return !strconv.IsPrint(r) }
	if utf8.ValidString(s) && !strings.ContainsFunc(s, odd) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 || odd(r) {
			quoted := strconv.Quote(s[:n])
			b.WriteString(quoted[1 : len(quoted)-1])
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

// table prints rows in columns; the first row is the heading.
func table(w io.Writer, rows [][]string) {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, r := range rows {
		for i, cell := range r {
			if i > 0 {
				fmt.Fprint(t, "\t")
			}
			fmt.Fprint(t, printable(cell))
		}
		fmt.Fprintln(t)
	}
	_ = t.Flush() // into memory
}

// count shows a counter that may not be there.
func count(n *uint64) string {
	if n == nil {
		return "-"
	}
	return strconv.FormatUint(*n, 10)
}

func number[T uint32 | int](n T) string { return fmt.Sprint(n) }

// portNumber shows LOCAL by its name.
func portNumber(n uint32) string {
	const local = 0xfffffffe
	if n == local {
		return "LOCAL"
	}
	return number(n)
}

// orDash shows a list, or a dash for none.
func orDash(list []string) string {
	if len(list) == 0 {
		return "-"
	}
	return strings.Join(list, ",")
}
