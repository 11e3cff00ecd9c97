package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// process is sluiced as its users run it.
type process struct {
	cmd   *exec.Cmd
	lines chan string       // of its standard error; closed at its end
	addrs map[string]string // by flag
}

// launch starts the binary and waits until it listens everywhere.
func launch(t *testing.T, binary string, args ...string) *process {
	t.Helper()
	p := &process{
		cmd: exec.Command(binary, append([]string{"--log-format", "json",
			"--openflow", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"}, args...)...),
		lines: make(chan string, 1000),
		addrs: make(map[string]string),
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // fails if it has ended, as it should
		for range p.lines {
		}
		_ = p.cmd.Wait()
	})
	go func() {
		defer close(p.lines)
		in := bufio.NewScanner(stderr)
		for in.Scan() {
			p.lines <- in.Text()
		}
	}()
	for len(p.addrs) < 3 {
		line := p.await(t, "listening")
		p.addrs[fmt.Sprint(line["flag"])] = fmt.Sprint(line["addr"])
	}
	if ready := p.await(t, "ready for switches"); ready["connect"] != "ovs-vsctl set-controller BRIDGE tcp:"+p.addrs["openflow"] {
		t.Errorf("says how to connect: %q", ready["connect"])
	}
	waitReady(t, p.addrs["http"])
	return p
}

// await reads log lines up to one with that message.
func (p *process) await(t *testing.T, message string) map[string]any {
	t.Helper()
	limit := time.After(30 * time.Second)
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				t.Fatalf("ended before it logged %q", message)
			}
			fields := make(map[string]any)
			if err := json.Unmarshal([]byte(line), &fields); err != nil {
				t.Fatalf("log line %s: %v", line, err)
			}
			if fields["msg"] == message {
				return fields
			}
		case <-limit:
			t.Fatalf("did not log %q", message)
		}
	}
}

// end waits for the process and returns the rest of what it wrote, its exit
// status and how long it took.
func (p *process) end(t *testing.T) (rest []string, status int, took time.Duration) {
	t.Helper()
	began := time.Now()
	limit := time.After(30 * time.Second)
	for {
		select {
		case line, ok := <-p.lines:
			if ok {
				rest = append(rest, line)
				continue
			}
		case <-limit:
			t.Fatalf("does not end; it wrote:\n%s", strings.Join(rest, "\n"))
		}
		break
	}
	if exit := new(exec.ExitError); !errors.As(p.cmd.Wait(), &exit) {
		return rest, 0, time.Since(began)
	} else {
		return rest, exit.ExitCode(), time.Since(began)
	}
}

func (p *process) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func buildBinary(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "sluiced")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

func TestProcess(t *testing.T) {
	binary := buildBinary(t)

	// Clients that would never go by themselves do not hold up the end.
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(s.String(), func(t *testing.T) {
			p := launch(t, binary)
			silentSwitch := dial(t, p.addrs["openflow"])
			silentClient := dial(t, p.addrs["http"])
			watch := watchHealth(t, p.addrs["grpc"])

			p.signal(t, s)
			rest, status, took := p.end(t)
			if status != 0 || took > 5*time.Second {
				t.Errorf("exit status %d after %v, want 0 within 5 s; it wrote:\n%s", status, took, strings.Join(rest, "\n"))
			}
			for _, line := range rest {
				if strings.Contains(line, `"level":"error"`) {
					t.Errorf("logged while ending: %s", line)
				}
			}
			for name, conn := range map[string]net.Conn{"switch": silentSwitch, "HTTP client": silentClient} {
				if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("the connection of the %s is still open", name)
				}
			}
			if _, err := watch.Recv(); err == nil {
				t.Error("the gRPC stream is still open")
			}
		})
	}

	t.Run("SIGTERM twice", func(t *testing.T) {
		p := launch(t, binary)
		watchHealth(t, p.addrs["grpc"])
		p.signal(t, syscall.SIGTERM)
		p.await(t, "shutting down")
		p.signal(t, syscall.SIGTERM)
		rest, status, took := p.end(t)
		if status != 0 || took > 5*time.Second || len(rest) == 0 || !strings.Contains(rest[len(rest)-1], `"ended"`) {
			t.Errorf("exit status %d after %v, wrote %q; want a clean end", status, took, rest)
		}
	})

	t.Run("second signal", func(t *testing.T) {
		p := launch(t, binary, "--apps", "none")
		p.waitingWrite(t) // a call that draining waits for
		p.signal(t, syscall.SIGTERM)
		p.await(t, "shutting down")
		p.signal(t, syscall.SIGINT)
		rest, status, _ := p.end(t)
		const want = "sluiced: signal: interrupt again: ended at once"
		if status != 1 || len(rest) == 0 || rest[len(rest)-1] != want {
			t.Errorf("exit status %d, wrote %q; want 1 and %q", status, rest, want)
		}
	})
}

// waitingWrite begins a call that waits for a switch which never confirms, and
// returns when the switch has been sent what it is to confirm.
func (p *process) waitingWrite(t *testing.T) {
	t.Helper()
	patience, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	sw := simswitch.New(simswitch.Config{Name: "br0"})
	t.Cleanup(sw.Close)
	if err := sw.Dial(patience, p.addrs["openflow"]); err != nil {
		t.Fatal(err)
	}
	p.await(t, "switch connected")
	sw.SetFaults(simswitch.Silent(ofp.TypeBarrierRequest))
	conn, err := grpc.NewClient(p.addrs["grpc"], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	written := make(chan struct{})
	t.Cleanup(func() { conn.Close(); <-written })
	go func() {
		defer close(written)
		_, _ = sluicev1.NewFlowServiceClient(conn).WriteFlows(patience, &sluicev1.WriteFlowsRequest{Switch: "br0", Changes: []*sluicev1.FlowChange{
			{Change: &sluicev1.FlowChange_Add{Add: &sluicev1.FlowSpec{Form: &sluicev1.FlowSpec_Text{Text: "actions=drop"}}}},
		}}) // ends with the process
	}()
	if err := sw.Await(patience, func() bool { return sw.Received(ofp.TypeFlowMod) == 1 }); err != nil {
		t.Fatal(err)
	}
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// watchHealth begins a call that lasts, and waits for its first answer.
func watchHealth(t *testing.T, addr string) grpc.ServerStreamingClient[healthpb.HealthCheckResponse] {
	t.Helper()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	stream, err := healthpb.NewHealthClient(conn).Watch(ctx, &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	return stream
}
