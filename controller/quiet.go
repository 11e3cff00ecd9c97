package controller

import (
	"sync"

	"golang.org/x/time/rate"
)

// How many lines about connections may be logged: at once and a second, of one
// kind and of all together.
const (
	quietBurst    = 10
	quietRate     = 1
	quietBurstAll = 10_000
	quietRateAll  = 200
	quietKinds    = 4096
)

// quiet keeps peers that come back again and again from filling the log. A kind
// is what happens to one switch, or for one reason to one source. The zero value
// is ready; it may be used from any goroutine.
type quiet struct {
	mu    sync.Mutex // a leaf
	all   *rate.Limiter
	kinds map[string]*quietKind
}

type quietKind struct {
	limiter *rate.Limiter
	held    int
}

// pass reports whether a line of that kind may be logged now, and how many were
// held back since the last one. If there are more kinds than are remembered,
// those are forgotten that would begin anew as they are; and where that leaves
// many, all of them, with what they held back.
func (q *quiet) pass(kind string) (held int, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.all == nil {
		q.all = rate.NewLimiter(quietRateAll, quietBurstAll)
		q.kinds = make(map[string]*quietKind)
	}
	k := q.kinds[kind]
	if k == nil {
		if len(q.kinds) >= quietKinds {
			for name, k := range q.kinds {
				if k.held == 0 && k.limiter.Tokens() >= quietBurst {
					delete(q.kinds, name)
				}
			}
			if len(q.kinds) > quietKinds/2 {
				clear(q.kinds)
			}
		}
		k = &quietKind{limiter: rate.NewLimiter(quietRate, quietBurst)}
		q.kinds[kind] = k
	}
	if !k.limiter.Allow() || !q.all.Allow() {
		k.held++
		return 0, false
	}
	held, k.held = k.held, 0
	return held, true
}
