// Package sluiced runs the controller's daemon as a process for tests that are
// about the whole of it: on free ports of this machine, with a state directory of
// its own, without the settings that the environment of the test may hold.
//
// It promises that the process does not outlive the test: Stop ends it and waits
// for it, and the kernel ends it if the test dies first.
package sluiced

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/test/ovs"
)

const (
	startLimit = 60 * time.Second // until it listens, on a machine with one busy core
	stopLimit  = 20 * time.Second // until it has ended; it promises five
	pageLimit  = 20 * time.Second // for a page of its HTTP port
	logLimit   = 1 << 20          // bytes of the log that are kept: its beginning
)

// Daemon is a controller that runs. Its methods may be called from any goroutine.
type Daemon struct {
	OpenFlow, GRPC, HTTP string // where it listens, as HOST:PORT

	cmd   *exec.Cmd
	state string
	ended chan struct{} // closed when it has ended and all it said has been read
	err   error         // how it ended; valid once ended is closed

	mu      sync.Mutex
	log     strings.Builder
	dumping bool // the end of the log is wanted, too
}

// Build builds sluiced and other programs of cmd/ into a folder.
func Build(ctx context.Context, dir string, programs ...string) error {
	return ovs.Build(ctx, dir, append(programs, "sluiced")...)
}

// Start starts a controller and waits until it is ready for switches. More
// arguments are added to its own.
func Start(ctx context.Context, program string, args ...string) (*Daemon, error) {
	state, err := os.MkdirTemp("", "sluiced-state-")
	if err != nil {
		return nil, fmt.Errorf("start sluiced: %w", err)
	}
	args = append([]string{"--openflow", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--state", state, "--log-format", "json"}, args...)
	d := &Daemon{cmd: exec.Command(program, args...), state: state, ended: make(chan struct{})}
	d.cmd.Env = slices.DeleteFunc(os.Environ(), func(x string) bool { return strings.HasPrefix(x, "SLUICE_") })
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	out, err := d.cmd.StderrPipe()
	if err == nil {
		err = d.cmd.Start()
	}
	if err != nil {
		os.RemoveAll(state)
		return nil, fmt.Errorf("start sluiced: %w", err)
	}
	ready := make(chan struct{})
	go d.read(out, ready)

	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	select {
	case <-ready:
		return d, nil
	case <-d.ended:
		err = errors.New("it has ended")
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-limit.C:
		err = fmt.Errorf("not ready after %v", startLimit)
	}
	return nil, errors.Join(fmt.Errorf("start sluiced: %w", err), d.Stop(), errors.New(d.Log()))
}

// read keeps the log, takes the addresses from it, and waits for the end.
func (d *Daemon) read(out io.Reader, ready chan<- struct{}) {
	defer close(d.ended)
	lines := bufio.NewReader(out)
	for told := false; ; {
		text, err := lines.ReadString('\n')
		d.mu.Lock()
		if d.log.Len() < logLimit || d.dumping {
			d.log.WriteString(text)
		}
		d.mu.Unlock()
		if !told {
			var line struct{ Msg, Flag, Addr string }
			_ = json.Unmarshal([]byte(text), &line) // a line that is no JSON says nothing about addresses
			switch {
			case line.Msg == "ready for switches":
				told = true
				close(ready)
			case line.Msg != "listening":
			case line.Flag == "openflow" && d.OpenFlow == "":
				d.OpenFlow = line.Addr
			case line.Flag == "grpc":
				d.GRPC = line.Addr
			case line.Flag == "http":
				d.HTTP = line.Addr
			}
		}
		if err != nil {
			break
		}
	}
	d.err = d.cmd.Wait()
}

// PID is its process id.
func (d *Daemon) PID() int { return d.cmd.Process.Pid }

// Ended is closed when it has ended, which before Stop is a failure.
func (d *Daemon) Ended() <-chan struct{} { return d.ended }

// Log returns what it has said so far, one JSON object a line.
func (d *Daemon) Log() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log.String()
}

// Stop asks it to end and waits for it. It returns how it ended: nil if well.
// Further calls return the same.
func (d *Daemon) Stop() error {
	_ = d.cmd.Process.Signal(syscall.SIGTERM) // fails only if it has ended
	limit := time.NewTimer(stopLimit)
	defer limit.Stop()
	var late error
	select {
	case <-d.ended:
	case <-limit.C:
		late = fmt.Errorf("sluiced has not ended %v after SIGTERM", stopLimit)
		_ = d.cmd.Process.Kill()
		<-d.ended
	}
	os.RemoveAll(d.state)
	return errors.Join(late, d.err)
}

// End is Stop for the end of a test, which fails if the daemon did not end well, or
// said that something is wrong, and then shows the log.
func (d *Daemon) End(t testing.TB) {
	if err := d.Stop(); err != nil {
		t.Error(err)
	}
	for _, line := range ovs.Trouble(d.Log()) {
		t.Error(line)
	}
	if t.Failed() {
		t.Log(d.Log())
	}
}

// Dump ends it as a crash does, with the stacks of its goroutines in the log, and
// returns the log. It is for tests that have failed.
func (d *Daemon) Dump() string {
	d.mu.Lock()
	d.dumping = true
	d.mu.Unlock()
	_ = d.cmd.Process.Signal(syscall.SIGQUIT) // fails only if it has ended
	select {
	case <-d.ended:
	case <-time.After(stopLimit): // Stop kills it
	}
	return d.Log()
}

// Get returns a page of its HTTP port.
func (d *Daemon) Get(ctx context.Context, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, pageLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.HTTP+path, nil)
	if err != nil {
		return nil, err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s: %s", path, resp.Status, b)
	}
	return b, err
}

// Metrics are the samples of /metrics by their name, with its labels as they are
// written: `sluice_connections_ended_total{reason="dead"}`.
type Metrics map[string]float64

// Metrics reads /metrics.
func (d *Daemon) Metrics(ctx context.Context) (Metrics, error) {
	b, err := d.Get(ctx, "/metrics")
	if err != nil {
		return nil, err
	}
	m := make(Metrics)
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		i := strings.LastIndexByte(line, ' ')
		if i < 0 || line[0] == '#' {
			continue
		}
		if m[line[:i]], err = strconv.ParseFloat(line[i+1:], 64); err != nil {
			return nil, fmt.Errorf("read /metrics: %q: %w", line, err)
		}
	}
	return m, nil
}

// Sum adds the samples of a metric over its labels.
func (m Metrics) Sum(name string) (sum float64) {
	for key, v := range m {
		if key == name || strings.HasPrefix(key, name+"{") {
			sum += v
		}
	}
	return sum
}
