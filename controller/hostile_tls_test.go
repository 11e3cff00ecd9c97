package controller

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/pki"
)

// TestHalfOpenHandshakes: a thousand peers of one address that begin TLS, each to
// another point, and say no more. A switch of another address is let in
// meanwhile, one that is connected does not notice, and all thousand are gone when
// their time is up.
func TestHalfOpenHandshakes(t *testing.T) {
	ca := pki.New(t, "authority")
	dir := t.TempDir()
	cert, key := ca.Sign("controller", nil).Files(t, dir, "controller")
	log, book := newLog()
	enc, err := channel.NewTLS(channel.TLSFiles{Cert: cert, Key: key, CA: pki.Write(t, dir+"/ca.pem", ca.PEM)}, log)
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(Config{Logger: log, ConnectRate: -1, Channel: channel.Config{HelloTimeout: 3 * time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Serve(ctx, enc.Listener(plain)) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	own := ca.Sign("br0", nil).TLS(t)
	join := func(from string, dpid ofp.DPID) *Switch {
		t.Helper()
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		nc, err := d.Dial("tcp", plain.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		newPeer(t, ofp.V13, dpid).over(tls.Client(nc, &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{own}}))
		eventually(t, "the switch of "+from, func() bool { return c.byDPID(dpid) != nil })
		return c.byDPID(dpid)
	}
	first := join("127.0.0.2", 1)

	// What a client says first, of which each peer says another part.
	ours, theirs := net.Pipe()
	go func() { _ = tls.Client(ours, &tls.Config{InsecureSkipVerify: true}).Handshake() }()
	hello := make([]byte, 4096)
	n, err := theirs.Read(hello)
	if err != nil {
		t.Fatal(err)
	}
	ours.Close()
	theirs.Close()
	const peers = 1000
	var open sync.WaitGroup
	for i := range peers {
		nc, err := net.Dial("tcp", plain.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := nc.Write(hello[:i%(n+1)]); err != nil {
			t.Fatal(err)
		}
		open.Go(func() {
			defer nc.Close()
			_ = nc.SetDeadline(time.Now().Add(time.Minute))
			if _, err := io.Copy(io.Discard, nc); err != nil && strings.Contains(err.Error(), "timeout") {
				t.Error("a peer that ends no handshake was not closed in a minute")
			}
		})
	}
	if n := c.admission.pending.Load(); n > 768 {
		t.Errorf("%d handshakes of one address are pending", n)
	}
	join("127.0.0.3", 2)
	if err := first.Barrier(t.Context()); err != nil {
		t.Error(err)
	}
	open.Wait()
	eventually(t, "the end of all", func() bool { return c.admission.pending.Load() == 0 && c.admission.waiting.Load() == 0 })
	if err := first.Barrier(t.Context()); err != nil {
		t.Error(err)
	}
	if n := len(book.with("connection refused")); n > 40 {
		t.Errorf("%d lines about a thousand peers", n)
	}
}
