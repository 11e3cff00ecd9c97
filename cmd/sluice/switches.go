package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

func (c *client) switches() *cobra.Command {
	return &cobra.Command{
		Use:               "switches",
		Short:             "List the connected switches",
		Example:           "  sluice switches\n  sluice -o json switches | jq -r '.switches[].name'",
		Args:              want,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
				r, err := sluicev1.NewSwitchServiceClient(conn).ListSwitches(ctx, &sluicev1.ListSwitchesRequest{})
				if err != nil {
					return err
				}
				if len(r.GetSwitches()) == 0 {
					fmt.Fprintln(c.errOut, "no switch is connected; to connect one: ovs-vsctl set-controller BRIDGE tcp:HOST:6653, HOST being where sluiced runs")
				}
				return c.print(r, func(w io.Writer) {
					rows := [][]string{{"NAME", "DPID", "VERSION", "ADDRESS", "PORTS", "SINCE"}}
					// What is the same for every switch of most networks has a column where it is not.
					roles := slices.ContainsFunc(r.GetSwitches(), func(s *sluicev1.Switch) bool { return s.GetRole() > sluicev1.ControllerRole_CONTROLLER_ROLE_EQUAL })
					if roles {
						rows[0] = append(rows[0], "ROLE")
					}
					certified := slices.ContainsFunc(r.GetSwitches(), func(s *sluicev1.Switch) bool { return s.GetCertificateName() != "" })
					if certified {
						rows[0] = append(rows[0], "CERTIFICATE")
					}
					for _, s := range r.GetSwitches() {
						row := []string{s.GetName(), s.GetDpid(), s.GetVersion(), from(s), number(s.GetPortCount()), since(s)}
						if roles {
							row = append(row, roleWord(s.GetRole()))
						}
						if certified {
							row = append(row, cmp.Or(s.GetCertificateName(), "-"))
						}
						rows = append(rows, row)
					}
					table(w, rows)
				})
			})
		},
	}
}

// from is where a switch has come from, as Open vSwitch would name it where
// that is not plain TCP.
func from(s *sluicev1.Switch) string {
	if s.GetTransport() == "tls" {
		return "ssl:" + s.GetAddress()
	}
	return s.GetAddress()
}

func since(s *sluicev1.Switch) string {
	return s.GetConnectedSince().AsTime().Local().Format(time.DateTime)
}

func (c *client) show() *cobra.Command {
	return &cobra.Command{
		Use:               "show SWITCH",
		Short:             "Show a switch, its abilities and its ports",
		Example:           "  sluice show br0\n  sluice show 00:00:00:00:00:00:00:01",
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
				api := sluicev1.NewSwitchServiceClient(conn)
				r, err := api.GetSwitch(ctx, &sluicev1.GetSwitchRequest{Switch: args[0]})
				if err != nil {
					return err
				}
				// By datapath identifier, which no other switch takes meanwhile.
				p, err := api.ListPorts(ctx, &sluicev1.ListPortsRequest{Switch: r.GetSwitch().GetDpid()})
				if err != nil {
					return err
				}
				if c.output != "text" {
					return c.printFields(r, p)
				}
				return c.print(r, func(w io.Writer) {
					s := r.GetSwitch()
					fmt.Fprintf(w, "%s: OpenFlow %s, dpid %s, from %s, since %s\n", printable(s.GetName()), s.GetVersion(), s.GetDpid(), from(s), since(s))
					if name := s.GetCertificateName(); name != "" {
						fmt.Fprintf(w, "certificate: %s\n", printable(name))
					}
					fmt.Fprintf(w, "role: %s\n", roleWord(s.GetRole()))
					printOverload(w, s)
					for _, a := range s.GetAuxiliaryConnections() {
						fmt.Fprintf(w, "auxiliary connection %d: from %s, since %s\n", a.GetId(), a.GetAddress(), a.GetConnectedSince().AsTime().Local().Format(time.DateTime))
					}
					fmt.Fprintf(w, "tables: %d, buffers: %d\n", s.GetTableCount(), s.GetBufferCount())
					fmt.Fprintf(w, "capabilities: %s\n", orDash(s.GetCapabilities()))
					printDescription(w, s.GetDescription())
					if s.GetMissesExtensions() {
						fmt.Fprintln(w, "extensions: not used until it connects again: it has described itself after the handshake")
					}
					fmt.Fprintln(w)
					printPorts(w, p.GetPorts())
				})
			})
		},
	}
}

// printOverload prints what a switch sent too much of, if it did, and the meter that
// was asked for.
func printOverload(w io.Writer, s *sluicev1.Switch) {
	if m := s.GetControllerMeter(); m.GetError() != "" {
		fmt.Fprintf(w, "controller meter: none: %s\n", printable(m.GetError()))
	} else if m != nil {
		fmt.Fprintf(w, "controller meter: %d packets/s, %d at once\n", m.GetRate(), m.GetBurst())
	}
	for _, d := range s.GetPacketInDrops() {
		fmt.Fprintf(w, "dropped of %s: %d over the limit, %d that the apps were too slow for\n", d.GetClass(), d.GetOverLimit(), d.GetAppsTooSlow())
	}
}

func (c *client) dumpDesc() *cobra.Command {
	return &cobra.Command{
		Use:               "dump-desc SWITCH",
		Short:             "Print what a switch says of itself",
		Example:           "  sluice dump-desc br0",
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
				r, err := sluicev1.NewSwitchServiceClient(conn).GetSwitch(ctx, &sluicev1.GetSwitchRequest{Switch: args[0]})
				if err != nil {
					return err
				}
				d := r.GetSwitch().GetDescription()
				return c.print(d, func(w io.Writer) { printLines(w, d.GetText()) })
			})
		},
	}
}

func printDescription(w io.Writer, d *sluicev1.SwitchDescription) {
	for _, x := range []struct{ name, value string }{
		{"manufacturer", d.GetManufacturer()},
		{"hardware", d.GetHardware()},
		{"software", d.GetSoftware()},
		{"serial", d.GetSerial()},
		{"datapath", d.GetDatapath()},
	} {
		if x.value != "" {
			fmt.Fprintf(w, "%s: %s\n", x.name, printable(x.value))
		}
	}
}

func (c *client) dumpPortsDesc() *cobra.Command {
	return &cobra.Command{
		Use:               "dump-ports-desc SWITCH",
		Short:             "Print a switch's ports",
		Example:           "  sluice dump-ports-desc br0",
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
				r, err := sluicev1.NewSwitchServiceClient(conn).ListPorts(ctx, &sluicev1.ListPortsRequest{Switch: args[0]})
				if err != nil {
					return err
				}
				return c.print(r, func(w io.Writer) { printLines(w, r.GetText()) })
			})
		},
	}
}

func printPorts(w io.Writer, ports []*sluicev1.Port) {
	rows := [][]string{{"PORT", "NAME", "ADDRESS", "UP", "CONFIG", "STATE", "SPEED", "FEATURES"}}
	for _, p := range ports {
		up := "no"
		if p.GetUp() {
			up = "yes"
		}
		rows = append(rows, []string{portNumber(p.GetNumber()), p.GetName(), p.GetHardwareAddress(), up,
			orDash(p.GetConfig()), orDash(p.GetState()), speed(p.GetCurrentSpeedKbps()), orDash(p.GetCurrentFeatures())})
	}
	table(w, rows)
}

func speed(kbps uint32) string {
	switch {
	case kbps == 0:
		return "-"
	case kbps%1_000_000 == 0:
		return fmt.Sprintf("%dGb/s", kbps/1_000_000)
	case kbps%1_000 == 0:
		return fmt.Sprintf("%dMb/s", kbps/1_000)
	}
	return fmt.Sprintf("%dkb/s", kbps)
}

func (c *client) dumpPorts() *cobra.Command {
	return &cobra.Command{
		Use:               "dump-ports SWITCH [PORT]",
		Short:             "Print the counters of a switch's ports",
		Example:           "  sluice dump-ports br0\n  sluice dump-ports br0 2\n  sluice dump-ports br0 LOCAL",
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
				q := &sluicev1.ListPortStatsRequest{Switch: args[0]}
				if len(args) > 1 {
					q.Port = args[1]
				}
				r, err := sluicev1.NewSwitchServiceClient(conn).ListPortStats(ctx, q)
				if err != nil {
					return err
				}
				return c.print(r, func(w io.Writer) { printLines(w, r.GetText()) })
			})
		},
	}
}

func (c *client) dumpTables() *cobra.Command {
	return &cobra.Command{
		Use:               "dump-tables SWITCH",
		Short:             "Print the counters of a switch's flow tables",
		Example:           "  sluice dump-tables br0\n  sluice -o json dump-tables br0 | jq '.tables[] | select(.active_flows > 0)'",
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
				r, err := sluicev1.NewSwitchServiceClient(conn).ListTableStats(ctx, &sluicev1.ListTableStatsRequest{Switch: args[0]})
				if err != nil {
					return err
				}
				return c.print(r, func(w io.Writer) { printLines(w, r.GetText()) })
			})
		},
	}
}

func (c *client) barrier() *cobra.Command {
	return &cobra.Command{
		Use:               "barrier SWITCH",
		Short:             "Wait until a switch has processed everything sent before",
		Example:           "  sluice barrier br0 && echo done",
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
				r, err := sluicev1.NewSwitchServiceClient(conn).Barrier(ctx, &sluicev1.BarrierRequest{Switch: args[0]})
				if err != nil {
					return err
				}
				return c.print(r, func(io.Writer) {})
			})
		},
	}
}
