package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// kind is a kind of things that can be changed: flows, groups, meters. C is one
// change.
type kind[C any] struct {
	// verbs are the words that may stand before a text in a file, as in files for
	// ovs-ofctl, and the changes that they mean.
	verbs map[string]func(text string) C
	// send makes changes in one call and returns how many the switch confirmed.
	send func(ctx context.Context, conn *grpc.ClientConn, sw string, how writing, changes []C) (confirmed uint32, err error)
	// answer is what -o json shows of all calls.
	answer func(confirmed uint32) proto.Message
	// look is the verb that shows what there is.
	look string
}

// writing is what the verbs that change flows, groups and meters have in common.
type writing struct {
	owner    string
	level    level
	request  string  // tells a request that is sent again
	revision string  // that is expected, as it was given
	expected *uint64 // revision as a number
	bundle   bool    // all changes go in one call, however many, and are made or not together
}

// flags gives a verb that writes its flags.
func (w *writing) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&w.owner, "owner", "", "whose the outcome is, where sluiced keeps desired state; others cannot change it")
	complete(cmd, "owner")
	w.level.add(cmd)
	w.settingFlags(cmd)
}

// settingFlags gives a verb that sets a switch up its flags.
func (w *writing) settingFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&w.request, "request-id", "", "a text of your choice: sent again with the same one it is not carried out again (with --state)")
	complete(cmd, "request-id")
	cmd.Flags().StringVar(&w.revision, "expected-revision", "", "fail if what the switch should have has changed since (with --state)")
	complete(cmd, "expected-revision")
}

// bundled gives a verb the flag that makes a bundle of what it writes.
func (w *writing) bundled(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&w.bundle, "bundle", false, "as one step that the switch takes whole or not at all; it must have bundles, as Open vSwitch has on OpenFlow 1.3")
}

// source is where a change came from, for error messages.
type source struct {
	line int // counted from 1; 0: not from a file
	text string
}

// maxLine bounds a line of a file with flows, in bytes.
const maxLine = 1 << 20

// changesPerCall bounds what one call carries, far below what sluiced takes.
const changesPerCall = 50_000

// changesPerStep is what a call carries of more than that: then the progress is
// shown after each.
const changesPerStep = 10_000

// fileOrInput opens a file to be read, or standard input where its name is "-".
func (c *client) fileOrInput(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(c.in), nil
	}
	return os.Open(name)
}

// write makes one change, or those on standard input if the text is "-".
func (k *kind[C]) write(c *client, cmd *cobra.Command, sw, verb string, texts []string) error {
	text := ""
	if len(texts) > 0 {
		text = texts[0]
	}
	if text == "-" {
		return k.writeLines(c, cmd, sw, verb, c.in)
	}
	return k.writeChanges(c, cmd, sw, []C{k.verbs[verb](text)}, []source{{text: text}})
}

// writeFile makes the changes that a file holds.
func (k *kind[C]) writeFile(c *client, cmd *cobra.Command, sw, verb, name string) error {
	in, err := c.fileOrInput(name)
	if err != nil {
		return err
	}
	defer in.Close()
	return k.writeLines(c, cmd, sw, verb, in)
}

// writeLines makes the changes that in holds, one a line.
func (k *kind[C]) writeLines(c *client, cmd *cobra.Command, sw, verb string, in io.Reader) error {
	var changes []C
	var sources []source
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	line := 1
	for ; lines.Scan(); line++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		change := k.verbs[verb]
		if word, rest, ok := strings.Cut(text, " "); ok && k.verbs[word] != nil {
			change, text = k.verbs[word], strings.TrimSpace(rest)
		}
		changes = append(changes, change(text))
		sources = append(sources, source{line, text})
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("line %d: %w", line, err)
	}
	return k.writeChanges(c, cmd, sw, changes, sources)
}

// writeChanges sends the changes, in one call if they are at most changesPerCall.
func (k *kind[C]) writeChanges(c *client, cmd *cobra.Command, sw string, changes []C, sources []source) error {
	calls, err := c.writing.calls(cmd)
	if err != nil {
		return err
	}
	total, done := uint32(0), 0
	perCall, told, all := changesPerCall, c.newProgress(), len(changes)
	if len(changes) > changesPerCall {
		perCall = changesPerStep
	}
	if c.writing.bundle {
		perCall = max(len(changes), 1)
	}
	defer told.end()
	for call := 0; call == 0 || len(changes) > 0; call++ {
		n := min(len(changes), perCall)
		items := 0
		if c.writing.bundle { // else a call is no longer than ever
			items = n
		}
		err := c.callFor(cmd, items, func(ctx context.Context, conn *grpc.ClientConn) error {
			confirmed, err := k.send(ctx, conn, sw, calls(call), changes[:n])
			total += confirmed
			return err
		})
		if err != nil {
			return &flowFault{err: err, sources: sources[:n], before: done, after: len(changes) - n, look: k.look, whole: c.writing.bundle}
		}
		done += n
		changes, sources = changes[n:], sources[n:]
		if perCall == changesPerStep {
			told.items(done, all)
		}
	}
	return c.print(k.answer(total), func(io.Writer) {})
}
