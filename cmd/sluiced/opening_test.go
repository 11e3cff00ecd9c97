package main

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"
)

// TestSilentClientsOfGRPC: who connects to the port of gRPC and does not say what
// a client says does not hold up the end.
func TestSilentClientsOfGRPC(t *testing.T) {
	for name, says := range map[string]string{
		"nothing":           "",
		"half a preface":    "PRI * HTTP/2.0\r\n",
		"a preface alone":   "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"half of settings":  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00",
		"a word that is no": "GET / ",
	} {
		t.Run(name, func(t *testing.T) {
			here := goleak.IgnoreCurrent()
			logger := logrus.New()
			logger.SetOutput(io.Discard)
			d, err := newDaemon(t.Context(), anyPorts(), logger)
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(context.Background())
			defer stop()
			ended := make(chan error, 1)
			go func() { ended <- d.run(ctx) }()
			waitReady(t, d.listeners.http.Addr().String())
			conn, err := net.Dial("tcp", d.listeners.grpc.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, says); err != nil {
				t.Fatal(err)
			}
			// The server's settings show that the connection was accepted.
			_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
			_, _ = conn.Read(make([]byte, 1))
			stop()
			select {
			case err := <-ended:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(60 * time.Second): // gRPC itself gives up after 120
				t.Fatal("the daemon does not end")
			}
			goleak.VerifyNone(t, here)
		})
	}
}
