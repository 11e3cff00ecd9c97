package api

import (
	"context"
	"fmt"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/controller/desired"
	"github.com/sluice-sdn/sluice/controller/store"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// TestCrowd: of what lasts so many run as the limit says; those who come beside are
// told the limit, and whoever goes makes room.
func TestCrowd(t *testing.T) {
	r, _, ctx := stateRig(t)
	limit := crowdLimits[sluicev1.StateService_WatchHistory_FullMethodName]
	const beside = 20
	type outcome struct {
		conn int
		err  error
	}
	ended := make(chan outcome, limit.most+beside)
	var leave [2]context.CancelFunc
	for i := range leave { // one connection may have 256 at a time
		conn, err := grpc.NewClient(r.conn.Target(), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		var in context.Context
		in, leave[i] = context.WithCancel(ctx)
		defer leave[i]()
		for range (limit.most + beside) / 2 {
			s, err := sluicev1.NewStateServiceClient(conn).WatchHistory(in, &sluicev1.WatchHistoryRequest{})
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				_, err := s.Recv()
				ended <- outcome{i, err}
			}()
		}
	}
	var in [2]int // how many run
	in[0], in[1] = (limit.most+beside)/2, (limit.most+beside)/2
	for range beside {
		select {
		case x := <-ended:
			in[x.conn]--
			if status.Code(x.err) != codes.ResourceExhausted {
				t.Fatalf("one too many ends with %v", x.err)
			}
			wantTexts(t, "message", status.Convert(x.err).Message(), fmt.Sprint(limit.most), "WatchHistory", "limit")
		case <-ctx.Done():
			t.Fatal("one too many is not refused")
		}
	}
	select {
	case x := <-ended:
		t.Fatalf("one that is within the limit ends with %v", x.err)
	default:
	}
	leave[0]()
	for range in[0] {
		<-ended
	}
	r.eventually("there is room again", func() bool {
		conn, err := grpc.NewClient(r.conn.Target(), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		// What is asked for is in the future: an answer that only who was let in gets.
		future := uint64(1 << 40)
		s, err := sluicev1.NewStateServiceClient(conn).WatchHistory(ctx, &sluicev1.WatchHistoryRequest{AfterRevision: &future})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Recv()
		return status.Code(err) == codes.OutOfRange
	})
	leave[1]()
	for range in[1] {
		<-ended
	}
}

// TestListsThatNobodyReads: callers who do not read what they have asked for are let
// go after a time, and others, who have waited for their turn, get it.
func TestListsThatNobodyReads(t *testing.T) {
	st, err := desired.New(t.Context(), store.NewMemory(store.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	r := newRigOver(t, controller.Config{Desired: st}, Config{stall: time.Second})
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	const away, many = "00000000000000aa", 8000
	var texts []string
	for i := range many {
		texts = append(texts, fmt.Sprintf("priority=%d,arp,actions=drop", i))
	}
	if _, err := r.flows.WriteFlows(ctx, &sluicev1.WriteFlowsRequest{Switch: away, Level: sluicev1.WriteLevel_WRITE_LEVEL_STORED, Changes: addTexts(texts...)}); err != nil {
		t.Fatal(err)
	}
	silent, err := grpc.NewClient(r.conn.Target(), grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithStaticStreamWindowSize(65535), grpc.WithStaticConnWindowSize(1<<24))
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	var all []grpc.ServerStreamingClient[sluicev1.ListStateResponse]
	for range lists.most {
		s, err := sluicev1.NewStateServiceClient(silent).ListState(ctx, &sluicev1.ListStateRequest{Switch: away})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Recv(); err != nil { // it has begun, and has more to say than fits in between
			t.Fatal(err)
		}
		all = append(all, s)
	}
	honest, err := sluicev1.NewStateServiceClient(r.conn).ListState(ctx, &sluicev1.ListStateRequest{Switch: away})
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < many; {
		part, err := honest.Recv()
		if err != nil {
			t.Fatalf("who reads gets %d flows of %d, and %v", n, many, err)
		}
		n += len(part.GetItems())
	}
	for err = nil; err == nil; {
		_, err = all[0].Recv()
	}
	if status.Code(err) != codes.ResourceExhausted {
		t.Errorf("who has not read ends with %v", err)
	}
	wantTexts(t, "message", status.Convert(err).Message(), "not read", "1s")
}
