// Package l2switch is a learning switch: it learns on which port of a switch
// each host is, installs a flow for each pair of hosts that talk, and floods
// what it does not know. README.md says which flows it makes and why.
//
// It promises that a packet never leaves the port that it came in on, that one
// message answers a buffered packet, that at most Config.MaxHosts hosts are
// remembered for each switch, and that it touches no flow but its own: those
// whose cookie has CookieOwner in its upper 16 bits.
//
// It does not look for loops: in a network that has some, floods go round.
package l2switch

import (
	"cmp"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/ofp"
)

// Name is the app's name.
const Name = "l2switch"

// The app's flows.
const (
	CookieOwner = uint64(0xd1eb) << 48 // the upper 16 bits of every cookie

	cookieLearned = CookieOwner     // a pair of hosts
	cookieMiss    = CookieOwner | 1 // what no other flow takes goes to the controller
	cookieBits    = uint64(0xffff)<<48 | 1

	// Priority is that of a flow for a pair of hosts: below OpenFlow's default,
	// so that flows which people add without naming one go first.
	Priority = 100
)

// attachTimeout bounds the preparation of a switch, askTimeout a question to it
// while its packets wait. One that has left such a question unanswered is not
// asked again for askAgain.
const (
	attachTimeout = 10 * time.Second
	askTimeout    = 2 * time.Second
	askAgain      = time.Minute
)

// Config configures the app. The zero Config works.
type Config struct {
	// IdleTimeout is how long a flow stays without a packet, in whole seconds.
	// Default 60 s.
	IdleTimeout time.Duration
	// Age is how long a host is known after the controller last saw a packet from
	// it, in whole seconds; no flow lives longer. Default 300 s.
	Age time.Duration
	// MaxHosts is how many hosts are remembered for each switch, a host in two
	// VLANs counting as two. Packets of and to others are flooded. Default 16,384.
	MaxHosts int
	// Logger receives what goes wrong with a whole switch; nil means logrus'
	// standard logger. Nothing is logged for a packet.
	Logger logrus.FieldLogger
}

// App is the learning switch. It serves any number of switches.
type App struct {
	cfg Config
	log logrus.FieldLogger

	mu       sync.Mutex
	sessions map[*session]struct{}
	past     Stats // of the switches that are gone
}

// New returns the app. It fails if a duration is no whole number of seconds that
// OpenFlow can say (1 to 65,535), or a bound is negative.
func New(cfg Config) (*App, error) {
	cfg.IdleTimeout = cmp.Or(cfg.IdleTimeout, 60*time.Second)
	cfg.Age = cmp.Or(cfg.Age, 300*time.Second)
	cfg.MaxHosts = cmp.Or(cfg.MaxHosts, 16384)
	for name, d := range map[string]time.Duration{"idle timeout": cfg.IdleTimeout, "age": cfg.Age} {
		if d%time.Second != 0 || d < time.Second || d > 65535*time.Second {
			return nil, fmt.Errorf("configure %s: %s %s: want whole seconds, 1s to 65535s", Name, name, d)
		}
	}
	if cfg.MaxHosts < 0 {
		return nil, fmt.Errorf("configure %s: at most %d hosts: want a positive number", Name, cfg.MaxHosts)
	}
	a := &App{cfg: cfg, log: cfg.Logger, sessions: map[*session]struct{}{}}
	if a.log == nil {
		a.log = logrus.StandardLogger()
	}
	a.log = a.log.WithField("app", Name)
	return a, nil
}

// Name implements controller.App.
func (a *App) Name() string { return Name }

// Attach implements controller.App: it removes the flows that an earlier life of
// the app has left on the switch and has it send what no flow takes. It does not
// wait for the switch to confirm that: packets are handled meanwhile, and a switch
// that refuses, or never answers, is served all the same, for it may send packets
// of its own accord. Where the controller is a slave, it waits until it is not.
func (a *App) Attach(sw *controller.Switch) controller.Session {
	return a.attach(sw, sw.DPID())
}

func (a *App) attach(sw wire, dpid ofp.DPID) *session {
	s := newSession(&a.cfg, sw)
	a.mu.Lock()
	a.sessions[s] = struct{}{}
	a.mu.Unlock()

	s.left = func() {
		s.unprepare()
		a.detach(s)
	}
	s.start = func() { a.start(s, dpid) }
	s.start()
	return s
}

func (a *App) detach(s *session) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.sessions[s]; ok {
		delete(a.sessions, s)
		s.stats.addTo(&a.past)
	}
}

// Stats counts what the app has done with packets and hosts since it was made,
// on all switches.
type Stats struct {
	Forwarded uint64 // to a known host, with a flow
	Flooded   uint64 // to a group address or an unknown host
	Returned  uint64 // dropped: the destination is where the packet came from
	Reserved  uint64 // left alone: LLDP and link-local frames
	Short     uint64 // ignored: no whole Ethernet header, or no usable ingress port
	Lost      uint64 // neither kept by the switch nor brought whole
	Learned   uint64 // hosts seen for the first time
	Moved     uint64 // hosts seen on another port
	Refused   uint64 // hosts not learnt, since the table was full
	Errors    uint64 // messages that could not be sent to a switch that was there, or that it refused
	Hosts     uint64 // remembered now
}

// Stats returns the counts. Any goroutine may call it.
func (a *App) Stats() Stats {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := a.past
	for s := range a.sessions {
		s.stats.addTo(&out)
		out.Hosts += s.stats.hosts.Load()
	}
	return out
}

// counters are the Stats of one session, which alone changes them.
type counters struct {
	forwarded, flooded, returned, reserved, short, lost atomic.Uint64
	learned, moved, refused, errors, hosts              atomic.Uint64
}

func (c *counters) addTo(s *Stats) {
	for _, x := range [...]struct {
		to   *uint64
		from *atomic.Uint64
	}{
		{&s.Forwarded, &c.forwarded}, {&s.Flooded, &c.flooded}, {&s.Returned, &c.returned}, {&s.Reserved, &c.reserved},
		{&s.Short, &c.short}, {&s.Lost, &c.lost}, {&s.Learned, &c.learned}, {&s.Moved, &c.moved},
		{&s.Refused, &c.refused}, {&s.Errors, &c.errors},
	} {
		*x.to += x.from.Load()
	}
}
