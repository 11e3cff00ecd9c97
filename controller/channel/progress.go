package channel

import (
	"context"
	"time"
)

// progressEvery is how often a Write tells how far it is.
const progressEvery = 200 * time.Millisecond

// progressKey is the key of WithProgress's function in a context.
type progressKey struct{}

// WithProgress returns a context with which a Write tells told, every 200 ms while it
// waits for the switch, how many of its messages the switch has confirmed, or has
// staged in a bundle, and how many there are. told is called by the goroutine that
// calls Write, and holds it up if it takes long.
func WithProgress(ctx context.Context, told func(confirmed, total int)) context.Context {
	return context.WithValue(ctx, progressKey{}, told)
}

// progress is what tells how far a Write is; the zero value tells nobody.
type progress struct {
	told func(confirmed, total int)
	tick <-chan time.Time
	stop func()
}

func progressOf(ctx context.Context) progress {
	told, ok := ctx.Value(progressKey{}).(func(int, int))
	if !ok {
		return progress{stop: func() {}}
	}
	t := time.NewTicker(progressEvery)
	return progress{told: told, tick: t.C, stop: t.Stop}
}
