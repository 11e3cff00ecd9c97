package main

import (
	"bufio"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// bundles are the kind of a bundle's changes.
var bundles = &kind[*sluicev1.BundleChange]{
	look: "dump-flows",
	send: func(ctx context.Context, conn *grpc.ClientConn, sw string, how writing, changes []*sluicev1.BundleChange) (uint32, error) {
		r, err := sluicev1.NewBundleServiceClient(conn).WriteBundle(ctx, &sluicev1.WriteBundleRequest{
			Switch: sw, Changes: changes, Owner: how.owner, Level: how.level.proto(), RequestId: how.request, ExpectedRevision: how.expected,
		})
		return r.GetConfirmed(), err
	},
	answer: func(n uint32) proto.Message { return &sluicev1.WriteBundleResponse{Confirmed: n} },
}

func (c *client) bundle() *cobra.Command {
	return &cobra.Command{
		Use:   "bundle SWITCH FILE",
		Short: "Have a switch take the changes in a file as one step",
		Long: `Has a switch take the changes in a file in their order as one step, whole or not
at all; - is standard input. The switch must have bundles, as Open vSwitch has on
OpenFlow 1.3. Each line is one change, in the syntax of ovs-ofctl bundle:

  flow [add|modify|modify_strict|delete|delete_strict] FLOW
  group [add|modify|add_or_mod|delete] GROUP
  packet-out PACKET

Without such a word it is added. Blank lines and what follows a # are skipped.`,
		Example: `  sluice bundle br0 changes.txt
  echo 'flow delete table=1' | sluice bundle br0 -`,
		Args:              want,
		ValidArgsFunction: c.completeSwitchAndFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := c.fileOrInput(args[1])
			if err != nil {
				return err
			}
			defer in.Close()
			var changes []*sluicev1.BundleChange
			var sources []source
			lines := bufio.NewScanner(in)
			lines.Buffer(nil, maxLine)
			n := 1
			for ; lines.Scan(); n++ {
				text, _, _ := strings.Cut(lines.Text(), "#")
				if text = strings.TrimSpace(text); text == "" {
					continue
				}
				change, rest, err := bundleLine(text)
				if err != nil {
					return fmt.Errorf("line %d: %w", n, err)
				}
				changes, sources = append(changes, change), append(sources, source{n, rest})
			}
			if err := lines.Err(); err != nil {
				return fmt.Errorf("line %d: %w", n, err)
			}
			c.writing.bundle = true
			return bundles.writeChanges(c, cmd, args[0], changes, sources)
		},
	}
}

// bundleLine reads one line of a bundle's file, and returns the text that its
// change is made of, too.
func bundleLine(line string) (change *sluicev1.BundleChange, text string, err error) {
	what, text := firstWord(line)
	switch what {
	case "flow":
		how, text, err := verbed(flows.verbs, text)
		if err != nil {
			return nil, "", err
		}
		return &sluicev1.BundleChange{Change: &sluicev1.BundleChange_Flow{Flow: how(text)}}, text, nil
	case "group":
		how, text, err := verbed(groups.verbs, text)
		if err != nil {
			return nil, "", err
		}
		return &sluicev1.BundleChange{Change: &sluicev1.BundleChange_Group{Group: how(text)}}, text, nil
	case "packet-out":
		p := &sluicev1.PacketSpec{Form: &sluicev1.PacketSpec_Text{Text: text}}
		return &sluicev1.BundleChange{Change: &sluicev1.BundleChange_PacketOut{PacketOut: p}}, text, nil
	}
	return nil, "", fmt.Errorf("%q: want flow, group or packet-out", what)
}

// tooNew are the group commands of OpenFlow 1.5.
var tooNew = []string{"insert_bucket", "remove_bucket"}

// verbed returns what the first word of the text does, or what adds, and the text
// without that word.
func verbed[C any](verbs map[string]func(string) C, text string) (how func(string) C, rest string, _ error) {
	word, rest := firstWord(text)
	if slices.Contains(tooNew, word) {
		return nil, "", fmt.Errorf("%s: needs OpenFlow 1.5; want add, modify, add_or_mod or delete", word)
	}
	if f := verbs[word]; f != nil {
		return f, rest, nil
	}
	return verbs["add"], text, nil
}

func firstWord(s string) (word, rest string) {
	s = strings.TrimSpace(s)
	if i := strings.IndexAny(s, " \t"); i >= 0 {
		return s[:i], strings.TrimSpace(s[i:])
	}
	return s, ""
}
