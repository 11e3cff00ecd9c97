package api

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// snoop starts to listen to br0, and returns when it does.
func (r *rig) snoop(types ...string) grpc.ServerStreamingClient[sluicev1.SnoopResponse] {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	r.t.Cleanup(cancel)
	s, err := r.switches.Snoop(ctx, &sluicev1.SnoopRequest{Switch: "br0", Types: types})
	if err != nil {
		r.t.Fatal(err)
	}
	first, err := s.Recv()
	if err != nil {
		r.t.Fatal(err)
	}
	if x := first.GetStarted(); x.GetName() != "br0" || x.GetVersion() == "" || len(x.GetDpid()) != 16 {
		r.t.Fatalf("the first event is %v", first)
	}
	return s
}

// snooped returns the next n messages in words.
func snooped(t *testing.T, s grpc.ServerStreamingClient[sluicev1.SnoopResponse], n int) (words []string) {
	t.Helper()
	for range n {
		r, err := s.Recv()
		if err != nil {
			t.Fatalf("after %q: %v", words, err)
		}
		m := r.GetMessage()
		h, err := ofp.ParseHeader(m.GetData())
		if err != nil || int(h.Length) != len(m.GetData()) || m.GetTime().AsTime().IsZero() {
			t.Fatalf("event %v: %v", r, err)
		}
		words = append(words, strings.ToLower(strings.TrimPrefix(m.GetDirection().String(), "SNOOP_DIRECTION_"))+" "+h.Type().String())
	}
	return words
}

func TestSnoop(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		r := newRig(t, Config{})
		r.bridge(v)
		all, some := r.snoop(), r.snoop("barrier_reply", "stats_reply")
		r.mustWrite(addTexts("arp,actions=drop"))
		r.list(&sluicev1.ListFlowsRequest{})
		want := []string{"to_switch flow_mod", "to_switch barrier_request", "from_switch barrier_reply",
			"to_switch multipart_request", "from_switch multipart_reply"}
		if d := cmp.Diff(want, snooped(t, all, len(want))); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		if d := cmp.Diff([]string{want[2], want[4]}, snooped(t, some, 2)); d != "" {
			t.Errorf("filtered (-want +got):\n%s", d)
		}
	})
}

// TestSnoopSlowly: a caller that does not read is told what it missed, and the
// switch is not held up.
func TestSnoopSlowly(t *testing.T) {
	r := newRig(t, Config{})
	r.bridge(ofp.V13)
	s := r.snoop("flow_mod", "barrier_reply")
	const flows = 20_000
	var texts []string
	for i := range flows {
		texts = append(texts, fmt.Sprintf("priority=%d,actions=drop", i))
	}
	r.mustWrite(addTexts(texts...)) // though nobody reads
	told, missed, replies := 0, uint64(0), 0
	for told+int(missed) < flows+flows/1000 {
		e, err := s.Recv()
		if err != nil {
			t.Fatalf("after %d and %d messages: %v", told, missed, err)
		}
		switch e := e.GetEvent().(type) {
		case *sluicev1.SnoopResponse_Message:
			told++
			if e.Message.GetDirection() == sluicev1.SnoopDirection_SNOOP_DIRECTION_FROM_SWITCH {
				replies++
			}
		case *sluicev1.SnoopResponse_Lagged:
			missed += e.Lagged.GetMessages()
		}
	}
	if told == 0 || missed == 0 {
		t.Errorf("%d messages told, %d missed", told, missed)
	}
	r.mustWrite(addTexts("arp,actions=drop"))
	if d := cmp.Diff([]string{"to_switch flow_mod", "from_switch barrier_reply"}, snooped(t, s, 2)); d != "" {
		t.Errorf("afterwards (-want +got):\n%s", d)
	}
}

func TestSnoopEnds(t *testing.T) {
	ending := make(chan struct{})
	r := newRig(t, Config{Ending: ending})
	sw := r.bridge(ofp.V13)
	for _, row := range []struct {
		q    *sluicev1.SnoopRequest
		code codes.Code
		says string
	}{
		{&sluicev1.SnoopRequest{Switch: "br9"}, codes.NotFound, `"br9"`},
		{&sluicev1.SnoopRequest{Switch: "br0", Types: []string{"error", "packets"}}, codes.InvalidArgument, `types[1]: no message is called "packets"`},
	} {
		s, err := r.switches.Snoop(t.Context(), row.q)
		if err == nil {
			_, err = s.Recv()
		}
		if status.Code(err) != row.code || !strings.Contains(status.Convert(err).Message(), row.says) {
			t.Errorf("%v: %v", row.q, err)
		}
	}
	s := r.snoop()
	sw.Close()
	if _, err := s.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("the switch is gone: %v", err)
	}
	r.eventually("the switch is forgotten", func() bool { return len(r.c.Switches()) == 0 })
	r.bridge(ofp.V10)
	s = r.snoop()
	watch, err := healthpb.NewHealthClient(r.conn).Watch(t.Context(), &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Recv(); err != nil {
		t.Fatal(err)
	}
	close(ending)
	if _, err := s.Recv(); status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "ending") {
		t.Errorf("the server ends: %v", err)
	}
	if _, err := watch.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("the server ends, and health is watched: %v", err)
	}
}

// TestSnoopOutlivesOtherCalls: it has no deadline but the caller's.
func TestSnoopOutlivesOtherCalls(t *testing.T) {
	r := newRig(t, Config{Timeout: 1}) // a nanosecond
	r.bridge(ofp.V13)
	s := r.snoop()
	if _, err := r.switches.Barrier(t.Context(), &sluicev1.BarrierRequest{Switch: "br0"}); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("barrier: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := r.switches.Barrier(ctx, &sluicev1.BarrierRequest{Switch: "br0"}); err != nil {
		t.Error(err)
	}
	if got := snooped(t, s, 2); len(got) != 2 {
		t.Error(got)
	}
}
