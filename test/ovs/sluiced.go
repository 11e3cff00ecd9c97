package ovs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

// The controller's addresses, as seen from the switch's namespace: its defaults.
const (
	GRPCAddr = "127.0.0.1:8653"
	HTTPAddr = "127.0.0.1:9653"
)

// Build builds the programs of cmd/ that are named into a folder. It needs the
// module's source, and the go command.
func Build(ctx context.Context, dir string, programs ...string) error {
	_, file, _, _ := runtime.Caller(0)
	args := []string{"build", "-o", dir + string(os.PathSeparator)}
	for _, p := range programs {
		args = append(args, "./cmd/"+p)
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = filepath.Join(filepath.Dir(file), "..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		return &CommandError{Args: cmd.Args, Output: string(out), Err: err}
	}
	return nil
}

// Main runs the tests of a package with programs of cmd/ in a folder, whose name it
// puts into dir, and returns how they ended. The folder goes with the process.
func Main(m *testing.M, dir *string, programs ...string) (code int) {
	failed := func(err error) int {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	folder, remove, err := Folder()
	if err != nil {
		return failed(err)
	}
	defer func() {
		if err := remove(); err != nil {
			code = failed(err)
		}
	}()
	*dir = folder
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	if err := Build(ctx, folder, programs...); err != nil {
		return failed(err)
	}
	return m.Run()
}

// StartSluiced starts a controller beside the switch, on its default addresses
// and with its state in the network's folder, and waits until it says that it is
// ready. More arguments are added to its own. A second start continues with the
// same state, and appends to the same log.
func (n *Net) StartSluiced(ctx context.Context, program string, args ...string) (*Process, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	p, err := n.Go("sluiced", append([]string{program, "--state", n.path("state")}, args...)...)
	if err != nil {
		return nil, err
	}
	err = Wait(ctx, "sluiced to be ready", func(ctx context.Context) error {
		select {
		case <-p.done:
			return fmt.Errorf("it has ended: %w", p.err)
		default:
		}
		status, body, err := n.HTTP(ctx, "/readyz")
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("/readyz: %d: %s", status, body)
		}
		return err
	})
	if err != nil {
		return nil, errors.Join(err, errors.New(tail(p.Output(), 10)))
	}
	return p, nil
}

// HTTP reads a page of the controller, such as /metrics.
func (n *Net) HTTP(ctx context.Context, path string) (status int, body string, err error) {
	return n.HTTPFrom(ctx, HTTPAddr, path)
}

// HTTPFrom is HTTP of a controller on another address.
func (n *Net) HTTPFrom(ctx context.Context, addr, path string) (status int, body string, err error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		return 0, "", err
	}
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return n.Dial(ctx, network, address)
		},
	}}
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

// trouble is a line of the controller's log that no healthy run has: one of
// level error or above, an OpenFlow error that nobody asked for, or what the
// runtime prints when a program goes down or races.
var trouble = regexp.MustCompile(`(?i)level"?[=:]"?(error|fatal|panic)|openflow[ _]error|panic:|panicked|^goroutine \d+ |DATA RACE|fatal error:`)

// Trouble returns the lines of a controller's log that tell of trouble, except
// those in which one of the expected texts occurs.
func Trouble(log string, expected ...string) []string {
	var found []string
lines:
	for line := range strings.Lines(log) {
		if !trouble.MatchString(line) {
			continue
		}
		for _, e := range expected {
			if strings.Contains(line, e) {
				continue lines
			}
		}
		found = append(found, strings.TrimRight(line, "\n"))
	}
	return found
}
