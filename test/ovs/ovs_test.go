package ovs_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/test/ovs"
)

// pair starts a switch with one bridge that forwards by itself, and two hosts.
func pair(t *testing.T) (*ovs.Net, *ovs.Host, *ovs.Host) {
	t.Helper()
	n := ovs.New(t)
	ctx := t.Context()
	check(t, n.AddBridge(ctx, ovs.Bridge{Name: "br0", DPID: 0xabc, Protocols: []string{"OpenFlow13"}}))
	_, err := n.Ofctl(ctx, "add-flow", "br0", "actions=NORMAL")
	check(t, err)
	h1, err := n.AddHost(ctx, "br0", "h1", "10.0.0.1/24")
	check(t, err)
	h2, err := n.AddHost(ctx, "br0", "h2", "10.0.0.2/24")
	check(t, err)
	return n, h1, h2
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func ping(t *testing.T, from, to *ovs.Host) ovs.Pings {
	t.Helper()
	p, err := from.Ping(t.Context(), to, 2)
	check(t, err)
	return p
}

func TestHostsReachEachOther(t *testing.T) {
	t.Parallel()
	n, h1, h2 := pair(t)
	if p := ping(t, h1, h2); p.Lost() != 0 {
		t.Errorf("ping: %v\n%s", p, p.Output)
	}

	// The flows decide: without them nothing passes.
	_, err := n.Ofctl(t.Context(), "del-flows", "br0")
	check(t, err)
	if p := ping(t, h1, h2); p.Received != 0 {
		t.Errorf("ping without flows: %v", p)
	}
}

func TestTCP(t *testing.T) {
	t.Parallel()
	_, h1, h2 := pair(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	ln, err := h2.Listen(ctx, "10.0.0.2:80")
	check(t, err)
	defer ln.Close()

	const size = 1 << 20
	sent := make(chan error, 1)
	go func() {
		c, err := ln.Accept()
		if err != nil {
			sent <- err
			return
		}
		defer c.Close()
		_, err = c.Write(make([]byte, size))
		sent <- err
	}()
	c, err := h1.Dial(ctx, "tcp", "10.0.0.2:80")
	check(t, err)
	defer c.Close()
	deadline, _ := ctx.Deadline()
	check(t, c.SetDeadline(deadline))
	got, err := io.Copy(io.Discard, c)
	check(t, err)
	check(t, <-sent)
	if got != size {
		t.Errorf("received %d bytes, want %d", got, size)
	}
}

func TestRestartKeepsTheDatabase(t *testing.T) {
	t.Parallel()
	n, h1, h2 := pair(t)
	ctx := t.Context()
	old := n.Vswitchd().PID()
	n.KillVswitchd()
	check(t, n.StartVswitchd(ctx))
	if n.Vswitchd().PID() == old {
		t.Fatal("the same process")
	}
	if p := ping(t, h1, h2); p.Received != 0 {
		t.Errorf("flows survived kill -9: %v", p)
	}
	_, err := n.Ofctl(ctx, "add-flow", "br0", "actions=NORMAL")
	check(t, err)
	if p := ping(t, h1, h2); p.Lost() != 0 {
		t.Errorf("ping after the restart: %v\n%s", p, p.Output)
	}
	out, err := n.Vsctl(ctx, "get", "bridge", "br0", "datapath_id", "protocols")
	check(t, err)
	if want := "\"0000000000000abc\"\n[OpenFlow13]\n"; out != want {
		t.Errorf("bridge is %q, want %q", out, want)
	}
}

func TestRunBoundsAndReports(t *testing.T) {
	t.Parallel()
	n := ovs.New(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := n.Run(ctx, "sh", "-c", "sleep 60 & wait"); err == nil || !strings.Contains(err.Error(), "deadline") {
		t.Errorf("a command over its deadline: %v", err)
	}
	_, err := n.Run(t.Context(), "sh", "-c", "echo what it said >&2; exit 3")
	if err == nil || !strings.Contains(err.Error(), "what it said") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("a command that failed: %v", err)
	}
}

func TestStopLeavesNothing(t *testing.T) {
	t.Parallel()
	n, _, _ := pair(t)
	// One that does not listen to SIGTERM, and whose child has another parent.
	_, err := n.Go("stubborn", "sh", "-c", "trap '' TERM; (sleep 300 &); sleep 300")
	check(t, err)
	pids, err := n.Run(t.Context(), "ip", "netns", "pids", n.Name)
	check(t, err)
	if len(strings.Fields(pids)) < 4 {
		t.Fatalf("processes in the namespace: %q", pids)
	}
	check(t, n.Stop())
	check(t, left(n.Name, n.Dir, strings.Fields(pids)))
	check(t, n.Stop()) // once more changes nothing
}

// left says what is there of a network that should be gone.
func left(name, dir string, pids []string) error {
	if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("%s is left", dir)
	}
	if spaces, _ := filepath.Glob("/run/netns/" + name + "*"); len(spaces) > 0 {
		return fmt.Errorf("namespaces are left: %v", spaces)
	}
	for _, pid := range pids {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err == nil && !strings.Contains(string(stat), ") Z ") {
			return fmt.Errorf("process %s is left: %s", pid, stat)
		}
	}
	return nil
}

// TestOwnerKilled starts this test's binary as another process, kills it when
// its switch is up, and waits until nothing of it is left.
func TestOwnerKilled(t *testing.T) {
	ovs.Require(t)
	if out := os.Getenv("SLUICE_TEST_OWNER"); out != "" {
		n, _, _ := pair(t)
		pids, err := n.Run(t.Context(), "ip", "netns", "pids", n.Name)
		check(t, err)
		check(t, os.WriteFile(out+".new", []byte(n.Name+"\n"+n.Dir+"\n"+pids), 0o600))
		check(t, os.Rename(out+".new", out))
		<-t.Context().Done() // until killed, or the test's own timeout
		return
	}
	t.Parallel()
	for _, how := range []string{"INT", "KILL"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
			defer cancel()
			report := filepath.Join(t.TempDir(), "report")
			owner := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestOwnerKilled$", "-test.timeout=50s")
			owner.Env = append(os.Environ(), "SLUICE_TEST_OWNER="+report)
			check(t, owner.Start())
			defer func() {
				_ = owner.Process.Kill()
				_ = owner.Wait()
			}()
			var told []byte
			check(t, ovs.Wait(ctx, "the other process", func(context.Context) (err error) {
				told, err = os.ReadFile(report)
				return err
			}))
			check(t, exec.Command("kill", "-"+how, strconv.Itoa(owner.Process.Pid)).Run())
			lines := strings.Fields(string(told))
			check(t, ovs.Wait(ctx, "the guard", func(context.Context) error {
				return left(lines[0], lines[1], lines[2:])
			}))
		})
	}
}
