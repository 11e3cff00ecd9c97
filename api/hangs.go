package api

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A commit that has begun cannot be given up: what it becomes must be known before
// anything else is done with the switch. But a disk may answer neither yes nor no, and a
// caller has a deadline. So the call is answered then, and what it does goes on until the
// disk answers. How many such there are is bounded by what is committed together, and by
// the turns of the switches: whoever waits for those ends by itself.

const (
	// hangLeast is how long a write must have lasted to be what a call waits for.
	hangLeast = time.Second
	// hangLook is how often it is looked whether a write lasts, once a call is late.
	hangLook = 50 * time.Millisecond
)

// disk tells since when the write to the store lasts that is going on; zero if none is.
type disk func() time.Time

// hangs tells since when a write lasts that may be what a call waits for.
func hangs(d disk) (lasted time.Duration, ok bool) {
	at := d()
	lasted = time.Since(at)
	return lasted.Round(time.Second), !at.IsZero() && lasted >= hangLeast
}

// patient carries a call out, and returns before that is over if the call's time is
// over and a write to the disk lasts. Then f goes on by itself, until the disk answers.
func patient[T any](ctx context.Context, d disk, f func() (T, error)) (T, error) {
	if d == nil {
		return f()
	}
	type outcome struct {
		value T
		err   error
	}
	over := make(chan outcome, 1)
	go func() {
		v, err := f()
		over <- outcome{v, err}
	}()
	select {
	case x := <-over:
		return x.value, x.err
	case <-ctx.Done():
	}
	look := time.NewTicker(hangLook)
	defer look.Stop()
	for {
		select {
		case x := <-over:
			if status.Code(x.err) == codes.DeadlineExceeded {
				if lasted, ok := hangs(d); ok {
					x.err = withDetails(codes.Unavailable, fmt.Sprintf("%s; a write to the disk of sluiced (--state) has lasted for %v", status.Convert(x.err).Message(), lasted))
				}
			}
			return x.value, x.err
		case <-look.C:
			if lasted, ok := hangs(d); ok {
				var none T
				return none, withDetails(codes.Unavailable, fmt.Sprintf("the disk of sluiced (--state) has not answered for %v, and nobody knows yet whether this is stored; if it is, it is carried out when the disk answers: `sluice status` tells of the disk, and `sluice history` of what is stored", lasted))
			}
		}
	}
}
