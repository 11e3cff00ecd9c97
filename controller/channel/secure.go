package channel

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// gate bounds how many TLS handshakes compute at once, to half of the
// processors: thousands of them would otherwise stand before the messages of
// switches that are connected. One that waits for its peer does not count.
type gate chan struct{}

func (g gate) enter() { g <- struct{}{} }
func (g gate) leave() { <-g }

// socket is the connection below TLS. A write of TLS that fails in its middle
// cannot be continued; so it is here that a peer which takes little at a time
// gets a new deadline with each piece that it takes.
type socket struct {
	net.Conn
	gate     gate
	shaking  bool          // the handshake is under way, inside the gate
	patience time.Duration // after the handshake: how long the peer may take nothing
	verified bool          // the certificate of a switch that listens
	tail     []byte        // of what was read in the handshake
}

// plainAlert is the length of an alert's record that is not encrypted.
const plainAlert = 7

func (s *socket) Read(b []byte) (int, error) {
	if s.shaking {
		s.gate.leave()
		n, err := s.Conn.Read(b)
		s.tail = append(s.tail, b[max(0, n-plainAlert):n]...)
		s.tail = s.tail[max(0, len(s.tail)-plainAlert):]
		s.gate.enter()
		return n, err
	}
	return s.Conn.Read(b)
}

// alert returns the alert that the handshake has ended with, if it came
// unencrypted. Where crypto/tls waits for something encrypted, it cannot read
// this: it is what OpenSSL's TLS 1.3 says of a certificate that it refuses.
func (s *socket) alert() (tls.AlertError, bool) {
	if t := s.tail; len(t) == plainAlert && string(t[:6]) == "\x15\x03\x03\x00\x02\x02" {
		return tls.AlertError(t[6]), true
	}
	return 0, false
}

// Write writes b whole, or fails when the peer has taken nothing for a while.
func (s *socket) Write(b []byte) (int, error) {
	if s.shaking {
		s.gate.leave()
		defer s.gate.enter()
		return s.Conn.Write(b)
	}
	for done := 0; ; {
		if err := s.SetWriteDeadline(time.Now().Add(s.patience)); err != nil {
			return done, err
		}
		n, err := s.Conn.Write(b[done:])
		done += n
		if n == 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return done, err
		}
	}
}

// secure is the TLS handshake, if the connection is one of TLS. It has
// Config.HelloTimeout, and comes before every other goroutine of the connection.
func (c *Conn) secure() *CloseError {
	c.identity.transport = TransportTCP
	if c.nc.RemoteAddr().Network() == "unix" {
		c.identity.transport = TransportUnix
	}
	t, ok := c.nc.(*tls.Conn)
	if !ok {
		return nil
	}
	c.identity.transport = TransportTLS
	if err := c.nc.SetDeadline(time.Now().Add(c.cfg.HelloTimeout)); err != nil {
		return readError(err)
	}
	select {
	case <-c.done:
		return c.end
	default:
	}
	s, ours := t.NetConn().(*socket)
	if ours {
		s.gate.enter()
		s.shaking = true
	}
	err := t.Handshake()
	if ours {
		s.shaking = false
		s.gate.leave()
		s.patience = c.cfg.WriteTimeout
	}
	state := t.ConnectionState()
	if err != nil {
		if ours {
			if alert, ok := s.alert(); ok {
				err = &net.OpError{Op: remoteError, Err: alert}
			}
		}
		return c.insecure(err)
	}
	if ours {
		s.tail = nil
	}
	if len(state.VerifiedChains) > 0 || ours && s.verified {
		c.identity.names = certificateNames(state.PeerCertificates[0])
	}
	return nil
}

// insecure says why a TLS handshake has failed, and tells a peer that speaks
// plain OpenFlow.
func (c *Conn) insecure(err error) *CloseError {
	select {
	case <-c.done:
		return c.end
	default:
	}
	if head, ok := errors.AsType[tls.RecordHeaderError](err); ok && head.Conn != nil {
		if e := c.notTLS(head.RecordHeader[:]); e != nil {
			return e
		}
	}
	if words := tlsWords(err); words != "" {
		return closef(ReasonTLSHandshake, "%s", words)
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return closef(ReasonTLSHandshake, "the TLS handshake was not done within %v", c.cfg.HelloTimeout)
	case peerGone(err), errors.Is(err, io.ErrUnexpectedEOF):
		return closef(ReasonPeerClosed, "the peer went away in the TLS handshake: %w", err)
	}
	return &CloseError{ReasonTLSHandshake, err}
}

// notTLS says what the first five bytes of a peer are if they are of a protocol
// that we know.
func (c *Conn) notTLS(b []byte) *CloseError {
	switch {
	case slices.Contains(httpMethods, string(b[:4])):
		return closef(ReasonHTTP, "the peer speaks HTTP")
	case b[0] >= byte(ofp.V10) && b[0] <= 0x06 && b[1] <= 1:
		const text = "this port wants TLS; plain OpenFlow came"
		raw := c.raw()
		if raw.SetWriteDeadline(time.Now().Add(lingerTimeout)) == nil {
			_, _ = raw.Write(helloFailed(ofp.Version(b[0]), 0, ofp.HelloFailedEPERM, text))
		}
		return closef(ReasonPlain, "%s: connect the switch with ssl:HOST:PORT instead of tcp:, or to a port for plain OpenFlow", text)
	}
	return nil
}

// remoteError marks an alert of the peer among the errors of crypto/tls.
const remoteError = "remote error"

// tlsWords says of a TLS error what is wrong and where to mend it, or "".
func tlsWords(err error) string {
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok && len(e.UnverifiedCertificates) > 0 {
		return unverified(e.UnverifiedCertificates[0], e.Err)
	}
	if text := err.Error(); strings.Contains(text, "unsupported versions") || strings.Contains(text, "protocol version") {
		return "the switch offers no TLS version from 1.2 on: " + strings.TrimPrefix(text, "tls: ")
	}
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == remoteError {
		return fmt.Sprintf("the switch ended TLS with %q: if that is about a certificate, it is the controller's (--tls-cert): "+
			"the CA that the switch was given must have signed it (the third file of ovs-vsctl set-ssl)", strings.TrimPrefix(e.Err.Error(), "tls: "))
	}
	if strings.Contains(err.Error(), "didn't provide a certificate") {
		return "the switch showed no certificate: give it one (ovs-vsctl set-ssl KEY CERTIFICATE CA), signed by a CA in --tls-ca"
	}
	return ""
}

func unverified(cert *x509.Certificate, err error) string {
	who := fmt.Sprintf("the switch's certificate (subject %q, issuer %q)", short(cert.Subject.String()), short(cert.Issuer.String()))
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return who + " is signed by an unknown authority: --tls-ca must hold the certificate of the CA that signed it"
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		switch e.Reason {
		case x509.Expired:
			return fmt.Sprintf("%s is valid from %s to %s, and now it is %s: renew it, or set the clock", who,
				cert.NotBefore.UTC().Format(time.RFC3339), cert.NotAfter.UTC().Format(time.RFC3339), time.Now().UTC().Format(time.RFC3339))
		case x509.IncompatibleUsage:
			return who + " is not for this use: its extended key usage must have clientAuth, for a switch that listens serverAuth, or be left out"
		}
	}
	return fmt.Sprintf("%s cannot be verified: %v", who, err)
}

// raw is the socket, below TLS.
func (c *Conn) raw() net.Conn {
	t, ok := c.nc.(*tls.Conn)
	if !ok {
		return c.nc
	}
	if s, ok := t.NetConn().(*socket); ok {
		return s.Conn
	}
	return t.NetConn()
}

// Hangup closes a connection that no Conn was made for. It says nothing to the
// peer, not even that TLS ends, and does not wait.
func Hangup(nc net.Conn) { (&Conn{nc: nc}).raw().Close() }

// identity is how a peer has come, and who it has proved to be.
type identity struct {
	transport Transport
	names     []string // of its certificate, if that is verified
}

// Transport returns what carries the connection.
func (c *Conn) Transport() Transport { return c.identity.transport }

// CertificateName returns the first name of the switch's certificate, or "" if
// it has shown none, or none that was verified.
func (c *Conn) CertificateName() string {
	if len(c.identity.names) == 0 {
		return ""
	}
	return c.identity.names[0]
}

// certificateNames returns the common name and the DNS and URI names of a
// certificate; the whole subject if it has none of them.
func certificateNames(cert *x509.Certificate) []string {
	var names []string
	if cn := cert.Subject.CommonName; cn != "" {
		names = append(names, cn)
	}
	names = append(names, cert.DNSNames...)
	for _, u := range cert.URIs {
		names = append(names, u.String())
	}
	if len(names) == 0 {
		names = append(names, cert.Subject.String())
	}
	return names
}
