package channel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/sluice-sdn/sluice/ofp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestNegotiation(t *testing.T) {
	all := ofp.Versions()
	bitmap := func(bits uint32) *ofp.Hello {
		return &ofp.Hello{Elements: []ofp.HelloElement{{Type: 1, Bitmaps: []uint32{bits}}}}
	}
	tests := []struct {
		name    string
		allowed []ofp.Version
		header  ofp.Version
		hello   *ofp.Hello
		want    ofp.Version // 0: incompatible
	}{
		{"1.0 without bitmap", all, 1, &ofp.Hello{}, ofp.V10},
		{"1.1 without bitmap", all, 2, &ofp.Hello{}, ofp.V11},
		{"1.2 without bitmap", all, 3, &ofp.Hello{}, ofp.V12},
		{"1.3 without bitmap", all, 4, &ofp.Hello{}, ofp.V13},
		{"1.4 without bitmap falls to ours", all, 5, &ofp.Hello{}, ofp.V13},
		{"1.5 without bitmap falls to ours", all, 6, &ofp.Hello{}, ofp.V13},
		{"unknown high version without bitmap", all, 0x7f, &ofp.Hello{}, ofp.V13},
		{"version 0", all, 0, &ofp.Hello{}, 0},
		{"bitmap of all", all, 4, bitmap(0x1e), ofp.V13},
		{"bitmap 1.0 and 1.2 under a 1.5 header", all, 6, bitmap(1<<1 | 1<<3 | 1<<6), ofp.V12},
		{"bitmap of 1.4 only", all, 5, bitmap(1 << 5), 0},
		{"empty bitmap", all, 4, bitmap(0), 0},
		{"bitmap word missing falls back to the header", all, 2, &ofp.Hello{Elements: []ofp.HelloElement{{Type: 1}}}, ofp.V11},
		{"unknown element is ignored", all, 4, &ofp.Hello{Elements: []ofp.HelloElement{{Type: 77, Data: []byte{1, 2}}, {Type: 1, Bitmaps: []uint32{1 << 2}}}}, ofp.V11},
		{"garbage after a 1.0 hello is ignored", all, 1, &ofp.Hello{Raw: []byte("xyz")}, ofp.V10},
		{"only 1.3 allowed, 1.0 offered", []ofp.Version{ofp.V13}, 1, &ofp.Hello{}, 0},
		{"1.0 and 1.3 allowed, 1.2 header", []ofp.Version{ofp.V10, ofp.V13}, 3, &ofp.Hello{}, 0},
		{"1.0 and 1.3 allowed, bitmap 1.0 to 1.2", []ofp.Version{ofp.V10, ofp.V13}, 3, bitmap(0x0e), ofp.V10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := negotiate(tt.allowed, tt.header, tt.hello)
			if ok != (tt.want != 0) || ok && got != tt.want {
				t.Errorf("negotiate = %v, %v; want %v", got, ok, tt.want)
			}
		})
	}
}

func TestHandshake(t *testing.T) {
	for _, v := range ofp.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t, v, Config{})
				c := r.ready()
				if c.Version() != v || c.Features().DPID != 0x1234 || c.Desc().Manufacturer != "test" {
					t.Errorf("version %v, features %+v, desc %+v", c.Version(), c.Features(), c.Desc())
				}
				if diff := cmp.Diff(r.ports, c.Ports()); diff != "" {
					t.Errorf("ports: %s", diff)
				}
				hello := r.want(ofp.TypeHello)
				if bits, ok := hello.m.(*ofp.Hello).Versions(); !ok || bits != ofp.BitmapOf(ofp.Versions()...) || hello.Version != ofp.V13 {
					t.Errorf("our hello: %+v", hello)
				}
				if set := r.want(ofp.TypeSetConfig); set.m.(*ofp.SetConfig).MissSendLen != 0xffff {
					t.Errorf("set_config %+v", set.m)
				}
				if got := r.logs.messages(); len(got) != 0 {
					t.Errorf("log: %q", got)
				}
				r.stop()
				if e := r.ended(); e.Reason != ReasonShutdown {
					t.Errorf("end: %v", e)
				}
			})
		})
	}
}

// TestBadPeers holds what the issue calls bad input: each row ends the
// connection by its deadline, for one reason that is counted.
func TestBadPeers(t *testing.T) {
	http := []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	tests := []struct {
		name   string
		bytes  []byte
		reason Reason
		at     time.Duration // when, at the latest
		words  string
	}{
		{"silence", nil, ReasonHelloTimeout, 5 * time.Second, "0 bytes"},
		{"HTTP", http, ReasonHTTP, 0, "HTTP"},
		{"HTTP in drips", http[:3], ReasonHelloTimeout, 5 * time.Second, "3 bytes"},
		{"HTTP/2", []byte("PRI * HTTP/2.0\r\n"), ReasonHTTP, 0, "HTTP"},
		{"TLS", []byte{0x16, 0x03, 0x01, 0x02, 0x00, 0x01}, ReasonTLS, 0, "TLS"},
		{"SSH", []byte("SSH-2.0-x\r\n"), ReasonNotOpenFlow, 0, "no hello"},
		{"nonsense", []byte{0xff, 0xee, 0xdd, 0xcc, 0xbb, 0xaa, 0, 0, 0, 0}, ReasonNotOpenFlow, 0, "ff ee dd cc"},
		{"length under 8", []byte{4, 0, 0, 7, 0, 0, 0, 0}, ReasonBadLength, 0, "7 bytes"},
		{"length 0", []byte{4, 0, 0, 0, 0, 0, 0, 0}, ReasonBadLength, 0, "0 bytes"},
		{"length over what arrives", []byte{4, 0, 0, 64, 0, 0, 0, 0, 1, 2}, ReasonHelloTimeout, 5 * time.Second, "10 bytes"},
		{"header in part", []byte{4, 0, 0}, ReasonHelloTimeout, 5 * time.Second, "3 bytes"},
		{"features reply before the hello", []byte{4, 6, 0, 8, 0, 0, 0, 0}, ReasonNotOpenFlow, 0, "no hello"},
		{"hello of version 0", []byte{0, 0, 0, 8, 0, 0, 0, 9}, ReasonIncompatible, 0, "offered up to 0x00"},
		{"hello of 1.4 only", []byte{5, 0, 0, 16, 0, 0, 0, 9, 0, 1, 0, 8, 0, 0, 0, 0x20}, ReasonIncompatible, 0, "offered 1.4"},
		{"error for a hello", []byte{4, 1, 0, 15, 0, 0, 0, 9, 0, 0, 0, 0, 'n', 'o', '!'}, ReasonPeerError, 0, `OFPHFC_INCOMPATIBLE: "no!"`},
		{"truncated error for a hello", []byte{4, 1, 0, 9, 0, 0, 0, 9, 0}, ReasonMalformed, 0, "truncated"},
		{"hello and no more", []byte{1, 0, 0, 8, 0, 0, 0, 9}, ReasonFeaturesTimeout, 5 * time.Second, ""},
		{"hello and a header that breaks the framing", []byte{1, 0, 0, 8, 0, 0, 0, 9, 1, 3, 0, 4, 0, 0, 0, 0}, ReasonBadLength, 0, ""},
		{"hello with an unknown element, then a truncated features reply", []byte{4, 0, 0, 24, 0, 0, 0, 9, 0, 99, 0, 8, 1, 2, 3, 4, 0, 1, 0, 8, 0, 0, 0, 16, 4, 6, 0, 12, 0, 0, 0, 0, 1, 2, 3, 4}, ReasonMalformed, 0, "truncated"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t, ofp.V13, Config{})
				begin := time.Now()
				r.mute = map[ofp.Type]bool{ofp.TypeFeaturesRequest: true}
				go r.run()
				r.raw(tt.bytes)
				e := r.ended()
				if e.Reason != tt.reason || !strings.Contains(e.Error(), tt.words) {
					t.Errorf("end: %v, want %v with %q", e, tt.reason, tt.words)
				}
				if got := time.Since(begin); got > tt.at {
					t.Errorf("ended after %v, want at most %v", got, tt.at)
				}
				if n := r.stats.Refused[tt.reason].Load(); n != 1 {
					t.Errorf("counted %d times", n)
				}
			})
		})
	}
}

// TestTrickle: a peer that sends a byte now and then does not move the deadline.
func TestTrickle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, ofp.V13, Config{})
		go r.run()
		begin := time.Now()
		sent := make(chan struct{})
		defer func() { <-sent }()
		go func() {
			defer close(sent)
			for _, b := range []byte{4, 0, 0, 40, 0, 0, 0, 9} {
				time.Sleep(2 * time.Second)
				r.raw([]byte{b})
			}
		}()
		if e := r.ended(); e.Reason != ReasonHelloTimeout || time.Since(begin) != 5*time.Second {
			t.Errorf("%v after %v", e, time.Since(begin))
		}
	})
}

func TestPeerHangsUp(t *testing.T) {
	for n := range 3 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t, ofp.V10, Config{})
				r.mute = map[ofp.Type]bool{ofp.TypeFeaturesRequest: true}
				go r.run()
				if n > 0 {
					r.send(&ofp.Hello{})
				}
				if n > 1 {
					r.raw([]byte{1, 3, 0, 64, 1}) // in the middle of a message
				}
				synctest.Wait()
				r.nc.Close()
				if e := r.ended(); e.Reason != ReasonPeerClosed {
					t.Errorf("end: %v", e)
				}
			})
		})
	}
}

func TestIncompatibleIsTold(t *testing.T) {
	tests := []struct {
		name    string
		allowed []ofp.Version
		hello   []byte
		version ofp.Version // of the error
	}{
		{"1.4 only", nil, []byte{5, 0, 0, 16, 0, 0, 0, 9, 0, 1, 0, 8, 0, 0, 0, 0x20}, 5},
		{"1.0 where it is not allowed", []ofp.Version{ofp.V13}, []byte{1, 0, 0, 8, 0, 0, 0, 9}, 1},
		{"version 0", nil, []byte{0, 0, 0, 8, 0, 0, 0, 9}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ours, theirs := loopback(t)
			r := startOver(t, ours, theirs, ofp.V13, Config{Versions: tt.allowed})
			// More than is read before the connection ends: closing it at once
			// would reset it, and the peer might not see the error.
			r.raw(append(tt.hello, make([]byte, 50<<10)...))
			if end := r.ended(); end.Reason != ReasonIncompatible {
				t.Errorf("end: %v", end)
			}
			if h, m, err := r.read(); err != nil || m.Type() != ofp.TypeHello {
				t.Fatalf("first comes %+v %+v, %v", h, m, err)
			}
			h, m, err := r.read()
			if err != nil {
				t.Fatal(err)
			}
			e, ok := m.(*ofp.Error)
			if !ok || h.Version != tt.version || h.XID != 9 || e.Reason != ofp.HelloFailedIncompatible || !strings.Contains(string(e.Data), "supported 1.") {
				t.Errorf("error: %+v %+v", h, m)
			}
			if _, _, err := r.read(); !errors.Is(err, io.EOF) {
				t.Errorf("at the end: %v", err)
			}
		})
	}
}

// loopback returns both ends of a TCP connection.
func loopback(t testing.TB) (a, b net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	b, err = net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	a, err = ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return a, b
}

// TestLenientHandshake: what is not necessary may be missing or fail, and the
// switch comes up by the deadline all the same.
func TestLenientHandshake(t *testing.T) {
	tests := []struct {
		name string
		set  func(*peer)
		at   time.Duration
		log  string
	}{
		{"no description", func(p *peer) { p.part = map[ofp.PartKind]bool{ofp.PartDesc: true} }, echoGrace, "unanswered"},
		{"no port description", func(p *peer) { p.part = map[ofp.PartKind]bool{ofp.PartPortDesc: true} }, echoGrace, "unanswered"},
		{"no configuration", func(p *peer) { p.mute = map[ofp.Type]bool{ofp.TypeGetConfigRequest: true} }, echoGrace, "unanswered"},
		{"no echo", func(p *peer) { p.mute = map[ofp.Type]bool{ofp.TypeEchoRequest: true} }, echoGrace, "unanswered"},
		{"no description and no echo", func(p *peer) {
			p.part = map[ofp.PartKind]bool{ofp.PartDesc: true}
			p.mute = map[ofp.Type]bool{ofp.TypeEchoRequest: true}
		}, 3 * time.Second, "unanswered"},
		{"neither, but packets", func(p *peer) {
			p.mute = map[ofp.Type]bool{ofp.TypeMultipartRequest: true, ofp.TypeGetConfigRequest: true, ofp.TypeEchoRequest: true}
			p.busy = true
		}, packetGrace, "unanswered"},
		{"set_config refused", func(p *peer) {
			p.fail = map[ofp.Type]ofp.ErrorReason{ofp.TypeSetConfig: ofp.SwitchConfigFailedEPERM}
		}, 0, "with an error"},
		{"multipart refused", func(p *peer) {
			p.fail = map[ofp.Type]ofp.ErrorReason{ofp.TypeMultipartRequest: ofp.BadRequestBadStat}
		}, 0, "with an error"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t, ofp.V13, Config{})
				tt.set(r.peer)
				begin := time.Now()
				r.ready()
				if got := time.Since(begin); got != tt.at {
					t.Errorf("up after %v, want %v", got, tt.at)
				}
				if got := strings.Join(r.logs.messages(), "\n"); !strings.Contains(got, tt.log) {
					t.Errorf("log: %s", got)
				}
			})
		})
	}
	t.Run("features refused", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := start(t, ofp.V13, Config{})
			r.fail = map[ofp.Type]ofp.ErrorReason{ofp.TypeFeaturesRequest: ofp.BadRequestEPERM}
			r.shakeHands(ofp.NewHello(ofp.V13))
			if e := r.ended(); e.Reason != ReasonPeerError || !strings.Contains(e.Error(), "OFPBRC_EPERM") {
				t.Errorf("end: %v", e)
			}
		})
	})
	t.Run("auxiliary", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := start(t, ofp.V13, Config{})
			r.mute = map[ofp.Type]bool{ofp.TypeFeaturesRequest: true}
			r.shakeHands(ofp.NewHello(ofp.V13))
			q := r.want(ofp.TypeFeaturesRequest)
			r.sendX(q.XID, &ofp.FeaturesReply{DPID: 1, AuxiliaryID: 2})
			if c := <-r.w.up; c.Features().AuxiliaryID != 2 || len(c.Ports()) != 0 {
				t.Errorf("features %+v", c.Features())
			}
			synctest.Wait()
			for len(r.in) > 0 { // the main connection was asked
				t.Errorf("then it is asked %s", (<-r.in).m.Type())
			}
		})
	})
}

// TestSecondFeatures: who a switch is stands once it has been asked and has
// said so, whatever else it sends in its handshake.
func TestSecondFeatures(t *testing.T) {
	for _, v := range []ofp.Version{ofp.V10, ofp.V13} {
		t.Run(v.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t, v, Config{})
				r.mute = map[ofp.Type]bool{ofp.TypeFeaturesRequest: true, ofp.TypeGetConfigRequest: true}
				r.shakeHands(ofp.NewHello(v))
				other := &ofp.FeaturesReply{DPID: 0x666}
				if v == ofp.V13 {
					other.AuxiliaryID = 7
				}
				q := r.want(ofp.TypeFeaturesRequest)
				r.sendX(q.XID+0x1000, other) // not the answer
				r.sendX(q.XID, r.features())
				ask := r.want(ofp.TypeGetConfigRequest)
				r.sendX(q.XID, other)   // answered already
				r.sendX(ask.XID, other) // another question's
				r.sendX(ask.XID+0x1000, &ofp.GetConfigReply{})
				synctest.Wait()
				select {
				case <-r.w.up:
					t.Fatal("up before all is answered")
				default:
				}
				r.sendX(ask.XID, &ofp.GetConfigReply{})
				c := <-r.w.up
				if c.Features().DPID != 0x1234 || c.Features().AuxiliaryID != 0 || len(c.Ports()) != 3 {
					t.Errorf("features %+v, %d ports", c.Features(), len(c.Ports()))
				}
				if n := r.stats.Drops[DropLateReply].Load(); n != 4 {
					t.Errorf("%d late replies counted", n)
				}
			})
		})
	}
	t.Run("another description", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := start(t, ofp.V13, Config{})
			r.mute = map[ofp.Type]bool{ofp.TypeMultipartRequest: true}
			r.shakeHands(ofp.NewHello(ofp.V13))
			q := r.want(ofp.TypeMultipartRequest)
			r.sendX(q.XID, &ofp.MultipartReply{Body: new(ofp.TableStatsReply)})
			if e := r.ended(); e.Reason != ReasonMalformed || !strings.Contains(e.Error(), "asked for desc, reply has table") {
				t.Errorf("end: %v", e)
			}
		})
	})
}

// TestEarlyMessages: what comes during the handshake neither breaks it nor gets
// lost, and a port status is not overtaken by a late description.
func TestEarlyMessages(t *testing.T) {
	for _, v := range []ofp.Version{ofp.V10, ofp.V13} {
		t.Run(v.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t, v, Config{})
				r.mute = map[ofp.Type]bool{ofp.TypeFeaturesRequest: true, ofp.TypeMultipartRequest: true}
				r.shakeHands(ofp.NewHello(v))
				in := &ofp.PacketIn{BufferID: 7, Data: []byte("packet")}
				in.Match.SetUint(ofp.FieldInPort, 3)
				status := func(reason ofp.PortReason, no ofp.PortNo, name string) *ofp.PortStatus {
					return &ofp.PortStatus{Reason: reason, Port: ofp.Port{No: no, Name: name}}
				}
				q := r.want(ofp.TypeFeaturesRequest)
				r.send(in, status(ofp.PortModified, 1, "before"))
				r.sendX(99, &ofp.EchoRequest{Data: []byte("x")})
				if e := r.want(ofp.TypeEchoReply); e.XID != 99 || string(e.m.(*ofp.EchoReply).Data) != "x" {
					t.Errorf("echo reply %+v", e)
				}
				features := &ofp.FeaturesReply{DPID: 5}
				if v < ofp.V13 {
					features.Ports = r.ports
				}
				r.sendX(q.XID, features)
				r.send(status(ofp.PortDeleted, 2, "eth2"), status(ofp.PortAdded, 4, "new"))
				for range map[bool]int{true: 2, false: 1}[v >= ofp.V13] {
					q := r.want(ofp.TypeMultipartRequest)
					switch q.m.(*ofp.MultipartRequest).Body.(type) {
					case *ofp.DescRequest:
						r.sendX(q.XID, &ofp.MultipartReply{Body: &ofp.Desc{}})
					case *ofp.PortDescRequest: // in two segments, the late one with stale facts
						r.sendX(q.XID, &ofp.MultipartReply{Flags: ofp.MultipartMore, Body: &ofp.PortDescReply{Ports: r.ports[:1]}})
						r.send(status(ofp.PortModified, ofp.PortLocal, "late"))
						r.sendX(q.XID, &ofp.MultipartReply{Body: &ofp.PortDescReply{Ports: r.ports[1:]}})
					}
				}
				var c *Conn
				select {
				case c = <-r.w.up:
				case e := <-r.end:
					t.Fatal(e)
				}
				want := []ofp.Port{{No: 1, Name: "before"}, {No: 4, Name: "new"}, {No: ofp.PortLocal, Name: "br0"}}
				if v >= ofp.V13 {
					want[2].Name = "late"
				}
				if diff := cmp.Diff(want, c.Ports()); diff != "" {
					t.Errorf("ports: %s", diff)
				}
				if got := r.w.events(t, 1)[0].(*ofp.PacketIn); got.BufferID != 7 || string(got.Data) != "packet" {
					t.Errorf("packet-in %+v", got)
				}
			})
		})
	}
}

// TestByteByByte sends a whole session one byte at a time.
func TestByteByByte(t *testing.T) {
	for _, v := range ofp.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := net.Pipe()
				r := startOver(t, ours, dripping{theirs}, v, Config{})
				c := r.ready()
				var want []ofp.Message
				for i := range 20 {
					in := &ofp.PacketIn{BufferID: uint32(i), Data: []byte(strings.Repeat("p", i*50))}
					in.Match.SetUint(ofp.FieldInPort, uint64(i+1))
					if v == ofp.V11 {
						in.Match.SetUint(ofp.FieldInPhyPort, uint64(i+1))
					}
					st := &ofp.PortStatus{Reason: ofp.PortModified, Port: ofp.Port{No: ofp.PortNo(i + 1), Name: fmt.Sprint("p", i)}}
					r.send(in, st)
					want = append(want, in, st)
				}
				if _, err := c.Request(context.Background(), &ofp.BarrierRequest{}); err != nil {
					t.Error(err)
				}
				got := r.w.events(t, len(want))
				for i := range want {
					if a, b := encoded(t, v, got[i]), encoded(t, v, want[i]); a != b {
						t.Fatalf("event %d: %x, want %x", i, a, b)
					}
				}
			})
		})
	}
}

func encoded(t *testing.T, v ofp.Version, m ofp.Message) string {
	b, err := ofp.Append(nil, v, 0, m)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// dripping writes one byte at a time.
type dripping struct{ net.Conn }

func (d dripping) Write(b []byte) (int, error) {
	for i := range b {
		if _, err := d.Conn.Write(b[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(b), nil
}
