package main

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// A write that waits for its switch when the daemon ends is told how far it came.
func TestWriteWhileEnding(t *testing.T) {
	here := goleak.IgnoreCurrent()
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	s := anyPorts()
	s.apps = nil
	d, err := newDaemon(t.Context(), s, logger)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- d.run(ctx) }()
	waitReady(t, d.listeners.http.Addr().String())

	patience, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	sw := simswitch.New(simswitch.Config{Name: "br0"})
	defer sw.Close()
	if err := sw.Dial(patience, d.listeners.openflow[0].Addr().String()); err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient(d.listeners.grpc.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for tick := time.NewTicker(time.Millisecond); len(d.controller.Switches()) == 0; {
		select {
		case <-tick.C:
		case <-patience.Done():
			t.Fatal("the switch is never ready")
		}
	}

	sw.SetFaults(simswitch.Silent(ofp.TypeBarrierRequest))
	written := make(chan error, 1)
	go func() {
		_, err := sluicev1.NewFlowServiceClient(conn).WriteFlows(patience, &sluicev1.WriteFlowsRequest{Switch: "br0", Changes: []*sluicev1.FlowChange{
			{Change: &sluicev1.FlowChange_Add{Add: &sluicev1.FlowSpec{Form: &sluicev1.FlowSpec_Text{Text: "actions=drop"}}}},
		}})
		written <- err
	}()
	if err := sw.Await(patience, func() bool { return sw.Received(ofp.TypeFlowMod) == 1 }); err != nil {
		t.Fatal(err)
	}
	stop()
	err = <-written
	var result *sluicev1.WriteResult
	for _, detail := range status.Convert(err).Details() {
		if r, ok := detail.(*sluicev1.WriteResult); ok {
			result = r
		}
	}
	if status.Code(err) != codes.Unavailable || result.GetTotal() != 1 || result.GetSent() != 1 || result.GetConfirmed() != 0 {
		t.Errorf("the write ends with %v, %v", err, result)
	}
	if err := <-ended; err != nil {
		t.Errorf("run: %v", err)
	}
	conn.Close()
	sw.Close()
	goleak.VerifyNone(t, here)
}
