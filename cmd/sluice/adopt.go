package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

func (c *client) adopt() *cobra.Command {
	var note string
	dry := false
	cmd := &cobra.Command{
		Use:   "adopt SWITCH [FLOW]",
		Short: "Keep what is foreign on a switch, as an owner's",
		Long: `Takes what is foreign on a switch into what it should have, and prints it: all
flows, groups and meters, or, with FLOW, the flows whose match is the same or
closer, restricted by table= and cookie=VALUE/MASK as with dump-flows, and the
foreign groups and meters that they use. The switch is read, and sent nothing.
No flow is taken where the switch speaks too old a version of OpenFlow to tell what
is wanted of it from what is foreign: how many were left out is said.
sluice status SWITCH --foreign shows what is foreign.`,
		Example: `  sluice adopt br0
  sluice adopt --owner legacy br0 table=1,ip
  sluice adopt --dry-run br0 cookie=0x10/-1`,
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
		RunE: func(cmd *cobra.Command, args []string) error {
			q := &sluicev1.AdoptRequest{Switch: args[0], Filter: filter(args[1:]), Owner: c.writing.owner, PlanOnly: dry, Note: note}
			if note == "" {
				q.Note = "adopt"
			}
			err := c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
				r, err := sluicev1.NewStateServiceClient(conn).Adopt(ctx, q)
				if err != nil {
					return err
				}
				return c.print(r, func(w io.Writer) {
					for _, x := range r.GetItems() {
						fmt.Fprintf(w, "%s %s\n", x.GetKind(), printable(oneLine(x.GetText())))
					}
					if n := r.GetUnable(); n > 0 {
						fmt.Fprintf(w, "%d cannot be stored, and stay foreign\n", n)
					}
					if n := r.GetBlurred(); n > 0 {
						fmt.Fprintf(w, "%d left out: the switch speaks an older OpenFlow version, which tells flows in poorer words, and they may be ones that it should have already\n", n)
					}
					if dry {
						fmt.Fprintf(w, "%d would be adopted\n", len(r.GetItems()))
						return
					}
					fmt.Fprintf(w, "%d adopted; revision %d\n", len(r.GetItems()), r.GetRevision())
				})
			})
			return filterFault(err, args[1:])
		},
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "print what would be adopted, and change nothing")
	cmd.Flags().StringVar(&note, "note", "", "why, for the history")
	complete(cmd, "note")
	return cmd
}
