package api

import (
	"context"
	"errors"
	"net"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

type groups struct {
	sluicev1.UnimplementedGroupServiceServer
	c *controller.Controller
}

func (s *groups) WriteGroups(ctx context.Context, r *sluicev1.WriteGroupsRequest) (*sluicev1.WriteGroupsResponse, error) {
	n, rev, err := write(ctx, s.c, r, r.ExpectedRevision, r.GetChanges(), toGroupMod)
	return &sluicev1.WriteGroupsResponse{Confirmed: n, Revision: rev}, err
}

// request is what the requests that write have in common.
type request interface {
	GetSwitch() string
	GetOwner() string
	GetRequestId() string
	GetLevel() sluicev1.WriteLevel
}

// apply carries messages out as one transaction, and returns how many of them the
// switch has confirmed.
func apply(ctx context.Context, sw controller.Target, r request, expected *uint64, msgs []ofp.Message) (confirmed uint32, revision *uint64, _ error) {
	level, err := toLevel(r.GetLevel())
	if err != nil {
		return 0, nil, err
	}
	rev, err := sw.Apply(ctx, controller.Txn{
		Owner: r.GetOwner(), Author: author(ctx), Request: r.GetRequestId(), Level: level, Expected: expectedRevision(expected), Messages: msgs, Bundle: bundled(r),
	})
	switch {
	case errors.Is(err, controller.ErrNoState) && expected != nil:
		return 0, nil, needsState("expected_revision")
	case errors.Is(err, controller.ErrNoState):
		return 0, nil, needsState("level stored")
	case err != nil:
		return 0, nil, writeError(sw, msgs, err)
	}
	confirmed = acknowledged(len(msgs), level)
	if rev == 0 {
		return confirmed, nil, nil // nothing is kept
	}
	n := uint64(rev)
	return confirmed, &n, nil
}

// bundled reports whether a request asks for a bundle; some kinds cannot.
func bundled(r request) bool {
	b, ok := r.(interface{ GetBundle() bool })
	return ok && b.GetBundle()
}

// gatewayNetwork is the network of the connection in memory over which the JSON
// gateway of the same process calls. Nobody else can come from there.
const gatewayNetwork = "bufconn"

// author is who calls: the machine that the call comes from, without the port,
// which is another one each time: a request that is sent again over a new
// connection is the same author's. Of JSON it is the machine that the JSON gateway
// was called from, which it puts at the end of x-forwarded-for.
func author(ctx context.Context) string {
	p, ok := peer.FromContext(ctx)
	if !ok || p.Addr == nil {
		return ""
	}
	if p.Addr.Network() == gatewayNetwork {
		all := metadata.ValueFromIncomingContext(ctx, "x-forwarded-for")
		if len(all) == 0 {
			return ""
		}
		last := all[len(all)-1]
		return strings.TrimSpace(last[strings.LastIndex(last, ",")+1:])
	}
	if host, _, err := net.SplitHostPort(p.Addr.String()); err == nil {
		return host
	}
	return p.Addr.String()
}

// write makes changes that convert turns into messages.
func write[T any, M ofp.Message](ctx context.Context, c *controller.Controller, r request, expected *uint64, changes []T, convert func(T, *ofp.Names) (M, error)) (confirmed uint32, revision *uint64, _ error) {
	sw, err := findTarget(c, r.GetSwitch())
	if err != nil {
		return 0, nil, err
	}
	msgs, err := toMessages(changes, sw.Names(), convert)
	if err != nil {
		return 0, nil, err
	}
	return apply(ctx, sw, r, expected, msgs)
}

// inParts sends a list in parts of flowsPerResponse items.
func inParts[T, R any](stream grpc.ServerStreamingServer[R], list []T, part func([]T) *R) error {
	for len(list) > 0 {
		n := min(len(list), flowsPerResponse)
		if err := stream.Send(part(list[:n])); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

// listing sends what is added to it in parts, as inParts does, and holds no more than
// one part.
type listing[T, R any] struct {
	stream grpc.ServerStreamingServer[R]
	part   func([]T) *R
	list   []T
}

func (l *listing[T, R]) add(x T) error {
	if l.list = append(l.list, x); len(l.list) < flowsPerResponse {
		return nil
	}
	return l.end()
}

// end sends what is left.
func (l *listing[T, R]) end() error {
	if len(l.list) == 0 {
		return nil
	}
	list := l.list
	l.list = nil
	return l.stream.Send(l.part(list))
}

// convertAll converts a list.
func convertAll[T, R any](list []T, one func(*T) R) []R {
	out := make([]R, len(list))
	for i := range list {
		out[i] = one(&list[i])
	}
	return out
}

// or is a number that may not be set.
func or(n *uint32, otherwise uint32) uint32 {
	if n == nil {
		return otherwise
	}
	return *n
}

func (s *groups) ListGroups(r *sluicev1.ListGroupsRequest, stream grpc.ServerStreamingServer[sluicev1.ListGroupsResponse]) error {
	sw, err := find(s.c, r.GetSwitch())
	if err != nil {
		return err
	}
	list, err := sw.Groups(stream.Context(), or(r.Group, ofp.GroupAll))
	if err != nil {
		return readError(sw, err)
	}
	return inParts(stream, list, func(list []ofp.GroupDesc) *sluicev1.ListGroupsResponse {
		return &sluicev1.ListGroupsResponse{Groups: convertAll(list, func(g *ofp.GroupDesc) *sluicev1.GroupEntry {
			return &sluicev1.GroupEntry{Group: fromGroup(g), Text: g.String()}
		})}
	})
}

func (s *groups) ListGroupStats(r *sluicev1.ListGroupStatsRequest, stream grpc.ServerStreamingServer[sluicev1.ListGroupStatsResponse]) error {
	sw, err := find(s.c, r.GetSwitch())
	if err != nil {
		return err
	}
	list, err := sw.GroupStats(stream.Context(), or(r.Group, ofp.GroupAll))
	if err != nil {
		return readError(sw, err)
	}
	return inParts(stream, list, func(list []ofp.GroupStats) *sluicev1.ListGroupStatsResponse {
		return &sluicev1.ListGroupStatsResponse{Groups: convertAll(list, func(g *ofp.GroupStats) *sluicev1.GroupStats {
			return fromGroupStats(g, sw.Version())
		})}
	})
}

func fromGroupStats(g *ofp.GroupStats, v ofp.Version) *sluicev1.GroupStats {
	out := &sluicev1.GroupStats{
		Id: g.Group, RefCount: g.RefCount, PacketCount: counter(g.Packets), ByteCount: counter(g.Bytes),
		Text: strings.TrimSpace(ofp.PrintPart(v, &ofp.GroupStatsReply{Groups: []ofp.GroupStats{*g}})),
	}
	if v >= ofp.V13 && g.DurationSec != unknownSeconds {
		d := seconds(g.DurationSec, g.DurationNsec)
		out.DurationSeconds = &d
	}
	for _, k := range g.Buckets {
		out.Buckets = append(out.Buckets, &sluicev1.BucketStats{PacketCount: counter(k.Packets), ByteCount: counter(k.Bytes)})
	}
	return out
}

// groupCapabilities are the names of the bits of ofp_group_capabilities.
var groupCapabilities = []string{"select_weight", "select_liveness", "chaining", "chaining_checks"}

func (s *groups) GetGroupFeatures(ctx context.Context, r *sluicev1.GetGroupFeaturesRequest) (*sluicev1.GetGroupFeaturesResponse, error) {
	sw, err := find(s.c, r.GetSwitch())
	if err != nil {
		return nil, err
	}
	f, err := sw.GroupFeatures(ctx)
	if err != nil {
		return nil, readError(sw, err)
	}
	out := &sluicev1.GetGroupFeaturesResponse{Capabilities: bitNames(f.Capabilities, groupCapabilities), Text: partText(sw, f)}
	for t := range f.MaxGroups {
		if f.Types>>t&1 != 0 {
			out.Types = append(out.Types, &sluicev1.GroupTypeFeatures{Type: sluicev1.GroupType(t + 1), MaxGroups: f.MaxGroups[t], Actions: f.Actions[t]})
		}
	}
	return out, nil
}
