package main

import (
	"context"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// groups are the kind of the group verbs.
var groups = &kind[*sluicev1.GroupChange]{
	look: "dump-groups",
	send: func(ctx context.Context, conn *grpc.ClientConn, sw string, how writing, changes []*sluicev1.GroupChange) (uint32, error) {
		r, err := sluicev1.NewGroupServiceClient(conn).WriteGroups(ctx, &sluicev1.WriteGroupsRequest{
			Switch: sw, Changes: changes, Owner: how.owner, Level: how.level.proto(), RequestId: how.request, ExpectedRevision: how.expected, Bundle: how.bundle,
		})
		return r.GetConfirmed(), err
	},
	answer: func(n uint32) proto.Message { return &sluicev1.WriteGroupsResponse{Confirmed: n} },
	verbs: map[string]func(string) *sluicev1.GroupChange{
		"add": func(s string) *sluicev1.GroupChange {
			return &sluicev1.GroupChange{Change: &sluicev1.GroupChange_Add{Add: groupText(s)}}
		},
		"modify": func(s string) *sluicev1.GroupChange {
			return &sluicev1.GroupChange{Change: &sluicev1.GroupChange_Modify{Modify: groupText(s)}}
		},
		"add_or_mod": func(s string) *sluicev1.GroupChange {
			return &sluicev1.GroupChange{Change: &sluicev1.GroupChange_AddOrModify{AddOrModify: groupText(s)}}
		},
		"delete": func(s string) *sluicev1.GroupChange {
			return &sluicev1.GroupChange{Change: &sluicev1.GroupChange_Delete{Delete: groupText(s)}}
		},
	},
}

func groupText(s string) *sluicev1.GroupSpec {
	return &sluicev1.GroupSpec{Form: &sluicev1.GroupSpec_Text{Text: s}}
}

func (c *client) addGroup() *cobra.Command {
	return &cobra.Command{
		Use:   "add-group SWITCH GROUP",
		Short: "Add a group",
		Example: `  sluice add-group br0 group_id=1,type=select,bucket=output:1,bucket=output:2
  sluice add-group br0 'group_id=2,type=ff,bucket=watch_port:1,actions=output:1,bucket=watch_port:2,actions=output:2'
  sluice add-flow br0 in_port=3,actions=group:1`,
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
		RunE: func(cmd *cobra.Command, args []string) error {
			return groups.write(c, cmd, args[0], "add", args[1:])
		},
	}
}

func (c *client) addGroups() *cobra.Command {
	return &cobra.Command{
		Use:   "add-groups SWITCH FILE",
		Short: "Add the groups in a file",
		Long: `Adds the groups in a file, one a line; - is standard input. Blank lines and what
follows a # are skipped. A line may begin with add, modify, add_or_mod or delete;
without such a word it is added.`,
		Example: `  sluice add-groups br0 groups.txt
  sluice dump-groups br0 | sluice add-groups br1 -`,
		Args:              want,
		ValidArgsFunction: c.completeSwitchAndFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			return groups.writeFile(c, cmd, args[0], "add", args[1])
		},
	}
}

func (c *client) modGroup() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "mod-group SWITCH GROUP",
		Short: "Give a group another type and other buckets",
		Example: `  sluice mod-group br0 group_id=1,type=select,bucket=output:2
  sluice mod-group --may-create br0 group_id=1,type=all,bucket=output:1`,
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
	}
	create := cmd.Flags().Bool("may-create", false, "add the group if it is not there; Open vSwitch only")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		verb := "modify"
		if *create {
			verb = "add_or_mod"
		}
		return groups.write(c, cmd, args[0], verb, args[1:])
	}
	return cmd
}

func (c *client) delGroups() *cobra.Command {
	return &cobra.Command{
		Use:   "del-groups SWITCH [GROUP]",
		Short: "Delete a group, or all",
		Long: `Deletes a group, and the flows that use it; without GROUP all groups of the switch.
GROUP - reads groups from standard input, one a line.`,
		Example:           "  sluice del-groups br0 group_id=1\n  sluice del-groups br0",
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
		RunE: func(cmd *cobra.Command, args []string) error {
			return groups.write(c, cmd, args[0], "delete", args[1:])
		},
	}
}

// numbered reads an argument that is a number, or the number behind a word such
// as group_id=; nil where it is missing or "all".
func numbered(cmd *cobra.Command, args []string, word string, special map[string]uint32) (*uint32, error) {
	if len(args) == 0 {
		return nil, nil
	}
	text := strings.TrimPrefix(args[0], word+"=")
	if strings.EqualFold(text, "all") {
		return nil, nil
	}
	if n, ok := special[strings.ToLower(text)]; ok {
		return &n, nil
	}
	n, err := strconv.ParseUint(text, 0, 32)
	if err != nil {
		return nil, usage(cmd, "%q is no number: want %s=NUMBER or all", cut(args[0]), word)
	}
	n32 := uint32(n)
	return &n32, nil
}

func (c *client) dumpGroups() *cobra.Command {
	return &cobra.Command{
		Use:   "dump-groups SWITCH [GROUP]",
		Short: "Print a switch's groups",
		Long: `Prints a switch's groups, one a line, in the syntax that add-groups and ovs-ofctl
take again; with GROUP only the group of that number.`,
		Example:           "  sluice dump-groups br0\n  sluice dump-groups br0 1\n  sluice -o json dump-groups br0 | jq '.groups[].group.id'",
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
		RunE: func(cmd *cobra.Command, args []string) error {
			return printNumbered(c, cmd, args, "group_id", nil, func(ctx context.Context, conn *grpc.ClientConn, id *uint32) (grpc.ServerStreamingClient[sluicev1.ListGroupsResponse], error) {
				return sluicev1.NewGroupServiceClient(conn).ListGroups(ctx, &sluicev1.ListGroupsRequest{Switch: args[0], Group: id})
			}, "groups", (*sluicev1.ListGroupsResponse).GetGroups, (*sluicev1.GroupEntry).GetText)
		},
	}
}

func (c *client) dumpGroupStats() *cobra.Command {
	return &cobra.Command{
		Use:               "dump-group-stats SWITCH [GROUP]",
		Short:             "Print the counters of a switch's groups",
		Example:           "  sluice dump-group-stats br0\n  sluice dump-group-stats br0 1",
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
		RunE: func(cmd *cobra.Command, args []string) error {
			return printNumbered(c, cmd, args, "group_id", nil, func(ctx context.Context, conn *grpc.ClientConn, id *uint32) (grpc.ServerStreamingClient[sluicev1.ListGroupStatsResponse], error) {
				return sluicev1.NewGroupServiceClient(conn).ListGroupStats(ctx, &sluicev1.ListGroupStatsRequest{Switch: args[0], Group: id})
			}, "groups", (*sluicev1.ListGroupStatsResponse).GetGroups, (*sluicev1.GroupStats).GetText)
		},
	}
}

func (c *client) dumpGroupFeatures() *cobra.Command {
	return &cobra.Command{
		Use:               "dump-group-features SWITCH",
		Short:             "Print what groups a switch can have",
		Example:           "  sluice dump-group-features br0",
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
				r, err := sluicev1.NewGroupServiceClient(conn).GetGroupFeatures(ctx, &sluicev1.GetGroupFeaturesRequest{Switch: args[0]})
				if err != nil {
					return err
				}
				return c.print(r, func(w io.Writer) { printLines(w, r.GetText()) })
			})
		},
	}
}
