package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-sdn/sluice/test/ovs"
)

// stage is where the demonstration plays, and what it has seen so far.
type stage struct {
	*ovs.Net
	bin    string // the folder of sluiced and sluice
	step   int
	checks int
	wrong  []error // what did not go as told
}

// bridge is one of the four, with its hosts.
type bridge struct {
	name, version, protocol string
	hosts                   []*ovs.Host
}

const hostsPerBridge = 3

func (s *stage) play(ctx context.Context) error {
	bridges := []*bridge{
		{name: "of10", version: "1.0", protocol: "OpenFlow10"},
		{name: "of11", version: "1.1", protocol: "OpenFlow11"},
		{name: "of12", version: "1.2", protocol: "OpenFlow12"},
		{name: "of13", version: "1.3", protocol: "OpenFlow13"},
	}
	for _, act := range []func(context.Context, []*bridge) error{s.connect, s.learn, s.flows, s.block, s.redirect, s.refuse, s.log} {
		if err := act(ctx, bridges); err != nil {
			return err
		}
	}
	return nil
}

// connect starts the controller, the bridges and the hosts.
func (s *stage) connect(ctx context.Context, bridges []*bridge) error {
	s.title("Four Open vSwitch bridges connect to sluiced, each at its own version of OpenFlow")
	s.say("$ sluiced --apps l2switch &")
	if _, err := s.StartSluiced(ctx, filepath.Join(s.bin, "sluiced"), "--apps", "l2switch"); err != nil {
		return err
	}
	for i, b := range bridges {
		s.say("$ ovs-vsctl add-br %s -- set bridge %s protocols=%s … -- set-controller %s %s", b.name, b.name, b.protocol, b.name, ovs.ControllerAddr)
		err := s.AddBridge(ctx, ovs.Bridge{Name: b.name, DPID: uint64(i + 1), Protocols: []string{b.protocol}})
		if err != nil {
			return err
		}
		for h := range hostsPerBridge {
			host, err := s.AddHost(ctx, b.name, fmt.Sprintf("%s-h%d", b.name, h+1), fmt.Sprintf("10.0.%d.%d/24", 10+i, h+1))
			if err != nil {
				return err
			}
			b.hosts = append(b.hosts, host)
		}
	}
	var list string
	waited, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err := ovs.Wait(waited, "four connected switches", func(ctx context.Context) (err error) {
		list, err = s.sluice(ctx, "switches")
		for _, b := range bridges {
			if err == nil && !hasRow(list, b.name, b.version) {
				err = fmt.Errorf("%s is not connected at OpenFlow %s:\n%s", b.name, b.version, list)
			}
		}
		return err
	})
	s.show("sluice switches", list)
	for _, b := range bridges {
		s.check(hasRow(list, b.name, b.version), "%s is connected, and speaks OpenFlow %s", b.name, b.version)
	}
	return err
}

// hasRow reports whether a line of a table has all the words.
func hasRow(table string, words ...string) bool {
line:
	for line := range strings.Lines(table) {
		fields := " " + strings.Join(strings.Fields(line), " ") + " "
		for _, w := range words {
			if !strings.Contains(fields, " "+w+" ") {
				continue line
			}
		}
		return true
	}
	return false
}

// learn pings through the learning switch.
func (s *stage) learn(ctx context.Context, bridges []*bridge) error {
	s.title("The learning switch lets the hosts of each bridge reach each other")
	for _, b := range bridges {
		for _, to := range b.hosts[1:] {
			if err := s.ping(ctx, b.hosts[0], to, true); err != nil {
				return err
			}
		}
	}
	return nil
}

// flows shows what the learning switch has put into the switches.
func (s *stage) flows(ctx context.Context, bridges []*bridge) error {
	s.title("It has put flows into the switches: the next packets need no controller")
	for _, b := range bridges {
		out, err := s.sluice(ctx, "dump-flows", "--names", b.name)
		if err != nil {
			return err
		}
		if b.version == "1.0" || b.version == "1.3" {
			s.show("sluice dump-flows --names "+b.name, out)
		}
		h := b.hosts[0]
		s.check(strings.Contains(out, "dl_dst="+h.MAC.String()), "%s knows the way to %s (%s)", b.name, h.Name, h.MAC)
	}
	return nil
}

// block pushes one flow over gRPC, and takes it back.
func (s *stage) block(ctx context.Context, bridges []*bridge) error {
	s.title("A flow pushed over gRPC blocks the pings between two hosts; without it they pass again")
	for _, b := range bridges {
		from, to := b.hosts[0], b.hosts[1]
		match := fmt.Sprintf("icmp,nw_src=%s,nw_dst=%s", from.IP, to.IP)
		if err := s.do(ctx, "add-flow", b.name, "priority=60000,"+match+",actions=drop"); err != nil {
			return err
		}
		if err := s.ping(ctx, from, to, false); err != nil {
			return err
		}
		if err := s.do(ctx, "del-flows", b.name, match); err != nil {
			return err
		}
		if err := s.ping(ctx, from, to, true); err != nil {
			return err
		}
	}
	return nil
}

// redirect lets the third host answer what is sent to the second: the same text
// in every version.
func (s *stage) redirect(ctx context.Context, bridges []*bridge) error {
	s.title("Two flows redirect pings for the second host to the third; nobody notices but the counters")
	for _, b := range bridges {
		a, second, third := b.hosts[0], b.hosts[1], b.hosts[2]
		there := fmt.Sprintf("icmp,nw_src=%s,nw_dst=%s", a.IP, second.IP)
		back := fmt.Sprintf("icmp,nw_src=%s,nw_dst=%s", third.IP, a.IP)
		for _, flow := range []string{
			fmt.Sprintf("priority=60000,%s,actions=mod_dl_dst:%s,mod_nw_dst:%s,output:%d", there, third.MAC, third.IP, third.Port),
			fmt.Sprintf("priority=60000,%s,actions=mod_dl_src:%s,mod_nw_src:%s,output:%d", back, second.MAC, second.IP, a.Port),
		} {
			if err := s.do(ctx, "add-flow", b.name, flow); err != nil {
				return err
			}
		}
		before, err := echoes(ctx, second, third)
		if err != nil {
			return err
		}
		if err := s.ping(ctx, a, second, true); err != nil {
			return err
		}
		after, err := echoes(ctx, second, third)
		if err != nil {
			return err
		}
		s.check(after[0] == before[0] && after[1] > before[1], "%s got %d of these pings, %s got %d",
			second.Name, after[0]-before[0], third.Name, after[1]-before[1])
		for _, match := range []string{there, back} {
			if err := s.do(ctx, "del-flows", b.name, match); err != nil {
				return err
			}
		}
	}
	return nil
}

// echoes are the echo requests that each host has received.
func echoes(ctx context.Context, hosts ...*ovs.Host) ([]int, error) {
	var counts []int
	for _, h := range hosts {
		out, err := h.Run(ctx, "cat", "/proc/net/snmp")
		if err != nil {
			return nil, err
		}
		// A line of names, and one of values below it.
		var names []string
		count := -1
		for line := range strings.Lines(out) {
			fields := strings.Fields(line)
			if len(fields) == 0 || fields[0] != "Icmp:" {
				continue
			}
			for i, name := range names {
				if name == "InEchos" && i < len(fields) {
					count, err = strconv.Atoi(fields[i])
				}
			}
			names = fields
		}
		if err != nil || count < 0 {
			return nil, fmt.Errorf("host %s does not count echo requests: %w", h.Name, err)
		}
		counts = append(counts, count)
	}
	return counts, nil
}

// refuse asks one switch for what its version cannot say.
func (s *stage) refuse(ctx context.Context, bridges []*bridge) error {
	s.title("What a switch's version cannot say is an exact error, and nothing is sent")
	const flow = "ipv6,ipv6_dst=2001:db8::/32,actions=drop"
	args := []string{"add-flow", bridges[0].name, flow}
	_, err := s.sluice(ctx, args...)
	failed := (*ovs.CommandError)(nil)
	exit := (*exec.ExitError)(nil)
	if errors.As(err, &failed) && errors.As(err, &exit) {
		s.show(shellLine(args), failed.Output+fmt.Sprintf("(exit status %d)\n", exit.ExitCode()))
		s.check(strings.Contains(failed.Output, "ipv6_dst") && strings.Contains(failed.Output, "1.0"), "the error names the field and the version")
	} else {
		s.check(false, "%s refuses a flow on an IPv6 address: %v", bridges[0].name, err)
	}
	return s.do(ctx, "add-flow", bridges[3].name, flow)
}

// log looks into the controller's log.
func (s *stage) log(ctx context.Context, _ []*bridge) error {
	s.title("The controller's log")
	out, err := s.Run(ctx, "cat", filepath.Join(s.Dir, "sluiced.out"))
	if err != nil {
		return err
	}
	trouble := ovs.Trouble(out)
	s.show("", strings.Join(trouble, "\n"))
	s.check(len(trouble) == 0, "it tells of no error")
	return nil
}

func (s *stage) title(text string) {
	s.step++
	fmt.Printf("\n%d. %s\n\n", s.step, text)
}

func (s *stage) say(format string, args ...any) { fmt.Printf("   "+format+"\n", args...) }

// show prints a command and what it said.
func (s *stage) show(command, output string) {
	if command != "" {
		s.say("$ %s", command)
	}
	for line := range strings.Lines(output) {
		if line = strings.TrimRight(line, "\n"); line != "" {
			s.say("%s", line)
		}
	}
}

// check tells whether something is as it should be.
func (s *stage) check(ok bool, format string, args ...any) {
	s.checks++
	what := fmt.Sprintf(format, args...)
	if ok {
		s.say("ok: %s", what)
		return
	}
	s.say("WRONG: not so: %s", what)
	s.wrong = append(s.wrong, fmt.Errorf("step %d: not so: %s", s.step, what))
}

var pingTimes = regexp.MustCompile(`rtt [^\n]*`)

// ping sends three echo requests and checks that all, or none, are answered.
func (s *stage) ping(ctx context.Context, from, to *ovs.Host, answered bool) error {
	if err := s.Settle(ctx); err != nil {
		return err
	}
	p, err := from.Ping(ctx, to, 3)
	if err != nil {
		return err
	}
	s.say("%s$ ping -c 3 %s", from.Name, to.IP)
	s.say("%d packets transmitted, %d received  %s", p.Sent, p.Received, pingTimes.FindString(p.Output))
	if answered {
		s.check(p.Lost() == 0, "%s reaches %s", from.Name, to.Name)
	} else {
		s.check(p.Received == 0, "%s does not reach %s", from.Name, to.Name)
	}
	return nil
}

// do runs the command line, shows it, and checks its success.
func (s *stage) do(ctx context.Context, args ...string) error {
	out, err := s.sluice(ctx, args...)
	s.show(shellLine(args), out)
	s.check(err == nil, "the switch has confirmed it%s", reason(err))
	return ctx.Err()
}

func reason(err error) string {
	if err == nil {
		return ""
	}
	return ":\n      " + strings.ReplaceAll(err.Error(), "\n", "\n      ")
}

// sluice runs the command line beside the controller.
func (s *stage) sluice(ctx context.Context, args ...string) (string, error) {
	return s.Run(ctx, append([]string{filepath.Join(s.bin, "sluice")}, args...)...)
}

// shellLine is how one would type the command.
func shellLine(args []string) string {
	line := "sluice"
	for _, a := range args {
		if strings.ContainsAny(a, " ,=") {
			a = "'" + a + "'"
		}
		line += " " + a
	}
	return line
}
