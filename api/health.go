package api

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/sluice-sdn/sluice/controller"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// health is the standard health service: SERVING while the controller listens
// for switches.
type health struct {
	healthpb.UnimplementedHealthServer
	c      *controller.Controller
	ending <-chan struct{}
}

// healthPoll is how often Watch looks.
const healthPoll = time.Second

// healthServices are the services that can be asked about; "" is the server.
var healthServices = []string{
	"",
	sluicev1.SwitchService_ServiceDesc.ServiceName,
	sluicev1.FlowService_ServiceDesc.ServiceName,
	sluicev1.GroupService_ServiceDesc.ServiceName,
	sluicev1.MeterService_ServiceDesc.ServiceName,
	sluicev1.ConfigService_ServiceDesc.ServiceName,
	sluicev1.PacketService_ServiceDesc.ServiceName,
}

func (h *health) status(service string) healthpb.HealthCheckResponse_ServingStatus {
	for _, s := range healthServices {
		switch {
		case s == service && h.c.Ready():
			return healthpb.HealthCheckResponse_SERVING
		case s == service:
			return healthpb.HealthCheckResponse_NOT_SERVING
		}
	}
	return healthpb.HealthCheckResponse_SERVICE_UNKNOWN
}

// Check tells the status of a service now.
func (h *health) Check(_ context.Context, r *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	s := h.status(r.GetService())
	if s == healthpb.HealthCheckResponse_SERVICE_UNKNOWN {
		return nil, status.Errorf(codes.NotFound, "no service %q", clip(r.GetService(), 100))
	}
	return &healthpb.HealthCheckResponse{Status: s}, nil
}

// List tells the status of every service now.
func (h *health) List(context.Context, *healthpb.HealthListRequest) (*healthpb.HealthListResponse, error) {
	out := &healthpb.HealthListResponse{Statuses: map[string]*healthpb.HealthCheckResponse{}}
	for _, s := range healthServices {
		out.Statuses[s] = &healthpb.HealthCheckResponse{Status: h.status(s)}
	}
	return out, nil
}

// Watch tells the status of a service now and whenever it changes, until the
// caller hangs up or the server ends.
func (h *health) Watch(r *healthpb.HealthCheckRequest, stream grpc.ServerStreamingServer[healthpb.HealthCheckResponse]) error {
	tick := time.NewTicker(healthPoll)
	defer tick.Stop()
	last := healthpb.HealthCheckResponse_UNKNOWN
	for {
		if s := h.status(r.GetService()); s != last {
			last = s
			if err := stream.Send(&healthpb.HealthCheckResponse{Status: s}); err != nil {
				return err
			}
		}
		select {
		case <-stream.Context().Done():
			return status.FromContextError(stream.Context().Err()).Err()
		case <-h.ending:
			return errEnding
		case <-tick.C:
		}
	}
}
