package api

import (
	"context"
	"net/http"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// Gateway returns a handler that offers the services as JSON under /v1/ (the
// routes are in proto/sluice/v1/gateway.yaml), by calling the gRPC server that
// conn leads to. Fields have the names of the .proto files. Streams are JSON
// objects one after the other. The caller owns conn, and closes it when the
// handler is no longer used.
//
// Requests that a browser sends on behalf of another site are refused.
func Gateway(ctx context.Context, conn *grpc.ClientConn) (http.Handler, error) {
	mux := runtime.NewServeMux(runtime.WithMarshalerOption(runtime.MIMEWildcard, &runtime.JSONPb{
		MarshalOptions:   protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true},
		UnmarshalOptions: protojson.UnmarshalOptions{}, // an unknown field is an error
	}))
	for _, register := range []func(context.Context, *runtime.ServeMux, *grpc.ClientConn) error{
		sluicev1.RegisterSwitchServiceHandler,
		sluicev1.RegisterFlowServiceHandler,
		sluicev1.RegisterPacketServiceHandler,
	} {
		if err := register(ctx, mux, conn); err != nil {
			return nil, err
		}
	}
	return http.NewCrossOriginProtection().Handler(http.MaxBytesHandler(mux, maxGatewayRequest)), nil
}

// maxGatewayRequest bounds the body of an HTTP request, in bytes.
const maxGatewayRequest = 16 << 20
