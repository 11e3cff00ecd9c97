package controller

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
)

const cannotConnect = "cannot connect to a switch; trying again until it works"

// TestConnect: the controller tries until the switch is there, less and less
// often, says what fails once, and comes back when the connection ends.
func TestConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, logs := newLog()
		c, err := New(Config{Logger: log})
		if err != nil {
			t.Fatal(err)
		}
		refused, unreachable := errors.New("refused"), errors.New("unreachable")
		began := time.Now()
		var mu sync.Mutex
		var tries []time.Duration
		answer := refused
		var p *peer
		set := func(a error) {
			mu.Lock()
			defer mu.Unlock()
			answer = a
		}
		tried := func(forget bool) []time.Duration {
			mu.Lock()
			defer mu.Unlock()
			all := tries
			if forget {
				tries = nil
			}
			return all
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- c.connect(ctx, "tcp:sw1:6653", func(context.Context) (net.Conn, error) {
				mu.Lock()
				defer mu.Unlock()
				tries = append(tries, time.Since(began))
				if answer != nil {
					return nil, answer
				}
				ours, theirs := net.Pipe()
				p = newPeer(t, ofp.V13, 7)
				p.over(theirs)
				return ours, nil
			})
		}()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		first := tried(true)
		// 1, 2, 4, 8, 16 and then 30 seconds, a fifth more or less.
		if len(first) < 12 || len(first) > 19 {
			t.Errorf("%d tries in five minutes: %v", len(first), first)
		}
		for i, at := range first[1:] {
			want := min(time.Second<<i, 30*time.Second)
			if gap := at - first[i]; gap < want*4/5 || gap > want*6/5 {
				t.Errorf("try %d came after %v, want about %v", i+2, gap, want)
			}
		}
		set(unreachable)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		set(nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		if c.byDPID(7) == nil {
			t.Fatal("the switch is not there")
		}
		set(refused)
		tried(true)
		mu.Lock()
		p.nc.Close()
		mu.Unlock()
		synctest.Wait()
		ended := time.Now()
		for len(tried(false)) == 0 {
			time.Sleep(10 * time.Millisecond)
		}
		if again := time.Since(ended); again > 1300*time.Millisecond {
			t.Errorf("a connection that worked is tried again after %v", again)
		}
		set(nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		if c.byDPID(7) == nil {
			t.Error("the switch is not there again")
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		var said []string
		for _, l := range logs.with(cannotConnect) {
			said = append(said, fmt.Sprint(l.Data["connect"], ": ", l.Data["error"]))
		}
		if diff := cmp.Diff([]string{"tcp:sw1:6653: refused", "tcp:sw1:6653: unreachable", "tcp:sw1:6653: refused"}, said); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
		if up, down := len(logs.with("switch connected")), len(logs.with("switch disconnected")); up != 2 || down != 2 {
			t.Errorf("%d lines of coming, %d of going", up, down)
		}
	})
}

// TestConnectToNoSwitch: what is said by one who is no switch is one line, however
// often it is said.
func TestConnectToNoSwitch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, logs := newLog()
		c, err := New(Config{Logger: log})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- c.connect(ctx, "tcp:web:80", func(context.Context) (net.Conn, error) {
				n++
				ours, theirs := net.Pipe()
				go func() {
					defer theirs.Close()
					_, _ = theirs.Read(make([]byte, 100))
					fmt.Fprintf(theirs, "GET /%d", n)
				}()
				return ours, nil
			})
		}()
		time.Sleep(5 * time.Minute)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if lines := logs.with(cannotConnect); n < 10 || len(lines) != 1 || fmt.Sprint(lines[0].Data["error"]) != "http: the peer speaks HTTP" {
			t.Errorf("%d tries, log: %v", n, lines)
		}
		if got := c.stats.Refused[channel.ReasonHTTP].Load(); got != uint64(n) {
			t.Errorf("%d counted of %d", got, n)
		}
	})
}

// TestConnectTo: by a real socket.
func TestConnectTo(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	log, _ := newLog()
	c, err := New(Config{Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- c.Connect(ctx, channel.Endpoint{Transport: channel.TransportTCP, Addr: ln.Addr().String()})
	}()
	nc, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	newPeer(t, ofp.V13, 7).over(nc)
	eventually(t, "the switch", func() bool { return c.byDPID(7) != nil })
	if addr := c.byDPID(7).Addr().String(); addr != ln.Addr().String() {
		t.Errorf("the switch is at %s, want %s", addr, ln.Addr())
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := c.Connect(t.Context(), channel.Endpoint{Transport: channel.TransportTLS, Addr: "127.0.0.1:1"}); err == nil {
		t.Error("TLS without a certificate is tried")
	}
}

// TestReconnectLoop: a switch that comes and goes all the time, and one that is
// refused all the time, cost a few lines.
func TestReconnectLoop(t *testing.T) {
	c := serve(t, Config{ConnectRate: -1, ConnectRateTotal: -1})
	for range 200 {
		nc, err := net.Dial("tcp", c.addr)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(nc, "GET / HTTP/1.0\r\n\r\n")
		_, _ = nc.Read(make([]byte, 1000))
		nc.Close()
		p := newPeer(t, ofp.V13, 7).dial(c.addr)
		c.sw(t, 7)
		p.nc.Close()
		eventually(t, "its end", func() bool { return c.byDPID(7) == nil })
	}
	eventually(t, "200 refusals", func() bool { return c.stats.Refused[channel.ReasonHTTP].Load() == 200 })
	for _, line := range []string{"connection refused", "switch connected", "switch disconnected"} {
		if n := len(c.logs.with(line)); n < quietBurst || n > 100 {
			t.Errorf("%d lines: %s", n, line)
		}
	}
}

// TestHelloLoop: a peer that says nothing but hello is closed when its time is up,
// and one that goes on doing so as a switch costs no memory.
func TestHelloLoop(t *testing.T) {
	c := serve(t, Config{Channel: channel.Config{FeaturesTimeout: 300 * time.Millisecond}})
	nc, err := net.Dial("tcp", c.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	hello, err := ofp.Append(nil, ofp.V13, 1, ofp.NewHello(ofp.V13))
	if err != nil {
		t.Fatal(err)
	}
	many := hello
	for len(many) < 1<<16 {
		many = append(many, many...)
	}
	if err := nc.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = nc.Write(many)
	}
	if netErr, ok := errors.AsType[net.Error](err); ok && netErr.Timeout() {
		t.Fatal("not closed in a minute")
	}
	eventually(t, "a refusal", func() bool { return c.stats.Refused[channel.ReasonFeaturesTimeout].Load() == 1 })

	p := newPeer(t, ofp.V13, 7).dial(c.addr)
	s := c.sw(t, 7)
	for range 100 {
		p.mu.Lock()
		_, err := p.nc.Write(many)
		p.mu.Unlock()
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Barrier(t.Context()); err != nil {
		t.Error(err)
	}
	if batches, bytes, _ := s.conn.Queued(); batches != 0 || bytes != 0 {
		t.Errorf("%d batches and %d bytes are queued", batches, bytes)
	}
}
