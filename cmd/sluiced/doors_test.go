package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// TestDoor: one connection too many is closed at once, counted and told of, and there
// is room when another one ends.
func TestDoor(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	const most = 3
	log, lines := logtest.NewNullLogger()
	d := newDoors(log)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "here") }))
	server.Listener.Close()
	server.Listener = d.bound(ln, "http", most)
	server.Start()
	defer server.Close()

	ask := func(conn net.Conn) (string, error) {
		_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			return "", err
		}
		b := make([]byte, 1000)
		n, err := conn.Read(b)
		return string(b[:n]), err
	}
	var guests []net.Conn
	enter := func() (net.Conn, error) {
		conn, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		text, err := ask(conn)
		if err == nil && !strings.HasSuffix(text, "here\n") {
			t.Fatalf("answer %q", text)
		}
		return conn, err
	}
	for range most {
		conn, err := enter()
		if err != nil {
			t.Fatal(err)
		}
		guests = append(guests, conn)
	}
	for range 5 {
		if _, err := enter(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("one too many: %v", err)
		}
	}
	if _, err := ask(guests[0]); err != nil {
		t.Errorf("one that was there before: %v", err)
	}
	if n := testutil.ToFloat64(d.refused); n != 5 {
		t.Errorf("%v refused", n)
	}
	if n := testutil.ToFloat64(d.connections); n != most {
		t.Errorf("%v connections", n)
	}
	if n := len(lines.AllEntries()); n == 0 || n > 5 || lines.LastEntry().Data["server"] != "http" || lines.LastEntry().Data["most"] != most {
		t.Errorf("%d lines, the last %v", n, lines.LastEntry())
	}
	for range 10 {
		guests[0].Close()
		for end := time.Now().Add(30 * time.Second); testutil.ToFloat64(d.connections) == most; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("no place comes back")
			}
		}
		if guests[0], err = enter(); err != nil {
			t.Fatalf("there is room: %v", err)
		}
	}
}

// TestDoorsOfTheDaemon: both servers have doors, and the switches' connections none of
// them.
func TestDoorsOfTheDaemon(t *testing.T) {
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	d, err := newDaemon(t.Context(), anyPorts(), logger)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	at := d.listeners.http.Addr().String()
	waitReady(t, at)
	conn, err := grpc.NewClient(d.listeners.grpc.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := healthpb.NewHealthClient(conn).Check(t.Context(), &healthpb.HealthCheckRequest{}); err != nil {
		t.Fatal(err)
	}
	r, err := http.Get("http://" + at + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r.Body)
	r.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	for _, want := range []string{
		`sluice_client_connections{server="grpc"} 1`, `sluice_client_connections{server="http"} `,
		`sluice_client_connections_refused_total{server="grpc"} 0`, `sluice_client_connections_refused_total{server="http"} 0`,
	} {
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%v, and no %s in\n%s", err, want, text)
		}
	}
	for _, ln := range []net.Listener{d.listeners.grpc, d.listeners.http} {
		if door, ok := ln.(*door); !ok || cap(door.places) != maxClients {
			t.Errorf("%T at %v", ln, ln.Addr())
		}
	}
}
