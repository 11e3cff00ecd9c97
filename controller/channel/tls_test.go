package channel

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/test/pki"
)

// shown returns the common name of the certificate that a handshake shows now,
// and whether a switch with that pair is let in.
func (s *site) shown(t *testing.T, pair pki.Pair) (name string, in bool) {
	t.Helper()
	server, client := tcpPair(t)
	done := make(chan error, 1)
	go func() {
		c := s.over(server).(*tls.Conn)
		c.NetConn().(*socket).patience = time.Minute
		done <- c.Handshake()
		server.Close()
	}()
	own := pair.TLS(t)
	c := tls.Client(client, &tls.Config{InsecureSkipVerify: true, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &own, nil }})
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	err := <-done
	return c.ConnectionState().PeerCertificates[0].Subject.CommonName, err == nil
}

// elapse lets the files grow old, and the time for the next look come.
func (s *site) elapse(t *testing.T) {
	t.Helper()
	old := time.Now().Add(-2 * checkInterval)
	for _, path := range s.files.paths() {
		if err := os.Chtimes(path, old, old); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	s.mu.Lock()
	s.checked = old
	s.mu.Unlock()
}

// TestReload: new files are used from the next handshake on; broken ones are told
// of once, and change nothing.
func TestReload(t *testing.T) {
	s := newSite(t, true)
	good := s.ca.Sign("br0", nil)
	later := pki.New(t, "the next authority")
	strange := later.Sign("br0", nil)
	const broken = "TLS certificates cannot be read again; those from before stay in use"
	expect := func(step, name string, goodIn, strangeIn bool, lines ...string) {
		t.Helper()
		gotName, gotGood := s.shown(t, good)
		_, gotStrange := s.shown(t, strange)
		if gotName != name || gotGood != goodIn || gotStrange != strangeIn {
			t.Errorf("%s: the controller is %q, good in %v, strange in %v; want %q, %v, %v", step, gotName, gotGood, gotStrange, name, goodIn, strangeIn)
		}
		if diff := cmp.Diff(lines, s.logs.messages()); diff != "" {
			t.Errorf("%s: log (-want +got):\n%s", step, diff)
		}
		s.logs.mu.Lock()
		s.logs.lines = nil
		s.logs.mu.Unlock()
	}
	expect("at first", "controller", true, false)

	second := s.ca.Sign("second", nil)
	pki.Write(t, s.files.Cert, second.Cert)
	s.elapse(t)
	pki.Write(t, s.files.Cert, second.Cert) // just now: its key may be on its way
	expect("half of a new pair", "controller", true, false)
	pki.Write(t, s.files.Key, second.Key)
	expect("within the second", "controller", true, false)
	s.elapse(t)
	expect("the other half", "second", true, false, "TLS certificates reloaded")
	s.elapse(t)
	expect("touched", "second", true, false)

	pki.Write(t, s.files.Key, []byte("nonsense"))
	s.elapse(t)
	expect("broken", "second", true, false, broken)
	s.elapse(t)
	expect("still broken", "second", true, false)
	s.Reload()
	expect("told to look", "second", true, false, broken)
	if err := os.Remove(s.files.Key); err != nil {
		t.Fatal(err)
	}
	s.elapse(t)
	expect("gone", "second", true, false)
	third := s.ca.Sign("third", nil)
	pki.Write(t, s.files.Cert, third.Cert)
	pki.Write(t, s.files.Key, third.Key)
	s.Reload()
	expect("mended", "third", true, false, "TLS certificates reloaded")
	s.Reload()
	expect("nothing new", "third", true, false, "TLS certificates are unchanged")

	pki.Write(t, s.files.CA, append([]byte("a comment\n"+string(s.ca.PEM)), later.PEM...))
	s.Reload()
	expect("both authorities", "third", true, true, "TLS certificates reloaded")
	pki.Write(t, s.files.CA, later.PEM)
	s.Reload()
	expect("the next authority", "third", false, true, "TLS certificates reloaded")
	pki.Write(t, s.files.CA, second.Key)
	s.Reload()
	expect("no authority", "third", false, true, broken)
}

func TestNewTLSFails(t *testing.T) {
	s := newSite(t, true)
	dir := t.TempDir()
	cut := pki.Write(t, dir+"/cut.pem", s.ca.PEM[:len(s.ca.PEM)/2])
	bad := pki.Write(t, dir+"/bad.pem", []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
	_, otherKey := s.ca.Sign("other", nil).Files(t, dir, "other")
	for name, test := range map[string]struct {
		files TLSFiles
		want  string
	}{
		"no such certificate": {TLSFiles{Cert: dir + "/none", Key: s.files.Key}, "/none: no such file or directory"},
		"another's key":       {TLSFiles{Cert: s.files.Cert, Key: otherKey}, "private key does not match public key"},
		"swapped":             {TLSFiles{Cert: s.files.Key, Key: s.files.Cert}, "certificate " + s.files.Key + " with key " + s.files.Cert},
		"CA cut short":        {TLSFiles{Cert: s.files.Cert, Key: s.files.Key, CA: cut}, "CA " + cut + ": holds no certificate in PEM form"},
		"CA is nonsense":      {TLSFiles{Cert: s.files.Cert, Key: s.files.Key, CA: bad}, "CA " + bad + ": certificate 1: x509"},
		"CA is a key":         {TLSFiles{Cert: s.files.Cert, Key: s.files.Key, CA: s.files.Key}, "holds no certificate"},
		"CA is a folder":      {TLSFiles{Cert: s.files.Cert, Key: s.files.Key, CA: dir}, "is a directory"},
	} {
		log, _ := newLog()
		if _, err := NewTLS(test.files, log); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v; want …%s…", name, err, test.want)
		}
	}
}

// TestExpiredOwn: the controller starts with a certificate that nobody will
// accept, and says so.
func TestExpiredOwn(t *testing.T) {
	ca := pki.New(t, "authority")
	cert, key := ca.Sign("controller", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }).Files(t, t.TempDir(), "c")
	log, book := newLog()
	if _, err := NewTLS(TLSFiles{Cert: cert, Key: key}, log); err != nil {
		t.Fatal(err)
	}
	if n := book.count("the controller's certificate is not valid now; switches will refuse it"); n != 1 {
		t.Errorf("log: %q", book.messages())
	}
}
