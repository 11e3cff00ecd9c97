package e2e

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sluice-sdn/sluice/test/ovs"
	"github.com/sluice-sdn/sluice/test/pki"
)

// tlsSite is a lab whose controller listens in every way at once.
type tlsSite struct {
	*lab
	dir    string
	ca     *pki.CA // of controller and switch
	socket string  // where it listens besides
}

// newTLSSite starts it; Open vSwitch has a certificate named "vswitch".
func newTLSSite(t *testing.T, args ...string) *tlsSite {
	t.Helper()
	ovs.Require(t)
	s := &tlsSite{dir: t.TempDir(), ca: pki.New(t, "lab authority")}
	cert, key := s.ca.Sign("sluice", nil).Files(t, s.dir, "controller")
	ca := pki.Write(t, filepath.Join(s.dir, "ca.pem"), s.ca.PEM)
	s.lab = newLab(t, append([]string{"--openflow", "127.0.0.1:6653", "--openflow", "ssl:127.0.0.1:6654,unix:openflow.sock",
		"--tls-cert", cert, "--tls-key", key, "--tls-ca", ca}, args...)...)
	// Open vSwitch connects to sockets in its own folder only.
	s.socket = filepath.Join(s.Dir, "openflow.sock")
	s.setSSL(s.ca.Sign("vswitch", nil), ca)
	return s
}

// setSSL gives Open vSwitch a certificate, and the authority that it trusts.
func (s *tlsSite) setSSL(pair pki.Pair, ca string) {
	s.t.Helper()
	cert, key := pair.Files(s.t, s.dir, "vswitch")
	_, err := s.Vsctl(s.t.Context(), "set-ssl", key, cert, ca)
	s.check(err)
}

// connect adds a bridge with that controller.
func (s *tlsSite) connect(name string, dpid uint64, controller string) {
	s.t.Helper()
	s.check(s.AddBridge(s.t.Context(), ovs.Bridge{Name: name, DPID: dpid, Protocols: []string{"OpenFlow13"}, Controllers: []string{controller}}))
}

// said waits until the controller's log has a line with all the words.
func (s *tlsSite) said(words ...string) {
	s.t.Helper()
	s.check(ovs.Wait(s.within(4*heal), fmt.Sprintf("a log line with %q", words), func(context.Context) error {
	lines:
		for line := range strings.Lines(s.sluiced.Output()) {
			for _, w := range words {
				if !strings.Contains(line, w) {
					continue lines
				}
			}
			return nil
		}
		return fmt.Errorf("none yet")
	}))
}

// TestTransports: bridges come over TCP, TLS and a unix socket at once, and the
// learning switch works for each.
func TestTransports(t *testing.T) {
	t.Parallel()
	s := newTLSSite(t)
	s.connect("plain", 1, "tcp:127.0.0.1:6653")
	s.connect("secret", 2, "ssl:127.0.0.1:6654")
	s.connect("local", 3, "unix:"+s.socket)
	s.ready(2*heal, "plain", "secret", "local")
	for i, name := range []string{"plain", "secret", "local"} {
		h := s.hosts(name, i+1, 2)
		s.reaches(t, h[0], h[1])
	}

	var list struct {
		Switches []struct {
			Name, Transport, Address string
			CertificateName          string `json:"certificate_name"`
		}
	}
	if err := json.Unmarshal([]byte(s.sluice(t, "-o", "json", "switches")), &list); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, sw := range list.Switches {
		got[sw.Name] = sw.Transport + " " + sw.CertificateName
		if sw.Transport == "unix" && sw.Address != "unix:"+s.socket {
			t.Errorf("%s has the address %s", sw.Name, sw.Address)
		}
	}
	for name, want := range map[string]string{"plain": "tcp ", "secret": "tls vswitch", "local": "unix "} {
		if got[name] != want {
			t.Errorf("%s is listed as %q, want %q", name, got[name], want)
		}
	}
	if show := s.sluice(t, "show", "secret"); !strings.Contains(show, "from ssl:127.0.0.1:") || !strings.Contains(show, "\ncertificate: vswitch\n") {
		t.Errorf("sluice show secret:\n%s", show)
	}
	info, err := os.Stat(s.socket)
	s.check(err)
	if info.Mode().Perm() != 0o660 {
		t.Errorf("the socket has mode %v", info.Mode())
	}
	s.check(s.sluiced.Terminate(heal))
	if _, err := os.Stat(s.socket); !os.IsNotExist(err) {
		t.Errorf("the socket is left: %v", err)
	}
	s.startSluiced() // for the end of the lab
	s.ready(2*heal, "plain", "secret", "local")
}

// TestWrongTLS: what is wrong with a switch's TLS stands in the log, in words
// that say where to mend it; and when it is mended the switch is there.
func TestWrongTLS(t *testing.T) {
	t.Parallel()
	s := newTLSSite(t, "--apps", "none")
	trusted := filepath.Join(s.dir, "ca.pem")
	other := pki.New(t, "other authority")
	s.connect("good", 1, "ssl:127.0.0.1:6654")
	s.ready(2*heal, "good")

	s.setSSL(other.Sign("stranger", nil), trusted)
	s.connect("late", 2, "ssl:127.0.0.1:6654")
	s.said("connection refused", "reason=tls_handshake", "CN=stranger", "is signed by an unknown authority: --tls-ca must hold")
	s.check(ovs.Wait(s.within(heal), "the switch to say it too", func(context.Context) error {
		if !strings.Contains(s.Vswitchd().Output(), "unknown ca") {
			return fmt.Errorf("not yet")
		}
		return nil
	}))

	s.setSSL(s.ca.Sign("vswitch", nil), pki.Write(t, filepath.Join(s.dir, "other.pem"), other.PEM))
	s.connect("later", 3, "ssl:127.0.0.1:6654")
	s.said("connection refused", "reason=tls_handshake", "it is the controller's (--tls-cert)")

	s.connect("mistaken", 4, "tcp:127.0.0.1:6654")
	s.said("connection refused", "reason=plain_openflow", "connect the switch with ssl:HOST:PORT instead of tcp:")
	s.connect("reversed", 5, "ssl:127.0.0.1:6653")
	s.said("connection refused", "reason=tls", "the peer speaks TLS; this port is plain OpenFlow: connect the switch with tcp:HOST:PORT instead of ssl:")

	s.setSSL(s.ca.Sign("vswitch", nil), trusted)
	s.ready(4*heal, "late", "later")
}

// TestNewCertificates: the controller's certificate, and the authority, change
// under a connection that does not notice; those that come after see the new.
func TestNewCertificates(t *testing.T) {
	t.Parallel()
	s := newTLSSite(t, "--apps", "none")
	s.connect("br0", 1, "ssl:127.0.0.1:6654")
	s.ready(2*heal, "br0")
	since := s.sluice(t, "show", "br0")

	next := pki.New(t, "next authority")
	renewed := next.Sign("sluice renewed", nil)
	renewed.Files(t, s.dir, "controller")
	pki.Write(t, filepath.Join(s.dir, "ca.pem"), append(next.PEM, s.ca.PEM...))
	s.check(syscall.Kill(s.sluiced.PID(), syscall.SIGHUP))
	s.said("TLS certificates reloaded", "CN=sluice renewed")
	s.sluice(t, "add-flow", "br0", "priority=9,actions=drop")
	if now := s.sluice(t, "show", "br0"); now != since {
		t.Errorf("the connection is another:\n%s\nthen:\n%s", since, now)
	}

	// A client that knows the next authority only.
	raw, err := s.Dial(t.Context(), "tcp", "127.0.0.1:6654")
	s.check(err)
	defer raw.Close()
	own := next.Sign("client", nil).TLS(t)
	c := tls.Client(raw, &tls.Config{RootCAs: next.Pool(), InsecureSkipVerify: true, Certificates: []tls.Certificate{own}})
	s.check(c.HandshakeContext(s.within(heal)))
	if name := c.ConnectionState().PeerCertificates[0].Subject.CommonName; name != "sluice renewed" {
		t.Errorf("the controller shows %q", name)
	}
	raw.Close()

	// A switch that has the next authority's certificates, as the old one's are
	// no longer wanted: br0 itself, connecting anew.
	pki.Write(t, filepath.Join(s.dir, "ca.pem"), next.PEM)
	s.setSSL(next.Sign("vswitch renewed", nil), pki.Write(t, filepath.Join(s.dir, "next.pem"), next.PEM))
	_, err = s.Vsctl(t.Context(), "del-controller", "br0")
	s.check(err)
	_, err = s.Vsctl(t.Context(), "set-controller", "br0", "ssl:127.0.0.1:6654")
	s.check(err)
	s.check(ovs.Wait(s.within(2*heal), "br0 with its new certificate", func(context.Context) error {
		if show := s.sluice(t, "switches"); !strings.Contains(show, "vswitch renewed") {
			return fmt.Errorf("switches are\n%s", show)
		}
		return nil
	}))

	s.expected = append(s.expected, "TLS certificates cannot be read again")
	if err := os.Remove(filepath.Join(s.dir, "controller-key.pem")); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	s.check(syscall.Kill(s.sluiced.PID(), syscall.SIGHUP))
	s.said("level=error", "TLS certificates cannot be read again; those from before stay in use", fs.ErrNotExist.Error()[:4])
	s.sluice(t, "barrier", "br0")
}

// TestPinnedSwitches: a DPID is accepted with its certificate, and with no other,
// nor without one.
func TestPinnedSwitches(t *testing.T) {
	t.Parallel()
	s := newTLSSite(t, "--apps", "none", "--tls-pin", "1=vswitch", "--tls-pin", "2=another", "--tls-pin", "3=vswitch")
	s.connect("right", 1, "ssl:127.0.0.1:6654")
	s.connect("wrong", 2, "ssl:127.0.0.1:6654")
	s.connect("naked", 3, "tcp:127.0.0.1:6653")
	s.ready(2*heal, "right")
	s.said("connection refused", "reason=tls_pin", `dpid 0000000000000002 is accepted with the certificate another only, this is`, "vswitch")
	s.said("connection refused", "reason=tls_pin", "dpid 0000000000000003 is accepted over TLS with the certificate vswitch only")
	if got := s.ready(heal, "right"); len(got) != 1 {
		t.Errorf("switches are %v, want the right one alone", got)
	}
}

// TestActive: the controller connects to bridges that listen, over TCP, TLS and
// a unix socket, and the learning switch works there too. A bridge that is not
// there yet is said once, and taken when it comes.
func TestActive(t *testing.T) {
	t.Parallel()
	s := newTLSSite(t, "--connect", "tcp:127.0.0.1:6640", "--connect", "ssl:127.0.0.1:6641,unix:local.sock")
	s.said("cannot connect to a switch; trying again until it works", "connection refused", "127.0.0.1:6640")
	s.said("cannot connect to a switch; trying again until it works", "no such file", "unix:local.sock")
	s.connect("plain", 1, "ptcp:6640:127.0.0.1")
	s.connect("secret", 2, "pssl:6641:127.0.0.1")
	s.connect("local", 3, "punix:"+filepath.Join(s.Dir, "local.sock"))
	s.ready(4*heal, "plain", "secret", "local")
	for i, name := range []string{"plain", "secret", "local"} {
		h := s.hosts(name, i+1, 2)
		s.reaches(t, h[0], h[1])
	}
	if list := s.sluice(t, "switches"); !strings.Contains(list, " ssl:127.0.0.1:6641 ") || !strings.Contains(list, " vswitch\n") {
		t.Errorf("switches are\n%s", list)
	}
	s.KillVswitchd()
	s.said("switch disconnected", "0000000000000001")
	s.check(s.StartVswitchd(t.Context()))
	s.ready(4*heal, "plain", "secret", "local")
	for _, endpoint := range []string{"connect=\"tcp:127.0.0.1:6640\"", "connect=\"127.0.0.1:6640\""} {
		if n := strings.Count(s.sluiced.Output(), endpoint); n > 4 {
			t.Errorf("%d lines with %s", n, endpoint)
		}
	}
}
