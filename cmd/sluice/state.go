package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

func (c *client) status() *cobra.Command {
	foreign := false
	cmd := &cobra.Command{
		Use:   "status [SWITCH]",
		Short: "Tell how switches stand against what they should have",
		Long: `Tells how switches stand against what they should have: the flows without
timeouts, the groups and the meters that were written through Sluice, which
sluiced keeps (sluiced --state DIR) and brings them back to.

Without SWITCH a line for each switch. With it, each flow, group and meter that
the switch has not confirmed, or refuses, and why, and how its ports, tables and
fragments were set. A switch that is not connected has the name of its last
connection, or its datapath identifier. --foreign reads the switch and prints what
is foreign: what nobody wrote through Sluice, but for flows with timeouts and those
of the apps in sluiced.

DELETING counts what was deleted while the switch was away: it is remembered until
the switch is back and has lost it; sluice forget SWITCH is for one that never comes
back. A switch of which this controller is a slave (sluice set-role) is not compared: it may not be
changed, and what is told of it is as old as CHECKED says.`,
		Example:           "  sluice status\n  sluice status br0\n  sluice status br0 --foreign",
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
		RunE: func(cmd *cobra.Command, args []string) error {
			if foreign && len(args) == 0 {
				return usage(cmd, "--foreign is about one switch: name it")
			}
			return c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
				api := sluicev1.NewStateServiceClient(conn)
				q := &sluicev1.GetStateRequest{}
				if len(args) > 0 {
					q.Switch = args[0]
				}
				r, err := api.GetState(ctx, q)
				if err != nil {
					return err
				}
				if len(args) == 0 {
					return c.print(r, func(w io.Writer) { printState(w, r) })
				}
				condition := sluicev1.StateCondition_STATE_CONDITION_UNSPECIFIED
				if foreign {
					condition = sluicev1.StateCondition_STATE_CONDITION_FOREIGN
				}
				items, err := c.stateItemsThatAre(ctx, api, r.GetSwitches()[0].GetDpid(), condition)
				if err != nil {
					return err
				}
				if c.output != "text" {
					return c.printFields(r, &sluicev1.ListStateResponse{Items: items})
				}
				return c.print(r, func(w io.Writer) {
					printState(w, r)
					for _, x := range items {
						if isSetting(x) {
							fmt.Fprintf(w, "%s: set %s %s%s\n", conditionWord(x.GetCondition()), x.GetKind(), printable(x.GetText()), because(x.GetWhy()))
							continue
						}
						if x.GetCondition() != sluicev1.StateCondition_STATE_CONDITION_INSTALLED {
							fmt.Fprintf(w, "%s%s: %s %s%s\n", conditionWord(x.GetCondition()), sinceWhen(x), x.GetKind(), printable(oneLine(x.GetText())), because(x.GetWhy()))
						}
					}
				})
			})
		},
	}
	cmd.Flags().BoolVar(&foreign, "foreign", false, "print what is foreign on SWITCH, instead")
	return cmd
}

// sinceWhen is when the condition began, where that is known.
func sinceWhen(x *sluicev1.StateItem) string {
	if x.GetSince() == nil {
		return ""
	}
	return " since " + x.GetSince().AsTime().Local().Format(time.DateTime)
}

func (c *client) stateItems(ctx context.Context, api sluicev1.StateServiceClient, dpid string) ([]*sluicev1.StateItem, error) {
	return c.stateItemsThatAre(ctx, api, dpid, sluicev1.StateCondition_STATE_CONDITION_UNSPECIFIED)
}

// stateItemsThatAre are those of a condition, or all that are wanted.
func (c *client) stateItemsThatAre(ctx context.Context, api sluicev1.StateServiceClient, dpid string, condition sluicev1.StateCondition) (all []*sluicev1.StateItem, _ error) {
	stream, err := api.ListState(ctx, &sluicev1.ListStateRequest{Switch: dpid, Condition: condition})
	if err != nil {
		return nil, err
	}
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, part.GetItems()...)
	}
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return ": " + printable(why)
}

// conditionWord is the condition in a word, such as "pending".
func conditionWord(s sluicev1.StateCondition) string {
	return strings.ToLower(strings.TrimPrefix(s.String(), "STATE_CONDITION_"))
}

// isSetting reports whether an item is how the switch was set up.
func isSetting(x *sluicev1.StateItem) bool {
	return x.GetKind() == "port" || x.GetKind() == "table" || x.GetKind() == "fragments"
}

// nameOrAway is the name of a switch, and whether it is away.
func nameOrAway(s *sluicev1.SwitchState) string {
	switch {
	case isSlave(s):
		return s.GetSwitch() + " (slave)"
	case s.GetConnected():
		return s.GetSwitch()
	case s.GetSwitch() == "":
		return "(not connected)"
	}
	return s.GetSwitch() + " (away)"
}

func isSlave(s *sluicev1.SwitchState) bool {
	return s.GetRole() == sluicev1.ControllerRole_CONTROLLER_ROLE_SLAVE
}

// slaveLine says what it means that sluiced is a slave of a switch, if it is.
func slaveLine(s *sluicev1.SwitchState) string {
	if !isSlave(s) {
		return ""
	}
	since, why := "", "by set-role or --role, or another was elected before it came"
	if s.GetRoleSince() != nil {
		since = " since " + s.GetRoleSince().AsTime().Local().Format(time.DateTime)
	}
	if s.GetRoleTaken() {
		why = "another controller has become the master"
	}
	name := printable(cmp.Or(s.GetSwitch(), s.GetDpid()))
	return fmt.Sprintf("%s: this controller is slave%s (%s): it does not compare the switch, and holds nothing true there; what is told above is what it knew last; sluice set-role %s master has it be the master\n", name, since, why, name)
}

func printState(w io.Writer, r *sluicev1.GetStateResponse) {
	slaves := ""
	rows := [][]string{{"SWITCH", "DPID", "INSTALLED", "PENDING", "DEGRADED", "DELETING", "FOREIGN", "CHECKED"}}
	for _, s := range r.GetSwitches() {
		checked := "never"
		if s.GetChecked() != nil {
			checked = s.GetChecked().AsTime().Local().Format(time.DateTime)
		}
		if s.GetFault() != "" {
			checked += " (failed: " + s.GetFault() + ")"
		}
		slaves += slaveLine(s)
		rows = append(rows, []string{
			nameOrAway(s), s.GetDpid(), number(s.GetInstalled()), number(s.GetPending()), number(s.GetDegraded()),
			number(s.GetDeleting()), number(s.GetForeign()), checked,
		})
	}
	table(w, rows)
	fmt.Fprint(w, slaves)
	fmt.Fprintf(w, "revision %d\n", r.GetRevision())
	if r.GetStoreFault() != "" {
		since := r.GetStoreFaultSince().AsTime().Local().Format(time.DateTime)
		fmt.Fprintf(w, "the store cannot be written since %s: %s; nothing new is acknowledged\n", since, printable(r.GetStoreFault()))
	}
}

func (c *client) reconcile() *cobra.Command {
	return &cobra.Command{
		Use:   "reconcile SWITCH",
		Short: "Compare a switch with what it should have, and send the difference",
		Long: `Compares a switch with what it should have, now, and sends the difference. sluiced
does so by itself whenever a switch connects, and from time to time.`,
		Example:           "  sluice reconcile br0",
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
				done, err := c.carry(ctx, conn, &sluicev1.FollowRequest{Work: &sluicev1.FollowRequest_Reconcile{Reconcile: &sluicev1.ReconcileRequest{Switch: args[0]}}})
				if err != nil {
					return err
				}
				r := done.GetReconcile()
				err = c.print(r, func(w io.Writer) {
					fmt.Fprintf(w, "%d as they should be, %s sent and confirmed, %d refused, %d cannot be had; %d foreign are left alone",
						r.GetSame(), messages(r.GetChanged()), r.GetRefused(), r.GetUnable(), r.GetForeign())
					if n := r.GetRemoved(); n > 0 {
						fmt.Fprintf(w, ", %d removed", n)
					}
					if n := r.GetAdopted(); n > 0 {
						fmt.Fprintf(w, ", %d adopted", n)
					}
					fmt.Fprintln(w)
				})
				if err == nil && r.GetRefused()+r.GetUnable() > 0 {
					return fmt.Errorf("%s cannot have all that it should; sluice status %s tells what and why", args[0], args[0])
				}
				return err
			})
		},
	}
}

func messages(n uint32) string {
	if n == 1 {
		return "1 message"
	}
	return fmt.Sprintf("%d messages", n)
}

func (c *client) history() *cobra.Command {
	var limit uint32
	var follow bool
	var after uint64
	cmd := &cobra.Command{
		Use:   "history",
		Short: "List what was changed through Sluice, the latest first",
		Long: `Lists what was changed through Sluice, the latest first.

With --follow it shows each change with what it did, as it comes, until it is
interrupted; with --after also those since a revision, as far as the history
reaches back.`,
		Example:           "  sluice history\n  sluice history -n 5\n  sluice history --follow --after 42",
		Args:              want,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case follow && cmd.Flags().Changed("after"):
				return c.follow(cmd, &after)
			case follow:
				return c.follow(cmd, nil)
			case cmd.Flags().Changed("after"):
				return usage(cmd, "after: it goes with --follow")
			}
			return c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
				r, err := sluicev1.NewStateServiceClient(conn).ListHistory(ctx, &sluicev1.ListHistoryRequest{Limit: limit})
				if err != nil {
					return err
				}
				return c.print(r, func(w io.Writer) {
					rows := [][]string{{"REVISION", "TIME", "AUTHOR", "DPID", "ADDED", "CHANGED", "REMOVED", "NOTE"}}
					for _, x := range r.GetChanges() {
						rows = append(rows, []string{
							fmt.Sprint(x.GetRevision()), x.GetTime().AsTime().Local().Format(time.DateTime), cmp.Or(x.GetAuthor(), "-"), orDash(x.GetDpids()),
							number(x.GetAdded()), number(x.GetChanged()), number(x.GetRemoved()), cmp.Or(x.GetNote(), "-"),
						})
					}
					table(w, rows)
				})
			})
		},
	}
	cmd.Flags().Uint32VarP(&limit, "limit", "n", 20, "how many changes")
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on with the changes that come, with what each did")
	cmd.Flags().Uint64Var(&after, "after", 0, "with --follow, begin after this `revision`")
	complete(cmd, "limit")
	complete(cmd, "after")
	return cmd
}

func (c *client) backup() *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy what sluiced stores into a file, while it runs",
		Long: `Copies what sluiced stores into a file, while it runs. A file of that name is
replaced, once the copy is whole. sluice restore has again what
it holds. Where sluiced does not run, put the file in the place of state.db in its
--state directory, and start it.`,
		Example: "  sluice backup sluice-state.backup",
		Args:    want,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
				stream, err := sluicev1.NewStateServiceClient(conn).Backup(ctx, &sluicev1.BackupRequest{})
				if err != nil {
					return err
				}
				return wholeFile(args[0], func(w io.Writer) error {
					for {
						part, err := stream.Recv()
						if errors.Is(err, io.EOF) {
							return nil
						}
						if err != nil {
							return err
						}
						if _, err := w.Write(part.GetData()); err != nil {
							return err
						}
					}
				})
			})
		},
	}
}

// wholeFile makes a file of what fill writes, which appears under its name only
// when it is whole and on the disk. A device or a pipe of that name stays, and is
// written to.
func wholeFile(name string, fill func(io.Writer) error) (err error) {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(fill(f), f.Close())
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".sluice-*")
	if err != nil {
		if fault := (*os.PathError)(nil); errors.As(err, &fault) {
			err = fault.Err // the name is nobody's business
		}
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer func() {
		f.Close()
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if err := fill(f); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
