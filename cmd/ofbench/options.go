package main

import (
	"fmt"
	"io"
	"math/bits"
	"net"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/faultproxy"
)

// options are what the flags say.
type options struct {
	host       string
	port       int
	switches   int
	macs       int
	loops      int
	perTest    time.Duration
	warmup     int
	throughput bool

	version       ofp.Version
	pid           int
	window        int
	answerTimeout time.Duration
	readyTimeout  time.Duration
	dpidOffset    uint64
	hold          time.Duration
	faults        faultproxy.Faults
	seed          uint64
	reconnect     int
	rate          int
	procs         int
	json          bool
}

// addr is where the controller listens.
func (o *options) addr() string { return net.JoinHostPort(o.host, strconv.Itoa(o.port)) }

// inFlight is how many packet-ins of one switch may be unanswered at a time.
func (o *options) inFlight() int {
	if o.throughput {
		return o.window
	}
	return 1
}

// looped reports whether loops serve the connections.
func (o *options) looped() bool { return haveLoops && o.throughput && o.hold == 0 }

const helpText = `ofbench measures an OpenFlow controller: it plays switches, sends packet-ins and
counts the answers. Flags and RESULT line are those of cbench.

  ofbench -c 127.0.0.1 -p 6653 -s 16 -M 100 -l 10 -m 1000 -w 1 -t --of 1.3 --pid $(pidof sluiced)

Without -t it measures latency: each switch has one packet-in unanswered at a
time. With -t it measures throughput: each switch has up to --window of them.

How answers are counted: each packet-in has a buffer id of its own, and the first
flow-mod or packet-out that carries this id is its one answer. So a flow-mod
without a buffer id and a packet-out with it count once, and a flow-mod and a
packet-out that both carry it count once too. What comes twice, too late, for an
id that was never sent or without an id is reported but not counted. A packet-in
is given up after --answer-timeout if by then packet-ins sent that much later
were answered, or none at all.

A controller that bounds packet-ins (sluiced --packet-in-rate, or a meter in the
switch) drops what is over: those packet-ins get no answer, stay in the window
until they are given up, and what is measured is the bound and --answer-timeout
rather than the controller. Start it without bounds, or send below them (--rate).

What is sent: 64-byte UDP packets, so that a packet-in has 82 bytes in OpenFlow
1.0 and 106 in 1.3. A switch has --mac-addresses-per-switch hosts (at least 2),
spread over its 4 ports. They take turns as the source; the destination is
another host of the switch on another port, a different one in each turn. So
after one packet-in of each host a learning switch knows every destination and
every packet-in asks for a flow.

--pid needs Linux: CPU time is user and system time of that process in
/proc/PID/stat, its children excluded, from the end of the warm-up to the end.

Exit code: 0 if the controller answered, 1 if it did not or closed a connection,
2 for wrong flags, 130 after an interrupt.

--fault puts a proxy between the switches and the controller that breaks what
passes, and a switch whose connection ends comes back: it is counted and told,
and no error. Packet-ins of the old connection are given up. The proxy works on
ofbench's cores: what it costs is not the controller's. Faults are
`

// parseOptions reads the flags. On --help it writes the help to w and returns
// pflag.ErrHelp.
func parseOptions(args []string, w io.Writer) (*options, error) {
	o := new(options)
	f := pflag.NewFlagSet("ofbench", pflag.ContinueOnError)
	f.SortFlags = false
	f.Usage = func() { fmt.Fprint(w, helpText, faultproxy.Help(), "\nFlags:\n", f.FlagUsages()) }
	f.StringVarP(&o.host, "controller", "c", "127.0.0.1", "`host` of the controller")
	f.IntVarP(&o.port, "port", "p", 6653, "TCP `port` of the controller")
	f.IntVarP(&o.switches, "switches", "s", 16, "`number` of switches")
	f.IntVarP(&o.macs, "mac-addresses-per-switch", "M", 1000, "`number` of hosts of each switch")
	f.IntVarP(&o.loops, "loops", "l", 10, "`number` of tests, those for warm-up included")
	ms := f.IntP("ms-per-test", "m", 1000, "`milliseconds` of each test")
	f.IntVarP(&o.warmup, "warmup", "w", 1, "`number` of tests at the start that do not count")
	f.BoolVarP(&o.throughput, "throughput", "t", false, "measure throughput instead of latency")
	version := f.String("of", "1.0", "OpenFlow `version` of the switches: 1.0, 1.1, 1.2 or 1.3")
	f.IntVar(&o.pid, "pid", 0, "tell CPU seconds per million answers of the controller with this process `id`")
	f.IntVar(&o.window, "window", 1024, "with -t: `number` of packet-ins that a switch has unanswered at most; rounded up to a power of 2")
	f.DurationVar(&o.answerTimeout, "answer-timeout", 2*time.Second, "when a packet-in is given up")
	f.DurationVar(&o.readyTimeout, "ready-timeout", 20*time.Second, "for all switches to connect and shake hands")
	f.Uint64Var(&o.dpidOffset, "dpid-offset", 1, "datapath `id` of the first switch; the others follow")
	f.DurationVar(&o.hold, "hold", 0, "send no packet-ins: shake hands, answer requests for this long, tell how many connections lasted")
	fault := f.String("fault", "", "break the connections: what `faults` are is explained above")
	f.Uint64Var(&o.seed, "seed", 1, "`number` that decides what --fault leaves to chance")
	f.IntVar(&o.reconnect, "reconnect", 0, "with --hold: so many `times`, drop all connections at once and connect again")
	f.IntVar(&o.rate, "rate", 0, "with -t: packet-ins a second of all switches together at most; 0 for as many as are answered")
	f.IntVar(&o.procs, "procs", 1, "`number` of cores to use")
	f.BoolVar(&o.json, "json", false, "print one JSON object instead of text; what its fields mean is in docs/performance.md")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	o.perTest = time.Duration(*ms) * time.Millisecond
	var err error
	if o.version, err = ofp.ParseVersion(*version); err != nil {
		return nil, fmt.Errorf("--of: %w", err)
	}
	if o.faults, err = faultproxy.Parse(*fault); err != nil {
		return nil, fmt.Errorf("--fault: %w", err)
	}
	return o, o.check(f.Args())
}

// maxSwitches and maxHosts are what the MAC addresses have room for.
const (
	maxSwitches = 1 << 16
	maxHosts    = 1 << 24
	maxWindow   = 1 << 20
)

// check says what is wrong with the options, and rounds what needs rounding.
func (o *options) check(rest []string) error {
	for _, limit := range []struct {
		flag          string
		got, low, top int
	}{
		{"--port", o.port, 1, 65535},
		{"--switches", o.switches, 1, maxSwitches},
		{"--mac-addresses-per-switch", o.macs, 1, maxHosts},
		{"--loops", o.loops, 1, 1 << 20},
		{"--ms-per-test", int(o.perTest / time.Millisecond), 1, 1 << 30},
		{"--window", o.window, 1, maxWindow},
		{"--pid", o.pid, 0, 1 << 30},
		{"--procs", o.procs, 1, 1024},
		{"--reconnect", o.reconnect, 0, 1 << 20},
		{"--rate", o.rate, 0, 1 << 30},
	} {
		if limit.got < limit.low || limit.got > limit.top {
			return fmt.Errorf("%s %d: want %d to %d", limit.flag, limit.got, limit.low, limit.top)
		}
	}
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected argument %q", rest[0])
	case o.warmup < 0 || o.warmup >= o.loops:
		return fmt.Errorf("--warmup %d: want 0 to %d, as it is part of the %d loops", o.warmup, o.loops-1, o.loops)
	case o.answerTimeout <= 0:
		return fmt.Errorf("--answer-timeout %v: want more than 0", o.answerTimeout)
	case o.readyTimeout <= 0:
		return fmt.Errorf("--ready-timeout %v: want more than 0", o.readyTimeout)
	case o.hold < 0:
		return fmt.Errorf("--hold %v: want 0 or more", o.hold)
	case o.reconnect > 0 && o.hold == 0:
		return fmt.Errorf("--reconnect %d: comes with --hold, which says how long the connections last", o.reconnect)
	case o.rate > 0 && !o.throughput:
		return fmt.Errorf("--rate %d: comes with -t", o.rate)
	}
	o.macs = max(o.macs, 2)
	o.window = 1 << bits.Len(uint(o.window-1))
	return nil
}
