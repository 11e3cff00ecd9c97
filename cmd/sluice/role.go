package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// roleWords are the words of get-role and set-role.
var roleWords = map[string]sluicev1.ControllerRole{
	"equal":  sluicev1.ControllerRole_CONTROLLER_ROLE_EQUAL,
	"master": sluicev1.ControllerRole_CONTROLLER_ROLE_MASTER,
	"slave":  sluicev1.ControllerRole_CONTROLLER_ROLE_SLAVE,
}

func roleWord(r sluicev1.ControllerRole) string {
	for word, is := range roleWords {
		if is == r {
			return word
		}
	}
	return r.String()
}

func (c *client) getRole() *cobra.Command {
	return &cobra.Command{
		Use:   "get-role SWITCH",
		Short: "Ask a switch what this controller's role is",
		Long: `Asks a switch what the role of the sluiced that this command talks to is: equal,
master or slave, and by the election of which generation. OpenFlow 1.0 and 1.1
cannot ask: there it is the role that the switch last gave.`,
		Example:           "  sluice get-role br0\n  sluice -o json get-role br0 | jq -r .state.role",
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
				r, err := sluicev1.NewSwitchServiceClient(conn).GetRole(ctx, &sluicev1.GetRoleRequest{Switch: args[0]})
				if err != nil {
					return err
				}
				return c.print(r, func(w io.Writer) { printRole(w, r.GetState()) })
			})
		},
	}
}

func (c *client) setRole() *cobra.Command {
	var generation string
	words := slices.Sorted(maps.Keys(roleWords))
	cmd := &cobra.Command{
		Use:   "set-role SWITCH ROLE",
		Short: "Make this controller master, slave or equal of a switch",
		Long: `Makes the sluiced that this command talks to master, slave or equal of a switch. A
switch has one master: the one before becomes a slave. A slave reads, but changes
nothing; the writes in flight end before sluiced becomes one.

Each election has a generation id, and a switch refuses one that is older than
the last. Without --generation-id a master takes the next one, so that it is
elected in any case; with it the id is used as it is. OpenFlow 1.0 and 1.1 have
none.

The role is asked for again when the switch comes back, for as long as sluiced
runs; sluiced --role says what it is on switches that it has not met. A master
that was away while another one was elected comes back as slave.`,
		Example:           "  sluice set-role br0 master\n  sluice set-role br0 master --generation-id 7\n  sluice set-role br0 slave",
		Args:              want,
		ValidArgsFunction: c.completeWord(1, words...),
		RunE: func(cmd *cobra.Command, args []string) error {
			role, ok := roleWords[args[1]]
			if !ok {
				return usage(cmd, "%q: want %s", cut(args[1]), strings.Join(words, ", "))
			}
			q := &sluicev1.SetRoleRequest{Switch: args[0], Role: role}
			if cmd.Flags().Changed("generation-id") {
				id, err := strconv.ParseUint(generation, 0, 64)
				if err != nil {
					return usage(cmd, "generation-id %q: want a number, 0 to 18446744073709551614", cut(generation))
				}
				q.GenerationId = &id
			}
			return c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
				r, err := sluicev1.NewSwitchServiceClient(conn).SetRole(ctx, q)
				if err != nil {
					return err
				}
				return c.print(r, func(w io.Writer) { printRole(w, r.GetState()) })
			})
		},
	}
	cmd.Flags().StringVar(&generation, "generation-id", "", "`NUMBER` of the election; else the next one")
	complete(cmd, "generation-id")
	return cmd
}

func printRole(w io.Writer, s *sluicev1.RoleState) {
	fmt.Fprint(w, roleWord(s.GetRole()))
	if s.GenerationId != nil {
		fmt.Fprintf(w, ", generation %d", s.GetGenerationId())
	}
	fmt.Fprintln(w)
}
