package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

func (c *client) forgetSettings() *cobra.Command {
	return &cobra.Command{
		Use:   "forget-settings SWITCH [KIND] [NAME]",
		Short: "Keep no longer how ports, tables or fragments were set",
		Long: `Takes what mod-port, mod-table and set-frags have set out of what sluiced stores:
all of it, what is of a KIND (port, table or fragments), or of one port or table, by
the NAME that sluice status SWITCH tells. The switch, which need not be connected,
is not told: it stays as it is until it restarts or is set otherwise.`,
		Example:           "  sluice forget-settings br0 port eth1\n  sluice forget-settings br0",
		Args:              want,
		ValidArgsFunction: c.completeWord(1, "port", "table", "fragments"),
		RunE: func(cmd *cobra.Command, args []string) error {
			q := &sluicev1.ForgetSettingsRequest{Switch: args[0]}
			if len(args) > 1 {
				q.Kind = args[1]
			}
			if len(args) > 2 {
				q.Name = args[2]
			}
			return c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
				r, err := sluicev1.NewStateServiceClient(conn).ForgetSettings(ctx, q)
				if err != nil {
					return err
				}
				return c.print(r, func(w io.Writer) { fmt.Fprintf(w, "%d forgotten; revision %d\n", r.GetForgotten(), r.GetRevision()) })
			})
		},
	}
}

func (c *client) forgetSwitch() *cobra.Command {
	return &cobra.Command{
		Use:   "forget SWITCH",
		Short: "Know no more of a switch that never comes back",
		Long: `Takes all about a switch out of what sluiced stores: the flows, groups and meters
that it should have, those that were deleted and that it had not lost yet, how it was
set up, and its name. It is for a switch that never comes back, and is refused while
the switch is connected. If it does come back, nothing is sent to it, and what it has
is foreign (sluice status SWITCH --foreign), as on any switch that is new here.

The history is kept: sluice rollback REVISION makes what the switch should have had
be wanted again.`,
		Example:           "  sluice forget br0\n  sluice forget 000000000000002a",
		Args:              want,
		ValidArgsFunction: c.completeAway,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
				r, err := sluicev1.NewStateServiceClient(conn).ForgetSwitch(ctx, &sluicev1.ForgetSwitchRequest{Switch: args[0]})
				if err != nil {
					return err
				}
				return c.print(r, func(w io.Writer) {
					fmt.Fprintf(w, "%s is forgotten, with %d flows, groups and meters, %d that were yet to go, and %d settings; revision %d\n",
						r.GetDpid(), r.GetItems(), r.GetDeleting(), r.GetSettings(), r.GetRevision())
				})
			})
		},
	}
}

// completeAway offers switches of which something is wanted and that are not connected.
func (c *client) completeAway(cmd *cobra.Command, args []string, _ string) (names []cobra.Completion, _ cobra.ShellCompDirective) {
	const none = cobra.ShellCompDirectiveNoFileComp
	if len(args) > 0 {
		return nil, none
	}
	conn, err := c.dial()
	if err != nil {
		return nil, none
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTimeout)
	defer cancel()
	r, err := sluicev1.NewStateServiceClient(conn).GetState(ctx, &sluicev1.GetStateRequest{})
	if err != nil {
		return nil, none
	}
	for _, s := range r.GetSwitches() {
		if !s.GetConnected() {
			names = append(names, cobra.CompletionWithDesc(s.GetDpid(), printable(s.GetSwitch())))
		}
	}
	return names, none
}
