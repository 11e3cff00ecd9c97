package main

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sluice-sdn/sluice/apps/l2switch"
	"github.com/sluice-sdn/sluice/controller/channel"
)

// settings is what the daemon can be told.
type settings struct {
	openflow   endpoints
	connect    targets
	tlsCert    file
	tlsKey     file
	tlsCA      file
	tlsPin     pins
	maxPending count
	rate       count
	rateTotal  count
	grpc       address
	http       address
	extensions toggle
	state      directory
	ownerFlows quotas
	foreign    foreignRule
	foreignFew flowFilters
	period     every
	apps       appNames
	role       choice
	generation generationID
	async      asyncWords
	packetIn   packetInRate
	recording  recordSettings
	meter      controllerMeter
	logLevel   level
	logFormat  choice
}

// defaults are the settings of a daemon that is told nothing: useful to somebody
// who just starts it, and open to other machines only where switches connect.
func defaults() *settings {
	return &settings{
		openflow:   endpoints{{Transport: channel.TransportTCP, Addr: ":" + channel.DefaultPort}},
		maxPending: 1024,
		rate:       2000,
		rateTotal:  5000,
		grpc:       "127.0.0.1:8653",
		http:       "127.0.0.1:9653",
		period:     every(5 * time.Minute),
		apps:       appNames{l2switch.Name},
		role:       choice{value: "equal", of: []string{"equal", "master", "slave"}},
		recording:  recordSettings{size: 100 << 20, files: 5},
		logLevel:   level(logrus.InfoLevel),
		logFormat:  choice{value: "text", of: []string{"text", "json"}},
	}
}

// flags returns the table of settings: each flag is also a key of the
// configuration file and, as envName says, an environment variable. A flag's
// value checks what it is set to, whichever of the three it comes from.
func (s *settings) flags() *pflag.FlagSet {
	f := pflag.NewFlagSet("sluiced", pflag.ContinueOnError)
	f.SortFlags = false
	f.Var(&listFlag{list: &s.openflow, typ: "ADDRS"}, "openflow", "listen here for switches, several times if need be: [HOST]:PORT, ssl:[HOST]:PORT or unix:PATH")
	f.Var(&listFlag{list: &s.connect, typ: "ADDRS"}, "connect", "connect to switches that listen, several times if need be: tcp:HOST:PORT, ssl:HOST:PORT or unix:PATH")
	f.Var(&s.tlsCert, "tls-cert", "the controller's certificate for ssl: addresses, and what leads from it to its CA (PEM)")
	f.Var(&s.tlsKey, "tls-key", "the key of --tls-cert (PEM)")
	f.Var(&s.tlsCA, "tls-ca", "CA of the switches' certificates (PEM): a switch without one is refused")
	f.Var(&listFlag{list: &s.tlsPin, typ: "PINS"}, "tls-pin", "DPID=NAME: accept the DPID with a certificate of that name only; dpid: each switch over TLS has its DPID for a name")
	f.Var(&s.maxPending, "max-pending", "how many connections may be in their handshake; one source may have three quarters of them")
	f.Var(&s.rate, "connect-rate", "how many connections a second one source may begin, twice as many at once; 0: no limit")
	f.Var(&s.rateTotal, "connect-rate-total", "how many connections a second all may begin, twice as many at once; 0: no limit")
	f.Var(&s.grpc, "grpc", "listen here for the gRPC API (plain text, no authentication)")
	f.Var(&s.http, "http", "listen here for /metrics, /healthz, /readyz and the JSON API at /v1/")
	f.Var(&s.apps, "apps", "apps to run, asked about packets in this order; none for none")
	f.Var(&s.extensions, "extensions", "say with Open vSwitch's extensions, to a switch that is one, what its OpenFlow version cannot")
	f.Lookup("extensions").NoOptDefVal = "true"
	f.Var(&s.packetIn, "packet-in-rate", "packets a second of each class that one switch may send to the apps, such as ip=50000,arp=5000,lldp=1000,other=5000; none for no limit")
	f.Var(&s.meter, "controller-meter", "packets a second that one switch of OpenFlow 1.3 may send to its controllers, bounded by a meter in the switch; none for no meter")
	f.Var(&s.state, "state", "directory in which to keep what switches should have, over restarts; made if missing")
	f.Var(&s.ownerFlows, "owner-flows", "how many flows an owner may have on one switch: a number for each, NAME=NUMBER for one, such as 10000,backup=500; none for no limit")
	f.Var(&s.foreign, "foreign", "what becomes of flows on a switch that nobody wrote through here, but for those with timeouts and those of apps: report, adopt, adopt:OWNER or remove")
	f.Var(&s.foreignFew, "foreign-keep", "flows that are reported whatever --foreign says, in ovs-ofctl's syntax with ; between them, such as 'table=1;cookie=0x10/0xff;arp'; none for none")
	f.Var(&s.period, "reconcile-period", "compare each switch with what it should have this often, a fifth more or less, though nothing tells that it differs; 0: never")
	f.Var(&s.role, "role", "what to be on switches that have other controllers: equal, master or slave")
	f.Var(&s.generation, "generation-id", "id of the election that gave the role; 0: the one after the switch's own")
	f.Var(&s.async, "async", "what switches send of their own accord, where it differs from OpenFlow's defaults: [slave:]KIND=REASONS,... such as flow-removed=none")
	s.recording.flags(f)
	f.Var(&s.logLevel, "log-level", "least severe log lines to write: "+strings.Join(levels(), ", "))
	f.Var(&s.logFormat, "log-format", "form of log lines: text or json")
	return f
}

// packetInRate are the limits of packet-ins of each class from one switch.
type packetInRate struct{ channel.Limits }

func (*packetInRate) Type() string { return "LIMITS" }

func (r *packetInRate) Set(s string) (err error) {
	r.Limits, err = channel.ParseLimits(s)
	return err
}

// controllerMeter is the limit of the controller's meter.
type controllerMeter struct{ channel.Limit }

func (*controllerMeter) Type() string { return "RATE" }

func (m *controllerMeter) Set(s string) (err error) {
	m.Limit, err = channel.ParseLimit(s)
	return err
}

// address is a TCP address to listen on.
type address string

func (a *address) String() string { return string(*a) }
func (*address) Type() string     { return "ADDR" }

func (a *address) Set(s string) error {
	_, port, err := net.SplitHostPort(s)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
		if errors.Is(err, strconv.ErrRange) {
			return fmt.Errorf("%q: port %s is out of range: want 1 to 65535, or 0 for a free one", cut(s), cut(port))
		}
	}
	if err != nil {
		return fmt.Errorf(`%q is no address; want HOST:PORT or :PORT, such as 127.0.0.1:8653`, cut(s))
	}
	*a = address(s)
	return nil
}

// count is a number of things that is not large.
type count uint32

func (c *count) String() string { return strconv.FormatUint(uint64(*c), 10) }
func (*count) Type() string     { return "N" }

func (c *count) Set(s string) error {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n > maxCount {
		return fmt.Errorf("%q is no number from 0 to %d", cut(s), maxCount)
	}
	*c = count(n)
	return nil
}

// maxCount is the largest count.
const maxCount = 1_000_000

// directory is a path; prepare makes it and tries it out.
type directory string

func (d *directory) String() string { return string(*d) }
func (*directory) Type() string     { return "DIR" }

func (d *directory) Set(s string) error {
	*d = directory(s)
	return nil
}

// appNames are names of apps in the binary, in the order to ask them.
type appNames []string

func (a *appNames) String() string { return strings.Join(*a, ",") }
func (*appNames) Type() string     { return "LIST" }

func (a *appNames) Set(s string) error {
	var chosen appNames
	if s != "" && s != "none" {
		chosen = strings.Split(s, ",")
	}
	for i, name := range chosen {
		chosen[i] = strings.TrimSpace(name)
		switch known := knownApps(); {
		case !slices.Contains(known, chosen[i]):
			return fmt.Errorf("unknown app %q%s; there are: %s", cut(chosen[i]), didYouMean(chosen[i], known), strings.Join(known, ", "))
		case slices.Contains(chosen[:i], chosen[i]):
			return fmt.Errorf("app %q is listed twice", chosen[i])
		}
	}
	*a = chosen
	return nil
}

// toggle is on or off.
type toggle bool

func (t *toggle) String() string { return strconv.FormatBool(bool(*t)) }
func (*toggle) Type() string     { return "BOOL" }

func (t *toggle) Set(s string) error {
	if s != "true" && s != "false" {
		return fmt.Errorf("%q is neither true nor false", cut(s))
	}
	*t = s == "true"
	return nil
}

// level is a log level.
type level logrus.Level

// levels returns the names of the levels that can be chosen.
func levels() []string { return []string{"error", "warn", "info", "debug", "trace"} }

func (l *level) String() string {
	if logrus.Level(*l) == logrus.WarnLevel {
		return "warn"
	}
	return logrus.Level(*l).String()
}
func (*level) Type() string { return "LEVEL" }

func (l *level) Set(s string) error {
	if !slices.Contains(levels(), s) {
		return fmt.Errorf("unknown level %q%s; want one of: %s", cut(s), didYouMean(s, levels()), strings.Join(levels(), ", "))
	}
	parsed, err := logrus.ParseLevel(s)
	*l = level(parsed)
	return err
}

// choice is one of several words.
type choice struct {
	value string
	of    []string
}

func (c *choice) String() string { return c.value }
func (*choice) Type() string     { return "FORM" }

func (c *choice) Set(s string) error {
	if !slices.Contains(c.of, s) {
		return fmt.Errorf("%q is not one of: %s", cut(s), strings.Join(c.of, ", "))
	}
	c.value = s
	return nil
}

// maxEcho bounds what an error repeats of what was written, in bytes: more than
// any setting's name has. maxFault bounds the error of a library, which may
// repeat anything.
const (
	maxEcho  = 64
	maxFault = 256
)

// cut shortens a text that an error repeats to maxEcho bytes.
func cut(s string) string { return cutTo(maxEcho, s) }

// cutTo shortens a text to n bytes, at a rune.
func cutTo(n int, s string) string {
	if len(s) <= n {
		return s
	}
	for least := n - utf8.UTFMax; n > least && !utf8.RuneStart(s[n]); n-- {
	}
	return s[:n] + "…"
}

// didYouMean returns ` (did you mean NAME?)` if a known name is near to what was
// written, as cobra does for commands. No name is near to a text that is longer
// than maxEcho bytes, whose distance would take long to count.
func didYouMean(written string, known []string) string {
	if len(written) > maxEcho {
		return ""
	}
	guide := &cobra.Command{SuggestionsMinimumDistance: 2}
	for _, name := range known {
		guide.AddCommand(&cobra.Command{Use: name, Run: func(*cobra.Command, []string) {}})
	}
	if near := guide.SuggestionsFor(written); len(near) > 0 {
		return fmt.Sprintf(" (did you mean %s?)", near[0])
	}
	return ""
}

// flagError cuts short what an error about a flag repeats, and adds to an unknown
// flag the one that was perhaps meant.
func flagError(cmd *cobra.Command, err error) error {
	if wrong := new(pflag.InvalidValueError); errors.As(err, &wrong) {
		return usageError{fmt.Errorf("invalid argument %q for %q flag: %w", cut(wrong.GetValue()), "--"+wrong.GetFlag().Name, wrong.Unwrap())}
	}
	text := cutTo(maxFault, err.Error())
	if unknown := new(pflag.NotExistError); errors.As(err, &unknown) {
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
		text += didYouMean(unknown.GetSpecifiedName(), known)
	}
	return usageError{errors.New(text)}
}

// usageError is a mistake in what the daemon was told, rather than in what it
// met while running.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }
