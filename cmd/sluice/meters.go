package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// meters are the kind of the meter verbs.
var meters = &kind[*sluicev1.MeterChange]{
	look: "dump-meters",
	send: func(ctx context.Context, conn *grpc.ClientConn, sw string, how writing, changes []*sluicev1.MeterChange) (uint32, error) {
		r, err := sluicev1.NewMeterServiceClient(conn).WriteMeters(ctx, &sluicev1.WriteMetersRequest{
			Switch: sw, Changes: changes, Owner: how.owner, Level: how.level.proto(), RequestId: how.request, ExpectedRevision: how.expected,
		})
		return r.GetConfirmed(), err
	},
	answer: func(n uint32) proto.Message { return &sluicev1.WriteMetersResponse{Confirmed: n} },
	verbs: map[string]func(string) *sluicev1.MeterChange{
		"add": func(s string) *sluicev1.MeterChange {
			return &sluicev1.MeterChange{Change: &sluicev1.MeterChange_Add{Add: meterText(s)}}
		},
		"modify": func(s string) *sluicev1.MeterChange {
			return &sluicev1.MeterChange{Change: &sluicev1.MeterChange_Modify{Modify: meterText(s)}}
		},
		"delete": func(s string) *sluicev1.MeterChange {
			return &sluicev1.MeterChange{Change: &sluicev1.MeterChange_Delete{Delete: meterText(s)}}
		},
	},
}

func meterText(s string) *sluicev1.MeterSpec {
	return &sluicev1.MeterSpec{Form: &sluicev1.MeterSpec_Text{Text: s}}
}

// specialMeters are the meters that have names instead of numbers.
var specialMeters = map[string]uint32{"controller": ofp.MeterController, "slowpath": ofp.MeterSlowPath}

func (c *client) addMeter() *cobra.Command {
	return &cobra.Command{
		Use:   "add-meter SWITCH METER",
		Short: "Add a meter",
		Example: `  sluice add-meter br0 meter=1,kbps,band=type=drop,rate=1000
  sluice add-meter br0 meter=2,pktps,burst,band=type=drop,rate=100,burst_size=20
  sluice add-flow br0 in_port=1,actions=meter:1,output:2`,
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
		RunE: func(cmd *cobra.Command, args []string) error {
			return meters.write(c, cmd, args[0], "add", args[1:])
		},
	}
}

func (c *client) modMeter() *cobra.Command {
	return &cobra.Command{
		Use:               "mod-meter SWITCH METER",
		Short:             "Give a meter other flags and bands",
		Example:           "  sluice mod-meter br0 meter=1,kbps,band=type=drop,rate=5000",
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
		RunE: func(cmd *cobra.Command, args []string) error {
			return meters.write(c, cmd, args[0], "modify", args[1:])
		},
	}
}

func (c *client) delMeters() *cobra.Command {
	return &cobra.Command{
		Use:     "del-meters SWITCH [METER]",
		Aliases: []string{"del-meter"},
		Short:   "Delete a meter, or all",
		Long: `Deletes a meter, and the flows that use it; without METER all meters of the switch.
METER - reads meters from standard input, one a line.`,
		Example:           "  sluice del-meters br0 meter=1\n  sluice del-meters br0",
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
		RunE: func(cmd *cobra.Command, args []string) error {
			return meters.write(c, cmd, args[0], "delete", args[1:])
		},
	}
}

func (c *client) dumpMeters() *cobra.Command {
	return &cobra.Command{
		Use:               "dump-meters SWITCH [METER]",
		Aliases:           []string{"dump-meter"},
		Short:             "Print a switch's meters",
		Example:           "  sluice dump-meters br0\n  sluice dump-meters br0 meter=1\n  sluice -o json dump-meters br0 | jq '.meters[].meter.id'",
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
		RunE: func(cmd *cobra.Command, args []string) error {
			return printNumbered(c, cmd, args, "meter", specialMeters, func(ctx context.Context, conn *grpc.ClientConn, id *uint32) (grpc.ServerStreamingClient[sluicev1.ListMetersResponse], error) {
				return sluicev1.NewMeterServiceClient(conn).ListMeters(ctx, &sluicev1.ListMetersRequest{Switch: args[0], Meter: id})
			}, "meters", (*sluicev1.ListMetersResponse).GetMeters, (*sluicev1.MeterEntry).GetText)
		},
	}
}

func (c *client) meterStats() *cobra.Command {
	return &cobra.Command{
		Use:               "meter-stats SWITCH [METER]",
		Short:             "Print the counters of a switch's meters",
		Example:           "  sluice meter-stats br0\n  sluice meter-stats br0 meter=1",
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
		RunE: func(cmd *cobra.Command, args []string) error {
			return printNumbered(c, cmd, args, "meter", specialMeters, func(ctx context.Context, conn *grpc.ClientConn, id *uint32) (grpc.ServerStreamingClient[sluicev1.ListMeterStatsResponse], error) {
				return sluicev1.NewMeterServiceClient(conn).ListMeterStats(ctx, &sluicev1.ListMeterStatsRequest{Switch: args[0], Meter: id})
			}, "meters", (*sluicev1.ListMeterStatsResponse).GetMeters, (*sluicev1.MeterStats).GetText)
		},
	}
}

func (c *client) meterFeatures() *cobra.Command {
	return &cobra.Command{
		Use:               "meter-features SWITCH",
		Short:             "Print what meters a switch can have",
		Example:           "  sluice meter-features br0",
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
				r, err := sluicev1.NewMeterServiceClient(conn).GetMeterFeatures(ctx, &sluicev1.GetMeterFeaturesRequest{Switch: args[0]})
				if err != nil {
					return err
				}
				return c.print(r, func(w io.Writer) { printLines(w, r.GetText()) })
			})
		},
	}
}
