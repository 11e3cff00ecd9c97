package controller

import (
	"sync"
	"time"

	"github.com/sluice-sdn/sluice/controller/desired"
	"github.com/sluice-sdn/sluice/ofp"
)

// restore says when a switch is to be compared next. The zero value stands for
// one that nobody has compared.
type restore struct {
	mu    sync.Mutex
	at    time.Time // not before
	fails int       // in a row
	again bool      // soon was called since the last comparison began

	ended time.Time     // the last comparison; zero: there was none
	took  time.Duration // that

	told   bool      // the switch has told of a difference since the last comparison began
	hinted bool      // the one that runs was begun after that
	mends  int       // such ones in a row that had something to make good
	mended time.Time // the last of these
}

// reconcilePeriod is Config.ReconcilePeriod where that is 0.
const reconcilePeriod = 5 * time.Minute

// How long to wait after a comparison that failed, or of which the switch refused
// something: the first time, and at most, twice as long after each.
const (
	retryFirst = time.Second
	retryMost  = time.Minute
)

// How long there is none after a comparison, whatever tells that the switch has
// drifted from its desired state: after a change that the switch has told of, and
// after an error or a port, which tell less; and as many times as long as the
// comparison took, so that a switch which others change all the time is not read all
// the time.
const (
	driftGap   = time.Second
	hintGap    = 10 * time.Second
	driftShare = 4
)

// A switch that tells of differences, and has some, however often it was brought
// back, does not keep what it confirms, or somebody else writes to it all the time.
// After mendsFree comparisons in a row that came to this there is more and more time
// between them, mendGapMost at last. One that finds nothing ends it, and so does a
// switch that tells of nothing for mendQuiet after there might have been one: what has
// happened now and then for weeks is no such thing, and a switch may refuse something
// all the while.
const (
	mendsFree   = 8
	mendGapMost = 30 * time.Second
	mendQuiet   = time.Minute
)

// never is later than any switch is connected.
const never = 100 * 365 * 24 * time.Hour

// period returns how long after a comparison the next one comes by itself, a fifth
// more or less: many switches that connected together are not read together.
func period(set time.Duration) time.Duration {
	if set < 0 {
		return never
	}
	return jitter(max(set, time.Second))
}

// drifted has the switch compared at the next occasion, but not before gap is over
// since the last comparison: the first change is made good at once, and a storm of
// them is made good together.
func (r *restore) drifted(now time.Time, gap time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calm(now)
	r.told = true
	at := r.ended.Add(max(gap, driftShare*r.took, r.mendGap()))
	if at.Before(now) {
		at = now
	}
	if r.at.After(at) {
		r.at = at
	}
	r.again = true
}

// calm ends what mends counts if the switch has told of nothing for long enough. The
// caller has mu.
func (r *restore) calm(now time.Time) {
	if !r.told && now.After(r.mended.Add(max(driftGap, driftShare*r.took, r.mendGap())+mendQuiet)) {
		r.mends = 0
	}
}

// mendGap is how long there is no comparison after the last one because so many in
// a row had something to make good. The caller has mu.
func (r *restore) mendGap() time.Duration {
	if r.mends < mendsFree {
		return 0
	}
	return min(driftGap<<min(r.mends-mendsFree+1, 10), mendGapMost)
}

// restless returns how many comparisons in a row had something to make good of which
// the switch told, and how long there is none after each; 0 where that is usual.
func (r *restore) restless(now time.Time) (times int, gap time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calm(now)
	if gap = r.mendGap(); gap > 0 {
		times = r.mends
	}
	return times, gap
}

// soon has the switch compared at the next occasion.
func (r *restore) soon(now time.Time) {
	r.mu.Lock()
	r.at, r.again = now, true
	r.mu.Unlock()
}

// later has the switch compared from then on, if nothing comes before.
func (r *restore) later(at time.Time) {
	r.mu.Lock()
	r.at = at
	r.mu.Unlock()
}

// within has the switch compared by then, but not before: for what may well come
// again and again.
func (r *restore) within(by time.Time) {
	r.mu.Lock()
	if r.at.After(by) {
		r.at = by
	}
	r.mu.Unlock()
}

// asked is within for what a comparison that runs may have passed by already.
func (r *restore) asked(by time.Time) {
	r.within(by)
	r.mu.Lock()
	r.again = true
	r.mu.Unlock()
}

// begin notes that a comparison begins.
func (r *restore) begin() {
	r.mu.Lock()
	r.again = false
	r.hinted, r.told = r.told, false
	r.mu.Unlock()
}

// done notes how a comparison ended. One that was asked for meanwhile may be about
// what this one did not see: it follows, but not at once, for a switch that has room
// for only one of two flows would have it for ever.
func (r *restore) done(now time.Time, every time.Duration, report desired.Report, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended, r.took = now, report.Duration
	switch {
	case err == nil && report.Changed+report.Refused == 0:
		r.mends = 0
	case r.hinted:
		r.mends, r.mended = r.mends+1, now
	default:
		r.calm(now)
	}
	if err == nil && report.Refused == 0 {
		r.at, r.fails = now.Add(period(every)), 0
		if r.again {
			r.at = now.Add(max(driftGap, driftShare*r.took, r.mendGap()))
		}
		return
	}
	r.at = now.Add(max(min(retryFirst<<min(r.fails, 10), retryMost), r.mendGap()))
	r.fails++
}

// next returns from when on the switch is to be compared, and whether that failed
// the last time.
func (r *restore) next() (at time.Time, failed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at, r.fails > 0
}

// errorDrifted has the switch compared soon after an error about a flow, group or
// meter that nobody waits for: what was sent may be wanted, or what it needs may be
// gone.
func (s *Switch) errorDrifted(m *ofp.Error) {
	d := s.c.cfg.Desired
	if d == nil {
		return
	}
	switch m.Reason.TypeName() {
	case flowModFailed, groupModFailed, meterModFailed:
	default:
		return
	}
	if n := d.Summary(s.dpid); n.Installed+n.Pending+n.Degraded+n.Tombstones > 0 {
		s.restore.drifted(time.Now(), hintGap)
	}
}

var (
	flowModFailed  = ofp.FlowModFailedUnknown.TypeName()
	groupModFailed = ofp.GroupModFailedGroupExists.TypeName()
	meterModFailed = ofp.MeterModFailedUnknown.TypeName()
)
