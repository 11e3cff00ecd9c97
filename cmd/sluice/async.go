package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

func (c *client) getAsync() *cobra.Command {
	return &cobra.Command{
		Use:   "get-async SWITCH",
		Short: "Print what a switch sends of its own accord",
		Long: `Prints for which reasons a switch sends packets, port status and flow-removed
messages to this controller: first while it is master or equal, then while it is
slave. What it prints can be given to set-async. OpenFlow 1.0 to 1.2 cannot ask:
there it is what was set since the switch connected.`,
		Example:           "  sluice get-async br0\n  sluice set-async br1 $(sluice get-async br0)",
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
				r, err := sluicev1.NewSwitchServiceClient(conn).GetAsync(ctx, &sluicev1.GetAsyncRequest{Switch: args[0]})
				if err != nil {
					return err
				}
				return c.print(r, func(w io.Writer) { printAsync(w, r.GetConfig()) })
			})
		},
	}
}

func (c *client) setAsync() *cobra.Command {
	var defaults bool
	cmd := &cobra.Command{
		Use:   "set-async SWITCH [slave:]KIND=REASONS...",
		Short: "Choose what a switch sends of its own accord",
		Long: `Chooses for which reasons a switch sends messages to this controller of its own
accord, and prints what it has then. KIND and its REASONS, with + between them, are

  packet-in      no_match, action, invalid_ttl
  port-status    add, delete, modify
  flow-removed   idle, hard, delete, group_delete

or all, or none. Without slave: it is about a controller that is master or equal.
What is not named stays as it is. Without port-status, sluiced does not see ports
come and go until it is on again; without packet-in, the apps get no packets.

It is set again when the switch comes back, for as long as sluiced runs; sluiced
--async says it for switches that nothing was set for, and --default goes back to
that. In OpenFlow 1.0 to 1.2 only Open vSwitch can choose.`,
		Example:           "  sluice set-async br0 flow-removed=none\n  sluice set-async br0 packet-in=no_match+action slave:port-status=none\n  sluice set-async br0 --default",
		ValidArgsFunction: c.completeAsync,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 || args[0] == "" {
				return usage(cmd, "SWITCH is missing: want SWITCH [slave:]KIND=REASONS...")
			}
			if len(args) == 1 && !defaults {
				return usage(cmd, "KIND=REASONS is missing: want such as packet-in=no_match+action, or --default")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			change, err := asyncChange(args[1:])
			if err != nil {
				return usage(cmd, "%v", err)
			}
			return c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
				r, err := sluicev1.NewSwitchServiceClient(conn).SetAsync(ctx, &sluicev1.SetAsyncRequest{Switch: args[0], Change: change, Defaults: defaults})
				if err != nil {
					return err
				}
				return c.print(r, func(w io.Writer) { printAsync(w, r.GetConfig()) })
			})
		},
	}
	cmd.Flags().BoolVar(&defaults, "default", false, "go back to what sluiced is set to, or to OpenFlow's defaults, and change that")
	return cmd
}

// completeAsync offers switches, and then the kinds.
func (c *client) completeAsync(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return c.completeSwitch(cmd, args, begun)
	}
	var words []cobra.Completion
	for _, role := range []string{"", "slave:"} {
		for _, kind := range ofp.AsyncKinds {
			words = append(words, role+kind+"=")
		}
	}
	return words, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// asyncChange reads words as ofp.ChangeAsync does, and tells what they name.
func asyncChange(words []string) (*sluicev1.AsyncConfig, error) {
	text := strings.Join(words, " ")
	// What comes out the same of masks with no bit and with all of them is named.
	var none ofp.AsyncMasks
	all := none
	for kind := range ofp.AsyncKinds {
		*all.Mask(ofp.AsyncMessage(kind)) = [2]uint32{^uint32(0), ^uint32(0)}
	}
	if err := ofp.ChangeAsync(&none, text); err != nil {
		return nil, err
	}
	if err := ofp.ChangeAsync(&all, text); err != nil {
		return nil, err
	}
	of := func(who int) *sluicev1.AsyncMasks {
		list := func(kind ofp.AsyncMessage) *sluicev1.AsyncReasons {
			mask := none.Mask(kind)[who]
			if mask != all.Mask(kind)[who] {
				return nil
			}
			return &sluicev1.AsyncReasons{Reasons: ofp.AsyncReasons(kind, mask)}
		}
		return &sluicev1.AsyncMasks{PacketIn: list(ofp.AsyncPacketIn), PortStatus: list(ofp.AsyncPortStatus), FlowRemoved: list(ofp.AsyncFlowRemoved)}
	}
	return &sluicev1.AsyncConfig{Master: of(0), Slave: of(1)}, nil
}

// printAsync prints what a switch sends, a line a kind and role.
func printAsync(w io.Writer, c *sluicev1.AsyncConfig) {
	for _, role := range []struct {
		prefix string
		masks  *sluicev1.AsyncMasks
	}{{"", c.GetMaster()}, {"slave:", c.GetSlave()}} {
		lists := []*sluicev1.AsyncReasons{role.masks.GetPacketIn(), role.masks.GetPortStatus(), role.masks.GetFlowRemoved()}
		for kind, list := range lists {
			reasons := strings.Join(list.GetReasons(), "+")
			if reasons == "" {
				reasons = "none"
			}
			fmt.Fprintf(w, "%s%s=%s\n", role.prefix, ofp.AsyncKinds[kind], printable(reasons))
		}
	}
}
