package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// commands is how each controller is started on a port of 127.0.0.1; dir is an
// empty folder of its own.
var commands = map[string]func(p *plan, port int, dir string) []string{
	"floor": func(p *plan, port int, _ string) []string {
		return []string{filepath.Join(p.bin, "floor"), "-listen", "127.0.0.1:" + strconv.Itoa(port)}
	},
	"sluiced": func(p *plan, port int, dir string) []string {
		dir = cmp.Or(p.state, dir)
		return []string{
			filepath.Join(p.bin, "sluiced"), "--openflow", "127.0.0.1:" + strconv.Itoa(port),
			"--grpc", "127.0.0.1:0", "--http", "127.0.0.1:" + strconv.Itoa(p.http), "--state", dir, "--apps", "l2switch", "--log-level", "warn",
		}
	},
	"ovs-testcontroller": func(_ *plan, port int, dir string) []string {
		return []string{
			"ovs-testcontroller", fmt.Sprintf("ptcp:%d:127.0.0.1", port),
			"--unixctl=" + filepath.Join(dir, "ctl"), "-vconsole:off", "-vsyslog:off",
		}
	},
}

const (
	startDeadline = 10 * time.Second
	stopDeadline  = 6 * time.Second
)

// freePort returns a port of 127.0.0.1 that nobody listens on.
func freePort() (int, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port, nil
}

// child is a controller that runs.
type child struct {
	cmd    *exec.Cmd
	output bytes.Buffer
	ended  chan struct{} // closed when it has ended and been waited for
	dir    string
	port   int
}

// start starts a controller on these cores and waits until it listens. The kernel
// ends it if this process dies; else stop does.
func start(ctx context.Context, p *plan, name, cores string) (*child, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "sluice-bench-")
	if err != nil {
		return nil, err
	}
	args := append([]string{"-c", cores}, commands[name](p, port, dir)...)
	c := &child{cmd: exec.Command("taskset", args...), ended: make(chan struct{}), dir: dir, port: port}
	c.cmd.Stdout, c.cmd.Stderr = &c.output, &c.output
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := c.cmd.Start(); err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("start: %w", err)
	}
	go func() {
		_ = c.cmd.Wait() // how it ended shows in its output
		close(c.ended)
	}()
	if err := c.listening(ctx); err != nil {
		c.stop()
		return nil, fmt.Errorf("%w; it said: %s", err, strings.TrimSpace(c.output.String()))
	}
	return c, nil
}

// listening waits until the kernel shows that somebody listens on the port. It
// does not connect: that would be a switch which says nothing.
func (c *child) listening(ctx context.Context) error {
	deadline := time.NewTimer(startDeadline)
	defer deadline.Stop()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
			if b, err := os.ReadFile(table); err == nil && listens(string(b), c.port) {
				return nil
			}
		}
		select {
		case <-poll.C:
		case <-c.ended:
			return fmt.Errorf("it ended at once")
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-deadline.C:
			return fmt.Errorf("it does not listen on port %d after %v", c.port, startDeadline)
		}
	}
}

// listens reads /proc/net/tcp: the second word of a line is the local address in
// hexadecimal, the fourth is 0A for a socket that listens.
func listens(table string, port int) bool {
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) > 3 && f[3] == "0A" && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", port)) {
			return true
		}
	}
	return false
}

// stop ends the controller and waits for it.
func (c *child) stop() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // fails only if it has ended
	select {
	case <-c.ended:
	case <-time.After(stopDeadline):
		_ = c.cmd.Process.Kill()
		<-c.ended
	}
	os.RemoveAll(c.dir)
}
