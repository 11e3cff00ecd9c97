package api

import (
	"math"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// TestOddTexts: owners, request ids and notes that are too long, or that a terminal
// would obey, are refused by name, whichever call has them, and nothing is changed;
// so are revisions that are not there yet: what is known of them is of another store.
func TestOddTexts(t *testing.T) {
	r, st, ctx := stateRig(t)
	r.connect(simswitch.Config{Name: "br0"})
	api := sluicev1.NewStateServiceClient(r.conn)
	r.add(ctx, "priority=1,arp,actions=drop")
	was := st.Revision()
	long := strings.Repeat("x", 1<<20)
	one := addTexts("priority=2,arp,actions=drop")
	wish := []*sluicev1.SwitchWish{{Switch: "br0", Flows: []*sluicev1.FlowSpec{text("priority=2,arp,actions=drop")}}}
	future := uint64(math.MaxUint64)
	follow := func(f *sluicev1.FollowRequest) error {
		s, err := api.Follow(ctx, f)
		if err == nil {
			_, err = s.Recv()
		}
		return err
	}
	restore := func(q *sluicev1.RestoreRequest) error {
		s, err := api.Restore(ctx)
		if err != nil {
			return err
		}
		_ = s.Send(q) // the answer says what is wrong
		_, err = s.CloseAndRecv()
		return err
	}
	write := func(q *sluicev1.WriteFlowsRequest) error {
		q.Switch, q.Changes = "br0", one
		_, err := r.flows.WriteFlows(ctx, q)
		return err
	}
	apply := func(q *sluicev1.ApplyRequest) error {
		q.Switches = wish
		_, err := api.Apply(ctx, q)
		return err
	}
	for _, row := range []struct {
		name string
		err  error
		code codes.Code
		says []string
	}{
		{"long owner", write(&sluicev1.WriteFlowsRequest{Owner: long}), codes.InvalidArgument, []string{"owner", "1048576", "2048"}},
		{"owner that clears the screen", write(&sluicev1.WriteFlowsRequest{Owner: "ann\x1b[2J"}), codes.InvalidArgument, []string{"owner", `\x1b`, "byte 3"}},
		{"owner that turns the line around", write(&sluicev1.WriteFlowsRequest{Owner: "\u202eann"}), codes.InvalidArgument, []string{"owner", `\u202e`}},
		{"long request id", write(&sluicev1.WriteFlowsRequest{RequestId: long}), codes.InvalidArgument, []string{"request_id", "1048576"}},
		{"request id of two lines", write(&sluicev1.WriteFlowsRequest{RequestId: "a\nb"}), codes.InvalidArgument, []string{"request_id"}},
		{"long note", apply(&sluicev1.ApplyRequest{Note: long}), codes.InvalidArgument, []string{"note", "4096"}},
		{"owner of a wish", apply(&sluicev1.ApplyRequest{Owner: long}), codes.InvalidArgument, []string{"owner"}},
		{"followed", follow(&sluicev1.FollowRequest{Work: &sluicev1.FollowRequest_Apply{Apply: &sluicev1.ApplyRequest{Note: "\x00", Switches: wish}}}), codes.InvalidArgument, []string{"note"}},
		{"followed rollback", follow(&sluicev1.FollowRequest{Work: &sluicev1.FollowRequest_Rollback{Rollback: &sluicev1.RollbackRequest{RequestId: long}}}), codes.InvalidArgument, []string{"request_id"}},
		{"note of a restored backup", restore(&sluicev1.RestoreRequest{Options: &sluicev1.RestoreOptions{Note: long}}), codes.InvalidArgument, []string{"note"}},
		{"restore without options", restore(&sluicev1.RestoreRequest{Data: []byte("no backup")}), codes.InvalidArgument, []string{"damaged"}},
		{"write after a revision to come", write(&sluicev1.WriteFlowsRequest{ExpectedRevision: &future}), codes.OutOfRange, []string{"18446744073709551615", "last one is", "nothing was changed"}},
		{"wish after a revision to come", apply(&sluicev1.ApplyRequest{ExpectedRevision: &future}), codes.OutOfRange, []string{"18446744073709551615", "last one is"}},
	} {
		if status.Code(row.err) != row.code {
			t.Errorf("%s: %v, want %v", row.name, row.err, row.code)
		}
		wantTexts(t, row.name, status.Convert(row.err).Message(), row.says...)
	}
	if now := st.Revision(); now != was {
		t.Errorf("revision %d is now %d", was, now)
	}
}
