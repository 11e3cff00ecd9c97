package api

import (
	"context"
	"sync"

	"google.golang.org/grpc"

	"github.com/sluice-sdn/sluice/controller"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// Follow sends beside the work: a caller who does not read holds up the end of its own
// call, until that's deadline, and neither the work nor anybody else's.
func (s *state) Follow(r *sluicev1.FollowRequest, stream grpc.ServerStreamingServer[sluicev1.FollowResponse]) error {
	var out *sluicev1.FollowResponse
	var err error
	relay(func(p controller.Progress) {
		// It fails if the stream has ended, and the work with it.
		_ = stream.Send(&sluicev1.FollowResponse{Step: &sluicev1.FollowResponse_Progress{Progress: &sluicev1.Progress{
			Switch: valid(p.Switch.Name()), Done: uint32(p.Done), Switches: uint32(p.Switches),
			Confirmed: uint32(p.Confirmed), Total: uint32(p.Total),
		}}})
	}, func(told func(controller.Progress)) {
		out, err = s.followed(controller.WithProgress(stream.Context(), told), r)
	})
	if err != nil {
		return err
	}
	return stream.Send(out)
}

// relay does work, and sends what it tells from another goroutine, which has ended
// when relay returns. told never waits: news that nobody has begun to send gives way
// to newer news.
func relay(send func(controller.Progress), work func(told func(controller.Progress))) {
	newest := make(chan controller.Progress, 1)
	done := make(chan struct{})
	var sender sync.WaitGroup
	sender.Go(func() {
		for {
			select {
			case p := <-newest:
				send(p)
			case <-done:
				return
			}
		}
	})
	defer sender.Wait()
	defer close(done)
	work(func(p controller.Progress) {
		select {
		case <-newest:
		default:
		}
		select {
		case newest <- p:
		default:
		}
	})
}

// followed does what is followed.
func (s *state) followed(ctx context.Context, r *sluicev1.FollowRequest) (*sluicev1.FollowResponse, error) {
	out := new(sluicev1.FollowResponse)
	switch work := r.GetWork().(type) {
	case *sluicev1.FollowRequest_Apply:
		if err := checkTexts(work.Apply); err != nil {
			return nil, err
		}
		done, err := s.Apply(ctx, work.Apply)
		if err != nil {
			return nil, err
		}
		out.Step = &sluicev1.FollowResponse_Apply{Apply: done}
	case *sluicev1.FollowRequest_Rollback:
		if err := checkTexts(work.Rollback); err != nil {
			return nil, err
		}
		done, err := s.Rollback(ctx, work.Rollback)
		if err != nil {
			return nil, err
		}
		out.Step = &sluicev1.FollowResponse_Rollback{Rollback: done}
	case *sluicev1.FollowRequest_Reconcile:
		done, err := s.Reconcile(ctx, work.Reconcile)
		if err != nil {
			return nil, err
		}
		out.Step = &sluicev1.FollowResponse_Reconcile{Reconcile: done}
	default:
		return nil, invalid(bad("work", "is empty: want apply, rollback or reconcile"))
	}
	return out, nil
}
