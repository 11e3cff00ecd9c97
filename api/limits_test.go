package api

import (
	"context"
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// TestReplyTooLong: more flows than a reply may have bytes for is no fault of
// Sluice's, and the caller can do something about it.
func TestReplyTooLong(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		r := newRigOver(t, controller.Config{Channel: channel.Config{MaxReplyBytes: 100_000}}, Config{})
		r.bridge(v)
		var texts []string
		for i := range 3000 {
			texts = append(texts, fmt.Sprintf("priority=%d,arp,actions=drop", i))
		}
		r.mustWrite(addTexts(texts...))
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		s, err := r.flows.ListFlows(ctx, &sluicev1.ListFlowsRequest{Switch: "br0"})
		if err == nil {
			_, err = s.Recv()
		}
		if status.Code(err) != codes.ResourceExhausted {
			t.Errorf("error is %v, want RESOURCE_EXHAUSTED", err)
		}
		wantTexts(t, "message", status.Convert(err).Message(), "br0", "more than 100000 bytes")
		q := &sluicev1.ListFlowsRequest{Filter: text("table=7")}
		if v == ofp.V10 {
			q.Filter = text("udp")
		}
		if n := len(r.list(q)); n != 0 {
			t.Errorf("%d flows with a closer filter, want none", n)
		}
	})
}
