package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
	"google.golang.org/grpc"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

const netHelp = `The file is YAML, - is standard input:

  switches:
    br0:                # a name or a datapath identifier
      groups:
        - group_id=1,type=select,bucket=output:1,bucket=output:2
      flows:
        - priority=10,tcp,tp_dst=80,actions=group:1
        - priority: 5
          match: {eth_type: 0x0806}
          actions: [{output: {port_name: FLOOD}}]
      ports: {eth1: [down, no-forward], eth2: up}   # the words of mod-port
      tables: {all: drop, 3: continue}              # of mod-table; OpenFlow 1.1 and 1.2
      fragments: drop                               # of set-frags

Flows, groups and meters are texts as for ovs-ofctl, or have the fields of the API
(those that -o yaml dump-flows shows). They are compared with what the switches
should have, which sluiced keeps (sluiced --state).

How ports, tables and fragments are set is the switch's, and no owner's: any owner's
file may say it. What the file does not say stays set. With --prune a part that is
there (ports, tables or fragments) is whole: what else is set of its kind goes, and
the switch is as it is where nobody has set it (up, flood, miss to the controller,
fragments normal). "ports:" with nothing has all of them go; a part that is not there
is left alone.`

// wishFlags are those that plan and apply have in common.
type wishFlags struct {
	file, owner string
	prune       bool
	how         writing // the revision that is expected, and the request
}

func (f *wishFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.file, "file", "f", "", "the file")
	cmd.Flags().StringVar(&f.owner, "owner", "", "whose the outcome is; others cannot change it")
	cmd.Flags().BoolVar(&f.prune, "prune", false, "remove what the owner has on the file's switches, and the file does not have; of ports, tables and fragments where the file has that part")
	cmd.Flags().StringVar(&f.how.revision, "expected-revision", "", "fail if what one of the file's switches should have has changed since")
	complete(cmd, "owner")
	complete(cmd, "expected-revision")
	if err := cmd.MarkFlagFilename("file", "yaml", "yml"); err != nil {
		panic(err) // the flag's name is wrong
	}
}

// plan reads the file and asks for the plan.
func (c *client) plan(cmd *cobra.Command, f *wishFlags) (*netFile, *sluicev1.PlanResponse, error) {
	if f.file == "" {
		return nil, nil, usage(cmd, "-f is missing: want -f FILE")
	}
	calls, err := f.how.calls(cmd)
	if err != nil {
		return nil, nil, err
	}
	f.how = calls(0)
	file, err := c.readNet(f.file)
	if err != nil {
		return nil, nil, err
	}
	var r *sluicev1.PlanResponse
	err = c.callFor(cmd, file.size(), func(ctx context.Context, conn *grpc.ClientConn) (err error) {
		r, err = sluicev1.NewStateServiceClient(conn).Plan(ctx, &sluicev1.PlanRequest{
			Switches: file.wishes(), Owner: f.owner, Prune: f.prune, ExpectedRevision: f.how.expected, RequestId: f.how.request,
		})
		return err
	})
	if err != nil {
		return nil, nil, &netFault{err, file}
	}
	return file, r, nil
}

func (f *netFile) wishes() []*sluicev1.SwitchWish {
	out := make([]*sluicev1.SwitchWish, len(f.switches))
	for i, s := range f.switches {
		out[i] = s.wish
	}
	return out
}

// size counts what the switches of a file should have.
func (f *netFile) size() (n int) {
	for _, s := range f.switches {
		n += len(s.wish.GetSettings().GetPorts().GetPorts()) + len(s.wish.GetFlows()) + len(s.wish.GetGroups()) + len(s.wish.GetMeters())
	}
	return n
}

func (c *client) planVerb() *cobra.Command {
	var f wishFlags
	cmd := &cobra.Command{
		Use:   "plan -f FILE",
		Short: "Show what apply would change",
		Long: `Shows what apply would change, switch by switch: + for what comes, ~ for what
changes, with both sides, - for what goes. Nothing is changed.

` + netHelp,
		Example: "  sluice plan -f net.yaml\n  sluice plan -f net.yaml --prune",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, r, err := c.plan(cmd, &f)
			if err != nil {
				return err
			}
			return c.print(r, func(w io.Writer) { printPlan(w, r.GetSwitches(), paint(c.out)) })
		},
	}
	f.add(cmd)
	return cmd
}

func (c *client) apply() *cobra.Command {
	var f wishFlags
	var note string
	var yes bool
	var until level
	cmd := &cobra.Command{
		Use:   "apply -f FILE",
		Short: "Have switches have what a file says",
		Long: `Shows what would change, as plan does, asks, and makes the changes: only what
differs is sent, groups and meters before the flows that use them. It returns when
the switches have confirmed all of it. The switches are changed one after the
other; if one fails, or apply is interrupted, those before it are brought back.
What changes between the plan and the answer stops it.

With --request-id a file is safe to apply again when nobody knows what became of the
first time: what was carried out is not carried out again, whoever has changed it
since, and apply returns when the switches have it.

` + netHelp,
		Example: "  sluice apply -f net.yaml\n  sluice apply -f net.yaml --prune --yes\n  sluice export br0 | sluice apply --yes -f -",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			file, planned, err := c.plan(cmd, &f)
			if err != nil {
				return err
			}
			idle := false // what is sent again may change nothing, and not be there yet
			if c.output == "text" {
				idle = !changes(planned.GetSwitches())
				err = c.print(planned, func(w io.Writer) { printPlan(w, planned.GetSwitches(), paint(c.out)) })
				if err != nil || idle && f.how.request == "" {
					return err
				}
			}
			if err := until.reaches(planned.GetSwitches()); err != nil {
				return err
			}
			if err := c.sure(yes || idle, "Apply?"); err != nil {
				return err
			}
			expected := f.how.expected
			if expected == nil {
				expected = &planned.Revision
			}
			var r *sluicev1.ApplyResponse
			added, changed, removed, same := sums(planned.GetSwitches())
			err = c.callFor(cmd, added+changed+removed+int(same), func(ctx context.Context, conn *grpc.ClientConn) (err error) {
				done, err := c.carry(ctx, conn, &sluicev1.FollowRequest{Work: &sluicev1.FollowRequest_Apply{Apply: &sluicev1.ApplyRequest{
					Switches: file.wishes(), Owner: f.owner, Prune: f.prune, ExpectedRevision: expected, Note: cmp.Or(note, "apply "+f.file),
					Level: until.proto(), RequestId: f.how.request,
				}}})
				r = done.GetApply()
				return err
			})
			if err != nil {
				return &netFault{err, file}
			}
			if idle && !changes(r.GetSwitches()) {
				return nil // that was said
			}
			return c.print(r, func(w io.Writer) { printDone(w, r.GetSwitches(), string(until)) })
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	cmd.Flags().StringVar(&note, "note", "", "why, for the history; the file's name where it is not given")
	complete(cmd, "note")
	cmd.Flags().StringVar(&f.how.request, "request-id", "", "a text of your choice: sent again with the same one the file is not carried out again")
	complete(cmd, "request-id")
	until.add(cmd)
	return cmd
}

func (c *client) rollback() *cobra.Command {
	var yes bool
	var until level
	var request string
	cmd := &cobra.Command{
		Use:   "rollback REVISION [SWITCH]",
		Short: "Have switches have what they should have had at a revision",
		Long: `Shows what would change, asks, and has all switches, or one, have what they should
have had at a revision, whoever wrote it (sluice history lists them), and be set up (ports,
tables, fragments) as then. This is a
change like any other, with a revision of its own. The history reaches back 1,000
revisions.`,
		Example:           "  sluice history -n 5\n  sluice rollback 42\n  sluice rollback 42 br0 --yes",
		Args:              want,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			rev, err := strconv.ParseUint(args[0], 10, 64)
			if err != nil {
				return usage(cmd, "%q is no revision: want a number that sluice history shows", cut(args[0]))
			}
			q := &sluicev1.RollbackRequest{Revision: rev, Switches: args[1:], PlanOnly: true}
			var r *sluicev1.RollbackResponse
			ask := func() error {
				added, changed, removed, _ := sums(r.GetSwitches())
				return c.callFor(cmd, added+changed+removed, func(ctx context.Context, conn *grpc.ClientConn) (err error) {
					done, err := c.carry(ctx, conn, &sluicev1.FollowRequest{Work: &sluicev1.FollowRequest_Rollback{Rollback: q}})
					r = done.GetRollback()
					return err
				})
			}
			if err := ask(); err != nil {
				return err
			}
			if c.output == "text" {
				err = c.print(r, func(w io.Writer) { printPlan(w, r.GetSwitches(), paint(c.out)) })
				if err != nil || !changes(r.GetSwitches()) {
					return err
				}
			}
			if err := until.reaches(r.GetSwitches()); err != nil {
				return err
			}
			if err := c.sure(yes, fmt.Sprintf("Go back to revision %d?", rev)); err != nil {
				return err
			}
			q.PlanOnly, q.ExpectedRevision, q.Level, q.RequestId = false, &r.Revision, until.proto(), request
			if err := ask(); err != nil {
				return err
			}
			return c.print(r, func(w io.Writer) { printDone(w, r.GetSwitches(), string(until)) })
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	cmd.Flags().StringVar(&request, "request-id", "", "a text of your choice: sent again with the same one it is not carried out again")
	complete(cmd, "request-id")
	until.add(cmd)
	return cmd
}

func changes(all []*sluicev1.SwitchPlan) bool {
	return slices.ContainsFunc(all, func(s *sluicev1.SwitchPlan) bool { return len(s.GetChanges()) > 0 })
}

// sums counts what a plan adds, changes and removes.
func sums(all []*sluicev1.SwitchPlan) (added, changed, removed int, same uint32) {
	for _, s := range all {
		same += s.GetSame()
		for _, x := range s.GetChanges() {
			switch {
			case x.GetBefore() == "":
				added++
			case x.GetAfter() == "":
				removed++
			default:
				changed++
			}
		}
	}
	return added, changed, removed, same
}

// printPlan shows what changes, and a line that sums it up.
func printPlan(w io.Writer, all []*sluicev1.SwitchPlan, paint func(sign byte, line string) string) {
	line := func(sign byte, format string, args ...any) {
		fmt.Fprintln(w, paint(sign, printable(fmt.Sprintf(format, args...))))
	}
	for _, s := range all {
		if len(s.GetChanges()) == 0 {
			continue
		}
		away := ""
		if s.GetAway() {
			away = " (away)"
		}
		fmt.Fprintf(w, "%s%s\n", printable(s.GetSwitch()), away)
		for _, x := range s.GetChanges() {
			before, after := oneLine(x.GetBefore()), oneLine(x.GetAfter())
			switch {
			case before == "":
				line('+', "  + %s %s", x.GetKind(), after)
			case after == "":
				line('-', "  - %s %s", x.GetKind(), before)
			default:
				line('~', "  ~ %s %s", x.GetKind(), before)
				line('~', "    %*s %s", len(x.GetKind()), "to", after)
			}
		}
	}
	added, changed, removed, same := sums(all)
	if len(all) == 0 { // a rollback names no switches that are as they were
		fmt.Fprintln(w, "nothing to do")
		return
	}
	if added+changed+removed == 0 {
		fmt.Fprintf(w, "nothing to do: %d as they should be\n", same)
		return
	}
	fmt.Fprintf(w, "plan: %d to add, %d to change, %d to remove; %d as they should be\n", added, changed, removed, same)
}

// reaches fails if a plan is about switches that are away, which can be carried out
// with the level stored alone: sluiced would refuse the whole.
func (l level) reaches(all []*sluicev1.SwitchPlan) error {
	if l == "stored" {
		return nil
	}
	var away []string
	for _, s := range all {
		if s.GetAway() {
			away = append(away, printable(cmp.Or(s.GetSwitch(), s.GetDpid())))
		}
	}
	if len(away) == 0 {
		return nil
	}
	const few = 5
	more := ""
	if n := len(away) - few; n > 0 {
		away, more = away[:few], fmt.Sprintf(" and %d more", n)
	}
	return fmt.Errorf("not connected: %s%s; nothing was changed\n  with --level stored they are changed when they are back, and the others right away; or name only switches that are connected", strings.Join(away, ", "), more)
}

// oneLine joins the lines of a text.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func printDone(w io.Writer, all []*sluicev1.SwitchPlan, level string) {
	for _, s := range all {
		added, changed, removed, _ := sums([]*sluicev1.SwitchPlan{s})
		if added+changed+removed == 0 {
			fmt.Fprintf(w, "%s: nothing to do\n", printable(s.GetSwitch()))
			continue
		}
		fmt.Fprintf(w, "%s: %d added, %d changed, %d removed, %s; revision %d\n", printable(s.GetSwitch()), added, changed, removed, level, s.GetRevision())
	}
}

func (c *client) export() *cobra.Command {
	var owner string
	cmd := &cobra.Command{
		Use:   "export [SWITCH...]",
		Short: "Print what switches should have, as a file for apply",
		Long: `Prints what switches should have, all of them or those named, as a file that apply
takes: applied again it changes nothing. It has what one owner wants, by default
the one without a name, and with that how ports, tables and fragments were set.
A cookie that OpenFlow reserves (0xffffffffffffffff, of an old store) is left out:
apply gives the flow another.`,
		Example: "  sluice export >net.yaml\n  sluice export br0 br1",
		Args:    cobra.ArbitraryArgs,
		ValidArgsFunction: func(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return c.switchNames(cmd), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			list := &yaml.Node{Kind: yaml.MappingNode}
			err := c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
				api := sluicev1.NewStateServiceClient(conn)
				names, err := c.stateSwitches(ctx, api, args)
				if err != nil {
					return err
				}
				for _, s := range names {
					items, err := c.stateItems(ctx, api, s.GetDpid())
					if err != nil {
						return err
					}
					items = slices.DeleteFunc(items, func(x *sluicev1.StateItem) bool { return x.GetOwner() != owner })
					if len(items) == 0 && len(args) == 0 {
						continue
					}
					list.Content = append(list.Content, text(cmp.Or(s.GetSwitch(), s.GetDpid())), exported(items))
				}
				return nil
			})
			if err != nil {
				return err
			}
			top := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{text("switches"), list}}
			if c.output == "json" {
				return c.exportJSON(top)
			}
			e := yaml.NewEncoder(c.out)
			e.SetIndent(2)
			if err := e.Encode(top); err != nil {
				return err
			}
			return e.Close()
		},
	}
	cmd.Flags().StringVar(&owner, "owner", "", "whose")
	complete(cmd, "owner")
	return cmd
}

// exportJSON prints an export as JSON, which is YAML too.
func (c *client) exportJSON(top *yaml.Node) error {
	for _, sw := range top.Content[1].Content {
		for _, part := range sw.Content {
			for i := 0; part.Kind == yaml.MappingNode && i < len(part.Content); i += 2 {
				part.Content[i].Tag = "!!str" // JSON has no other keys
			}
		}
	}
	var v any
	if err := top.Decode(&v); err != nil {
		return err
	}
	b, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		_, err = fmt.Fprintf(c.out, "%s\n", b)
	}
	return err
}

// stateSwitches returns those named, or all of which something is wanted.
func (c *client) stateSwitches(ctx context.Context, api sluicev1.StateServiceClient, names []string) ([]*sluicev1.SwitchState, error) {
	if len(names) == 0 {
		names = []string{""} // all
	}
	var all []*sluicev1.SwitchState
	for _, name := range names {
		r, err := api.GetState(ctx, &sluicev1.GetStateRequest{Switch: name})
		if err != nil {
			return nil, err
		}
		all = append(all, r.GetSwitches()...)
	}
	return all, nil
}

func text(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }

// unreserved returns the text of a flow without the cookie that OpenFlow reserves
// (section 7.3.4.2 of OpenFlow 1.3.5), which apply refuses. Stores may have it from
// when that was taken.
func unreserved(flow string) string {
	if rest, ok := strings.CutPrefix(flow, "cookie=0xffffffffffffffff"); ok && (strings.HasPrefix(rest, ",") || strings.HasPrefix(rest, " ")) {
		return rest[1:]
	}
	return flow
}

// exported is what a file says of a switch.
func exported(items []*sluicev1.StateItem) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, kind := range []string{"meter", "group", "flow"} {
		list := &yaml.Node{Kind: yaml.SequenceNode}
		for _, x := range items {
			if x.GetKind() == kind {
				list.Content = append(list.Content, text(unreserved(oneLine(x.GetText()))))
			}
		}
		if len(list.Content) > 0 {
			n.Content = append(n.Content, text(kind+"s"), list)
		}
	}
	exportedSettings(n, items)
	return n
}
