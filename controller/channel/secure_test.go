package channel

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/pki"
)

// site is a controller's and a switch's certificates.
type site struct {
	*TLS
	ca   *pki.CA
	dir  string
	logs *logBook
}

// newSite signs everything with one authority; with mutual, switches must show a
// certificate.
func newSite(t *testing.T, mutual bool) *site {
	t.Helper()
	s := &site{ca: pki.New(t, "authority"), dir: t.TempDir()}
	var files TLSFiles
	files.Cert, files.Key = s.ca.Sign("controller", nil).Files(t, s.dir, "controller")
	if mutual {
		files.CA = pki.Write(t, s.dir+"/ca.pem", s.ca.PEM)
	}
	log, book := newLog()
	s.logs = book
	var err error
	if s.TLS, err = NewTLS(files, log); err != nil {
		t.Fatal(err)
	}
	return s
}

// switchConfig is what a well-configured switch has.
func (s *site) switchConfig(t *testing.T, name string, change func(*x509.Certificate)) *tls.Config {
	return &tls.Config{
		RootCAs: s.ca.Pool(), ServerName: "ignored", Certificates: []tls.Certificate{s.ca.Sign(name, change).TLS(t)},
		InsecureSkipVerify: true, // tests of the switch's own refusal say so
	}
}

// tcpPair is the two ends of a TCP connection, the server's first.
func tcpPair(t *testing.T) (server, client net.Conn) {
	t.Helper()
	return tcpPairOf(t, nil)
}

// tinyPair is tcpPair with sockets that hold little. On the loopback a segment may be
// longer than all that such a socket has room for, and TCP would wait seconds, by its
// persist timer, before it sends a part of one: so segments are short.
func tinyPair(t *testing.T) (server, client net.Conn) {
	t.Helper()
	server, client = tcpPairOf(t, smallSegments)
	for _, err := range []error{server.(*net.TCPConn).SetWriteBuffer(1), client.(*net.TCPConn).SetReadBuffer(16 << 10)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return server, client
}

// tcpPairOf is tcpPair with sockets that control has changed before they are connected.
func tcpPairOf(t *testing.T, control func(network, address string, c syscall.RawConn) error) (server, client net.Conn) {
	t.Helper()
	ln, err := (&net.ListenConfig{Control: control}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if client, err = (&net.Dialer{Control: control}).Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close(); client.Close() })
	if err := client.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return server, client
}

// over is a server's end of TLS over a connection that is there.
func (s *site) over(nc net.Conn) net.Conn {
	return tls.Server(&socket{Conn: nc, gate: s.gate}, s.server)
}

func TestTLS(t *testing.T) {
	for _, test := range []struct {
		name     string
		mutual   bool
		version  uint16
		wantName string
	}{
		{"mutual, 1.3", true, tls.VersionTLS13, "br0"},
		{"mutual, 1.2", true, tls.VersionTLS12, "br0"},
		{"controller alone", false, tls.VersionTLS13, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t, test.mutual)
			cfg := s.switchConfig(t, "br0", nil)
			cfg.MaxVersion = test.version
			server, client := tcpPair(t)
			r := startOver(t, s.over(server), tls.Client(client, cfg), ofp.V13, Config{})
			c := r.ready()
			if c.Transport() != TransportTLS || c.CertificateName() != test.wantName {
				t.Errorf("transport %q, certificate %q; want %q", c.Transport(), c.CertificateName(), test.wantName)
			}
			// Much data, as many records.
			big := &ofp.PacketOut{InPort: ofp.PortController, Data: bytes.Repeat([]byte{7}, 50_000), Actions: []ofp.Action{ofp.Output(1)}}
			for range 10 {
				if err := c.Send(big); err != nil {
					t.Fatal(err)
				}
				if m := r.want(ofp.TypePacketOut).m.(*ofp.PacketOut); !bytes.Equal(m.Data, big.Data) {
					t.Error("a packet-out came otherwise than it was sent")
				}
			}
			r.stop()
			if e := r.ended(); e.Reason != ReasonShutdown {
				t.Errorf("ended: %v", e)
			}
		})
	}
}

// TestUnencrypted: other connections say what they are.
func TestUnencrypted(t *testing.T) {
	server, client := tcpPair(t)
	r := startOver(t, server, client, ofp.V13, Config{})
	if c := r.ready(); c.Transport() != TransportTCP || c.CertificateName() != "" {
		t.Errorf("transport %q, certificate %q", c.Transport(), c.CertificateName())
	}
}

// TestTLSRefusals: whatever is wrong with a peer's TLS has a reason that is
// counted, and words that say what to do.
func TestTLSRefusals(t *testing.T) {
	s := newSite(t, true)
	other := pki.New(t, "somebody else's authority")
	handshake := func(change func(*tls.Config)) func(*testing.T, net.Conn) {
		return func(t *testing.T, nc net.Conn) {
			cfg := s.switchConfig(t, "br0", nil)
			change(cfg)
			c := tls.Client(nc, cfg)
			_ = c.Handshake() // in TLS 1.3 the switch may believe that all is well
			_, _ = io.Copy(io.Discard, c)
		}
	}
	say := func(text string) func(*testing.T, net.Conn) {
		return func(t *testing.T, nc net.Conn) {
			_, _ = io.WriteString(nc, text)
			_, _ = io.Copy(io.Discard, nc)
		}
	}
	with := func(p pki.Pair) func(*tls.Config) {
		pair := p.TLS(t)
		return func(c *tls.Config) { // shown whatever the server asks for
			c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
		}
	}
	for _, test := range []struct {
		name   string
		peer   func(*testing.T, net.Conn)
		reason Reason
		words  string
	}{
		{"unknown authority", handshake(with(other.Sign("br0", nil))), ReasonTLSHandshake,
			`the switch's certificate (subject "CN=br0", issuer "CN=somebody else's authority") is signed by an unknown authority: --tls-ca must hold`},
		{"unknown authority, 1.2", handshake(func(c *tls.Config) { with(other.Sign("br0", nil))(c); c.MaxVersion = tls.VersionTLS12 }), ReasonTLSHandshake,
			"signed by an unknown authority"},
		{"no certificate", handshake(func(c *tls.Config) { c.Certificates = nil }), ReasonTLSHandshake, "the switch showed no certificate: give it one (ovs-vsctl set-ssl"},
		{"expired", handshake(with(s.ca.Sign("br0", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }))), ReasonTLSHandshake, "renew it, or set the clock"},
		{"not yet valid", handshake(with(s.ca.Sign("br0", func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }))), ReasonTLSHandshake, "renew it, or set the clock"},
		{"for servers only", handshake(with(s.ca.Sign("br0", func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		}))), ReasonTLSHandshake, "its extended key usage must have clientAuth"},
		{"TLS 1.1", handshake(func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }), ReasonTLSHandshake, "the switch offers no TLS version from 1.2 on"},
		{"the switch knows another authority", handshake(func(c *tls.Config) {
			c.InsecureSkipVerify, c.ServerName, c.RootCAs = false, "controller", other.Pool()
		}), ReasonTLSHandshake, "it is the controller's (--tls-cert): the CA that the switch was given must have signed it"},
		{"plain OpenFlow", say("\x04\x00\x00\x08\x00\x00\x00\x01"), ReasonPlain, "this port wants TLS; plain OpenFlow came: connect the switch with ssl:HOST:PORT instead of tcp:"},
		{"HTTP", say("GET / HTTP/1.1\r\n\r\n"), ReasonHTTP, "the peer speaks HTTP"},
		{"garbage", say(strings.Repeat("garbage ", 1000)), ReasonTLSHandshake, "first record does not look like a TLS handshake"},
		{"garbage in a record", say("\x16\x03\x01\x40\x00" + strings.Repeat("\xff", 1<<14)), ReasonTLSHandshake, ""},
		{"garbage in a long handshake message", say("\x16\x03\x01\x00\x04\x01\xff\xff\xff" + strings.Repeat("\x16\x03\x01\x00\x01x", 9999)), ReasonTLSHandshake, ""},
		{"an alert", say("\x15\x03\x01\x00\x02\x02\x28"), ReasonTLSHandshake, `the switch ended TLS with "handshake failure"`},
		{"an alert in clear in TLS 1.3, as OpenSSL says that it knows no such authority", func(t *testing.T, nc net.Conn) {
			c := tls.Client(interrupted{nc}, s.switchConfig(t, "br0", nil))
			_ = c.Handshake()
			_, _ = io.Copy(io.Discard, nc)
		}, ReasonTLSHandshake, `the switch ended TLS with "unknown certificate authority": if that is about a certificate, it is the controller's`},
		{"gone at once", func(_ *testing.T, nc net.Conn) { nc.Close() }, ReasonPeerClosed, "the peer went away in the TLS handshake"},
		{"gone in a record", func(_ *testing.T, nc net.Conn) { _, _ = io.WriteString(nc, "\x16\x03\x01\x02\x00abc"); nc.Close() }, ReasonPeerClosed, "in the TLS handshake"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server, client := tcpPair(t)
			r := startOver(t, s.over(server), client, ofp.V13, Config{})
			done := make(chan struct{})
			go func() {
				defer close(done)
				test.peer(t, client)
			}()
			e := r.ended()
			client.Close()
			<-done
			if e.Reason != test.reason || !strings.Contains(e.Error(), test.words) {
				t.Errorf("ended with %s: %v\nwant %s: …%s…", e.Reason, e.Err, test.reason, test.words)
			}
			if n := r.stats.Refused[test.reason].Load(); n != 1 {
				t.Errorf("%d refusals counted", n)
			}
			if len(e.Error()) > 600 {
				t.Errorf("an error of %d bytes", len(e.Error()))
			}
		})
	}
}

// interrupted says, once it has been answered, no more than an alert.
type interrupted struct{ net.Conn }

func (i interrupted) Read(b []byte) (int, error) {
	n, err := i.Conn.Read(b)
	for _, part := range []string{"\x15\x03\x03", "\x00\x02\x02\x30"} {
		_, _ = io.WriteString(i.Conn, part)
	}
	return min(n, 1), errors.Join(err, io.ErrClosedPipe)
}

// TestPlainToTLS: a switch that speaks plain OpenFlow is told so in OpenFlow.
func TestPlainToTLS(t *testing.T) {
	server, client := tcpPair(t)
	r := startOver(t, newSite(t, false).over(server), client, ofp.V10, Config{})
	r.send(ofp.NewHello(ofp.V10))
	_, m, err := r.read()
	if err != nil {
		t.Fatal(err)
	}
	if e, ok := m.(*ofp.Error); !ok || e.Reason != ofp.HelloFailedEPERM || string(e.Data) != "this port wants TLS; plain OpenFlow came" {
		t.Errorf("told %#v", m)
	}
}

// TestSlowTLS: a peer that never ends its handshake has the time of a hello,
// however often it says something.
func TestSlowTLS(t *testing.T) {
	for _, test := range []struct {
		name string
		peer func(nc net.Conn)
	}{
		{"silent", func(nc net.Conn) { _, _ = io.Copy(io.Discard, nc) }},
		{"a byte a second", func(nc net.Conn) {
			for _, b := range []byte("\x16\x03\x01\x40\x00\x01\x00\x3f\xfc" + strings.Repeat("\x03", 1000)) {
				if _, err := nc.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}},
		{"half of a handshake", func(nc net.Conn) {
			c := tls.Client(halfConn{nc}, &tls.Config{InsecureSkipVerify: true})
			_ = c.Handshake()
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := net.Pipe()
				r := startOver(t, newSite(t, false).over(ours), theirs, ofp.V13, Config{HelloTimeout: 3 * time.Second})
				began := time.Now()
				done := make(chan struct{})
				go func() {
					defer close(done)
					test.peer(theirs)
				}()
				e := r.ended()
				if took := time.Since(began); e.Reason != ReasonTLSHandshake || !strings.Contains(e.Error(), "not done within 3s") || took != 3*time.Second {
					t.Errorf("after %v: %v", took, e)
				}
				theirs.Close()
				<-done
			})
		})
	}
}

// halfConn swallows all that is said after the first message.
type halfConn struct{ net.Conn }

func (h halfConn) Read(b []byte) (int, error) {
	_, _ = io.Copy(io.Discard, h.Conn)
	return 0, io.EOF
}

// TestTLSWhileEnding: the controller's end does not wait for a handshake.
func TestTLSWhileEnding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		r := startOver(t, newSite(t, false).over(ours), theirs, ofp.V13, Config{})
		synctest.Wait()
		began := time.Now()
		r.stop()
		if e := r.ended(); e.Reason != ReasonShutdown || time.Since(began) != 0 {
			t.Errorf("after %v: %v", time.Since(began), e)
		}
	})
}

// TestSlowReaderOverTLS: a switch that reads little at a time keeps its
// connection, in the middle of a TLS record too; one that reads nothing loses it.
func TestSlowReaderOverTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, false)
		ours, theirs := net.Pipe()
		slow := &slowConn{Conn: theirs}
		r := startOver(t, s.over(ours), tls.Client(slow, s.switchConfig(t, "br0", nil)), ofp.V13, Config{WriteTimeout: time.Second, EchoInterval: time.Hour})
		c := r.ready()
		slow.pause.Store(int64(900 * time.Millisecond))
		big := &ofp.PacketOut{InPort: ofp.PortController, Data: make([]byte, 30_000), Actions: []ofp.Action{ofp.Output(1)}}
		began := time.Now()
		if err := c.Send(big); err != nil {
			t.Fatal(err)
		}
		for r := range r.in {
			if r.m.Type() == ofp.TypePacketOut {
				break
			}
		}
		if took := time.Since(began); took < 10*time.Second {
			t.Errorf("read within %v: that is not slow", took)
		}
		slow.pause.Store(int64(5 * time.Second))
		began = time.Now()
		if err := c.Send(big); err != nil {
			t.Fatal(err)
		}
		if e := r.ended(); e.Reason != ReasonWriteTimeout || time.Since(began) > 5*time.Second {
			t.Errorf("after %v: %v", time.Since(began), e)
		}
		for range r.in { // until the peer has noticed
		}
	})
}

// TestTLSToSwitch: the controller connects to a switch that listens.
func TestTLSToSwitch(t *testing.T) {
	s := newSite(t, true)
	good := s.ca.Sign("br0", nil)
	bad := pki.New(t, "other").Sign("br0", nil)
	t.Run("verified", func(t *testing.T) {
		theirs, ours := tcpPair(t)
		r := startOver(t, s.Client(ours), tls.Server(theirs, &tls.Config{Certificates: []tls.Certificate{good.TLS(t)}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: s.ca.Pool()}), ofp.V13, Config{})
		if c := r.ready(); c.Transport() != TransportTLS || c.CertificateName() != "br0" {
			t.Errorf("transport %q, certificate %q", c.Transport(), c.CertificateName())
		}
	})
	for name, test := range map[string]struct {
		peer   func(nc net.Conn)
		reason Reason
		words  string
	}{
		"unknown authority": {func(nc net.Conn) {
			_ = tls.Server(nc, &tls.Config{Certificates: []tls.Certificate{bad.TLS(t)}}).Handshake()
		}, ReasonTLSHandshake, "is signed by an unknown authority"},
		"ours is refused": {func(nc net.Conn) {
			_ = tls.Server(nc, &tls.Config{Certificates: []tls.Certificate{good.TLS(t)}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: x509.NewCertPool()}).Handshake()
		}, ReasonTLSHandshake, "it is the controller's (--tls-cert)"},
		"TLS 1.1": {func(nc net.Conn) {
			_ = tls.Server(nc, &tls.Config{Certificates: []tls.Certificate{good.TLS(t)}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}).Handshake()
		}, ReasonTLSHandshake, "the switch offers no TLS version from 1.2 on: remote error: tls: protocol version not supported"},
		"plain": {func(nc net.Conn) {
			_, _ = io.WriteString(nc, "\x04\x00\x00\x08\x00\x00\x00\x01")
			_, _ = io.Copy(io.Discard, nc)
		}, ReasonPlain, "plain OpenFlow came"},
	} {
		t.Run(name, func(t *testing.T) {
			theirs, ours := tcpPair(t)
			r := startOver(t, s.Client(ours), theirs, ofp.V13, Config{})
			done := make(chan struct{})
			go func() { defer close(done); test.peer(theirs) }()
			if e := r.ended(); e.Reason != test.reason || !strings.Contains(e.Error(), test.words) {
				t.Errorf("ended: %v", e)
			}
			theirs.Close()
			<-done
		})
	}
}

// TestGate: as many handshakes compute at once as may; one that waits for its
// peer lets another in, and comes back when there is room.
func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := make(gate, 1)
		ours, theirs := net.Pipe()
		defer theirs.Close()
		s := &socket{Conn: ours, gate: g, shaking: true}
		g.enter()
		var second, read atomic.Bool
		go func() {
			g.enter()
			second.Store(true)
		}()
		synctest.Wait()
		if second.Load() {
			t.Error("two compute at once")
		}
		go func() {
			_, _ = s.Read(make([]byte, 1))
			read.Store(true)
		}()
		synctest.Wait()
		if !second.Load() {
			t.Error("one that waits for its peer keeps another out")
		}
		if _, err := theirs.Write([]byte{1}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if read.Load() {
			t.Error("two compute at once after a read")
		}
		g.leave()
		synctest.Wait()
		if !read.Load() {
			t.Error("it does not come back")
		}
	})
}
