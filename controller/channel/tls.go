package channel

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
)

// checkInterval is the least time between two looks at the files of a TLS, other
// than those that Reload asks for. A file that was changed less than that ago
// may be half of a pair whose other half is still to come.
const checkInterval = time.Second

// TLSFiles name the files that TLS needs, in PEM form.
type TLSFiles struct {
	// Cert is the controller's certificate, followed by those that lead from it
	// to the authority that the switches know. Key is its private key.
	Cert, Key string
	// CA holds the certificates of the authorities that sign the switches'
	// certificates: a switch without such a certificate is refused (mutual TLS).
	// Empty: switches are asked for none, and any may connect.
	CA string
}

// paths returns the files that are named.
func (f TLSFiles) paths() []string {
	if f.CA == "" {
		return []string{f.Cert, f.Key}
	}
	return []string{f.Cert, f.Key, f.CA}
}

// TLS encrypts connections with certificates that may be replaced while it is in
// use: it looks at the files at a handshake, once a second at most, and when
// Reload is called. Connections that are up stay as they are. The versions are
// 1.2 and 1.3, and no session is resumed, so that each connection shows its
// certificate. Its methods may be called from any goroutine.
type TLS struct {
	files   TLSFiles
	log     logrus.FieldLogger
	gate    gate
	server  *tls.Config
	current atomic.Pointer[credentials]

	mu       sync.Mutex // a leaf; held while the files are read
	checked  time.Time
	seen     []os.FileInfo // the files when they were last read
	reported bool          // the fault of what was last read
}

// credentials are what the files held.
type credentials struct {
	pair   tls.Certificate
	roots  *x509.CertPool // nil: switches are asked for no certificate
	digest [sha256.Size]byte
}

// NewTLS reads the files, and fails if they do not fit together.
func NewTLS(files TLSFiles, log logrus.FieldLogger) (*TLS, error) {
	t := &TLS{files: files, log: log, gate: make(gate, max(1, runtime.GOMAXPROCS(0)/2)), checked: time.Now()}
	seen, err := stat(files)
	if err != nil {
		return nil, err
	}
	read, err := load(files)
	if err != nil {
		return nil, err
	}
	t.seen = seen
	t.use(read)
	t.server = &tls.Config{
		MinVersion:             tls.VersionTLS12,
		SessionTicketsDisabled: true,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			t.check()
			return t.current.Load().serverConfig(), nil
		},
	}
	return t, nil
}

func (c *credentials) serverConfig() *tls.Config {
	cfg := &tls.Config{
		MinVersion:             tls.VersionTLS12,
		SessionTicketsDisabled: true,
		Certificates:           []tls.Certificate{c.pair},
	}
	if c.roots != nil {
		cfg.ClientAuth, cfg.ClientCAs = tls.RequireAndVerifyClientCert, c.roots
	}
	return cfg
}

// clientConfig is for a switch that listens. Its certificate must be signed by
// an authority of ours; its name is not compared with the address, which no
// switch's certificate has.
func (c *credentials) clientConfig(verified func()) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		Certificates:       []tls.Certificate{c.pair},
		InsecureSkipVerify: true, // VerifyConnection does all but the name
		VerifyConnection: func(s tls.ConnectionState) error {
			if c.roots == nil {
				return nil
			}
			between := x509.NewCertPool()
			for _, cert := range s.PeerCertificates[1:] {
				between.AddCert(cert)
			}
			_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: c.roots, Intermediates: between})
			if err != nil {
				return &tls.CertificateVerificationError{UnverifiedCertificates: s.PeerCertificates, Err: err}
			}
			verified()
			return nil
		},
	}
}

// Mutual reports whether switches must show a certificate.
func (t *TLS) Mutual() bool { return t.files.CA != "" }

// Listener encrypts the connections of ln; the handshake is part of Conn.Run.
func (t *TLS) Listener(ln net.Listener) net.Listener { return tlsListener{ln, t} }

type tlsListener struct {
	net.Listener
	tls *TLS
}

func (l tlsListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return tls.Server(&socket{Conn: nc, gate: l.tls.gate}, l.tls.server), nil
}

// Client encrypts a connection to a switch that listens; the handshake is part
// of Conn.Run.
func (t *TLS) Client(nc net.Conn) net.Conn {
	t.check()
	s := &socket{Conn: nc, gate: t.gate}
	return tls.Client(s, t.current.Load().clientConfig(func() { s.verified = true }))
}

// Reload looks at the files now, whenever that was done last. If they are
// broken, it logs why, and those from before stay in use.
func (t *TLS) Reload() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reported = false
	if !t.read(true) {
		t.log.WithFields(t.current.Load().fields()).Info("TLS certificates are unchanged")
	}
}

// check looks at the files, unless that was done a moment ago.
func (t *TLS) check() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Since(t.checked) >= checkInterval {
		t.read(false)
	}
}

// read takes the files over if they have changed; told is whether they were said
// to have. It reports whether there was anything to say. The lock is held.
func (t *TLS) read(told bool) bool {
	t.checked = time.Now()
	now, err := stat(t.files)
	if err == nil && !told && unchanged(t.seen, now) {
		return false
	}
	var read *credentials
	if err == nil {
		read, err = load(t.files)
	}
	switch {
	case err == nil:
		t.seen, t.reported = now, false
		if read.digest == t.current.Load().digest {
			return false
		}
		t.use(read)
		t.log.WithFields(read.fields()).Info("TLS certificates reloaded")
		return true
	case !told && young(now):
		return false // half of it, perhaps; the next handshake looks again
	case !t.reported:
		t.reported = true
		t.log.WithError(err).Error("TLS certificates cannot be read again; those from before stay in use")
	}
	t.seen = now
	return true
}

// use makes what was read current.
func (t *TLS) use(c *credentials) {
	t.current.Store(c)
	if leaf := c.pair.Leaf; time.Now().After(leaf.NotAfter) || time.Now().Before(leaf.NotBefore) {
		t.log.WithFields(c.fields()).WithField("not_before", leaf.NotBefore).Warn("the controller's certificate is not valid now; switches will refuse it")
	}
}

// Fields returns for the log whose certificate is in use, and until when.
func (t *TLS) Fields() logrus.Fields { return t.current.Load().fields() }

func (c *credentials) fields() logrus.Fields {
	return logrus.Fields{"subject": c.pair.Leaf.Subject.String(), "not_after": c.pair.Leaf.NotAfter.Format(time.RFC3339)}
}

// stat returns what tells whether the files are those that were read. If one of
// them is missing, the error says so, and its entry is nil.
func stat(files TLSFiles) ([]os.FileInfo, error) {
	var all []os.FileInfo
	var wrong error
	for _, path := range files.paths() {
		info, err := os.Stat(path)
		wrong = errors.Join(wrong, err)
		all = append(all, info)
	}
	return all, wrong
}

func unchanged(before, now []os.FileInfo) bool {
	for i := range now {
		b, n := before[i], now[i]
		if b == nil || n == nil || !os.SameFile(b, n) || b.Size() != n.Size() || !b.ModTime().Equal(n.ModTime()) {
			return false
		}
	}
	return true
}

// young reports whether one of the files is missing or was changed a moment ago.
func young(files []os.FileInfo) bool {
	for _, f := range files {
		if f != nil && time.Since(f.ModTime()) < checkInterval {
			return true
		}
	}
	return false
}

// load reads the files.
func load(files TLSFiles) (*credentials, error) {
	cert, err := os.ReadFile(files.Cert)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	key, err := os.ReadFile(files.Key)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	c := &credentials{}
	if c.pair, err = tls.X509KeyPair(cert, key); err != nil {
		return nil, fmt.Errorf("certificate %s with key %s: %w", files.Cert, files.Key, err)
	}
	if c.pair.Leaf == nil {
		return nil, fmt.Errorf("certificate %s: cannot be read", files.Cert)
	}
	all := [][]byte{cert, key}
	if files.CA != "" {
		ca, err := os.ReadFile(files.CA)
		if err != nil {
			return nil, fmt.Errorf("CA: %w", err)
		}
		if c.roots, err = pool(ca); err != nil {
			return nil, fmt.Errorf("CA %s: %w", files.CA, err)
		}
		all = append(all, ca)
	}
	c.digest = sha256.Sum256(bytes.Join(all, []byte{0}))
	return c, nil
}

// pool reads certificates. One that cannot be read is an error: an authority that
// is silently left out is one whose switches are refused.
func pool(text []byte) (*x509.CertPool, error) {
	roots, n := x509.NewCertPool(), 0
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		n++
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", n, err)
		}
		roots.AddCert(cert)
	}
	if n == 0 {
		return nil, errors.New("holds no certificate in PEM form")
	}
	return roots, nil
}
