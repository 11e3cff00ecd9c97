package soak

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// works are what a cycle consists of. They run at the same time.
var works = []struct {
	name string
	do   func(r *rig, ctx context.Context, n int) error
}{
	{"storm", (*rig).storm},
	{"reconnects", (*rig).reconnects},
	{"bulk push", (*rig).push},
	{"streams", (*rig).streams},
	{"hostile bytes", (*rig).hostile},
}

// generate runs ofbench. That the controller lets go of one of its switches is an
// error.
func (r *rig) generate(ctx context.Context, args ...string) error {
	_, port, err := net.SplitHostPort(r.daemon.OpenFlow)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, r.ofbench, append([]string{"-p", port, "--ready-timeout", "60s"}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ofbench %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

// storm is eight switches that send all they can, with hosts that are new in each
// cycle. In overload the controller drops packet-ins; a window of a thousand that
// were all dropped is given up soon.
func (r *rig) storm(ctx context.Context, n int) error {
	version := []string{"1.0", "1.3"}[n%2]
	return r.generate(ctx, "--of", version, "-s", "8", "-M", "2000", "-t", "-l", "3", "-m", "500", "--answer-timeout", "200ms", "--dpid-offset", fmt.Sprint(1000*(n+1)))
}

// reconnects is a hundred switches that come and go three times, always the same.
func (r *rig) reconnects(ctx context.Context, _ int) error {
	return r.generate(ctx, "--of", "1.3", "-s", "100", "--hold", "50ms", "--reconnect", "2", "--dpid-offset", "500000")
}

const pushed = 10_000

// push adds ten thousand flows with acknowledgement, counts them in both the
// controller's and the switch's words, reads statistics, and takes them all away.
func (r *rig) push(ctx context.Context, n int) error {
	flows := sluicev1.NewFlowServiceClient(r.conn)
	changes := make([]*sluicev1.FlowChange, pushed)
	for i := range changes {
		changes[i] = &sluicev1.FlowChange{Change: &sluicev1.FlowChange_Add{Add: text(fmt.Sprintf("priority=30000,tcp,nw_dst=10.%d.%d.%d,tp_dst=80,actions=output:2", n%250, i>>8, i&0xff))}}
	}
	if err := r.connected(ctx); err != nil {
		return err
	}
	if _, err := flows.WriteFlows(ctx, &sluicev1.WriteFlowsRequest{Switch: switchName, Changes: changes}); err != nil {
		return fmt.Errorf("add: %w", err)
	}
	have := 0
	for _, f := range r.sw.Flows() {
		if f.Priority == 30000 {
			have++
		}
	}
	if have != pushed {
		return fmt.Errorf("the switch has %d of %d flows that were acknowledged", have, pushed)
	}
	listed := 0
	all, err := flows.ListFlows(ctx, &sluicev1.ListFlowsRequest{Switch: switchName})
	for err == nil {
		var part *sluicev1.ListFlowsResponse
		if part, err = all.Recv(); err == nil {
			listed += len(part.Flows)
		}
	}
	if !errors.Is(err, io.EOF) || listed < pushed {
		return fmt.Errorf("list: %d flows of at least %d, %w", listed, pushed, err)
	}
	switches := sluicev1.NewSwitchServiceClient(r.conn)
	for range 20 {
		if _, err := switches.ListPortStats(ctx, &sluicev1.ListPortStatsRequest{Switch: switchName}); err != nil {
			return fmt.Errorf("port statistics: %w", err)
		}
		if _, err := flows.AggregateFlows(ctx, &sluicev1.AggregateFlowsRequest{Switch: switchName}); err != nil {
			return fmt.Errorf("aggregate statistics: %w", err)
		}
	}
	gone := []*sluicev1.FlowChange{{Change: &sluicev1.FlowChange_Delete{Delete: text("tcp,tp_dst=80")}}}
	if _, err := flows.WriteFlows(ctx, &sluicev1.WriteFlowsRequest{Switch: switchName, Changes: gone}); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	return nil
}

func text(s string) *sluicev1.FlowSpec {
	return &sluicev1.FlowSpec{Form: &sluicev1.FlowSpec_Text{Text: s}}
}

// connected waits until the switch that stays is known.
func (r *rig) connected(ctx context.Context) error {
	switches := sluicev1.NewSwitchServiceClient(r.conn)
	for {
		_, err := switches.GetSwitch(ctx, &sluicev1.GetSwitchRequest{Switch: switchName})
		if status.Code(err) != codes.NotFound {
			return err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// streams listens to the switch that stays, ten times, and lets go in the middle.
func (r *rig) streams(ctx context.Context, _ int) error {
	if err := r.connected(ctx); err != nil {
		return err
	}
	switches := sluicev1.NewSwitchServiceClient(r.conn)
	for range 10 {
		if err := func() error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			s, err := switches.Snoop(ctx, &sluicev1.SnoopRequest{Switch: switchName})
			if err != nil {
				return err
			}
			for range 3 { // that it has begun, and two messages
				if _, err := switches.Barrier(ctx, &sluicev1.BarrierRequest{Switch: switchName}); err != nil {
					return err
				}
				if _, err := s.Recv(); err != nil {
					return err
				}
			}
			return nil
		}(); err != nil {
			return err
		}
	}
	return nil
}

// hostile is bytes of peers that are no switches, or no good ones. What the
// controller answers does not matter; that it closes the connection does, where
// the peer does not.
func (r *rig) hostile(ctx context.Context, n int) error {
	random := rand.New(rand.NewPCG(1, uint64(n)))
	noise := make([]byte, 4096)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	hello := "\x04\x00\x00\x08\x00\x00\x00\x01"
	features := "\x04\x06\x00\x20\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x66\x66\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	for i, bytes := range []string{
		string(noise),
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + string(noise[:500]),
		"\x04\x00\x00\x04\x00\x00\x00\x01",                               // a hello shorter than a header
		"\x04\x00\xff\xff\x00\x00\x00\x01" + string(noise),               // one that never ends
		hello + "\x04\x0a\x00\x07\x00\x00\x00\x01",                       // then a length below a header's
		hello + string(noise[:3]),                                        // a piece of a header, and silence
		hello + features + string(noise),                                 // an unasked features reply, then noise
		hello + strings.Repeat("\x04\x02\x00\x08\x00\x00\x00\x07", 2000), // echo requests without a handshake
		"\x09\x00\x00\x08\x00\x00\x00\x01",                               // a version to come
		"",                                                               // silence
	} {
		if err := r.bother(ctx, bytes, i%2 == 0); err != nil {
			return fmt.Errorf("peer %d: %w", i, err)
		}
	}
	return nil
}

// bother sends some bytes and goes: at once, or after what comes back in a tenth
// of a second.
func (r *rig) bother(ctx context.Context, bytes string, stay bool) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", r.daemon.OpenFlow)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		return err
	}
	_, _ = io.WriteString(conn, bytes) // the controller may have closed it already
	if stay {
		_, _ = io.Copy(io.Discard, conn)
	}
	return nil
}
