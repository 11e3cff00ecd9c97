package api

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/sluice-sdn/sluice/controller"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// copyLimit bounds how long a Restore or a Backup may take. A caller that does not
// go on holds others up for so long: of a Restore the next one, and of a Backup the
// store, whose file grows as long as somebody reads it as it was.
const copyLimit = 10 * time.Minute

// inTime fails if a call may take longer than copyLimit, and a little for the way.
func inTime(ctx context.Context) error {
	if end, ok := ctx.Deadline(); !ok || time.Until(end) > copyLimit+time.Minute {
		return withDetails(codes.InvalidArgument, fmt.Sprintf("the call needs a deadline, of %v at most", copyLimit))
	}
	return nil
}

func (s *state) Restore(stream grpc.ClientStreamingServer[sluicev1.RestoreRequest, sluicev1.RestoreResponse]) error {
	if _, err := s.c.State(); err != nil {
		return noState()
	}
	ctx := stream.Context()
	if err := inTime(ctx); err != nil {
		return err
	}
	first, err := stream.Recv()
	if err != nil {
		return withDetails(codes.InvalidArgument, "no request came; the first one has the options")
	}
	o := first.GetOptions()
	if o == nil {
		o = new(sluicev1.RestoreOptions)
	}
	if err := checkTexts(o); err != nil {
		return err
	}
	r, err := s.c.Recall(ctx, &received{stream, first.GetData()}, controller.Recall{
		Author: author(ctx), Note: valid(o.GetNote()), Expected: expectedRevision(o.ExpectedRevision), PlanOnly: o.GetPlanOnly(),
	})
	if err != nil {
		return recallError(err)
	}
	out := &sluicev1.RestoreResponse{Revision: uint64(r.Revision), BackupRevision: uint64(r.Backup)}
	for _, x := range r.Switches {
		to := &sluicev1.RestoredSwitch{Dpid: x.DPID.String(), Added: uint32(x.Added), Changed: uint32(x.Changed), Removed: uint32(x.Gone), Same: uint32(x.Same), Settings: x.Settings}
		if sw, err := s.c.Find(x.DPID.String()); err == nil {
			to.Switch = valid(sw.Name())
		}
		out.Switches = append(out.Switches, to)
	}
	return stream.SendAndClose(out)
}

// received reads the data of a stream of requests.
type received struct {
	stream grpc.ClientStreamingServer[sluicev1.RestoreRequest, sluicev1.RestoreResponse]
	left   []byte
}

func (r *received) Read(b []byte) (int, error) {
	for len(r.left) == 0 {
		m, err := r.stream.Recv()
		if err != nil {
			return 0, err
		}
		r.left = m.GetData()
	}
	n := copy(b, r.left)
	r.left = r.left[n:]
	return n, nil
}

// recallError is the status of a backup that was not restored. Nothing has changed.
func recallError(err error) error {
	text := err.Error() + "; nothing was changed"
	var changed *controller.ChangedError
	var owner *controller.OwnerError
	switch {
	case errors.Is(err, controller.ErrBroken): // the store, not the backup
		return withDetails(codes.DataLoss, err.Error())
	case errors.Is(err, controller.ErrDamaged):
		return withDetails(codes.InvalidArgument, text+": take another backup")
	case errors.Is(err, controller.ErrFormat):
		return withDetails(codes.InvalidArgument, text+": restore it with the version of sluiced that made it")
	case errors.Is(err, controller.ErrRecalling):
		return withDetails(codes.ResourceExhausted, text)
	case errors.Is(err, controller.ErrTooLarge):
		return withDetails(codes.ResourceExhausted, text+": to restore it whole end sluiced, put the file in the place of state.db, and start it again")
	case errors.As(err, &changed):
		return withDetails(codes.Aborted, text)
	case errors.Is(err, controller.ErrFuture):
		return withDetails(codes.OutOfRange, text+": "+otherStore)
	case errors.As(err, &owner):
		return withDetails(codes.PermissionDenied, text+": end the app, or restore while that switch is away")
	}
	if full := diskError(err); full != nil {
		return full
	}
	if s, ok := status.FromError(err); ok {
		return s.Err()
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return status.FromContextError(err).Err()
	}
	return withDetails(codes.Internal, text)
}

// diskError is the status of what the disk of sluiced does not take, or nil.
func diskError(err error) error {
	switch {
	case errors.Is(err, controller.ErrBroken) && errors.Is(err, controller.ErrDamaged):
		return withDetails(codes.DataLoss, err.Error())
	case errors.Is(err, controller.ErrBroken):
		return withDetails(codes.Unavailable, err.Error())
	case errors.Is(err, controller.ErrHangs):
		return withDetails(codes.Unavailable, err.Error()+"; nothing was changed")
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return withDetails(codes.ResourceExhausted, fmt.Sprintf("%v; nothing was changed: make room where sluiced keeps its state (--state)", err))
	case errors.Is(err, controller.ErrMoved):
		return withDetails(codes.Unavailable, err.Error()+"; nothing was changed")
	case errors.Is(err, syscall.EROFS):
		return withDetails(codes.Unavailable, fmt.Sprintf("%v; nothing was changed: the file system of sluiced --state is read-only; if that came by itself its disk has failed: dmesg says why, and sluiced must be ended to mend it", err))
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EIO), errors.Is(err, syscall.EFBIG), errors.Is(err, syscall.ENOMEM), errors.Is(err, syscall.ENXIO), errors.Is(err, syscall.ENODEV), errors.Is(err, syscall.ESTALE):
		return withDetails(codes.Unavailable, fmt.Sprintf("%v; nothing was changed: the directory of sluiced --state must be writable, and its disk sound", err))
	}
	return nil
}

func (s *state) WatchHistory(r *sluicev1.WatchHistoryRequest, stream grpc.ServerStreamingServer[sluicev1.WatchHistoryResponse]) error {
	st, err := s.c.State()
	if err != nil {
		return noState()
	}
	after := st.Revision()
	if r.AfterRevision != nil {
		after = controller.Revision(r.GetAfterRevision())
	}
	for {
		after, err = st.Follow(stream.Context(), after, func(c controller.StateChange, items iter.Seq2[controller.StateItemChange, error]) error {
			return sendChange(stream, c, items)
		})
		switch {
		case errors.Is(err, controller.ErrCompacted):
			oldest, _ := st.Oldest() // 0 says nothing of it
			return withDetails(codes.OutOfRange, fmt.Sprintf("%v; read what is desired now (ListState), and watch after revision %d or later", err, max(oldest, 1)-1))
		case errors.Is(err, controller.ErrFuture):
			return withDetails(codes.OutOfRange, err.Error()+"; sluiced was begun anew, or from a backup: read what is desired now (ListState), and watch from there")
		case errors.Is(err, controller.ErrDamaged):
			return withDetails(codes.DataLoss, err.Error())
		case err != nil:
			return err
		}
		select {
		case <-st.Changed(after):
		case <-stream.Context().Done():
			return status.FromContextError(stream.Context().Err()).Err()
		case <-s.ending:
			return errEnding
		}
	}
}

// sendChange sends one change, in parts.
func sendChange(stream grpc.ServerStreamingServer[sluicev1.WatchHistoryResponse], c controller.StateChange, items iter.Seq2[controller.StateItemChange, error]) error {
	out := &sluicev1.WatchHistoryResponse{Change: fromChange(&c)}
	for x, err := range items {
		if err != nil {
			return err
		}
		if len(out.Items) == flowsPerResponse {
			out.More = true
			if err := stream.Send(out); err != nil {
				return err
			}
			out = new(sluicev1.WatchHistoryResponse)
		}
		item := &sluicev1.ChangedItem{Dpid: x.DPID.String(), Kind: x.Kind, Superseded: x.Superseded}
		if s := x.Setting; s != nil {
			item.Kind, item.Before, item.After = s.Kind, valid(s.Before), valid(s.After)
		}
		if x.Before != nil {
			item.Kind, item.Before = kindOf(x.Before), valid(fmt.Sprint(x.Before))
		}
		if x.After != nil {
			item.Kind, item.After = kindOf(x.After), valid(fmt.Sprint(x.After))
		}
		out.Items = append(out.Items, item)
	}
	return stream.Send(out)
}

func fromChange(c *controller.StateChange) *sluicev1.StateChange {
	x := &sluicev1.StateChange{
		Revision: uint64(c.Revision), Time: timestamppb.New(c.Time), Author: valid(c.Author), RequestId: valid(c.Request), Note: valid(c.Note),
		Added: uint32(c.Added), Changed: uint32(c.Changed), Removed: uint32(c.Gone),
	}
	for _, dpid := range c.Switches {
		x.Dpids = append(x.Dpids, dpid.String())
	}
	return x
}
