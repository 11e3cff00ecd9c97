package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// verbs are the words that may stand before a flow in a file, as in files for
// ovs-ofctl, and the changes that they mean.
var verbs = map[string]func(*sluicev1.FlowSpec) *sluicev1.FlowChange{
	"add": func(s *sluicev1.FlowSpec) *sluicev1.FlowChange {
		return &sluicev1.FlowChange{Change: &sluicev1.FlowChange_Add{Add: s}}
	},
	"modify": func(s *sluicev1.FlowSpec) *sluicev1.FlowChange {
		return &sluicev1.FlowChange{Change: &sluicev1.FlowChange_Modify{Modify: s}}
	},
	"modify_strict": func(s *sluicev1.FlowSpec) *sluicev1.FlowChange {
		return &sluicev1.FlowChange{Change: &sluicev1.FlowChange_ModifyStrict{ModifyStrict: s}}
	},
	"delete": func(s *sluicev1.FlowSpec) *sluicev1.FlowChange {
		return &sluicev1.FlowChange{Change: &sluicev1.FlowChange_Delete{Delete: s}}
	},
	"delete_strict": func(s *sluicev1.FlowSpec) *sluicev1.FlowChange {
		return &sluicev1.FlowChange{Change: &sluicev1.FlowChange_DeleteStrict{DeleteStrict: s}}
	},
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
			return c.write(cmd, args[0], "add", args[1:])
		},
	}
}

func (c *client) addFlows() *cobra.Command {
	return &cobra.Command{
		Use:   "add-flows SWITCH FILE",
		Short: "Add the flows in a file",
		Long: `Adds the flows in a file, one a line; - is standard input. Blank lines and what
follows a # are skipped. A line may begin with add, modify, modify_strict,
delete or delete_strict; without such a word it is added.`,
		Example: `  sluice add-flows br0 flows.txt
  sluice dump-flows br0 | sluice add-flows br1 -`,
		Args: want,
		ValidArgsFunction: func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) == 1 {
				return nil, cobra.ShellCompDirectiveDefault // a file
			}
			return c.completeSwitch(cmd, args, begun)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			in := c.in
			if args[1] != "-" {
				f, err := os.Open(args[1])
				if err != nil {
					return err
				}
				defer f.Close()
				in = f
			}
			return c.writeLines(cmd, args[0], "add", in)
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
		return c.write(cmd, args[0], strictly("modify", *strict), args[1:])
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
		return c.write(cmd, args[0], strictly("delete", *strict), args[1:])
	}
	return cmd
}

func strictly(verb string, strict bool) string {
	if strict {
		return verb + "_strict"
	}
	return verb
}

// write makes one change, or those on standard input if the flow is "-".
func (c *client) write(cmd *cobra.Command, sw, verb string, flow []string) error {
	text := ""
	if len(flow) > 0 {
		text = flow[0]
	}
	if text == "-" {
		return c.writeLines(cmd, sw, verb, c.in)
	}
	change := verbs[verb](&sluicev1.FlowSpec{Form: &sluicev1.FlowSpec_Text{Text: text}})
	return c.writeChanges(cmd, sw, []*sluicev1.FlowChange{change}, []source{{text: text}})
}

// source is where a change came from, for error messages.
type source struct {
	line int // counted from 1; 0: not from a file
	text string
}

// maxLine bounds a line of a file with flows, in bytes.
const maxLine = 1 << 20

// changesPerCall bounds what one call carries, far below what sluiced takes.
const changesPerCall = 50_000

// writeLines makes the changes that in holds, one a line.
func (c *client) writeLines(cmd *cobra.Command, sw, verb string, in io.Reader) error {
	var changes []*sluicev1.FlowChange
	var sources []source
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	line := 1
	for ; lines.Scan(); line++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		make := verbs[verb]
		if word, rest, ok := strings.Cut(text, " "); ok && verbs[word] != nil {
			make, text = verbs[word], strings.TrimSpace(rest)
		}
		changes = append(changes, make(&sluicev1.FlowSpec{Form: &sluicev1.FlowSpec_Text{Text: text}}))
		sources = append(sources, source{line, text})
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("line %d: %w", line, err)
	}
	return c.writeChanges(cmd, sw, changes, sources)
}

// writeChanges sends the changes, some tens of thousands a call.
func (c *client) writeChanges(cmd *cobra.Command, sw string, changes []*sluicev1.FlowChange, sources []source) error {
	total := &sluicev1.WriteFlowsResponse{}
	for first := true; first || len(changes) > 0; first = false {
		n := min(len(changes), changesPerCall)
		err := c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
			r, err := sluicev1.NewFlowServiceClient(conn).WriteFlows(ctx, &sluicev1.WriteFlowsRequest{Switch: sw, Changes: changes[:n]})
			total.Confirmed += r.GetConfirmed()
			return err
		})
		if err != nil {
			return &flowFault{err: err, sources: sources[:n], before: int(total.Confirmed), after: len(changes) - n}
		}
		changes, sources = changes[n:], sources[n:]
	}
	return c.print(total, func(io.Writer) {})
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
			return c.printFlows(s)
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
	return &sluicev1.FlowSpec{Form: &sluicev1.FlowSpec_Text{Text: text[0]}}
}

func filterFault(err error, text []string) error {
	if err == nil || len(text) == 0 {
		return err
	}
	return &flowFault{err: err, sources: []source{{text: text[0]}}}
}

// printFlows prints flows as they come.
func (c *client) printFlows(s grpc.ServerStreamingClient[sluicev1.ListFlowsResponse]) error {
	out := bufio.NewWriter(c.out)
	all := &sluicev1.ListFlowsResponse{}
	begun := false
	for {
		r, err := s.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return errors.Join(err, out.Flush())
		}
		for _, f := range r.GetFlows() {
			switch c.output {
			case "text":
				fmt.Fprintln(out, printable(strings.TrimSpace(f.GetText())))
			case "json":
				sep := ",\n    "
				if !begun {
					begun, sep = true, "{\n  \"flows\": [\n    "
				}
				raw, err := protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}.Marshal(f)
				if err != nil {
					return err
				}
				var laid bytes.Buffer
				if err := json.Indent(&laid, raw, "    ", "  "); err != nil {
					return err
				}
				fmt.Fprint(out, sep, laid.String())
			default:
				all.Flows = append(all.Flows, f)
			}
		}
	}
	switch {
	case c.output == "json" && begun:
		fmt.Fprint(out, "\n  ]\n}\n")
	case c.output != "text":
		return c.printFields(all)
	}
	return out.Flush()
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
