package channel

import (
	"crypto/tls"
	"crypto/x509"
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/pki"
)

func TestPins(t *testing.T) {
	pins := Pins{Names: map[ofp.DPID][]string{1: {"br0"}, 2: {"a", "urn:b"}}}
	all := Pins{Names: pins.Names, ByDPID: true}
	tlsAs := func(names ...string) identity { return identity{TransportTLS, names} }
	for _, test := range []struct {
		name string
		pins Pins
		dpid ofp.DPID
		who  identity
		want string
	}{
		{"no pins", Pins{}, 1, identity{transport: TransportTCP}, ""},
		{"another dpid over TCP", pins, 3, identity{transport: TransportTCP}, ""},
		{"right", pins, 1, tlsAs("br0"), ""},
		{"right by another of its names", pins, 2, tlsAs("x", "urn:b"), ""},
		{"wrong", pins, 1, tlsAs("br1"), `dpid 0000000000000001 is accepted with the certificate br0 only, this is "br1"`},
		{"wrong of two", pins, 2, tlsAs("br1", "\x00"), `dpid 0000000000000002 is accepted with the certificate a or urn:b only, this is "br1", "\x00"`},
		{"wrong, and named twice", pins, 1, tlsAs("br1", "br1", "br2", "br3", "br4"), `dpid 0000000000000001 is accepted with the certificate br0 only, this is "br1", "br2", "br3"`},
		{"no certificate", pins, 1, tlsAs(), "dpid 0000000000000001 is accepted over TLS with the certificate br0 only"},
		{"plain", pins, 1, identity{transport: TransportTCP}, "dpid 0000000000000001 is accepted over TLS with the certificate br0 only"},
		{"unix", pins, 1, identity{transport: TransportUnix}, "dpid 0000000000000001 is accepted over TLS with the certificate br0 only"},
		{"dpid as name", all, 0x10, tlsAs("x", "00:00:00:00:00:00:00:10"), ""},
		{"dpid as name, pinned otherwise", all, 1, tlsAs("0000000000000001"), `dpid 0000000000000001 is accepted with the certificate br0 only, this is "0000000000000001"`},
		{"pinned name in place of dpid", all, 1, tlsAs("br0"), ""},
		{"short dpid as name", all, 0x10, tlsAs("10"), `the name of the certificate must be the dpid 0000000000000010, it is "10"`},
		{"another's dpid as name", all, 0x10, tlsAs("0000000000000011"), `the name of the certificate must be the dpid 0000000000000010, it is "0000000000000011"`},
		{"no certificate for the dpid", all, 0x10, tlsAs(), "the name of the certificate must be the dpid 0000000000000010, it is missing"},
		{"plain needs no dpid as name", all, 0x10, identity{transport: TransportTCP}, ""},
	} {
		if got := test.pins.check(test.dpid, test.who); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestCertificateNames(t *testing.T) {
	ca := pki.New(t, "authority")
	for name, change := range map[string]func(*x509.Certificate){
		"":     func(c *x509.Certificate) { c.Subject.Organization = []string{"Lab"} },
		"cn":   func(c *x509.Certificate) { c.DNSNames = []string{"dns"} },
		"also": pki.URI("spiffe://lab/br0"),
	} {
		leaf := ca.Sign(name, change).TLS(t).Leaf
		want := map[string][]string{"": {"O=Lab"}, "cn": {"cn", "dns"}, "also": {"also", "spiffe://lab/br0"}}[name]
		if got := certificateNames(leaf); len(got) != len(want) || got[0] != want[0] || got[len(got)-1] != want[len(want)-1] {
			t.Errorf("names of %v: %q, want %q", leaf.Subject, got, want)
		}
	}
}

// TestPinned: a switch with another's certificate is told why it is refused, and
// the one with its own is let in.
func TestPinned(t *testing.T) {
	s := newSite(t, true)
	cfg := Config{Pins: Pins{Names: map[ofp.DPID][]string{0x1234: {"br0"}}}}
	connect := func(name string) *rig {
		server, client := tcpPair(t)
		return startOver(t, s.over(server), tls.Client(client, s.switchConfig(t, name, nil)), ofp.V13, cfg)
	}
	connect("br0").ready()

	plain, peer := tcpPair(t)
	for name, r := range map[string]*rig{"another's": connect("br1"), "none": startOver(t, plain, peer, ofp.V13, cfg)} {
		r.shakeHands(ofp.NewHello(ofp.V13))
		m := r.want(ofp.TypeError).m.(*ofp.Error)
		e := r.ended()
		if e.Reason != ReasonPin || m.Reason != ofp.HelloFailedEPERM || string(m.Data) != e.Err.Error() {
			t.Errorf("%s: told %v %q, ended: %v", name, m.Reason, m.Data, e)
		}
	}
}
