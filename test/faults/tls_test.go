package faults

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/sirupsen/logrus"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/faultproxy"
	"github.com/sluice-sdn/sluice/test/pki"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// secured is what both ends have to speak TLS with certificates of one authority.
type secured struct {
	server *channel.TLS
	client *tls.Config
}

func newSecured(t *testing.T) *secured {
	t.Helper()
	ca := pki.New(t, "authority")
	dir := t.TempDir()
	cert, key := ca.Sign("controller", nil).Files(t, dir, "controller")
	quiet := logrus.New()
	quiet.SetOutput(io.Discard)
	server, err := channel.NewTLS(channel.TLSFiles{Cert: cert, Key: key, CA: pki.Write(t, filepath.Join(dir, "ca.pem"), ca.PEM)}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return &secured{server, &tls.Config{
		Certificates: []tls.Certificate{ca.Sign("switch", nil).TLS(t)}, RootCAs: ca.Pool(),
		InsecureSkipVerify: true, // it is the controller's side that is under test
	}}
}

// dial connects a switch to an address, with TLS where the lab has it.
func (l *lab) dial(sw *simswitch.Switch, addr string) error {
	if l.secured == nil {
		return sw.Dial(l.t.Context(), addr)
	}
	var d net.Dialer
	nc, err := d.DialContext(l.t.Context(), "tcp", addr)
	if err != nil {
		return err
	}
	sw.Start(tls.Client(nc, l.secured.client))
	return nil
}

// tlsSuite is the faults that are run over TLS, where the proxy sees no messages:
// what is about messages is about pieces of the stream.
var tlsSuite = []string{
	"delay=5ms..25ms",
	"throttle=150k",
	"split=50",
	"cut@down@WHERE",
	"cut@up@WHERE",
	"reset@up@WHERE",
	"half-close@down@WHERE",
	"drop=P@down",
	"duplicate=P@up",
	"reorder=P@down",
	"corrupt=P@down",
	"corrupt=P@up",
	"reorder-segment=P@up",
}

// tlsWorks are works with their points in bytes: that of the handshake is in TLS's.
var tlsWorks = []work{
	{"handshake", "byte:700", "byte:400", map[bool]string{true: "0.5", false: "0.5"}, handshake},
	{"push", "byte:60k", "byte:8", map[bool]string{true: "0.3", false: "0.5"}, push},
	{"statistics", "byte:0", "byte:30k", map[bool]string{true: "0.5", false: "0.5"}, statistics},
	{"idle", "byte:0", "byte:0", map[bool]string{true: "0.7", false: "0.7"}, idle},
}

// promisedOverTLS is what holds over TLS: what breaks the stream is found, and ends
// the connection, so that all that TCP lets Sluice promise holds whatever happens.
func promisedOverTLS(faults faultproxy.Faults) promise {
	all := promise(likeTCP | staysUp)
	for _, f := range faults {
		switch f.Kind {
		case faultproxy.Delay, faultproxy.Throttle, faultproxy.Split:
		case faultproxy.Cut, faultproxy.Reset, faultproxy.HalfClose:
			all = all&^staysUp | ends
		default:
			all &^= staysUp
		}
	}
	return all
}

// TestFaultsOverTLS is TestFaults with both switches connected over TLS.
func TestFaultsOverTLS(t *testing.T) {
	t.Parallel()
	faults, versions := tlsSuite, []ofp.Version{ofp.V13}
	if os.Getenv("SLUICE_FAULTS") == "long" {
		versions = ofp.Versions()
	}
	both := newSecured(t)
	for _, w := range tlsWorks {
		for _, text := range faults {
			for _, v := range versions {
				name := fmt.Sprintf("%s/%s/%s", w.name, text, v)
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					suffer(t, name, v, &w, w.with(text), both)
				})
			}
		}
	}
}
