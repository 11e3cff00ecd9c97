package api

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds waiting for what must come.
const patience = 20 * time.Second

// rig is a controller with its API and a client of it.
type rig struct {
	t        *testing.T
	c        *controller.Controller
	openflow string // address for switches
	conn     *grpc.ClientConn
	switches sluicev1.SwitchServiceClient
	flows    sluicev1.FlowServiceClient
	packets  sluicev1.PacketServiceClient
}

func quiet() *logrus.Logger {
	l := logrus.New()
	l.SetOutput(io.Discard)
	return l
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// inBackground runs f until stop, and waits for it at the test's end.
func inBackground(t *testing.T, stop func(), f func() error) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- f() }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			t.Errorf("serve: %v", err)
		}
	})
}

func newRig(t *testing.T, cfg Config) *rig {
	t.Helper()
	return newRigOver(t, controller.Config{}, cfg)
}

func newRigOver(t *testing.T, under controller.Config, cfg Config) *rig {
	t.Helper()
	under.Logger, cfg.Logger = quiet(), quiet()
	c, err := controller.New(under)
	if err != nil {
		t.Fatal(err)
	}
	of, rpc := listen(t), listen(t)
	ctx, stop := context.WithCancel(context.Background())
	inBackground(t, stop, func() error { return c.Serve(ctx, of) })
	s := New(c, cfg)
	inBackground(t, s.Stop, func() error { return s.Serve(rpc) })
	conn, err := grpc.NewClient(rpc.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &rig{t, c, of.Addr().String(), conn,
		sluicev1.NewSwitchServiceClient(conn), sluicev1.NewFlowServiceClient(conn), sluicev1.NewPacketServiceClient(conn)}
}

// connect returns a switch that is connected and ready, with its handshake
// behind it.
func (r *rig) connect(cfg simswitch.Config) *simswitch.Switch {
	r.t.Helper()
	cfg.MissDrop = true
	s := simswitch.New(cfg)
	r.t.Cleanup(s.Close)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Dial(ctx, r.openflow); err != nil {
		r.t.Fatal(err)
	}
	r.eventually("the switch is ready", func() bool {
		_, err := r.c.Find(s.DPID().String())
		return err == nil
	})
	return s
}

func (r *rig) eventually(what string, cond func() bool) {
	r.t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	end := time.After(patience)
	for !cond() {
		select {
		case <-tick.C:
		case <-end:
			r.t.Fatalf("never: %s", what)
		}
	}
}

// bridge connects a switch named br0 that speaks one version.
func (r *rig) bridge(v ofp.Version) *simswitch.Switch {
	r.t.Helper()
	return r.connect(simswitch.Config{Name: "br0", Versions: []ofp.Version{v}})
}

func text(s string) *sluicev1.FlowSpec {
	return &sluicev1.FlowSpec{Form: &sluicev1.FlowSpec_Text{Text: s}}
}

func structured(f *sluicev1.Flow) *sluicev1.FlowSpec {
	return &sluicev1.FlowSpec{Form: &sluicev1.FlowSpec_Flow{Flow: f}}
}

func add(specs ...*sluicev1.FlowSpec) []*sluicev1.FlowChange {
	var cs []*sluicev1.FlowChange
	for _, s := range specs {
		cs = append(cs, &sluicev1.FlowChange{Change: &sluicev1.FlowChange_Add{Add: s}})
	}
	return cs
}

func addTexts(texts ...string) []*sluicev1.FlowChange {
	var specs []*sluicev1.FlowSpec
	for _, s := range texts {
		specs = append(specs, text(s))
	}
	return add(specs...)
}

func (r *rig) write(changes []*sluicev1.FlowChange) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := r.flows.WriteFlows(ctx, &sluicev1.WriteFlowsRequest{Switch: "br0", Changes: changes})
	return err
}

func (r *rig) mustWrite(changes []*sluicev1.FlowChange) {
	r.t.Helper()
	if err := r.write(changes); err != nil {
		r.t.Fatal(err)
	}
}

// list returns the flows of br0.
func (r *rig) list(q *sluicev1.ListFlowsRequest) []*sluicev1.FlowEntry {
	r.t.Helper()
	q.Switch = "br0"
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s, err := r.flows.ListFlows(ctx, q)
	if err != nil {
		r.t.Fatal(err)
	}
	var out []*sluicev1.FlowEntry
	for {
		part, err := s.Recv()
		if err == io.EOF {
			return out
		}
		if err != nil {
			r.t.Fatal(err)
		}
		out = append(out, part.GetFlows()...)
	}
}

func eachVersion(t *testing.T, f func(t *testing.T, v ofp.Version)) {
	for _, v := range ofp.Versions() {
		t.Run(v.String(), func(t *testing.T) { f(t, v) })
	}
}
