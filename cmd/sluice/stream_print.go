package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// printNumbered prints what a switch has of a kind, the first argument of a verb, all
// of it or that whose number is the second one, as numbered reads it.
func printNumbered[R any, T proto.Message](c *client, cmd *cobra.Command, args []string, word string, special map[string]uint32,
	open func(context.Context, *grpc.ClientConn, *uint32) (grpc.ServerStreamingClient[R], error), field string, items func(*R) []T, text func(T) string,
) error {
	id, err := numbered(cmd, args[1:], word, special)
	if err != nil {
		return err
	}
	return c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
		s, err := open(ctx, conn, id)
		if err != nil {
			return err
		}
		return printStream(c, s, field, items, text)
	})
}

// printStream prints the items of a stream as they come: their texts, or as JSON
// or YAML one object whose only field is a list of them. YAML comes at the end.
func printStream[R any, T proto.Message](c *client, s grpc.ServerStreamingClient[R], field string, items func(*R) []T, text func(T) string) error {
	out := bufio.NewWriter(c.out)
	list := &objectList{format: c.output, field: field}
	for {
		r, err := s.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return errors.Join(err, out.Flush())
		}
		for _, item := range items(r) {
			if c.output == "text" {
				printLines(out, text(item))
				continue
			}
			raw, err := protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}.Marshal(item)
			if err != nil {
				return err
			}
			list.add(out, raw)
		}
	}
	if c.output != "text" {
		if err := list.end(out); err != nil {
			return err
		}
	}
	return out.Flush()
}

// printLines prints a text of one or several lines that may hold what a switch
// says.
func printLines(out io.Writer, text string) {
	for line := range strings.Lines(strings.Trim(text, "\n")) {
		fmt.Fprintln(out, printable(strings.TrimRight(line, "\n")))
	}
}

// objectList is an object whose only field is a list, as the verbs answer in JSON
// and YAML. JSON is written as it comes.
type objectList struct {
	format string
	field  string
	begun  bool
	all    bytes.Buffer // of YAML: the JSON to be made YAML of
}

func (l *objectList) to(out io.Writer) io.Writer {
	if l.format == "yaml" {
		return &l.all
	}
	return out
}

// add takes a JSON object.
func (l *objectList) add(out io.Writer, object []byte) {
	sep := ",\n    "
	if !l.begun {
		l.begun, sep = true, "{\n  \""+l.field+"\": [\n    "
	}
	var laid bytes.Buffer
	if err := json.Indent(&laid, bytes.TrimSpace(object), "    ", "  "); err != nil {
		panic(err) // it was just encoded
	}
	_, _ = fmt.Fprint(l.to(out), sep, laid.String()) // Flush tells
}

// end ends the list.
func (l *objectList) end(out io.Writer) error {
	last := "\n  ]\n}\n"
	if !l.begun {
		last = "{\n  \"" + l.field + "\": []\n}\n"
	}
	_, _ = fmt.Fprint(l.to(out), last) // Flush tells
	if l.format != "yaml" {
		return nil
	}
	b, err := toYAML(l.all.Bytes())
	if err == nil {
		_, err = out.Write(b)
	}
	return err
}
