package api

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// errEnding ends what would last when the server ends.
var errEnding = status.Error(codes.Unavailable, "sluiced is ending")

// messageTypes are the types of messages by their names.
var messageTypes = func() map[string]ofp.Type {
	m := map[string]ofp.Type{"vendor": ofp.TypeExperimenter, "stats_request": ofp.TypeMultipartRequest, "stats_reply": ofp.TypeMultipartReply}
	unknown := ofp.TypeUnknown.String()
	m[unknown] = ofp.TypeUnknown
	for t := ofp.TypeUnknown + 1; t.String() != unknown; t++ {
		m[t.String()] = t
	}
	return m
}()

func (s *switches) Snoop(r *sluicev1.SnoopRequest, stream grpc.ServerStreamingServer[sluicev1.SnoopResponse]) error {
	sw, err := find(s.c, r.GetSwitch())
	if err != nil {
		return err
	}
	var types []ofp.Type
	for i, name := range r.GetTypes() {
		t, ok := messageTypes[name]
		if !ok {
			return invalid(bad(fmt.Sprintf("types[%d]", i), "no message is called %q: want a name such as packet_in, flow_mod or multipart_reply", clip(name, 100)))
		}
		types = append(types, t)
	}
	tap, err := sw.Snoop(types...)
	if err != nil {
		return readError(sw, err)
	}
	defer tap.Close()
	if err := stream.Send(&sluicev1.SnoopResponse{Event: &sluicev1.SnoopResponse_Started{Started: &sluicev1.SnoopStarted{
		Dpid: sw.DPID().String(), Name: valid(sw.Name()), Version: sw.Version().String(),
	}}}); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(stream.Context())
	defer cancel(nil)
	var wg sync.WaitGroup
	defer wg.Wait()
	done := make(chan struct{})
	defer close(done)
	wg.Go(func() {
		select {
		case <-s.ending:
			cancel(errEnding)
		case <-done:
		}
	})
	for {
		said, lost, err := tap.Next(ctx)
		switch {
		case err != nil && errors.Is(context.Cause(ctx), errEnding):
			return errEnding
		case err != nil:
			return readError(sw, err)
		}
		if err := sendTapped(stream, said, lost); err != nil {
			return err
		}
	}
}

func sendTapped(stream grpc.ServerStreamingServer[sluicev1.SnoopResponse], said []controller.Tapped, lost uint64) error {
	for _, m := range said {
		way := sluicev1.SnoopDirection_SNOOP_DIRECTION_FROM_SWITCH
		if m.Sent {
			way = sluicev1.SnoopDirection_SNOOP_DIRECTION_TO_SWITCH
		}
		if err := stream.Send(&sluicev1.SnoopResponse{Event: &sluicev1.SnoopResponse_Message{Message: &sluicev1.SnoopMessage{
			Time: timestamppb.New(m.Time), Direction: way, Data: m.Frame,
		}}}); err != nil {
			return err
		}
	}
	if lost == 0 {
		return nil
	}
	return stream.Send(&sluicev1.SnoopResponse{Event: &sluicev1.SnoopResponse_Lagged{Lagged: &sluicev1.SnoopLagged{Messages: lost}}})
}
