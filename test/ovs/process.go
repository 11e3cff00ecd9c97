package ovs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// commandTimeout bounds every command whose context has no earlier deadline.
const commandTimeout = 15 * time.Second

// CommandError is what a command that failed has said.
type CommandError struct {
	Args   []string
	Output string // what it wrote to both outputs
	Err    error  // *exec.ExitError, or why it could not run
}

func (e *CommandError) Error() string {
	return fmt.Sprintf("%s: %v: %s", strings.Join(e.Args, " "), e.Err, strings.TrimSpace(e.Output))
}

func (e *CommandError) Unwrap() error { return e.Err }

// Run runs a command in the switch's namespace, with the environment that
// points Open vSwitch's tools at the private switch, and returns what it wrote
// to its standard output. It takes at most 15 seconds where ctx gives no other
// deadline. The error is a *[CommandError].
func (n *Net) Run(ctx context.Context, args ...string) (string, error) {
	return n.run(ctx, n.Name, args...)
}

func (n *Net) run(ctx context.Context, namespace string, args ...string) (string, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, commandTimeout)
		defer cancel()
	}
	cmd := n.Command(ctx, args...)
	var said transcript
	cmd.Stdout, cmd.Stderr = transcriptStdout{&said}, &said
	err := inside(namespace, cmd.Start)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil && ctx.Err() != nil {
		err = errors.Join(err, context.Cause(ctx))
	}
	if err != nil {
		return said.stdout.String(), &CommandError{Args: args, Output: said.both.String(), Err: err}
	}
	return said.stdout.String(), nil
}

// transcript keeps what a command writes to its standard output, and what it
// writes to either output in the order of arrival. Both are written at once.
type transcript struct {
	mu           sync.Mutex
	stdout, both bytes.Buffer
}

// Write takes a piece of the standard error.
func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.both.Write(p)
}

// transcriptStdout is a transcript that takes the standard output.
type transcriptStdout struct{ *transcript }

func (t transcriptStdout) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stdout.Write(p)
	return t.both.Write(p)
}

// Command prepares a command with the private switch's environment. It runs in
// the switch's namespace only when [Net.Start] starts it.
func (n *Net) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	// What the tests are told is not for what they test.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(x string) bool { return strings.HasPrefix(x, "SLUICE_") })
	cmd.Env = append(cmd.Env, n.Env()...)
	// What another thread has just forked holds the output open until it is another
	// program, which takes its time on a busy processor.
	cmd.WaitDelay = 10 * time.Second
	// A terminal's interrupt is for this process; its end ends the others.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}

// Start starts a command in the switch's namespace; the caller waits for it.
func (n *Net) Start(cmd *exec.Cmd) error { return inside(n.Name, cmd.Start) }

// Process is a long-running program in the switch's namespace.
type Process struct {
	Name string
	// Log is the file that both outputs are appended to.
	Log string

	cmd  *exec.Cmd
	done chan struct{}
	err  error // how it ended; valid once done is closed
}

// Go starts a program in the switch's namespace. Its output is appended to
// NAME.out in the network's folder. Stop ends it, if nothing did before.
func (n *Net) Go(name string, args ...string) (*Process, error) {
	p := &Process{Name: name, Log: filepath.Join(n.Dir, name+".out"), done: make(chan struct{})}
	out, err := os.OpenFile(p.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer out.Close()
	p.cmd = n.Command(context.Background(), args...)
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.Dir = n.Dir
	if err := n.Start(p.cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	n.mu.Lock()
	n.processes = append(n.processes, p)
	n.mu.Unlock()
	return p, nil
}

// PID is the program's process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err says how an ended program ended; nil is a clean exit.
func (p *Process) Err() error {
	<-p.done
	return p.err
}

// Kill ends the program at once, as kill -9 does, and waits for its end.
func (p *Process) Kill() {
	select {
	case <-p.done:
	default:
		_ = p.cmd.Process.Kill() // fails only if it has just ended by itself
		<-p.done
	}
}

// Terminate asks the program to end (SIGTERM) and returns how it did. After the
// grace time it is killed, and the error says so.
func (p *Process) Terminate(grace time.Duration) error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails only if it has ended
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.done:
		return p.err
	case <-timer.C:
		p.Kill()
		return fmt.Errorf("%s did not end within %v of SIGTERM", p.Name, grace)
	}
}

// Output returns what the program has written so far, to both outputs.
func (p *Process) Output() string {
	b, err := os.ReadFile(p.Log)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
