package api

import (
	"google.golang.org/grpc"

	"github.com/sluice-sdn/sluice/controller"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// Follow sends from the goroutine that does the work: a caller who does not read
// holds up its own call, until that's deadline, and nobody else's.
func (s *state) Follow(r *sluicev1.FollowRequest, stream grpc.ServerStreamingServer[sluicev1.FollowResponse]) error {
	ctx := controller.WithProgress(stream.Context(), func(p controller.Progress) {
		// It fails if the stream has ended, and the work with it.
		_ = stream.Send(&sluicev1.FollowResponse{Step: &sluicev1.FollowResponse_Progress{Progress: &sluicev1.Progress{
			Switch: valid(p.Switch.Name()), Done: uint32(p.Done), Switches: uint32(p.Switches),
			Confirmed: uint32(p.Confirmed), Total: uint32(p.Total),
		}}})
	})
	out := new(sluicev1.FollowResponse)
	switch work := r.GetWork().(type) {
	case *sluicev1.FollowRequest_Apply:
		done, err := s.Apply(ctx, work.Apply)
		if err != nil {
			return err
		}
		out.Step = &sluicev1.FollowResponse_Apply{Apply: done}
	case *sluicev1.FollowRequest_Rollback:
		done, err := s.Rollback(ctx, work.Rollback)
		if err != nil {
			return err
		}
		out.Step = &sluicev1.FollowResponse_Rollback{Rollback: done}
	case *sluicev1.FollowRequest_Reconcile:
		done, err := s.Reconcile(ctx, work.Reconcile)
		if err != nil {
			return err
		}
		out.Step = &sluicev1.FollowResponse_Reconcile{Reconcile: done}
	default:
		return invalid(bad("work", "is empty: want apply, rollback or reconcile"))
	}
	return stream.Send(out)
}
