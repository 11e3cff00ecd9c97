package channel

import "time"

// throttleInterval is the least time between two lines that a Throttle lets
// through.
const throttleInterval = time.Second

// Throttle keeps others from filling the log: it lets the first line through and
// then at most one a second. The zero value is ready. It is one goroutine's.
type Throttle struct {
	last time.Time
	held int
}

// Pass reports whether a line may be logged now, and how many were held back
// since the last one.
func (t *Throttle) Pass() (held int, ok bool) {
	now := time.Now()
	if !t.last.IsZero() && now.Sub(t.last) < throttleInterval {
		t.held++
		return 0, false
	}
	held, t.held, t.last = t.held, 0, now
	return held, true
}

// Held returns how many lines are held back now.
func (t *Throttle) Held() int { return t.held }
