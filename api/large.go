package api

import (
	"fmt"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// What a large request wants takes several times its bytes while it is carried out. So
// requests of largeLeast or more that are carried out at the same time have largeMost
// bytes together, unless one alone has more. One that comes beside is not decoded, and
// is refused (RESOURCE_EXHAUSTED); small ones never are.
const (
	largeLeast = 1 << 20
	largeMost  = 256 << 20
)

// largeRequests counts the bytes of the large requests that are carried out. It is the
// codec that decodes them, too, since nobody else knows how large they are.
type largeRequests struct {
	encoding.CodecV2
	most int
	mu   sync.Mutex
	used int
	held map[any]int // bytes by request; 0: it is to be refused
}

func newLargeRequests(c encoding.CodecV2) *largeRequests {
	return &largeRequests{CodecV2: c, most: largeMost, held: make(map[any]int)}
}

// Unmarshal is that of encoding.CodecV2.
func (l *largeRequests) Unmarshal(data mem.BufferSlice, v any) error {
	n := data.Len()
	if n < largeLeast || !counted(v) {
		return l.CodecV2.Unmarshal(data, v)
	}
	if !l.take(v, n) {
		return nil // enter tells
	}
	err := l.CodecV2.Unmarshal(data, v)
	if err != nil {
		l.leave(v)
	}
	return err
}

// counted reports whether a request may be large. Whoever serves its call gives back
// what it takes: guard.unary, or guard.reads.
func counted(v any) bool {
	switch v.(type) {
	case *sluicev1.WriteFlowsRequest, *sluicev1.WriteGroupsRequest, *sluicev1.WriteMetersRequest, *sluicev1.WriteBundleRequest,
		*sluicev1.ApplyRequest, *sluicev1.PlanRequest, *sluicev1.FollowRequest:
		return true
	}
	return false
}

func (l *largeRequests) take(v any, n int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.used > 0 && l.used+n > l.most {
		l.held[v] = 0
		return false
	}
	l.used += n
	l.held[v] = n
	return true
}

// enter fails for a request that was not decoded.
func (l *largeRequests) enter(v any) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n, ok := l.held[v]; ok && n == 0 {
		return withDetails(codes.ResourceExhausted, fmt.Sprintf("large requests of %d MiB are being carried out, which is the limit of sluiced with this one: try again later, or with fewer changes at a time; nothing was changed", l.most>>20))
	}
	return nil
}

// leave gives back what a request has taken, if anything.
func (l *largeRequests) leave(v any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used -= l.held[v]
	delete(l.held, v)
}
