package controller

import (
	"context"

	"github.com/sluice-sdn/sluice/controller/channel"
)

// Progress is how far work on switches is.
type Progress struct {
	Switch           Target // at hand
	Done, Switches   int    // those before it, and all
	Confirmed, Total int    // messages of what is being written to it
}

type progressKey struct{}

// WithProgress returns a context with which FulfilWishes and Switch.Reconcile tell how
// far they are, every 200 ms while a switch is being written to. told is called by
// the goroutine that calls them, and holds it up if it takes long. What
// brings switches back after one has failed is not told of.
func WithProgress(ctx context.Context, told func(Progress)) context.Context {
	return context.WithValue(ctx, progressKey{}, told)
}

// stage returns the context for the work on one of several switches.
func stage(ctx context.Context, s Target, done, switches int) context.Context {
	told, ok := ctx.Value(progressKey{}).(func(Progress))
	if !ok {
		return ctx
	}
	return channel.WithProgress(ctx, func(confirmed, total int) {
		told(Progress{s, done, switches, confirmed, total})
	})
}
