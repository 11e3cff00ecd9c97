package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"google.golang.org/grpc"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// How often progress is shown: on a terminal, and elsewhere. Work that takes no
// longer says nothing.
var (
	barEvery  = 200 * time.Millisecond
	lineEvery = 2 * time.Second
)

// progress tells on standard error how far long work has come: with a bar on a
// terminal, with lines elsewhere.
type progress struct {
	out   io.Writer
	bar   bool
	now   func() time.Time
	last  time.Time // when it was shown, or the beginning
	begun bool      // it was shown
}

// newProgress returns one for work that begins now.
func (c *client) newProgress() *progress {
	return &progress{out: c.errOut, bar: terminal(c.errOut), now: time.Now, last: time.Now()}
}

const barWidth = 30

// step tells that so many are done of the part at hand, which has a name if there
// are several, and which share of all parts that is. It is shown if some time has
// passed since the last time, and, where anything was shown, at the end.
func (p *progress) step(part string, done, total int, share float64) {
	every := lineEvery
	if p.bar {
		every = barEvery
	}
	now := p.now()
	if now.Sub(p.last) < every && !(p.begun && share >= 1) {
		return
	}
	p.last, p.begun = now, true
	if part != "" {
		part = printable(part) + ": "
	}
	if !p.bar {
		fmt.Fprintf(p.out, "%s%d of %d done\n", part, done, total)
		return
	}
	full := int(barWidth * min(max(share, 0), 1))
	fmt.Fprintf(p.out, "\r[%s%s] %s%d of %d\x1b[K", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), part, done, total)
}

// items is step for one part.
func (p *progress) items(done, total int) {
	p.step("", done, total, float64(done)/float64(max(total, 1)))
}

// remote is step for what sluiced tells.
func (p *progress) remote(x *sluicev1.Progress) {
	part := x.GetSwitch()
	if x.GetSwitches() > 1 {
		part = fmt.Sprintf("%s (%d of %d)", part, x.GetDone()+1, x.GetSwitches())
	}
	share := (float64(x.GetDone()) + float64(x.GetConfirmed())/float64(max(x.GetTotal(), 1))) / float64(max(x.GetSwitches(), 1))
	p.step(part, int(x.GetConfirmed()), int(x.GetTotal()), share)
}

// end leaves the line of the bar.
func (p *progress) end() {
	if p.begun && p.bar {
		fmt.Fprintln(p.out)
	}
}

// carry has sluiced do work that may be long, shows how far it is, and returns the
// outcome.
func (c *client) carry(ctx context.Context, conn *grpc.ClientConn, work *sluicev1.FollowRequest) (*sluicev1.FollowResponse, error) {
	told := c.newProgress()
	defer told.end()
	stream, err := sluicev1.NewStateServiceClient(conn).Follow(ctx, work)
	if err != nil {
		return nil, err
	}
	var last *sluicev1.Progress
	for {
		r, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return nil, errors.New("sluiced ended the call without its outcome; sluice status tells what became of it")
		case err != nil:
			return nil, err
		case r.GetProgress() != nil:
			last = r.GetProgress()
			told.remote(last)
			continue
		}
		if last != nil {
			last.Done, last.Confirmed = max(last.GetSwitches(), 1)-1, last.GetTotal()
			told.remote(last)
		}
		return r, nil
	}
}
