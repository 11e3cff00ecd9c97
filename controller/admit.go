package controller

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"github.com/sluice-sdn/sluice/controller/channel"
)

const (
	// burst is for how many seconds' worth of connections may come at once.
	burst = 2
	// waitingFor is how many connections may wait to be admitted, as a multiple
	// of Config.MaxPending.
	waitingFor = 4
	// crowdPatience is how long the next connection waits, in the kernel, for one of
	// those who wait to get on.
	crowdPatience = 500 * time.Millisecond
	// leastSources is from how many sources on those are forgotten that have
	// nothing to be remembered for.
	leastSources = 4096
)

// admission decides who gets to the handshake, and when. A connection waits until
// its source may have another one, and until there is room for another whose
// switch is not ready; one source never takes more than three quarters of the
// room. Those who have waited for Config.AdmitTimeout are refused. When waitingFor
// times the room waits already, thousands of others wait in the kernel; and only
// if for crowdPatience none gets on, the next one is refused.
type admission struct {
	total    *rate.Limiter // of all listeners; nil: no limit
	each     rate.Limit    // of a source
	burst    int
	patience time.Duration
	room     *semaphore.Weighted
	share    int64               // of the room, for one source
	hall     *semaphore.Weighted // for those who wait
	waiting  atomic.Int32
	pending  atomic.Int32

	mu      sync.Mutex // a leaf
	sources map[netip.Addr]*source
	sweepAt int // so many sources
}

// source is where connections come from: an IPv4 address, the first 64 bits of
// an IPv6 address, or all that has neither.
type source struct {
	limiter *rate.Limiter
	room    *semaphore.Weighted
	users   int // connections that wait or are pending
}

func (a *admission) init(cfg *Config) {
	a.each, a.burst = rate.Inf, 0
	if cfg.ConnectRate > 0 {
		a.each, a.burst = rate.Limit(cfg.ConnectRate), burst*cfg.ConnectRate
	}
	if cfg.ConnectRateTotal > 0 {
		a.total = rate.NewLimiter(rate.Limit(cfg.ConnectRateTotal), burst*cfg.ConnectRateTotal)
	}
	a.patience = cfg.AdmitTimeout
	a.room = semaphore.NewWeighted(int64(cfg.MaxPending))
	a.share = max(int64(cfg.MaxPending)*3/4, 1)
	a.hall = semaphore.NewWeighted(int64(cfg.MaxPending) * waitingFor)
	a.sources, a.sweepAt = make(map[netip.Addr]*source), leastSources
}

// next waits until another connection may be accepted, and reports whether it
// may wait for its turn; if not, it is to be refused.
func (a *admission) next(ctx context.Context) (entered bool) {
	if a.total != nil {
		_ = a.total.Wait(ctx) // fails when ctx ends, as accepting does then
	}
	if a.hall.TryAcquire(1) {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, crowdPatience)
	defer cancel()
	return a.hall.Acquire(ctx, 1) == nil
}

// abandon takes back what next has reported, if nobody came.
func (a *admission) abandon(entered bool) {
	if entered {
		a.hall.Release(1)
	}
}

// admit waits until the connection that has entered may begin its handshake. It
// returns what to call, once, when its switch is ready or it has ended; or why it
// is refused.
func (a *admission) admit(ctx context.Context, from net.Addr) (leave func(), refused channel.Reason, ok bool) {
	a.waiting.Add(1)
	defer a.hall.Release(1)
	defer a.waiting.Add(-1)
	s := a.enter(sourceOf(from))
	ctx, cancel := context.WithTimeout(ctx, a.patience)
	defer cancel()
	if s.limiter.Wait(ctx) != nil {
		a.exit(s)
		return nil, channel.ReasonRate, false
	}
	if s.room.Acquire(ctx, 1) != nil {
		a.exit(s)
		return nil, channel.ReasonCrowded, false
	}
	if a.room.Acquire(ctx, 1) != nil {
		s.room.Release(1)
		a.exit(s)
		return nil, channel.ReasonCrowded, false
	}
	a.pending.Add(1)
	return func() {
		a.pending.Add(-1)
		a.room.Release(1)
		s.room.Release(1)
		a.exit(s)
	}, 0, true
}

// enter returns the source, which stays as long as it is used.
func (a *admission) enter(key netip.Addr) *source {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.sources[key]
	if s == nil {
		if len(a.sources) >= a.sweepAt {
			a.forget()
		}
		s = &source{limiter: rate.NewLimiter(a.each, a.burst), room: semaphore.NewWeighted(a.share)}
		a.sources[key] = s
	}
	s.users++
	return s
}

func (a *admission) exit(s *source) {
	a.mu.Lock()
	s.users--
	a.mu.Unlock()
}

// forget drops the sources that would begin anew as they are. Others are bounded
// by the connections that wait or are pending, and by the rate of all together.
// The lock is held.
func (a *admission) forget() {
	for key, s := range a.sources {
		if s.users == 0 && (a.each == rate.Inf || s.limiter.Tokens() >= float64(a.burst)) {
			delete(a.sources, key)
		}
	}
	a.sweepAt = max(leastSources, 2*len(a.sources)) // so that it is seldom in vain
}

// sourceOf returns the source of an address; the zero value stands for those that
// are no IP address, such as unix sockets.
func sourceOf(addr net.Addr) netip.Addr {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	if ip.Is6() {
		if p, err := ip.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return ip
}
