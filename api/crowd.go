package api

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// What answers in many parts holds memory for as long as its caller takes to read
// it. So there are at most so many at the same time, whoever calls: of what is over
// soon others wait for their turn, until their deadline; of what lasts as long as
// the caller likes they are refused at once (RESOURCE_EXHAUSTED). And who does not
// take what is sent for stallLimit is let go.

// stallLimit is how long a caller may take nothing of what is sent to it.
const stallLimit = 30 * time.Second

// crowdLimit bounds the calls of some methods that run at the same time.
type crowdLimit struct {
	what  string // in words, of several
	most  int
	waits bool // whether one too many waits for its turn
	works bool // it does not end before its deadline because nobody reads: what it does would be undone
}

// crowdLimits are the bounds by the full name of the method; lists is that of all
// others that answer with a stream.
var crowdLimits = map[string]crowdLimit{
	sluicev1.StateService_Backup_FullMethodName:       {what: "backups", most: 4},
	sluicev1.StateService_WatchHistory_FullMethodName: {what: "calls of WatchHistory (sluice history --follow)", most: 256},
	sluicev1.SwitchService_Snoop_FullMethodName:       {what: "snoops", most: 128},
	healthpb.Health_Watch_FullMethodName:              {what: "calls of Health.Watch", most: 1024},
	sluicev1.StateService_Follow_FullMethodName:       {what: "followed changes", most: 256, works: true},
}

var lists = crowdLimit{what: "lists", most: 32, waits: true}

// crowd counts the calls that run.
type crowd struct {
	places map[string]chan struct{} // by crowdLimit.what
}

func newCrowd() *crowd {
	c := &crowd{places: map[string]chan struct{}{lists.what: make(chan struct{}, lists.most)}}
	for _, l := range crowdLimits {
		c.places[l.what] = make(chan struct{}, l.most)
	}
	return c
}

// enter takes a place for a call, which leave gives back.
func (c *crowd) enter(ctx context.Context, method string) (leave func(), _ error) {
	l, ok := crowdLimits[method]
	if !ok {
		l = lists
	}
	place := c.places[l.what]
	leave = func() { <-place }
	select {
	case place <- struct{}{}:
		return leave, nil
	default:
	}
	full := withDetails(codes.ResourceExhausted, fmt.Sprintf("%d %s are running, which is the limit of sluiced; end some, or try again later", l.most, l.what))
	if !l.waits {
		return nil, full
	}
	select {
	case place <- struct{}{}:
		return leave, nil
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil, full
		}
		return nil, status.FromContextError(ctx.Err()).Err()
	}
}

// reads carries a call out that answers with a stream, and fails when what was sent
// is not read for a time. Nothing wakes who waits to send but the end of the call: so
// the handler has a goroutine of its own, which ends, if it is given up, as soon as
// the library has taken the status.
func (g guard) reads(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler, leave func()) error {
	limit := g.stall
	if end, ok := ss.Context().Deadline(); ok && crowdLimits[info.FullMethod].works {
		limit = max(limit, time.Until(end))
	}
	stalled := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		defer leave()
		var err error
		defer func() { ended <- err }()
		defer g.survive(info.FullMethod, &err)
		var asked any
		defer func() { g.large.leave(asked) }()
		err = next(srv, readStream{ss, limit, sync.OnceFunc(func() { close(stalled) }), func(m any) error {
			asked = m
			err := ss.RecvMsg(m)
			if err == nil {
				err = g.large.enter(m)
			}
			return err
		}})
	}()
	select {
	case err := <-ended:
		return err
	case <-stalled:
		return withDetails(codes.ResourceExhausted, fmt.Sprintf("what was sent was not read for %v; call again, and read on", limit.Round(time.Second)))
	}
}

// readStream is a stream that tells when what was sent is not read for a time.
type readStream struct {
	grpc.ServerStream
	limit   time.Duration
	stalled func()
	receive func(m any) error // of the request
}

// RecvMsg is that of grpc.ServerStream.
func (s readStream) RecvMsg(m any) error { return s.receive(m) }

// SendMsg is that of grpc.ServerStream.
func (s readStream) SendMsg(m any) error {
	defer time.AfterFunc(s.limit, s.stalled).Stop()
	return s.ServerStream.SendMsg(m)
}
