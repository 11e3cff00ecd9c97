package main

import (
	"bufio"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

func (c *client) snoop() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "snoop SWITCH",
		Short: "Print what a switch and sluiced say to each other",
		Long: `Prints the OpenFlow messages that a switch and sluiced say to each other, as they
come, until it is interrupted. The switch does not wait for it: where messages
come faster than they can be printed, some are left out, and their number is told.

With -o json each message is an object on a line of its own, and with -o yaml a
document.`,
		Example: `  sluice snoop br0
  sluice snoop br0 --type packet_in,packet_out,flow_mod
  sluice -o json snoop br0 --count 10 | jq -r .type`,
		Args:              want,
		ValidArgsFunction: c.completeSwitch,
	}
	names := messageTypeNames()
	types := cmd.Flags().StringSlice("type", nil, "only messages of these types, such as packet_in,flow_mod,error")
	count := cmd.Flags().Int("count", 0, "end after so many messages; 0: never")
	complete(cmd, "type", names...)
	complete(cmd, "count")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *count < 0 {
			return usage(cmd, "count %d: want 0 or more", *count)
		}
		for _, t := range *types {
			if !slices.Contains(names, t) {
				return usage(cmd, "no message is called %q: want %s", cut(t), strings.Join(names, ", "))
			}
		}
		err := c.listen(cmd.Context(), &sluicev1.SnoopRequest{Switch: args[0], Types: *types}, *count)
		if cmd.Context().Err() != nil {
			return nil // interrupted, as was to be
		}
		return err
	}
	return cmd
}

// messageTypeNames are the types of messages.
func messageTypeNames() []string {
	var names []string
	for t := ofp.TypeUnknown + 1; t.String() != ofp.TypeUnknown.String(); t++ {
		names = append(names, t.String())
	}
	return names
}

// listen prints what Snoop tells. The time of --timeout is that to begin in.
func (c *client) listen(ctx context.Context, q *sluicev1.SnoopRequest, count int) error {
	conn, err := c.dial()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	late := time.AfterFunc(c.timeout, cancel)
	defer late.Stop()
	begun := false
	inTime := func(err error) error {
		if !begun && !late.Stop() {
			return fmt.Errorf("no answer from sluiced at %s within %s", c.target(), c.timeout)
		}
		return err
	}
	stream, err := sluicev1.NewSwitchServiceClient(conn).Snoop(ctx, q)
	if err != nil {
		return inTime(err)
	}
	p := newSnoopPrinter(c)
	for {
		r, err := stream.Recv()
		if err != nil {
			return inTime(err)
		}
		begun = true
		late.Stop()
		if err := p.event(r); err != nil {
			return err
		}
		if count > 0 && p.messages == count {
			return nil
		}
	}
}

// snoopPrinter prints the events of Snoop.
type snoopPrinter struct {
	c        *client
	out      *bufio.Writer
	name     string // of the switch
	messages int
}

func newSnoopPrinter(c *client) *snoopPrinter {
	return &snoopPrinter{c: c, out: bufio.NewWriter(c.out)}
}

// event prints one event at once: nobody knows when the next one comes.
func (p *snoopPrinter) event(r *sluicev1.SnoopResponse) error {
	switch e := r.GetEvent().(type) {
	case *sluicev1.SnoopResponse_Started:
		p.name = printable(e.Started.GetName())
	case *sluicev1.SnoopResponse_Message:
		p.message(e.Message)
		p.messages++
	case *sluicev1.SnoopResponse_Lagged:
		p.lagged(e.Lagged.GetMessages())
	}
	return p.out.Flush()
}

func (p *snoopPrinter) message(m *sluicev1.SnoopMessage) {
	from, to := p.name, "controller"
	if m.GetDirection() == sluicev1.SnoopDirection_SNOOP_DIRECTION_TO_SWITCH {
		from, to = to, from
	}
	if p.c.output != "text" {
		p.object(jsonLine(capturedObject{m.GetTime().AsTime().Format(time.RFC3339Nano), from, to, reencode(m.GetData())}))
		return
	}
	if p.messages > 0 {
		fmt.Fprintln(p.out)
	}
	fmt.Fprintf(p.out, "%s %s > %s:\n", stamp(m.GetTime().AsTime()), from, to)
	_ = printFrame(p.out, m.GetData()) // says itself what cannot be decoded
}

func (p *snoopPrinter) lagged(n uint64) {
	if p.c.output != "text" {
		p.object(fmt.Appendf(nil, "{\"missed\":%d}\n", n))
		return
	}
	_ = p.out.Flush() // in the order of the messages; the next Flush tells
	plural := "s"
	if n == 1 {
		plural = ""
	}
	fmt.Fprintf(p.c.errOut, "sluice: missed %d message%s here, which came faster than they could be printed\n", n, plural)
}

// object prints a JSON object in the form that was asked for.
func (p *snoopPrinter) object(line []byte) {
	if p.c.output == "yaml" {
		b, err := toYAML(line)
		if err != nil {
			panic(err) // it was just encoded
		}
		line = []byte("---\n" + strings.TrimSuffix(string(b), "\n") + "\n")
	}
	_, _ = p.out.Write(line) // Flush tells
}
