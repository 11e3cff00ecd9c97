package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/sluice-sdn/sluice/ofp"
)

// maxPlayers is how many connections are played at once.
const maxPlayers = 1000

// replayOptions are the flags of replay.
type replayOptions struct {
	to         string
	connection int
	dpid       string
	speed      float64
	wait       time.Duration
	show       int
	list, hold bool
	ports      portsFlag
}

func (c *client) replay() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "replay FILE",
		Short: "Play the switches of a recording to a controller",
		Long: `Plays what switches said in a recording to a controller, and tells what that says
otherwise than it did then. The recording is one of sluiced --record, or a capture
of TCP port 6653 by tcpdump, dumpcap or Wireshark that has the start of the
connections. No sluiced is needed but the one that is played to, which may be any
controller.

All connections are played at once, those of the same switch one after the other.
Each message waits until the controller has said what it had said before it in
the recording, for --wait at most: a kind of message that does not come is not
waited for again, until one does. Answers get the xid of the controller's present
question. Questions that the recording has no answer to are answered with one to
the same question elsewhere in it, or with an error.

At the end a table tells what the controller said: the same as in the recording,
something different in its place, less (missing), more (extra). Echo requests are
answered, and not counted. The exit status is 0 if all was played, whatever the
controller said; and 1 if it ended a connection before.`,
		Example: `  sluice replay --list of.pcapng
  sluice replay of.pcapng --to 127.0.0.1:6653
  sluice replay of.pcapng --connection 3 --speed 1 --hold`,
		Args: cobra.ArbitraryArgs,
	}
	o := replayOptions{ports: portsFlag{6633, 6653}}
	f := cmd.Flags()
	f.StringVar(&o.to, "to", "127.0.0.1:6653", "`ADDRESS` of the controller")
	f.BoolVar(&o.list, "list", false, "list the connections of the recording, and play none")
	f.IntVar(&o.connection, "connection", 0, "play the connection of this `NUMBER` only; --list tells them")
	f.StringVar(&o.dpid, "dpid", "", "play the connections of this switch only")
	f.Float64Var(&o.speed, "speed", 0, "play as fast as it was recorded (1), that many times as fast, or as fast as the controller answers (0)")
	f.DurationVar(&o.wait, "wait", 2*time.Second, "how long to wait for what the controller said at that place")
	f.BoolVar(&o.hold, "hold", false, "stay connected at the end, until interrupted")
	f.IntVar(&o.show, "show", 3, "how many of the differences to print in full")
	f.Var(&o.ports, "port", "the TCP port of OpenFlow in the recording, or several")
	cmd.ValidArgsFunction = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault) // files
	complete(cmd, "to", "127.0.0.1:6653")
	complete(cmd, "speed", "0", "1")
	for _, flag := range []string{"connection", "dpid", "wait", "show", "port"} {
		complete(cmd, flag)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := want(cmd, args); err != nil {
			return err
		}
		if o.speed < 0 || o.wait < 0 || o.show < 0 || o.connection < 0 {
			return usage(cmd, "--speed, --wait, --show and --connection: want 0 or more")
		}
		if _, _, err := net.SplitHostPort(o.to); err != nil {
			return usage(cmd, "--to %q: want HOST:PORT", cut(o.to))
		}
		var dpid ofp.DPID
		if o.dpid != "" {
			var err error
			if dpid, err = ofp.ParseDPID(o.dpid); err != nil {
				return usage(cmd, "--dpid: %v", err)
			}
		}
		return c.runReplay(cmd.Context(), args[0], dpid, &o)
	}
	return cmd
}

// talksOf reads the connections of a file.
func talksOf(name string, ports []uint16, wanted func(number int) bool) ([]*dialogue, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	list, err := readTalks(f, ports, wanted)
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return list, err
}

// runReplay lists or plays. The file is read twice, so that only what is played
// is held in memory.
func (c *client) runReplay(ctx context.Context, name string, dpid ofp.DPID, o *replayOptions) error {
	list, err := talksOf(name, o.ports, func(int) bool { return false })
	if err != nil && len(list) == 0 {
		return err
	}
	if err != nil {
		fmt.Fprintf(c.errOut, "sluice: %v; what is before it is taken\n", err)
	}
	if len(list) == 0 {
		return fmt.Errorf("%s: no OpenFlow on TCP port %s; --port names others", name, strings.ReplaceAll(o.ports.String(), ",", " or "))
	}
	if o.list {
		return c.listTalks(list)
	}
	chosen := map[int]bool{}
	for _, t := range list {
		of := (o.connection == 0 || t.number == o.connection) && (o.dpid == "" || t.shaken && t.dpid == dpid)
		if of && !t.shaken && o.connection == 0 {
			fmt.Fprintf(c.errOut, "sluice: connection %d is left out: the recording does not have its handshake\n", t.number)
			of = false
		}
		if of {
			chosen[t.number] = true
		}
	}
	if len(chosen) == 0 {
		return fmt.Errorf("%s: no such connection with a handshake; --list tells those that there are", name)
	}
	list, err = talksOf(name, o.ports, func(n int) bool { return chosen[n] })
	if err != nil && len(list) == 0 {
		return err
	}
	return c.playTalks(ctx, list, chosen, o)
}

// playTalks plays the chosen connections, and reports.
func (c *client) playTalks(ctx context.Context, list []*dialogue, chosen map[int]bool, o *replayOptions) error {
	var mu sync.Mutex
	played := map[int]*outcome{}
	var first time.Time
	groups := map[string][]*dialogue{}
	for _, t := range list {
		if !chosen[t.number] {
			continue
		}
		key := t.dpid.String()
		if !t.shaken {
			key = "connection " + strconv.Itoa(t.number)
		}
		groups[key] = append(groups[key], t)
		if first.IsZero() || t.begin.Before(first) {
			first = t.begin
		}
	}
	begin := time.Now()
	var all errgroup.Group
	all.SetLimit(maxPlayers)
	for _, group := range groups {
		all.Go(func() error {
			for i, t := range group {
				if o.speed > 0 {
					at := begin.Add(time.Duration(float64(t.begin.Sub(first)) / o.speed))
					if !sleepUntil(ctx, at) {
						return nil
					}
				}
				r := c.playTalk(ctx, t, o, o.hold && i == len(group)-1)
				mu.Lock()
				played[t.number] = r
				mu.Unlock()
				if ctx.Err() != nil {
					return nil
				}
			}
			return nil
		})
	}
	_ = all.Wait() // what went wrong is in the outcomes
	var outcomes []*outcome
	failed := 0
	for _, t := range list {
		if r := played[t.number]; r != nil {
			outcomes = append(outcomes, r)
			if r.err != nil {
				failed++
			}
		}
	}
	if err := c.report(outcomes, o.show); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d connections were not played to their end", failed, len(chosen))
	}
	if n := len(chosen) - len(outcomes); n > 0 {
		return fmt.Errorf("interrupted: %d of %d connections were not played", n, len(chosen))
	}
	return nil
}

func sleepUntil(ctx context.Context, at time.Time) bool {
	t := time.NewTimer(time.Until(at))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// playTalk plays one connection.
func (c *client) playTalk(ctx context.Context, t *dialogue, o *replayOptions, hold bool) *outcome {
	p := newPlayer(newScript(t))
	p.wait, p.limit, p.speed, p.hold = o.wait, c.timeout, o.speed, hold
	r := &outcome{talk: t, player: p}
	begin := time.Now()
	d := net.Dialer{Timeout: c.timeout}
	nc, err := d.DialContext(ctx, "tcp", o.to)
	if err != nil {
		r.err = fmt.Errorf("cannot reach the controller at %s: %w; start it, or name another address with --to", o.to, root(err))
		return r
	}
	if hold {
		p.reached = func() {
			fmt.Fprintf(c.errOut, "sluice: connection %d is played and held; end it with control-C\n", t.number)
		}
	}
	r.err = p.play(ctx, nc)
	r.took = time.Since(begin)
	return r
}

// listTalks prints the connections of a recording.
func (c *client) listTalks(list []*dialogue) error {
	type object struct {
		Connection   int    `json:"connection"`
		DPID         string `json:"dpid"`
		Version      string `json:"version"`
		Switch       string `json:"switch"`
		Begin        string `json:"begin"`
		Seconds      string `json:"seconds"`
		FromSwitch   int    `json:"from_switch"`
		ToSwitch     int    `json:"to_switch"`
		Gaps         int    `json:"gaps"`
		HasHandshake bool   `json:"has_handshake"`
	}
	rows := [][]string{{"CONNECTION", "DPID", "VERSION", "SWITCH", "BEGIN", "SECONDS", "FROM", "TO", "NOTE"}}
	objects := []object{}
	for _, t := range list {
		dpid, note := "-", []string{}
		if t.shaken {
			dpid = t.dpid.String()
		} else {
			note = append(note, "no handshake")
		}
		if t.gaps > 0 {
			note = append(note, fmt.Sprintf("%d gaps", t.gaps))
		}
		seconds := fmt.Sprintf("%.3f", t.end.Sub(t.begin).Seconds())
		rows = append(rows, []string{strconv.Itoa(t.number), dpid, t.version.String(), t.addr().String(), stamp(t.begin), seconds,
			strconv.Itoa(t.messages[t.sw]), strconv.Itoa(t.messages[1-t.sw]), orDash(note)})
		objects = append(objects, object{t.number, strings.TrimPrefix(dpid, "-"), t.version.String(), t.addr().String(), t.begin.UTC().Format(time.RFC3339Nano),
			seconds, t.messages[t.sw], t.messages[1-t.sw], t.gaps, t.shaken})
	}
	return c.printObject(map[string]any{"connections": objects}, func(w io.Writer) { table(w, rows) })
}

// printObject prints v as JSON or YAML, or text.
func (c *client) printObject(v any, text func(w io.Writer)) error {
	if c.output == "text" {
		var b strings.Builder
		text(&b)
		_, err := io.WriteString(c.out, b.String())
		return err
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return errors.Join(errors.New("making JSON"), err)
	}
	return c.printJSON(raw)
}
