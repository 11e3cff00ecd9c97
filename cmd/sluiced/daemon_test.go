package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"

	"github.com/sluice-sdn/sluice/controller/channel"
)

// anyPorts are settings under which a daemon can always start.
func anyPorts() *settings {
	s := defaults()
	s.openflow = endpoints{{Transport: channel.TransportTCP, Addr: "127.0.0.1:0"}}
	s.grpc, s.http = "127.0.0.1:0", "127.0.0.1:0"
	return s
}

// start runs a daemon in this process until the test ends, and then sees that
// it ended well and left no goroutine.
func start(t *testing.T, s *settings) *daemon {
	t.Helper()
	here := goleak.IgnoreCurrent()
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	d, err := newDaemon(t.Context(), s, logger)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- d.run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
		goleak.VerifyNone(t, here)
	})
	waitReady(t, d.listeners.http.Addr().String())
	return d
}

// waitReady waits until /readyz says ok.
func waitReady(t *testing.T, addr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		status, body := get(t, "http://"+addr+"/readyz")
		if status == http.StatusOK {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("not ready: %s", body)
		case <-tick.C:
		}
	}
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

type reply struct {
	Status int
	Body   string
}

func TestHTTP(t *testing.T) {
	d := start(t, anyPorts())
	base := "http://" + d.listeners.http.Addr().String()

	for path, want := range map[string]reply{
		"/healthz":     {200, "ok\n"},
		"/readyz":      {200, "ok\n"},
		"/v1/switches": {200, `{"switches":[]}`},
		"/nothing":     {404, "404 page not found\n"},
	} {
		var got reply
		got.Status, got.Body = get(t, base+path)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("GET %s (-want +got):\n%s", path, diff)
		}
	}

	status, metrics := get(t, base+"/metrics")
	if status != http.StatusOK {
		t.Fatalf("GET /metrics: status %d: %s", status, metrics)
	}
	for _, name := range []string{"sluice_build_info{", "sluice_switches", "sluice_l2switch_hosts ", "go_goroutines ", "process_open_fds "} {
		if !strings.Contains(metrics, "\n"+name) {
			t.Errorf("/metrics lacks %s", name)
		}
	}
	problems, err := promlint.New(strings.NewReader(metrics)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("/metrics: %s: %s", p.Metric, p.Text)
	}
}

// A client that does not finish its request is cut off at the end.
func TestSlowHTTPClient(t *testing.T) {
	var conn net.Conn
	t.Cleanup(func() { // after the daemon has ended
		if conn != nil {
			conn.Close()
		}
	})
	d := start(t, anyPorts())
	var err error
	conn, err = net.Dial("tcp", d.listeners.http.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "POST /v1/switches/s1/flows HTTP/1.1\r\nHost: sluiced\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
	// The server says this when the handler waits for the body.
	const want = "HTTP/1.1 100 Continue\r\n"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != want {
		t.Fatalf("answer %q, error %v; want %q", got, err, want)
	}
}

// Before anything is served the daemon lives, but is not ready and says why.
func TestNotReady(t *testing.T) {
	d, err := newDaemon(t.Context(), anyPorts(), logrus.New())
	if err != nil {
		t.Fatal(err)
	}
	defer d.gateway.close()
	defer d.listeners.close()
	for path, want := range map[string]reply{
		"/readyz":  {503, "not listening for switches\n"},
		"/healthz": {200, "ok\n"},
	} {
		rec := httptest.NewRecorder()
		d.http.Handler.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
		if diff := cmp.Diff(want, reply{rec.Code, rec.Body.String()}); diff != "" {
			t.Errorf("GET %s (-want +got):\n%s", path, diff)
		}
	}
}

// The command in the log has an address that switches can use.
func TestConnectCommand(t *testing.T) {
	for _, test := range []struct {
		transport  channel.Transport
		addr, want string
	}{
		{channel.TransportTCP, "[::]:6653", "tcp:HOST:6653"},
		{channel.TransportTCP, "0.0.0.0:1234", "tcp:HOST:1234"},
		{channel.TransportTCP, "192.0.2.1:6653", "tcp:192.0.2.1:6653"},
		{channel.TransportTLS, "[::1]:6653", "ssl:[::1]:6653"},
		{channel.TransportUnix, "/run/s.sock", "unix:/run/s.sock"},
	} {
		ln := openflowListener{fixedAddr(test.addr), test.transport}
		if got := ln.connectCommand(); got != "ovs-vsctl set-controller BRIDGE "+test.want {
			t.Errorf("for %s: %q", test.addr, got)
		}
	}
}

// fixedAddr is a listener that has an address and nothing else.
type fixedAddr string

func (a fixedAddr) Addr() net.Addr          { return a }
func (fixedAddr) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (fixedAddr) Close() error              { return nil }
func (fixedAddr) Network() string           { return "fixed" }
func (a fixedAddr) String() string          { return string(a) }

// A part that fails ends the others, and its error is the daemon's.
func TestPartFails(t *testing.T) {
	for _, part := range []string{"openflow", "grpc", "http"} {
		t.Run(part, func(t *testing.T) {
			here := goleak.IgnoreCurrent()
			logger := logrus.New()
			logger.SetOutput(io.Discard)
			d, err := newDaemon(t.Context(), anyPorts(), logger)
			if err != nil {
				t.Fatal(err)
			}
			broken := map[string]net.Listener{"openflow": d.listeners.openflow[0], "grpc": d.listeners.grpc, "http": d.listeners.http}[part]
			broken.Close()
			if err := d.run(t.Context()); err == nil || !strings.Contains(err.Error(), "use of closed network connection") {
				t.Errorf("run: error %v", err)
			}
			goleak.VerifyNone(t, here)
		})
	}
}

func TestPortInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	unset := func(string) (string, bool) { return "", false }
	for _, flag := range []string{"--openflow", "--grpc", "--http"} {
		t.Run(flag, func(t *testing.T) {
			here := goleak.IgnoreCurrent()
			args := []string{"--openflow=127.0.0.1:0", "--grpc=127.0.0.1:0", "--http=127.0.0.1:0", flag, taken.Addr().String()}
			var stderr strings.Builder
			if status := run(t.Context(), args, unset, io.Discard, &stderr); status != 1 {
				t.Errorf("exit status %d, want 1", status)
			}
			want := fmt.Sprintf("sluiced: %s %s: bind: address already in use; stop what listens there or choose another address\n", flag, taken.Addr())
			if diff := cmp.Diff(want, stderr.String()); diff != "" {
				t.Errorf("standard error (-want +got):\n%s", diff)
			}
			goleak.VerifyNone(t, here)
		})
	}
}

func TestStateDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	if err := directory(dir).prepare(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, want its owner's alone", info.Mode())
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, error %v", left, err)
	}
}
