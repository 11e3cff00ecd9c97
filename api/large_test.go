package api

import (
	"errors"
	"testing"

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
