package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// portActions are the words of mod-port, and the bit of the port's configuration
// that each sets or clears.
var portActions = map[string]struct {
	bit string
	set bool
}{
	"up": {"port_down", false}, "down": {"port_down", true},
	"stp": {"no_stp", false}, "no-stp": {"no_stp", true},
	"receive": {"no_recv", false}, "no-receive": {"no_recv", true},
	"receive-stp": {"no_recv_stp", false}, "no-receive-stp": {"no_recv_stp", true},
	"flood": {"no_flood", false}, "no-flood": {"no_flood", true},
	"forward": {"no_fwd", false}, "no-forward": {"no_fwd", true},
	"packet-in": {"no_packet_in", false}, "no-packet-in": {"no_packet_in", true},
}

// completeWord offers switches as the first argument and words as another.
func (c *client) completeWord(at int, words ...string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) == at {
			return words, cobra.ShellCompDirectiveNoFileComp
		}
		return c.completeSwitch(cmd, args, begun)
	}
}

func (c *client) modPort() *cobra.Command {
	words := slices.Sorted(maps.Keys(portActions))
	return &cobra.Command{
		Use:   "mod-port SWITCH PORT ACTION",
		Short: "Change the configuration of a port",
		Long: `Changes the configuration of a port. ACTION is up or down; receive, forward,
packet-in, or one of these with no- before it; and in OpenFlow 1.0 also flood, stp
or receive-stp. With sluiced --state the port is set so again when it, or the
switch, comes back, until sluice forget-settings.`,
		Example:           "  sluice mod-port br0 eth1 down\n  sluice mod-port br0 2 no-forward",
		Args:              want,
		ValidArgsFunction: c.completeWord(2, words...),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, ok := portActions[args[2]]
			if !ok {
				return usage(cmd, "action %q: want %s", cut(args[2]), strings.Join(words, ", "))
			}
			q := &sluicev1.ModifyPortRequest{Switch: args[0], Port: args[1]}
			if a.set {
				q.Set = []string{a.bit}
			} else {
				q.Clear = []string{a.bit}
			}
			call, err := c.writing.calls(cmd)
			if err != nil {
				return err
			}
			q.ExpectedRevision, q.RequestId = call(0).expected, c.writing.request
			return c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
				r, err := sluicev1.NewConfigServiceClient(conn).ModifyPort(ctx, q)
				if err != nil {
					return err
				}
				return c.print(r, func(io.Writer) {})
			})
		},
	}
}

// missWords are the words of mod-table.
var missWords = map[string]sluicev1.TableMiss{
	"controller": sluicev1.TableMiss_TABLE_MISS_CONTROLLER,
	"continue":   sluicev1.TableMiss_TABLE_MISS_CONTINUE,
	"drop":       sluicev1.TableMiss_TABLE_MISS_DROP,
}

func (c *client) modTable() *cobra.Command {
	words := slices.Sorted(maps.Keys(missWords))
	return &cobra.Command{
		Use:   "mod-table SWITCH TABLE MISS",
		Short: "Set what a table does with packets that no flow takes",
		Long: `Sets what a table does with packets that no flow takes, in OpenFlow 1.1 and 1.2:
MISS is controller, continue (in the next table) or drop. TABLE is a number, or all.
In 1.3 a flow says that: sluice add-flow SWITCH priority=0,actions=CONTROLLER
With sluiced --state it is kept as what mod-port sets.`,
		Example:           "  sluice mod-table br0 0 drop\n  sluice mod-table br0 all controller",
		Args:              want,
		ValidArgsFunction: c.completeWord(2, words...),
		RunE: func(cmd *cobra.Command, args []string) error {
			miss, ok := missWords[args[2]]
			if !ok {
				return usage(cmd, "%q: want %s", cut(args[2]), strings.Join(words, ", "))
			}
			table, err := numbered(cmd, args[1:], "table", nil)
			if err != nil {
				return err
			}
			call, err := c.writing.calls(cmd)
			if err != nil {
				return err
			}
			return c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
				r, err := sluicev1.NewConfigServiceClient(conn).ModifyTable(ctx, &sluicev1.ModifyTableRequest{
					Switch: args[0], Table: table, Miss: miss, ExpectedRevision: call(0).expected, RequestId: c.writing.request,
				})
				if err != nil {
					return err
				}
				return c.print(r, func(io.Writer) {})
			})
		},
	}
}

func (c *client) dumpTableFeatures() *cobra.Command {
	return &cobra.Command{
		Use:               "dump-table-features SWITCH",
		Short:             "Print what a switch's flow tables can do",
		Example:           "  sluice dump-table-features br0\n  sluice -o json dump-table-features br0 | jq '.tables[].max_entries'",
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
				r, err := sluicev1.NewConfigServiceClient(conn).ListTableFeatures(ctx, &sluicev1.ListTableFeaturesRequest{Switch: args[0]})
				if err != nil {
					return err
				}
				return c.print(r, func(w io.Writer) { printLines(w, r.GetText()) })
			})
		},
	}
}

// fragmentWords are the words of get-frags and set-frags.
var fragmentWords = map[string]sluicev1.FragmentHandling{
	"normal":     sluicev1.FragmentHandling_FRAGMENT_HANDLING_NORMAL,
	"drop":       sluicev1.FragmentHandling_FRAGMENT_HANDLING_DROP,
	"reassemble": sluicev1.FragmentHandling_FRAGMENT_HANDLING_REASSEMBLE,
	"nx-match":   sluicev1.FragmentHandling_FRAGMENT_HANDLING_NX_MATCH,
}

func (c *client) getFrags() *cobra.Command {
	return &cobra.Command{
		Use:               "get-frags SWITCH",
		Short:             "Print how a switch treats IP fragments",
		Example:           "  sluice get-frags br0",
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
				r, err := sluicev1.NewConfigServiceClient(conn).GetSwitchConfig(ctx, &sluicev1.GetSwitchConfigRequest{Switch: args[0]})
				if err != nil {
					return err
				}
				return c.print(r, func(w io.Writer) {
					for word, how := range fragmentWords {
						if how == r.GetConfig().GetFragments() {
							fmt.Fprintln(w, word)
						}
					}
				})
			})
		},
	}
}

func (c *client) setFrags() *cobra.Command {
	words := slices.Sorted(maps.Keys(fragmentWords))
	return &cobra.Command{
		Use:   "set-frags SWITCH HOW",
		Short: "Set how a switch treats IP fragments",
		Long: `Sets how a switch treats IP fragments: HOW is normal, drop, reassemble, or in Open
vSwitch nx-match. Few switches can do all of them; one that cannot is told. With
sluiced --state it is kept as what mod-port sets.`,
		Example:           "  sluice set-frags br0 drop",
		Args:              want,
		ValidArgsFunction: c.completeWord(1, words...),
		RunE: func(cmd *cobra.Command, args []string) error {
			how, ok := fragmentWords[args[1]]
			if !ok {
				return usage(cmd, "%q: want %s", cut(args[1]), strings.Join(words, ", "))
			}
			call, err := c.writing.calls(cmd)
			if err != nil {
				return err
			}
			return c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
				r, err := sluicev1.NewConfigServiceClient(conn).SetSwitchConfig(ctx, &sluicev1.SetSwitchConfigRequest{
					Switch: args[0], Fragments: how, ExpectedRevision: call(0).expected, RequestId: c.writing.request,
				})
				if err != nil {
					return err
				}
				return c.print(r, func(io.Writer) {})
			})
		},
	}
}

func (c *client) queueGetConfig() *cobra.Command {
	return &cobra.Command{
		Use:               "queue-get-config SWITCH [PORT]",
		Short:             "Print the queues of a port, or of all ports",
		Example:           "  sluice queue-get-config br0 1",
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
		RunE: func(cmd *cobra.Command, args []string) error {
			q := &sluicev1.ListQueuesRequest{Switch: args[0]}
			if len(args) > 1 && !strings.EqualFold(args[1], "all") {
				q.Port = args[1]
			}
			return c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
				r, err := sluicev1.NewConfigServiceClient(conn).ListQueues(ctx, q)
				if err != nil {
					return err
				}
				return c.print(r, func(w io.Writer) { printLines(w, r.GetText()) })
			})
		},
	}
}

func (c *client) queueStats() *cobra.Command {
	return &cobra.Command{
		Use:               "queue-stats SWITCH [PORT] [QUEUE]",
		Short:             "Print the counters of queues",
		Example:           "  sluice queue-stats br0\n  sluice queue-stats br0 1\n  sluice queue-stats br0 all 3",
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
		RunE: func(cmd *cobra.Command, args []string) error {
			q := &sluicev1.ListQueueStatsRequest{Switch: args[0]}
			if len(args) > 1 && !strings.EqualFold(args[1], "all") {
				q.Port = args[1]
			}
			if len(args) > 2 {
				var err error
				if q.Queue, err = numbered(cmd, args[2:], "queue", nil); err != nil {
					return err
				}
			}
			return c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
				r, err := sluicev1.NewConfigServiceClient(conn).ListQueueStats(ctx, q)
				if err != nil {
					return err
				}
				return c.print(r, func(w io.Writer) { printLines(w, r.GetText()) })
			})
		},
	}
}
