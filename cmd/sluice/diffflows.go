package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// flowID is what makes a flow the one it is.
type flowID struct {
	table    uint8
	priority uint16
	match    string
}

// oneFlow is a flow of one source.
type oneFlow struct {
	source
	mod *ofp.FlowMod
}

// flowTable is all flows of a source.
type flowTable struct {
	flows   map[flowID]oneFlow
	version ofp.Version // of a switch; 0: a file
}

// put takes a flow; a later one takes the place of an earlier one, as it would on
// a switch.
func (t *flowTable) put(s source, m *ofp.FlowMod) {
	t.flows[flowID{m.Table, m.Priority, m.Match.Key()}] = oneFlow{s, m}
}

// readFile reads the flows of a file, one a line; n knows the ports of the switch
// that they are for.
func (t *flowTable) readFile(c *client, name string, n *ofp.Names) error {
	in, err := c.fileOrInput(name)
	if err != nil {
		return err
	}
	defer in.Close()
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	line := 1
	for ; lines.Scan(); line++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		m, err := ofp.ParseFlow(text, ofp.FlowAdd, n)
		if err != nil {
			return fmt.Errorf("%s:%d: %w\n  %s", name, line, err, printable(text))
		}
		t.put(source{line, text}, m)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s:%d: %w", name, line, err)
	}
	return nil
}

// leaveCookies gives flows without a cookie the one that they have there, where it
// can be the one that sluiced fills in for an owner: it has the upper 16 bits alone.
func (t *flowTable) leaveCookies(has *flowTable) {
	for id, f := range t.flows {
		if there, ok := has.flows[id]; ok && f.mod.Cookie == 0 && there.mod.Cookie<<16 == 0 {
			f.mod.Cookie = there.mod.Cookie
		}
	}
}

// readSwitch reads the flows that a switch has.
func (t *flowTable) readSwitch(ctx context.Context, conn *grpc.ClientConn, sw string) error {
	r, err := sluicev1.NewSwitchServiceClient(conn).GetSwitch(ctx, &sluicev1.GetSwitchRequest{Switch: sw})
	if err != nil {
		return err
	}
	if t.version, err = ofp.ParseVersion(r.GetSwitch().GetVersion()); err != nil {
		return fmt.Errorf("switch %s: %w", sw, err)
	}
	stream, err := sluicev1.NewFlowServiceClient(conn).ListFlows(ctx, &sluicev1.ListFlowsRequest{Switch: sw, Form: sluicev1.FlowForm_FLOW_FORM_TEXT})
	if err != nil {
		return err
	}
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, f := range part.GetFlows() {
			m, err := ofp.ParseFlow(f.GetText(), ofp.FlowAdd, nil)
			if err != nil {
				return fmt.Errorf("switch %s has a flow that has no text to compare: %w\n  %s", sw, err, printable(f.GetText()))
			}
			t.put(source{text: f.GetText()}, m)
		}
	}
}

// portNames returns the names of a switch's ports.
func portNames(ctx context.Context, conn *grpc.ClientConn, sw string) (*ofp.Names, error) {
	r, err := sluicev1.NewSwitchServiceClient(conn).ListPorts(ctx, &sluicev1.ListPortsRequest{Switch: sw})
	if err != nil {
		return nil, err
	}
	ports := make(map[string]ofp.PortNo, len(r.GetPorts()))
	for _, p := range r.GetPorts() {
		ports[p.GetName()] = ofp.PortNo(p.GetNumber())
	}
	return &ofp.Names{Port: func(name string) (ofp.PortNo, bool) { no, ok := ports[name]; return no, ok }}, nil
}

// isFile says whether the source of a comparison is a file, as ovs-ofctl does: one
// that begins with / or ., and else one that is there.
func isFile(name string) bool {
	switch {
	case name == "-", strings.HasPrefix(name, "/"), strings.HasPrefix(name, "."):
		return true
	case strings.Contains(name, ":"):
		return false
	}
	_, err := os.Stat(name)
	return err == nil
}

// sameFlow compares what two flows of one identity do: cookie, timeouts, and
// actions. What one version of OpenFlow says in other words than another, such as
// mod_nw_dst, is compared in those of version v, unless it is 0.
func sameFlow(a, b *ofp.FlowMod, v ofp.Version) bool {
	if a.Cookie != b.Cookie || a.IdleTimeout != b.IdleTimeout || a.HardTimeout != b.HardTimeout {
		return false
	}
	x, y := ofp.FormatActions(a.Instructions, nil), ofp.FormatActions(b.Instructions, nil)
	if x == y || v == 0 {
		return x == y
	}
	for _, extensions := range []bool{false, true} { // of Open vSwitch, which sluiced may have used or not
		if x, y = actionsIn(v, a, extensions), actionsIn(v, b, extensions); x == y && x != "" {
			return true
		}
	}
	return false
}

// actionsIn returns the actions of a flow in the words of a version, "" if it has
// none for them.
func actionsIn(v ofp.Version, m *ofp.FlowMod, extensions bool) string {
	enc := ofp.Encoder{Extensions: extensions}
	frame, err := enc.Append(nil, v, 0, m)
	if err != nil {
		return ""
	}
	_, again, err := ofp.Decode(frame)
	if err != nil {
		return ""
	}
	switch again := again.(type) {
	case *ofp.FlowMod:
		return ofp.FormatActions(again.Instructions, nil)
	case *ofp.NXFlowMod:
		return ofp.FormatActions(again.Instructions, nil)
	}
	return ""
}

// flowPair is a flow that two sources do not have alike; nil: it is not there.
type flowPair struct {
	id       flowID
	old, now *oneFlow
}

// different returns what differs, by table, then the highest priority first.
func different(old, now *flowTable) (all []flowPair) {
	v := max(old.version, now.version)
	for id, f := range old.flows {
		if g, ok := now.flows[id]; !ok {
			all = append(all, flowPair{id, &f, nil})
		} else if !sameFlow(f.mod, g.mod, v) {
			all = append(all, flowPair{id, &f, &g})
		}
	}
	for id, g := range now.flows {
		if _, ok := old.flows[id]; !ok {
			all = append(all, flowPair{id, nil, &g})
		}
	}
	slices.SortFunc(all, func(a, b flowPair) int {
		return cmp.Or(cmp.Compare(a.id.table, b.id.table), cmp.Compare(b.id.priority, a.id.priority), cmp.Compare(a.id.match, b.id.match))
	})
	return all
}

// diffLine lays a flow out as `ovs-ofctl diff-flows` does.
func diffLine(m *ofp.FlowMod) string {
	var b strings.Builder
	if m.Table != 0 {
		fmt.Fprintf(&b, "table=%d ", m.Table)
	}
	match := m.Match.String()
	if m.Priority != ofp.PriorityDefault {
		fmt.Fprintf(&b, "priority=%d", m.Priority)
		if match != "" {
			b.WriteByte(',')
		}
	}
	b.WriteString(match)
	if m.Cookie != 0 {
		fmt.Fprintf(&b, " cookie=0x%x", m.Cookie)
	}
	if m.IdleTimeout != 0 {
		fmt.Fprintf(&b, " idle_timeout=%d", m.IdleTimeout)
	}
	if m.HardTimeout != 0 {
		fmt.Fprintf(&b, " hard_timeout=%d", m.HardTimeout)
	}
	return b.String() + " actions=" + ofp.FormatActions(m.Instructions, nil)
}

// differError is that sources differ, which was told.
type differError struct{}

func (differError) Error() string { return "the flows differ" }

func (c *client) diffFlows() *cobra.Command {
	return &cobra.Command{
		Use:   "diff-flows SOURCE1 SOURCE2",
		Short: "Print how the flows of two switches or files differ",
		Long: `Prints how the flows of two sources differ: those of SOURCE1 alone behind -, those
of SOURCE2 alone behind +, and those of both with other actions, another cookie or
other timeouts in both forms. A source is a switch or a file with one flow a line.
One whose name begins with / or . is a file, - is standard input, and any other is
a file if there is one of that name; a datapath identifier always is a switch.

The exit status is 0 if there is no difference, 2 if there is, and 1 if that could
not be found out. What the switch's OpenFlow version says in other words than the
file is no difference.`,
		Example: `  sluice diff-flows br0 flows.txt
  sluice diff-flows br0 br1
  sluice diff-flows before.txt after.txt`,
		Args: want,
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == "-" && args[1] == "-" {
				return usage(cmd, "only one of the sources can be standard input")
			}
			var tables [2]flowTable
			var names *ofp.Names
			for i, name := range args {
				tables[i].flows = make(map[flowID]oneFlow)
				if isFile(name) {
					continue
				}
				err := c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) (err error) {
					if err = tables[i].readSwitch(ctx, conn, name); err == nil && names == nil {
						names, err = portNames(ctx, conn, name)
					}
					return err
				})
				if err != nil {
					return err
				}
			}
			for i, name := range args {
				if isFile(name) {
					if err := tables[i].readFile(c, name, names); err != nil {
						return err
					}
				}
			}
			w := bufio.NewWriter(c.out)
			differ := different(&tables[0], &tables[1])
			for _, p := range differ {
				before, after := "", ""
				if p.old != nil {
					before = diffLine(p.old.mod)
				}
				if p.now != nil {
					after = diffLine(p.now.mod)
				}
				if before != "" {
					fmt.Fprintf(w, "-%s\n", printable(before))
				}
				if after != "" {
					fmt.Fprintf(w, "+%s\n", printable(after))
				}
			}
			if err := w.Flush(); err != nil || len(differ) == 0 {
				return err
			}
			return differError{}
		},
	}
}

func (c *client) replaceFlows() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "replace-flows SWITCH FILE",
		Short: "Give a switch the flows in a file, and no others",
		Long: `Compares a switch's flows with those in a file, one a line, - being standard input,
and makes good the difference: flows that are not in the file are deleted, those
that the switch lacks are added, and those with other actions, another cookie or
other timeouts are changed. What is the same is not touched, and its counters go
on, unless --readd sends it too. Lasting flows of the apps in sluiced are left alone,
and named, where it keeps desired state.`,
		Example:           "  sluice replace-flows br0 flows.txt\n  sluice dump-flows br0 | sluice replace-flows br1 -",
		Args:              want,
		ValidArgsFunction: c.completeSwitchAndFile,
	}
	again := cmd.Flags().Bool("readd", false, "send the flows that are the same, too")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		has, wants := flowTable{flows: make(map[flowID]oneFlow)}, flowTable{flows: make(map[flowID]oneFlow)}
		var names *ofp.Names
		err := c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) (err error) {
			names, err = portNames(ctx, conn, args[0])
			return err
		})
		if err != nil {
			return err
		}
		if err := wants.readFile(c, args[1], names); err != nil {
			return err
		}
		err = c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
			return has.readSwitch(ctx, conn, args[0])
		})
		if err != nil {
			return err
		}
		return c.replace(cmd, args[0], &has, &wants, *again)
	}
	return cmd
}

// replace sends what makes one table of the other: what goes first, as ovs-ofctl
// does, so that a full table has room for what comes.
func (c *client) replace(cmd *cobra.Command, sw string, has, wants *flowTable, again bool) error {
	if c.writing.owner != "" {
		wants.leaveCookies(has)
	}
	differ := different(has, wants)
	if again {
		differ = slices.DeleteFunc(differ, func(p flowPair) bool { return p.now != nil })
		for _, id := range slices.SortedFunc(maps.Keys(wants.flows), func(a, b flowID) int { return wants.flows[a].line - wants.flows[b].line }) {
			f := wants.flows[id]
			differ = append(differ, flowPair{id, nil, &f})
		}
	}
	var changes []*sluicev1.FlowChange
	var sources []source
	for _, p := range differ {
		if p.now == nil {
			gone := ofp.NewFlowMod(ofp.FlowDeleteStrict)
			gone.Table, gone.Priority, gone.Match = p.old.mod.Table, p.old.mod.Priority, p.old.mod.Match
			changes = append(changes, flows.verbs["delete_strict"](gone.String()))
			sources = append(sources, source{text: gone.String()})
		}
	}
	for _, p := range differ {
		if p.now != nil {
			changes = append(changes, flows.verbs["add"](p.now.text))
			sources = append(sources, p.now.source)
		}
	}
	for left := 0; len(changes) > 0; left++ {
		err := flows.writeChanges(c, cmd, sw, changes, sources)
		at, app, ok := appsFlow(err)
		if !ok || at >= len(changes) || changes[at].GetDeleteStrict() == nil || left == mostAppsFlows {
			return err
		}
		fmt.Fprintf(c.errOut, "sluice: left alone, as it belongs to %s: %s\n", app, sources[at].text)
		changes, sources = slices.Delete(changes, at, at+1), slices.Delete(sources, at, at+1)
	}
	return c.print(flows.answer(0), func(io.Writer) {})
}

// mostAppsFlows bounds how many flows of apps replace-flows leaves alone on a switch:
// each costs a call that changes nothing. Apps have one or two.
const mostAppsFlows = 100

// appsFlow tells which change the first call of a command was refused for since the
// flow belongs to an app, if that is why, and to which.
func appsFlow(err error) (at int, app string, ok bool) {
	var fault *flowFault
	if !errors.As(err, &fault) || fault.before > 0 {
		return 0, "", false
	}
	for _, d := range status.Convert(fault.err).Details() {
		info, is := d.(*errdetails.ErrorInfo)
		if name, of := info.GetMetadata()["app"]; is && of {
			at, err := strconv.Atoi(info.GetMetadata()["index"])
			if app = "an app"; name != "" {
				app = "the app " + printable(name)
			}
			return at, app, err == nil && at >= 0
		}
	}
	return 0, "", false
}
