package api

import (
	"context"
	"math"
	"runtime/debug"
	"slices"
	"time"

	"github.com/sirupsen/logrus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"

	"github.com/sluice-sdn/sluice/controller"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// Config configures a server. The zero value works.
type Config struct {
	// Timeout is the deadline of a call whose caller sets none. Default 10 s.
	Timeout time.Duration
	// MaxRequest bounds a request's size in bytes; one with 100,000 flows has
	// some 10 MB. Default 64 MiB.
	MaxRequest int
	// Logger hears of panics. Default logrus' standard logger.
	Logger logrus.FieldLogger
	// Ending, once it is closed, ends the calls that last as long as the caller
	// likes, so that the server can be stopped gracefully. Nil never does.
	Ending <-chan struct{}
	// Burst, if it is not nil, is called with the number of changes that a request
	// to write flows has, and what it returns when that is answered.
	Burst func(changes int) (over func())

	stall time.Duration // in the place of stallLimit
}

// maxStreams bounds the calls that one connection may have running.
const maxStreams = 256

// New returns a gRPC server that offers the services of sluice.v1 over c, the
// standard health service and reflection. opts come after its own, such as
// transport credentials. The caller serves and stops it.
func New(c *controller.Controller, cfg Config, opts ...grpc.ServerOption) *grpc.Server {
	if cfg.Timeout <= 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.MaxRequest <= 0 {
		cfg.MaxRequest = 64 << 20
	}
	if cfg.Logger == nil {
		cfg.Logger = logrus.StandardLogger()
	}
	if cfg.stall <= 0 {
		cfg.stall = stallLimit
	}
	g := guard{Config: cfg, crowd: newCrowd(), large: newLargeRequests(newCodec())}
	if st, err := c.State(); err == nil {
		g.disk = func() time.Time { return st.Health().Writing }
	}
	s := grpc.NewServer(append([]grpc.ServerOption{
		grpc.WaitForHandlers(true), // Stop, too: what they use is closed behind it
		grpc.ForceServerCodecV2(g.large),
		grpc.MaxRecvMsgSize(cfg.MaxRequest),
		grpc.MaxSendMsgSize(math.MaxInt32),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.ConnectionTimeout(20 * time.Second), // to say what a client says first
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: time.Minute, Timeout: 20 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
		grpc.ChainUnaryInterceptor(g.unary),
		grpc.ChainStreamInterceptor(g.stream),
	}, opts...)...)
	sluicev1.RegisterSwitchServiceServer(s, &switches{c: c, ending: cfg.Ending})
	sluicev1.RegisterFlowServiceServer(s, &flows{c: c, burst: cfg.Burst})
	sluicev1.RegisterGroupServiceServer(s, &groups{c: c})
	sluicev1.RegisterMeterServiceServer(s, &meters{c: c})
	sluicev1.RegisterBundleServiceServer(s, &bundles{c: c})
	sluicev1.RegisterConfigServiceServer(s, &config{c: c})
	sluicev1.RegisterStateServiceServer(s, &state{c: c, ending: cfg.Ending})
	sluicev1.RegisterPacketServiceServer(s, &packets{c: c})
	healthpb.RegisterHealthServer(s, &health{c: c, ending: cfg.Ending})
	reflection.Register(s)
	return s
}

// guard gives every call a deadline, bounds how many run, and survives their panics.
type guard struct {
	Config
	crowd *crowd
	large *largeRequests
	disk  disk // nil without desired state
}

func (g guard) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	ctx, cancel := g.deadline(ctx)
	return patient(ctx, g.disk, func() (resp any, err error) {
		defer cancel()
		defer g.survive(info.FullMethod, &err)
		defer g.large.leave(req)
		if err := g.large.enter(req); err != nil {
			return nil, err
		}
		if err := checkTexts(req); err != nil {
			return nil, err
		}
		return next(ctx, req)
	})
}

func (g guard) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
	defer g.survive(info.FullMethod, &err)
	if info.FullMethod == sluicev1.StateService_Restore_FullMethodName {
		_, err := patient(ss.Context(), g.disk, func() (_ any, err error) {
			defer g.survive(info.FullMethod, &err)
			return nil, next(srv, ss)
		})
		return err
	}
	if info.IsClientStream {
		return next(srv, ss) // as reflection, whose stream is the client's
	}
	ctx := ss.Context()
	if !slices.Contains(lasting, info.FullMethod) {
		bounded, cancel := g.deadline(ctx)
		defer cancel()
		ctx = bounded
	}
	leave, err := g.crowd.enter(ctx, info.FullMethod)
	if err != nil {
		return err
	}
	_, err = patient(ctx, g.disk, func() (any, error) { return nil, g.reads(srv, boundedStream{ss, ctx}, info, next, leave) })
	return err
}

// lasting are the streams whose deadline is the caller's alone, if there is one.
var lasting = []string{
	healthpb.Health_Watch_FullMethodName, sluicev1.SwitchService_Snoop_FullMethodName,
	sluicev1.StateService_WatchHistory_FullMethodName, sluicev1.StateService_Backup_FullMethodName,
}

// boundedStream is a stream with another context.
type boundedStream struct {
	grpc.ServerStream
	ctx context.Context
}

// Context returns the context with the call's deadline.
func (s boundedStream) Context() context.Context { return s.ctx }

// deadline ends the server's waiting a little before the caller's, so that the
// answer that tells how far a write came is there in time. What the call writes
// and asks is apart from what apps send: nobody out here has sent any of it.
func (g guard) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	left := g.Timeout
	if end, ok := ctx.Deadline(); ok {
		left = time.Until(end)
		left -= min(left/5, 500*time.Millisecond)
	}
	return context.WithTimeout(controller.Apart(ctx), left)
}

func (g guard) survive(method string, err *error) {
	if r := recover(); r != nil {
		g.Logger.WithFields(logrus.Fields{"method": method, "panic": r, "stack": string(debug.Stack())}).Error("api: call panicked")
		*err = status.Errorf(codes.Internal, "sluiced has a fault: %s panicked; its log says where", method)
	}
}
