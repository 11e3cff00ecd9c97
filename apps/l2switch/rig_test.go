package l2switch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/simswitch"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a simulated switch and the app's session for it, joined by the codec of
// one version instead of a connection, so that nothing waits and all is in
// order. Any OpenFlow error fails the test, unless it is expected.
type rig struct {
	t       *testing.T
	mu      sync.Mutex // held by Send: the session's goroutine may call it
	v       ofp.Version
	dp      *simswitch.Datapath
	app     *App
	s       *session
	events  []ofp.Message
	down    bool // the switch refuses to answer questions
	mute    bool // the switch leaves questions unanswered
	refuse  func(ofp.Message) ofp.ErrorReason
	soon    []ofp.Message // gathered
	prompt  atomic.Bool   // the session handles a packet, and has said that it waits for nothing
	prompts int           // packets of which it said so
	answers int           // messages that an injected packet was answered with
}

var errDown = errors.New("no answer")

func newRig(t *testing.T, v ofp.Version, cfg Config, sim simswitch.Config) *rig {
	t.Helper()
	r := &rig{t: t, v: v, dp: simswitch.NewDatapath(sim)}
	r.dp.Version = v
	r.dp.Notify = func(m ofp.Message) { r.events = append(r.events, m) }
	app, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.app = app
	r.attach()
	return r
}

// attach begins a session, as when the switch connects, and waits until the
// switch is prepared.
func (r *rig) attach() {
	r.s = r.app.attach(r, 1)
	r.s.preparing.Wait()
}

// code takes a message through its wire form.
func code[M ofp.Message](r *rig, m M) (ofp.Message, []byte, error) {
	b, err := ofp.Append(nil, r.v, 7, m)
	if err != nil {
		return nil, nil, err
	}
	_, out, err := ofp.Decode(b)
	if err != nil {
		r.t.Fatalf("decode what was encoded: %v", err)
	}
	return out, b, nil
}

func (r *rig) Now() time.Time { return time.Now() }

func (r *rig) Role() ofp.RoleState { return ofp.RoleState{Role: ofp.RoleEqual} }

func (r *rig) Send(m ofp.Message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	m, frame, err := code(r, m)
	if err != nil {
		return err
	}
	why := ofp.ReasonUnknown
	if r.refuse != nil {
		why = r.refuse(m)
	}
	expected := why != ofp.ReasonUnknown
	switch m := m.(type) {
	case *ofp.FlowMod:
		if m.Command == ofp.FlowAdd {
			r.answers++
		}
		if !expected {
			why = r.dp.FlowMod(m)
		}
	case *ofp.PacketOut:
		r.answers++
		if !expected {
			why = r.dp.PacketOut(m)
		}
	case *ofp.BarrierRequest:
	default:
		r.t.Errorf("the app sends %s", m.Type())
	}
	if why != ofp.ReasonUnknown {
		if !expected {
			r.t.Errorf("%s refused: %s", m.Type(), why)
		}
		r.events = append(r.events, ofp.NewError(why, frame))
	}
	return nil
}

// SendSoon keeps a copy until Flush, or until the events at hand are handled.
func (r *rig) SendSoon(m ofp.Message) error {
	m, _, err := code(r, m)
	if err == nil {
		r.soon = append(r.soon, m)
	}
	return err
}

func (r *rig) Flush() { r.flush(r.Send) }

func (r *rig) flush(send func(ofp.Message) error) {
	for _, m := range r.soon {
		if err := send(m); err != nil {
			r.t.Errorf("send what was decoded: %v", err)
		}
	}
	r.soon = nil
}

func (r *rig) Write(ctx context.Context, ms []ofp.Message) error {
	if r.prompt.Load() {
		r.t.Error("the session waits for the switch, though it said that it would not")
	}
	if r.mute {
		<-ctx.Done()
		return ctx.Err()
	}
	if r.down {
		return errDown
	}
	for _, m := range ms {
		if err := r.Send(m); err != nil {
			return err
		}
	}
	return nil
}

func (r *rig) Flows(ctx context.Context, q ofp.FlowFilter) ([]ofp.FlowStats, error) {
	if r.prompt.Load() {
		r.t.Error("the session waits for the switch, though it said that it would not")
	}
	if r.mute {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if r.down {
		return nil, errDown
	}
	m, _, err := code(r, ofp.Request(&ofp.FlowStatsRequest{FlowFilter: q}))
	if err != nil {
		return nil, err
	}
	flows := r.dp.Flows(&m.(*ofp.MultipartRequest).Body.(*ofp.FlowStatsRequest).FlowFilter)
	reply, _, err := code(r, &ofp.MultipartReply{Body: &ofp.FlowStatsReply{Flows: flows}})
	if err != nil {
		return nil, err
	}
	return reply.(*ofp.MultipartReply).Body.(*ofp.FlowStatsReply).Flows, nil
}

// pump gives the session what the switch has told, until it is silent.
func (r *rig) pump() {
	r.t.Helper()
	for range 100 {
		if len(r.events) == 0 {
			if r.s.sw.Flush(); len(r.events) > 0 {
				continue
			}
			return
		}
		m, _, err := code(r, r.events[0])
		if err != nil {
			r.t.Fatal(err)
		}
		r.events = r.events[1:]
		switch m := m.(type) {
		case *ofp.PacketIn:
			r.packet(m)
		case *ofp.PortStatus:
			r.s.PortStatus(m)
		case *ofp.Error:
			r.s.Error(7, m)
		}
	}
	r.t.Fatal("the switch and the app never come to rest")
}

// packet is a batch of one.
func (r *rig) packet(m *ofp.PacketIn) (handled bool) {
	prompt := r.s.Prompt(m)
	r.prompt.Store(prompt)
	handled = r.s.PacketIn(m)
	r.prompt.Store(false)
	if prompt {
		r.prompts++
	}
	r.s.BatchDone()
	return handled
}

// inject lets a frame come in, and returns where it went: "1 3", "controller" if
// no flow took it, and both if the app sent it on.
func (r *rig) inject(in ofp.PortNo, frame []byte) (out string) {
	r.t.Helper()
	r.dp.Clear()
	r.answers = 0
	if !r.dp.Inject(in, frame) {
		return "refused"
	}
	asked := len(r.events) > 0
	r.pump()
	var to []int
	for _, s := range r.dp.Sent() {
		to = append(to, int(s.Port))
		if string(s.Frame) != string(frame) {
			r.t.Errorf("port %d: the frame has changed: %x, want %x", s.Port, s.Frame, frame)
		}
	}
	slices.Sort(to)
	out = fmt.Sprint(to)
	if asked {
		out = "asked " + out
	}
	return out
}

// eth is an untagged frame between hosts that are called by a letter; '*' is
// everybody.
func eth(dst, src byte, payload ...byte) []byte {
	mac := func(name byte) []byte {
		if name == '*' {
			return []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
		}
		return []byte{2, 0, 0, 0, 0, name}
	}
	b := append(mac(dst), mac(src)...)
	return append(append(b, 0x12, 0x34), payload...)
}

// tagged is eth with a VLAN tag.
func tagged(dst, src byte, tci uint16) []byte {
	return slices.Insert(eth(dst, src), 12, 0x81, 0, byte(tci>>8), byte(tci))
}

// buffered has the switch keep the packets that no flow takes, and bring only
// their beginning, as a switch with buffers does that is asked so.
func (r *rig) buffered() {
	miss := ofp.NewFlowMod(ofp.FlowAdd)
	miss.Priority = 0
	miss.Cookie = cookieMiss
	miss.Instructions = []ofp.Instruction{ofp.Apply(ofp.OutputController(64))}
	if why := r.dp.FlowMod(miss); why != ofp.ReasonUnknown {
		r.t.Fatal(why)
	}
}
