package main

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// endingServer ends the first WatchHistory at once, as a server that is restarted
// before there is anything to tell, and the second one after a change.
type endingServer struct {
	sluicev1.UnimplementedStateServiceServer
	after []uint64
}

func (s *endingServer) ListHistory(context.Context, *sluicev1.ListHistoryRequest) (*sluicev1.ListHistoryResponse, error) {
	return &sluicev1.ListHistoryResponse{Changes: []*sluicev1.StateChange{{Revision: 41}}}, nil
}

func (s *endingServer) WatchHistory(r *sluicev1.WatchHistoryRequest, stream grpc.ServerStreamingServer[sluicev1.WatchHistoryResponse]) error {
	s.after = append(s.after, r.GetAfterRevision())
	if len(s.after) == 1 {
		return status.Error(codes.Unavailable, "sluiced is ending")
	}
	if err := stream.Send(&sluicev1.WatchHistoryResponse{Change: &sluicev1.StateChange{Revision: 42}}); err != nil {
		return err
	}
	return status.Error(codes.OutOfRange, "that is all")
}

// TestFollowFromNow: a follower that was not told from where to begin knows where that
// was, and goes on from there when the connection ends before there was any change.
func TestFollowFromNow(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, server := new(endingServer), grpc.NewServer()
	sluicev1.RegisterStateServiceServer(server, s)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	defer func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	r := (&daemon{t: t, grpc: l.Addr().String()}).sluice("", "history", "--follow")
	if d := cmp.Diff([]uint64{41, 41}, s.after); d != "" {
		t.Errorf("follows after (-want +got):\n%s", d)
	}
	if r.code == exitDone || !strings.HasPrefix(r.out, "revision 42, ") {
		t.Errorf("%+v", r)
	}
	wantTexts(t, "stderr", r.err, "; trying again after revision 41\n", "that is all")
}
