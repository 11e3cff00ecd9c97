package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// flows are the kind of the flow verbs.
var flows = &kind[*sluicev1.FlowChange]{
	look: "dump-flows",
	send: func(ctx context.Context, conn *grpc.ClientConn, sw string, how writing, changes []*sluicev1.FlowChange) (uint32, error) {
		r, err := sluicev1.NewFlowServiceClient(conn).WriteFlows(ctx, &sluicev1.WriteFlowsRequest{
			Switch: sw, Changes: changes, Owner: how.owner, Level: how.level.proto(), RequestId: how.request, ExpectedRevision: how.expected, Bundle: how.bundle,
		})
		return r.GetConfirmed(), err
	},
	answer: func(n uint32) proto.Message { return &sluicev1.WriteFlowsResponse{Confirmed: n} },
	verbs: map[string]func(string) *sluicev1.FlowChange{
		"add": func(s string) *sluicev1.FlowChange {
			return &sluicev1.FlowChange{Change: &sluicev1.FlowChange_Add{Add: flowText(s)}}
		},
		"modify": func(s string) *sluicev1.FlowChange {
			return &sluicev1.FlowChange{Change: &sluicev1.FlowChange_Modify{Modify: flowText(s)}}
		},
		"modify_strict": func(s string) *sluicev1.FlowChange {
			return &sluicev1.FlowChange{Change: &sluicev1.FlowChange_ModifyStrict{ModifyStrict: flowText(s)}}
		},
		"delete": func(s string) *sluicev1.FlowChange {
			return &sluicev1.FlowChange{Change: &sluicev1.FlowChange_Delete{Delete: flowText(s)}}
		},
		"delete_strict": func(s string) *sluicev1.FlowChange {
			return &sluicev1.FlowChange{Change: &sluicev1.FlowChange_DeleteStrict{DeleteStrict: flowText(s)}}
		},
	},
}

func flowText(s string) *sluicev1.FlowSpec {
	return &sluicev1.FlowSpec{Form: &sluicev1.FlowSpec_Text{Text: s}}
}

func (c *client) addFlow() *cobra.Command {
	return &cobra.Command{
		Use:   "add-flow SWITCH FLOW",
		Short: "Add a flow",
		Example: `  sluice add-flow br0 priority=10,tcp,tp_dst=80,actions=output:2
  sluice add-flow br0 'priority=100 dl_type=0x88cc actions=CONTROLLER'
  sluice add-flow br0 arp,actions=NORMAL`,
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
		RunE: func(cmd *cobra.Command, args []string) error {
			return flows.write(c, cmd, args[0], "add", args[1:])
		},
	}
}

func (c *client) addFlows() *cobra.Command {
	return &cobra.Command{
		Use:   "add-flows SWITCH FILE",
		Short: "Add the flows in a file",
		Long: `Adds the flows in a file, one a line; - is standard input. Blank lines and what
follows a # are skipped. A line may begin with add, modify, modify_strict,
delete or delete_strict; without such a word it is added.

More than 50,000 are sent 10,000 at a time, and standard error tells how far it is.
Where sluiced keeps desired state (--state) what is sent at a time is carried out
whole or not at all.`,
		Example: `  sluice add-flows br0 flows.txt
  sluice dump-flows br0 | sluice add-flows br1 -`,
		Args:              want,
		ValidArgsFunction: c.completeSwitchAndFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			return flows.writeFile(c, cmd, args[0], "add", args[1])
		},
	}
}

const strictHelp = "only the flow with this very match and priority"

func (c *client) modFlows() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "mod-flows SWITCH FLOW",
		Short: "Change the actions of all flows that match",
		Long: `Changes the actions of all flows whose match is that of FLOW or closer, whatever
their priority. What flows to change can also be said by cookie=VALUE/MASK.
FLOW - reads flows from standard input, one a line.`,
		Example: `  sluice mod-flows br0 tcp,tp_dst=80,actions=output:3
  sluice mod-flows --strict br0 priority=10,tcp,tp_dst=80,actions=drop`,
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
	}
	strict := cmd.Flags().Bool("strict", false, strictHelp)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return flows.write(c, cmd, args[0], strictly("modify", *strict), args[1:])
	}
	return cmd
}

func (c *client) delFlows() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "del-flows SWITCH [FLOW]",
		Short: "Delete all flows that match",
		Long: `Deletes all flows whose match is that of FLOW or closer, whatever their priority;
without FLOW all flows of the switch. What flows to delete can also be said by
table=, cookie=VALUE/MASK, out_port= and out_group=. FLOW - reads flows from
standard input, one a line.`,
		Example: `  sluice del-flows br0 tcp,tp_dst=80
  sluice del-flows br0 cookie=0x10/-1
  sluice del-flows --strict br0 priority=10,tcp,tp_dst=80
  sluice del-flows br0`,
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
	}
	strict := cmd.Flags().Bool("strict", false, strictHelp)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return flows.write(c, cmd, args[0], strictly("delete", *strict), args[1:])
	}
	return cmd
}

func strictly(verb string, strict bool) string {
	if strict {
		return verb + "_strict"
	}
	return verb
}

func (c *client) dumpFlows() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dump-flows SWITCH [FLOW]",
		Short: "Print a switch's flows",
		Long: `Prints a switch's flows, one a line, in the syntax that add-flows and ovs-ofctl
take again. FLOW restricts them to those whose match is the same or closer;
table=, cookie=VALUE/MASK, out_port= and out_group= restrict them too.`,
		Example: `  sluice dump-flows br0
  sluice dump-flows --names br0
  sluice dump-flows br0 table=1,ip,nw_dst=10.0.0.0/8
  sluice -o json dump-flows br0 | jq '.flows[].flow.priority'`,
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
	}
	names := cmd.Flags().Bool("names", false, "print the ports' names instead of their numbers")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		q := &sluicev1.ListFlowsRequest{Switch: args[0], Filter: filter(args[1:]), PortNames: *names}
		if c.output == "text" {
			q.Form = sluicev1.FlowForm_FLOW_FORM_TEXT
		}
		err := c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
			s, err := sluicev1.NewFlowServiceClient(conn).ListFlows(ctx, q)
			if err != nil {
				return err
			}
			return printStream(c, s, "flows", (*sluicev1.ListFlowsResponse).GetFlows, (*sluicev1.FlowEntry).GetText)
		})
		return filterFault(err, args[1:])
	}
	return cmd
}

// filter returns nil where there is no text.
func filter(text []string) *sluicev1.FlowSpec {
	if len(text) == 0 {
		return nil
	}
	return flowText(text[0])
}

func filterFault(err error, text []string) error {
	if err == nil || len(text) == 0 {
		return err
	}
	return &flowFault{err: err, sources: []source{{text: text[0]}}}
}

func (c *client) dumpAggregate() *cobra.Command {
	return &cobra.Command{
		Use:               "dump-aggregate SWITCH [FLOW]",
		Short:             "Print the sum over a switch's flows",
		Example:           "  sluice dump-aggregate br0\n  sluice dump-aggregate br0 table=0,out_port=2",
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
		RunE: func(cmd *cobra.Command, args []string) error {
			err := c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
				r, err := sluicev1.NewFlowServiceClient(conn).AggregateFlows(ctx, &sluicev1.AggregateFlowsRequest{Switch: args[0], Filter: filter(args[1:])})
				if err != nil {
					return err
				}
				return c.print(r, func(w io.Writer) {
					fmt.Fprintf(w, "packet_count=%s byte_count=%s flow_count=%d\n", count(r.PacketCount), count(r.ByteCount), r.GetFlowCount())
				})
			})
			return filterFault(err, args[1:])
		},
	}
}

func (c *client) packetOut() *cobra.Command {
	return &cobra.Command{
		Use:   "packet-out SWITCH PACKET",
		Short: "Hand a packet to a switch",
		Long: `Hands a packet to a switch. PACKET is "in_port=PORT,packet=HEX,actions=ACTIONS";
in_port is CONTROLLER where it is missing. The switch takes the actions as if the
packet had come in on that port.`,
		Example: `  sluice packet-out br0 in_port=1,packet=ffffffffffff0000000000010806,actions=FLOOD
  sluice packet-out br0 in_port=CONTROLLER,packet=ffffffffffff0000000000010806,actions=TABLE`,
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
		RunE: func(cmd *cobra.Command, args []string) error {
			err := c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
				r, err := sluicev1.NewPacketServiceClient(conn).SendPacket(ctx, &sluicev1.SendPacketRequest{
					Switch: args[0], Form: &sluicev1.SendPacketRequest_Text{Text: args[1]}})
				if err != nil {
					return err
				}
				return c.print(r, func(io.Writer) {})
			})
			return filterFault(err, args[1:])
		},
	}
}
