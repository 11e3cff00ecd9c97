package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// addressVariable is the environment variable that holds the address where no
// flag does.
const addressVariable = "SLUICE_ADDR"

const defaultAddress = "127.0.0.1:8653"

// newRoot returns the command with all its verbs.
func newRoot(c *client) *cobra.Command {
	root := &cobra.Command{
		Use:   "sluice",
		Short: "Look at OpenFlow switches and change their flows, through sluiced",
		Long: `sluice looks at the OpenFlow switches that are connected to sluiced, and changes
their flows. Its verbs and its flow syntax are those of ovs-ofctl, for all
switches and OpenFlow versions alike.

SWITCH is a switch's name (what Open vSwitch calls the bridge) or its datapath
identifier. A command that changes something returns when the switch has
confirmed the change, and exits with status 0 only then.`,
		Example: `  sluice switches
  sluice add-flow br0 priority=10,tcp,tp_dst=80,actions=output:2
  sluice dump-flows br0
  sluice -o json dump-ports br0`,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return unknownVerb(cmd, args[0])
		},
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usage(cmd, "%v", err) })
	f := root.PersistentFlags()
	address := os.Getenv(addressVariable)
	if address == "" {
		address = defaultAddress
	}
	f.StringVarP(&c.address, "addr", "a", address, "address of sluiced's gRPC port; also from $"+addressVariable)
	f.StringVarP(&c.output, "output", "o", "text", "output: text, json or yaml")
	f.DurationVar(&c.timeout, "timeout", 10*time.Second, "how long to wait for an answer")
	complete(root, "output", "text", "json", "yaml")
	complete(root, "addr")
	complete(root, "timeout")
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if !slices.Contains([]string{"text", "json", "yaml"}, c.output) {
			return usage(cmd, "output %q: want text, json or yaml", cut(c.output))
		}
		if c.timeout <= 0 {
			return usage(cmd, "timeout %s: want more than 0", c.timeout)
		}
		return nil
	}
	root.AddGroup(&cobra.Group{ID: "look", Title: "Look:"}, &cobra.Group{ID: "change", Title: "Change:"}, &cobra.Group{ID: "state", Title: "Desired state (sluiced --state):"})
	for _, verb := range []*cobra.Command{
		c.switches(), c.show(), c.dumpDesc(), c.dumpPorts(), c.dumpPortsDesc(), c.dumpTables(),
		c.dumpFlows(), c.diffFlows(), c.dumpAggregate(), c.dumpGroups(), c.dumpGroupStats(), c.dumpGroupFeatures(),
		c.dumpMeters(), c.meterStats(), c.meterFeatures(), c.dumpTableFeatures(), c.getFrags(), c.queueGetConfig(), c.queueStats(), c.getRole(), c.getAsync(), c.snoop(),
	} {
		verb.GroupID = "look"
		root.AddCommand(verb)
	}
	for _, verb := range []*cobra.Command{
		c.addFlow(), c.addFlows(), c.modFlows(), c.delFlows(), c.replaceFlows(), c.addGroup(), c.addGroups(), c.modGroup(), c.delGroups(), c.bundle(),
		c.addMeter(), c.modMeter(), c.delMeters(), c.modPort(), c.modTable(), c.setFrags(), c.packetOut(), c.setRole(), c.setAsync(), c.barrier(),
	} {
		verb.GroupID = "change"
		root.AddCommand(verb)
	}
	for _, verb := range []*cobra.Command{
		c.status(), c.owners(), c.history(), c.planVerb(), c.apply(), c.export(), c.rollback(), c.adopt(), c.forgetSettings(), c.forgetSwitch(), c.reconcile(), c.backup(), c.restore(),
	} {
		verb.GroupID = "state"
		root.AddCommand(verb)
	}
	for _, verb := range root.Commands() {
		if slices.Contains(writers, verb.Name()) {
			c.writing.flags(verb)
			if strings.Contains(verb.Name(), "-flow") || strings.Contains(verb.Name(), "-group") { // Open vSwitch takes no meters into one
				c.writing.bundled(verb)
			}
		}
	}
	for _, verb := range root.Commands() {
		if slices.Contains([]string{"mod-port", "mod-table", "set-frags"}, verb.Name()) {
			c.writing.settingFlags(verb)
		}
	}
	root.AddCommand(c.ofpPrint(), c.replay(), c.version())
	root.Version = buildVersion()
	root.SetVersionTemplate("sluice {{.Version}}\n")
	return root
}

// writers are the verbs that change flows, groups and meters one by one.
var writers = []string{
	"add-flow", "add-flows", "mod-flows", "del-flows", "replace-flows", "add-group", "add-groups", "mod-group", "del-groups", "add-meter", "mod-meter", "del-meters", "bundle", "adopt",
}

// complete offers these values of a flag, and no files.
func complete(cmd *cobra.Command, flag string, values ...string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag's name is wrong
	}
}

// usageError is a command line that makes no sense.
type usageError struct {
	command string // its path, such as "sluice add-flow"
	text    string
}

func (e *usageError) Error() string { return e.text }

func usage(cmd *cobra.Command, format string, args ...any) error {
	return &usageError{cmd.CommandPath(), fmt.Sprintf(format, args...)}
}

// maxEcho bounds what an error about the command line repeats of an argument, in
// bytes: more than any verb has.
const maxEcho = 64

// cut shortens an argument that an error repeats to maxEcho bytes, at a rune.
func cut(s string) string {
	if len(s) <= maxEcho {
		return s
	}
	n := maxEcho
	for n > maxEcho-utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// unknownVerb suggests what was perhaps meant. Nothing is near to a verb that is
// longer than maxEcho bytes, whose distance would take long to count.
func unknownVerb(cmd *cobra.Command, verb string) error {
	text := fmt.Sprintf("unknown command %q", cut(verb))
	cmd.SuggestionsMinimumDistance = 2
	if len(verb) > maxEcho {
		return usage(cmd, "%s", text)
	}
	if s := cmd.SuggestionsFor(verb); len(s) > 0 {
		text += "; did you mean " + strings.Join(s, " or ") + "?"
	}
	return usage(cmd, "%s", text)
}

// want checks the number of arguments against their names in the command's Use
// line: those in brackets may be missing.
func want(cmd *cobra.Command, args []string) error {
	names := strings.Fields(cmd.Use)[1:]
	least := 0
	for _, n := range names {
		if !strings.HasPrefix(n, "[") {
			least++
		}
	}
	if len(args) > 0 && args[0] == "" && names[0] == "SWITCH" {
		return usage(cmd, "SWITCH is empty: want a switch's name or datapath identifier")
	}
	switch {
	case len(args) < least:
		return usage(cmd, "%s is missing: want %s", names[len(args)], strings.Join(names, " "))
	case len(args) > len(names):
		return usage(cmd, "%q is too much: want %s (a flow with spaces needs quotes)", cut(args[len(names)]), strings.Join(names, " "))
	}
	return nil
}
