package main

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

func (c *client) owners() *cobra.Command {
	return &cobra.Command{
		Use:   "owners [SWITCH]",
		Short: "List who owns what switches should have",
		Long: `Lists the owners of the flows, groups and meters that switches should have, on all
switches or on one, and the cookie that the flows of each have where their writer
gave them none: the owner's number in its upper 16 bits. MOST is how many flows an
owner may have on one switch (sluiced --owner-flows).`,
		Example:           "  sluice owners\n  sluice dump-flows br0 cookie=0x1a2b000000000000/0xffff000000000000",
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
				q := new(sluicev1.ListOwnersRequest)
				if len(args) > 0 {
					q.Switch = args[0]
				}
				r, err := sluicev1.NewStateServiceClient(conn).ListOwners(ctx, q)
				if err != nil {
					return err
				}
				return c.print(r, func(w io.Writer) {
					rows := [][]string{{"OWNER", "COOKIE", "FLOWS", "GROUPS", "METERS", "MOST"}}
					for _, x := range r.GetOwners() {
						most := "-"
						if x.FlowLimit != nil {
							most = number(x.GetFlowLimit())
						}
						rows = append(rows, []string{
							cmp.Or(x.GetName(), "(default)"), fmt.Sprintf("0x%x", x.GetCookie()), number(x.GetFlows()), number(x.GetGroups()), number(x.GetMeters()), most,
						})
					}
					table(w, rows)
				})
			})
		},
	}
}
