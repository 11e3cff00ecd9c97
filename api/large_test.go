package api

import (
	"context"
	"errors"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// TestLargeRequests: large requests have so many bytes together. One that comes beside
// is not even decoded, and is refused; small ones are not; and whoever is done, or
// cannot be read, makes room.
func TestLargeRequests(t *testing.T) {
	l := newLargeRequests(newCodec())
	l.most = 3 << 20
	wire, err := proto.Marshal(&sluicev1.PlanRequest{Owner: string(make([]byte, 2<<20))})
	if err != nil {
		t.Fatal(err)
	}
	decode := func(wire []byte) (*sluicev1.PlanRequest, error) {
		r := new(sluicev1.PlanRequest)
		if err := l.Unmarshal(mem.BufferSlice{mem.SliceBuffer(wire)}, r); err != nil {
			return r, err
		}
		return r, l.enter(r)
	}
	first, err := decode(wire)
	if err != nil || len(first.GetOwner()) != 2<<20 {
		t.Fatalf("the first: %v", err)
	}
	second, err := decode(wire)
	if status.Code(err) != codes.ResourceExhausted || second.GetOwner() != "" {
		t.Errorf("the second: %v, with %d bytes decoded", err, len(second.GetOwner()))
	}
	wantTexts(t, "message", status.Convert(err).Message(), "3 MiB", "limit", "nothing was changed")
	l.leave(second)
	if small, err := decode(wire[:0]); err != nil {
		t.Errorf("a small one: %v", err)
	} else {
		l.leave(small)
	}
	l.leave(first)
	if _, err := decode(wire[:len(wire)-1]); err == nil || errors.Is(err, status.Error(codes.ResourceExhausted, "")) {
		t.Errorf("half a request: %v", err)
	}
	third, err := decode(wire)
	if err != nil {
		t.Errorf("when there is room again: %v", err)
	}
	l.leave(third)
	if l.used != 0 || len(l.held) != 0 {
		t.Errorf("%d bytes of %d requests are held when all are done", l.used, len(l.held))
	}
	alone := newLargeRequests(newCodec())
	alone.most = 1
	if r := new(sluicev1.PlanRequest); !alone.take(r, 2<<20) {
		t.Error("one alone that is larger than the limit is refused")
	}
}

// requestStream is a stream whose request has come.
type requestStream struct {
	grpc.ServerStream
	ctx  context.Context
	l    *largeRequests
	wire []byte
}

func (s requestStream) Context() context.Context { return s.ctx }

func (s requestStream) RecvMsg(m any) error {
	return s.l.Unmarshal(mem.BufferSlice{mem.SliceBuffer(s.wire)}, m)
}

// TestLargeFollowed: what a client follows, as sluice apply does, counts as what is
// asked for without, until it is done, however it ends.
func TestLargeFollowed(t *testing.T) {
	l := newLargeRequests(newCodec())
	l.most = 3 << 20
	g := guard{Config: Config{Logger: quiet(), Timeout: patience, stall: patience}, crowd: newCrowd(), large: l}
	wire, err := proto.Marshal(&sluicev1.FollowRequest{Work: &sluicev1.FollowRequest_Apply{Apply: &sluicev1.ApplyRequest{Note: string(make([]byte, 2<<20))}}})
	if err != nil {
		t.Fatal(err)
	}
	follow := func(wire []byte, work func()) error {
		info := &grpc.StreamServerInfo{FullMethod: sluicev1.StateService_Follow_FullMethodName, IsServerStream: true}
		return g.stream(nil, requestStream{ctx: t.Context(), l: l, wire: wire}, info, func(_ any, s grpc.ServerStream) error {
			if err := s.RecvMsg(new(sluicev1.FollowRequest)); err != nil {
				return err
			}
			work()
			return nil
		})
	}
	err = follow(wire, func() {
		err := follow(wire, func() { t.Error("one that comes beside is carried out") })
		if status.Code(err) != codes.ResourceExhausted {
			t.Errorf("one that comes beside: %v", err)
		}
	})
	if err != nil {
		t.Errorf("the first: %v", err)
	}
	if err := follow(wire[:len(wire)-1], func() {}); err == nil {
		t.Error("half a request is carried out")
	}
	if err := follow(wire, func() { panic("of the work") }); status.Code(err) != codes.Internal {
		t.Errorf("one that panics: %v", err)
	}
	if l.used != 0 || len(l.held) != 0 {
		t.Errorf("%d bytes of %d requests are held when all are done", l.used, len(l.held))
	}
}
