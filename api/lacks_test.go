package api

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// TestReadingChangesNothing: only a write says that it changed nothing.
func TestReadingChangesNothing(t *testing.T) {
	r := newRig(t, Config{})
	r.bridge(ofp.V10)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := r.flows.AggregateFlows(ctx, &sluicev1.AggregateFlowsRequest{Switch: "br0", Filter: text("cookie=0x1/0x1")})
	if said := status.Convert(err).Message(); status.Code(err) != codes.FailedPrecondition || !strings.HasSuffix(said, "the version of br0") {
		t.Errorf("a read: %v", err)
	}
	err = r.write(addTexts("ipv6,actions=set_field:::1->ipv6_src"))
	said := status.Convert(err).Message()
	if status.Code(err) != codes.FailedPrecondition || !strings.HasSuffix(said, "; nothing was changed") {
		t.Errorf("a write: %v", err)
	}
	wantTexts(t, "a write", said, "set_field of ipv6_src", "OpenFlow 1.0")
}
