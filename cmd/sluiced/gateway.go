package main

import (
	"context"
	"fmt"
	"math"
	"net"
	"net/http"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/sluice-sdn/sluice/api"
)

// gateway is the JSON API. It calls the gRPC server through memory, so that it
// works whatever address and transport that server has for others.
type gateway struct {
	handler  http.Handler
	listener *bufconn.Listener // for the gRPC server to serve
	conn     *grpc.ClientConn
}

func newGateway() (*gateway, error) {
	g := &gateway{listener: bufconn.Listen(256 << 10)}
	var err error
	g.conn, err = grpc.NewClient("passthrough:sluiced",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return g.listener.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32)), // the server bounds its answers
	)
	if err == nil {
		g.handler, err = api.Gateway(context.Background(), g.conn)
	}
	if err != nil {
		return nil, fmt.Errorf("making the JSON gateway: %w", err)
	}
	return g, nil
}

// close ends the connection. The listener belongs to the gRPC server.
func (g *gateway) close() { g.conn.Close() }
