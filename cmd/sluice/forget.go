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
