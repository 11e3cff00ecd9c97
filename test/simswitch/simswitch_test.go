package simswitch

import (
	"bufio"
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sluice-sdn/sluice/ofp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// peer is the controller's end of a connection, driven by the test.
type peer struct {
	t   *testing.T
	in  *bufio.Reader
	con net.Conn
	v   ofp.Version
	xid uint32
}

// connect returns a switch that has negotiated v with the peer.
func connect(t *testing.T, cfg Config, v ofp.Version) (*Switch, *peer) {
	t.Helper()
	s := New(cfg)
	p := dial(t, s, v)
	p.send(ofp.NewHello(v))
	p.send(&ofp.BarrierRequest{})
	expect[*ofp.BarrierReply](p)
	return s, p
}

// dial connects the switch to a peer that has read its hello.
func dial(t *testing.T, s *Switch, v ofp.Version) *peer {
	t.Helper()
	here, there := net.Pipe()
	p := &peer{t: t, in: bufio.NewReader(here), con: here, v: v}
	here.SetDeadline(time.Now().Add(20 * time.Second))
	t.Cleanup(func() { here.Close(); s.Close() })
	s.Start(there)
	expect[*ofp.Hello](p)
	return p
}

func (p *peer) send(m ofp.Message) {
	p.t.Helper()
	p.xid++
	b, err := ofp.Append(nil, p.v, p.xid, m)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.con.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) read() (ofp.Header, ofp.Message, error) {
	head, err := p.in.Peek(ofp.HeaderLen)
	if err != nil {
		return ofp.Header{}, nil, err
	}
	h, err := ofp.ParseHeader(head)
	if err != nil {
		return h, nil, err
	}
	frame := make([]byte, h.Length)
	if _, err := io.ReadFull(p.in, frame); err != nil {
		return h, nil, err
	}
	return ofp.Decode(frame)
}

func expect[M ofp.Message](p *peer) M {
	p.t.Helper()
	_, m, err := p.read()
	if err != nil {
		p.t.Fatal(err)
	}
	got, ok := m.(M)
	if !ok {
		var want M
		p.t.Fatalf("got %T %+v, want %T", m, m, want)
	}
	return got
}

func eachVersion(t *testing.T, f func(t *testing.T, v ofp.Version)) {
	for _, v := range ofp.Versions() {
		t.Run(v.String(), func(t *testing.T) { f(t, v) })
	}
}

// frame is an Ethernet frame with a type and a payload.
func frame(dst, src byte, etherType uint16, payload ...byte) []byte {
	b := []byte{2, 0, 0, 0, 0, dst, 2, 0, 0, 0, 0, src, byte(etherType >> 8), byte(etherType)}
	return append(b, payload...)
}

func addFlow(priority uint16, match func(*ofp.Match), actions ...ofp.Action) *ofp.FlowMod {
	m := ofp.NewFlowMod(ofp.FlowAdd)
	m.Priority = priority
	if match != nil {
		match(&m.Match)
	}
	if len(actions) > 0 {
		m.Instructions = []ofp.Instruction{ofp.Apply(actions...)}
	}
	return m
}

func inPort(n uint64) func(*ofp.Match) {
	return func(m *ofp.Match) { m.SetUint(ofp.FieldInPort, n) }
}

func TestNegotiation(t *testing.T) {
	for _, tc := range []struct {
		name     string
		versions []ofp.Version
		noBitmap bool
		top      ofp.Version
		bitmap   []ofp.Version // nil: none
		want     ofp.Version   // 0: refused
	}{
		{"both bitmaps: the highest common", []ofp.Version{1, 3}, false, 4, []ofp.Version{1, 2, 3, 4}, 3},
		{"bitmaps with a hole", []ofp.Version{1, 3}, false, 4, []ofp.Version{1, 2, 4}, 1},
		{"no bitmap from the controller: the lower header", nil, false, 3, nil, 3},
		{"no bitmap from the switch: the lower header", []ofp.Version{1, 3}, true, 4, []ofp.Version{1, 4}, 3},
		{"nothing in common", []ofp.Version{4}, false, 1, nil, 0},
		{"nothing in common in bitmaps", []ofp.Version{2}, false, 4, []ofp.Version{1, 4}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := New(Config{Versions: tc.versions, NoBitmap: tc.noBitmap})
			p := dial(t, s, tc.top)
			hello := &ofp.Hello{}
			if tc.bitmap != nil {
				hello = ofp.NewHello(tc.bitmap...)
			}
			p.send(hello)
			if tc.want == 0 {
				if e := expect[*ofp.Error](p); e.Reason != ofp.HelloFailedIncompatible {
					t.Errorf("refused with %s", e.Describe())
				}
				return
			}
			if err := s.Await(t.Context(), func() bool { return s.Version() != 0 }); err != nil {
				t.Fatal(err)
			}
			if got := s.Version(); got != tc.want {
				t.Errorf("negotiated %s, want %s", got, tc.want)
			}
		})
	}
}

func TestHandshakeAnswers(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		_, p := connect(t, Config{DPID: 7, Name: "br7", Ports: Ports(3)}, v)
		p.send(&ofp.FeaturesRequest{})
		f := expect[*ofp.FeaturesReply](p)
		if f.DPID != 7 || f.Tables != 8 {
			t.Errorf("features: dpid %s, %d tables", f.DPID, f.Tables)
		}
		ports := f.Ports
		p.send(ofp.Request(&ofp.PortDescRequest{}))
		if v < ofp.V13 {
			if e := expect[*ofp.Error](p); e.Reason != ofp.BadRequestBadStat {
				t.Errorf("port description refused with %s", e.Describe())
			}
		} else {
			ports = expect[*ofp.MultipartReply](p).Body.(*ofp.PortDescReply).Ports
		}
		want := Ports(3)
		if v == ofp.V10 {
			for i := range want {
				want[i].CurrSpeed, want[i].MaxSpeed = 0, 0
			}
		}
		if diff := cmp.Diff(want, ports); diff != "" {
			t.Errorf("ports (-want +got):\n%s", diff)
		}
		p.send(&ofp.SetConfig{SwitchConfig: ofp.SwitchConfig{MissSendLen: 99}})
		p.send(&ofp.GetConfigRequest{})
		if c := expect[*ofp.GetConfigReply](p); c.MissSendLen != 99 {
			t.Errorf("miss_send_len %d, want 99", c.MissSendLen)
		}
		p.send(&ofp.EchoRequest{Data: []byte("hi")})
		if e := expect[*ofp.EchoReply](p); string(e.Data) != "hi" {
			t.Errorf("echo of %q", e.Data)
		}
		p.send(ofp.Request(&ofp.DescRequest{}))
		if d := expect[*ofp.MultipartReply](p).Body.(*ofp.Desc); d.Datapath != "br7" {
			t.Errorf("description %+v", d)
		}
	})
}

func TestMissGoesToTheController(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		s, p := connect(t, Config{}, v)
		if v == ofp.V13 {
			s.Inject(1, frame(1, 2, 0x1234)) // dropped: 1.3 has no table-miss flow yet
			p.send(addFlow(0, nil, ofp.Output(ofp.PortController)))
			p.send(&ofp.BarrierRequest{})
			expect[*ofp.BarrierReply](p)
		}
		want := frame(1, 3, 0x1234, 1, 2, 3)
		s.Inject(2, want)
		m := expect[*ofp.PacketIn](p)
		if m.InPort() != 2 || m.Reason != ofp.ReasonNoMatch || m.BufferID != ofp.NoBuffer || cmp.Diff(want, m.Data) != "" {
			t.Errorf("packet-in %+v", m)
		}
		p.send(&ofp.PacketOut{BufferID: ofp.NoBuffer, InPort: 2, Data: m.Data, Actions: []ofp.Action{ofp.Output(ofp.PortFlood)}})
		if err := s.Await(t.Context(), func() bool { return len(s.Sent()) > 0 }); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]Transmission{{1, want}, {3, want}, {4, want}}, s.Sent()); diff != "" {
			t.Errorf("sent (-want +got):\n%s", diff)
		}
	})
}

func TestBufferedPacketIsAnsweredOnce(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		s, p := connect(t, Config{Buffers: 2}, v)
		miss := addFlow(0, nil, ofp.OutputController(20))
		p.send(miss)
		p.send(&ofp.BarrierRequest{})
		expect[*ofp.BarrierReply](p)
		in := frame(1, 3, 0x1234, make([]byte, 50)...)
		s.Inject(1, in)
		m := expect[*ofp.PacketIn](p)
		if m.BufferID == ofp.NoBuffer || len(m.Data) != 20 || int(m.TotalLen) != len(in) {
			t.Fatalf("packet-in %+v", m)
		}
		f := addFlow(5, inPort(1), ofp.Output(4))
		f.BufferID = m.BufferID
		p.send(f)
		f.Match.SetUint(ofp.FieldInPort, 2)
		p.send(f)
		if e := expect[*ofp.Error](p); e.Reason != ofp.BadRequestBufferUnknown {
			t.Errorf("the second use: %s", e.Describe())
		}
		if diff := cmp.Diff([]Transmission{{4, in}}, s.Sent()); diff != "" {
			t.Errorf("sent (-want +got):\n%s", diff)
		}
	})
}

func TestFlowStatsComeInSegments(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		s, p := connect(t, Config{SegmentBytes: 1000, Tables: 2}, v)
		for i := range 100 {
			p.send(addFlow(uint16(i+1), inPort(uint64(i+1)), ofp.Output(1)))
		}
		q := ofp.AllFlows()
		p.send(ofp.Request(&ofp.FlowStatsRequest{FlowFilter: q}))
		flows, segments := 0, 0
		for more := true; more; segments++ {
			m := expect[*ofp.MultipartReply](p)
			flows += len(m.Body.(*ofp.FlowStatsReply).Flows)
			more = m.More()
		}
		if flows != 100 || segments < 8 {
			t.Errorf("%d flows in %d segments", flows, segments)
		}
		p.send(ofp.Request(&ofp.AggregateRequest{FlowFilter: q}))
		if a := expect[*ofp.MultipartReply](p).Body.(*ofp.AggregateReply); a.Flows != 100 {
			t.Errorf("aggregate %+v", a)
		}
		p.send(ofp.Request(&ofp.TableStatsRequest{}))
		if a := expect[*ofp.MultipartReply](p).Body.(*ofp.TableStatsReply); len(a.Tables) != 2 || a.Tables[0].Active != 100 {
			t.Errorf("tables %+v", a)
		}
		s.Inject(2, frame(1, 2, 0x1234))
		p.send(ofp.Request(&ofp.PortStatsRequest{Port: 1}))
		if a := expect[*ofp.MultipartReply](p).Body.(*ofp.PortStatsReply); len(a.Ports) != 1 || a.Ports[0].TxPackets != 1 {
			t.Errorf("ports %+v", a)
		}
	})
}

func TestFaults(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		t.Run("refuse the second flow", func(t *testing.T) {
			s, p := connect(t, Config{}, v)
			s.SetFaults(RefuseFlow(2, ofp.FlowModFailedTableFull))
			for i := range 3 {
				p.send(addFlow(1, inPort(uint64(i+1)), ofp.Output(1)))
			}
			h, m, err := p.read()
			if e, ok := m.(*ofp.Error); err != nil || !ok || e.Reason != ofp.FlowModFailedTableFull || h.XID != p.xid-1 {
				t.Errorf("got %+v for xid %d, %v", m, h.XID, err)
			}
			if err := s.Await(t.Context(), func() bool { return len(s.Flows()) == 2 }); err != nil {
				t.Error(err)
			}
			if n := len(s.Refused()); n != 1 {
				t.Errorf("%d refused", n)
			}
		})
		t.Run("silent barrier", func(t *testing.T) {
			s, p := connect(t, Config{}, v)
			s.SetFaults(Silent(ofp.TypeBarrierRequest))
			p.send(&ofp.BarrierRequest{})
			p.send(&ofp.EchoRequest{})
			expect[*ofp.EchoReply](p)
		})
		t.Run("held statistics", func(t *testing.T) {
			s, p := connect(t, Config{}, v)
			release := make(chan struct{})
			s.SetFaults(Hold(ofp.TypeMultipartRequest, release))
			p.send(ofp.Request(&ofp.DescRequest{}))
			if err := s.Await(t.Context(), func() bool { return s.Received(ofp.TypeMultipartRequest) == 1 }); err != nil {
				t.Fatal(err)
			}
			close(release)
			p.send(&ofp.BarrierRequest{})
			expect[*ofp.MultipartReply](p)
			expect[*ofp.BarrierReply](p)
		})
		t.Run("a held switch can be closed", func(t *testing.T) {
			s, p := connect(t, Config{}, v)
			s.SetFaults(Hold(ofp.TypeBarrierRequest, make(chan struct{})))
			p.send(&ofp.BarrierRequest{})
			s.Close()
		})
		t.Run("drop after two", func(t *testing.T) {
			s, p := connect(t, Config{}, v)
			s.SetFaults(DropAfter(2))
			for range 2 {
				p.send(&ofp.BarrierRequest{})
				expect[*ofp.BarrierReply](p)
			}
			p.send(&ofp.BarrierRequest{})
			if _, _, err := p.read(); err != io.EOF {
				t.Errorf("read: %v, want the end", err)
			}
			if err := s.Await(t.Context(), func() bool { return !s.Connected() }); err != nil {
				t.Error(err)
			}
		})
	})
}

func TestRestartForgetsFlowsAndDisconnectDoesNot(t *testing.T) {
	s, p := connect(t, Config{}, ofp.V13)
	p.send(addFlow(1, nil, ofp.Output(1)))
	p.send(&ofp.BarrierRequest{})
	expect[*ofp.BarrierReply](p)
	s.Disconnect()
	if n := len(s.Flows()); n != 1 {
		t.Errorf("%d flows after the connection ended, want 1", n)
	}
	s.Restart()
	if n := len(s.Flows()); n != 0 {
		t.Errorf("%d flows after a restart, want none", n)
	}
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := New(Config{}).Await(ctx, func() bool { return false }); err == nil {
		t.Error("no error")
	}
}

func TestNonsenseIsRefused(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		_, p := connect(t, Config{}, v)
		p.con.Write([]byte{byte(v), 200, 0, 8, 0, 0, 0, 9})
		if e := expect[*ofp.Error](p); e.Reason != ofp.BadRequestBadType {
			t.Errorf("unknown type: %s", e.Describe())
		}
		p.con.Write([]byte{byte(v)%4 + 1, 2, 0, 8, 0, 0, 0, 9})
		if e := expect[*ofp.Error](p); e.Reason != ofp.BadRequestBadVersion {
			t.Errorf("echo of another version: %s", e.Describe())
		}
		p.con.Write([]byte{byte(v), 14, 0, 12, 0, 0, 0, 9, 0, 0, 0, 0})
		if e := expect[*ofp.Error](p); e.Reason != ofp.BadRequestBadLen {
			t.Errorf("short flow-mod: %s", e.Describe())
		}
	})
}
