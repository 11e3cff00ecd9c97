// Command bench measures sluiced under load, beside a floor (a program that only
// frames and answers) and a peer (Open vSwitch's ovs-testcontroller), and prints
// tables in Markdown. What it can measure is the table of scenarios. Each says
// what was aimed at and whether it is met, but nothing fails for being slow.
//
// All run here in one go, each pinned to one core and the load generator to
// another, several times in turns; the tables show medians. So the ratios hold
// on any machine, while the absolute figures are this machine's. It ends only
// what it has started, also on failure and interrupt.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const environment = `Environment:
  BENCH_SCENARIOS    of those below                                (all of them)
  BENCH_VERSIONS     versions of OpenFlow                          (1.0 1.3)
  BENCH_CONTROLLERS  of floor, sluiced, ovs-testcontroller         (all three)
  BENCH_REPEAT       how often each is measured; medians are shown (3)
  BENCH_LOOPS        tests of each measurement, the first warms up (4)
  BENCH_MS           milliseconds of each test                     (500)
  BENCH_SWITCHES     switches; ovs-testcontroller takes 16 at most (16)
  BENCH_MACS         hosts of each switch                          (100)
  BENCH_CORES        the controller's core and the generator's     (0 1)
  BENCH_HOLD         how long idle switches are held; 5m in full   (12s)
  BENCH_IDLE         idle switches                                 (5000)
  BENCH_RECONNECT    switches that reconnect at once               (1000)
  BENCH_LOAD         packet-ins a second of the 100 beside them    (100000)
  BENCH_STORED       flows that restart and state find stored      (1000000)
  BENCH_FLOWS        flows on a bridge, in state                   (100000)
  BENCH_STATE        of push, reconcile, one, back, parts of state (all of them)
  BENCH_DEADLINE     for the whole run                             (20m)
  BENCH_GO           0: leave out the scenario go                  (1)
`

// plan is what to measure.
type plan struct {
	scenarios   []string
	bin         string // folder of the programs
	versions    []string
	controllers []string
	repeat      int
	loops       int
	ms          int
	switches    int
	macs        int
	cores       [2]string
	hold        time.Duration
	idle        int
	reconnect   int
	http        int // port of sluiced's, 0 for any
	load        int
	stored      int
	state       string   // directory of sluiced's state; "" for a new one
	flows       int      // on a bridge
	parts       []string // of the scenario state; none for all
	deadline    time.Duration
}

func main() {
	bin := flag.String("bin", "bin", "`folder` with sluiced, ofbench and floor")
	remove := flag.Bool("remove", false, "remove that folder at the end")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "Measures sluiced beside a floor and a peer. Flags:")
		flag.PrintDefaults()
		fmt.Fprint(flag.CommandLine.Output(), environment, "Scenarios:\n")
		for _, s := range scenarios {
			fmt.Fprintf(flag.CommandLine.Output(), "  %-10s %s\n", s.name, s.what)
		}
	}
	flag.Parse()
	err := run(*bin)
	if *remove {
		err = errors.Join(err, os.RemoveAll(*bin))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures until all is done, the deadline is over or a signal comes.
func run(bin string) error {
	p, err := planFrom(os.Getenv)
	if err != nil {
		return err
	}
	if p.bin, err = filepath.Abs(bin); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeoutCause(ctx, p.deadline, fmt.Errorf("not done within BENCH_DEADLINE=%v", p.deadline))
	defer stop()
	defer cancel()
	return measureAll(ctx, p)
}

// planFrom reads the plan from the environment.
func planFrom(env func(string) string) (*plan, error) {
	p := &plan{
		versions:    strings.Fields(cmp.Or(env("BENCH_VERSIONS"), "1.0 1.3")),
		controllers: strings.Fields(cmp.Or(env("BENCH_CONTROLLERS"), "floor sluiced ovs-testcontroller")),
		scenarios:   strings.Fields(env("BENCH_SCENARIOS")),
		parts:       strings.Fields(env("BENCH_STATE")),
	}
	for _, name := range p.scenarios {
		if !slices.ContainsFunc(scenarios, func(s scenario) bool { return s.name == name }) {
			return nil, fmt.Errorf("BENCH_SCENARIOS: there is no %q; --help tells which there are", name)
		}
	}
	if len(p.scenarios) == 0 {
		for _, s := range scenarios {
			p.scenarios = append(p.scenarios, s.name)
		}
	}
	if cmp.Or(env("BENCH_GO"), "1") != "1" {
		p.scenarios = slices.DeleteFunc(p.scenarios, func(s string) bool { return s == "go" })
	}
	for _, n := range []struct {
		key string
		to  *int
		def int
		low int
	}{
		{"BENCH_REPEAT", &p.repeat, 3, 1},
		{"BENCH_LOOPS", &p.loops, 4, 2},
		{"BENCH_MS", &p.ms, 500, 10},
		{"BENCH_SWITCHES", &p.switches, 16, 1},
		{"BENCH_MACS", &p.macs, 100, 2},
		{"BENCH_IDLE", &p.idle, 5000, 1},
		{"BENCH_RECONNECT", &p.reconnect, 1000, 1},
		{"BENCH_LOAD", &p.load, 100_000, 100},
		{"BENCH_STORED", &p.stored, 1_000_000, 1},
		{"BENCH_FLOWS", &p.flows, 100_000, 1000},
	} {
		v, err := strconv.Atoi(cmp.Or(env(n.key), strconv.Itoa(n.def)))
		if err != nil || v < n.low {
			return nil, fmt.Errorf("%s=%q: want a number of at least %d", n.key, env(n.key), n.low)
		}
		*n.to = v
	}
	cores := strings.Fields(cmp.Or(env("BENCH_CORES"), "0 1"))
	if len(cores) != 2 {
		return nil, fmt.Errorf("BENCH_CORES=%q: want two cores", env("BENCH_CORES"))
	}
	p.cores = [2]string(cores)
	var err error
	for _, d := range []struct {
		key string
		to  *time.Duration
		def string
	}{{"BENCH_DEADLINE", &p.deadline, "20m"}, {"BENCH_HOLD", &p.hold, "12s"}} {
		if *d.to, err = time.ParseDuration(cmp.Or(env(d.key), d.def)); err != nil || *d.to <= 0 {
			return nil, fmt.Errorf("%s=%q: want a duration such as %s", d.key, env(d.key), d.def)
		}
	}
	for _, name := range p.controllers {
		if _, ok := commands[name]; !ok {
			return nil, fmt.Errorf("BENCH_CONTROLLERS: %q: want floor, sluiced or ovs-testcontroller", name)
		}
	}
	return p, nil
}

// measureAll measures everything and prints the tables.
func measureAll(ctx context.Context, p *plan) error {
	if _, err := exec.LookPath("taskset"); err != nil {
		return fmt.Errorf("taskset is needed (Debian package util-linux): %w", err)
	}
	if slices.Contains(p.controllers, "ovs-testcontroller") {
		if _, err := exec.LookPath("ovs-testcontroller"); err != nil {
			fmt.Fprintln(os.Stderr, "bench: ovs-testcontroller is not installed (Debian package openvswitch-testcontroller): measuring without it")
			p.controllers = slices.DeleteFunc(p.controllers, func(s string) bool { return s == "ovs-testcontroller" })
		}
	}
	printMachine(p)
	var all []aim
	for _, sc := range scenarios {
		if !slices.Contains(p.scenarios, sc.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "bench: %s: %s\n", sc.name, sc.what)
		fmt.Printf("### %s\n\n", sc.name)
		aims, err := sc.run(ctx, p, os.Stdout)
		all = append(all, aims...)
		if err != nil {
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return errors.Join(fmt.Errorf("%s: %w", sc.name, err), printAims(os.Stdout, all))
		}
	}
	return printAims(os.Stdout, all)
}
