package readme

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/sluice-sdn/sluice/test/ovs"
)

// shims are programs that stand before the real ones in the path.
var shims = map[string]string{
	// The test is root already, and sudo perhaps not installed.
	"sudo": "#!/bin/sh\nexec \"$@\"\n",
	// Kept from cleaning up the machine.
	"mn": "#!/bin/sh\nexec \"$README_SOURCE/test/e2e/mininet\" \"$@\"\n",
}

// runAll runs the blocks in a copy of the source tree, and stops at the first
// that is not true. Programs in the background are ended at its end.
func runAll(ctx context.Context, n *ovs.Net, blocks []block, logf func(string, ...any)) (err error) {
	tree, err := os.MkdirTemp(n.Dir, "sluice-")
	if err != nil {
		return err
	}
	source, err := filepath.Abs("../..")
	if err != nil {
		return err
	}
	if err := copyTree(tree, source); err != nil {
		return err
	}
	path := tree + ".path"
	if err := os.Mkdir(path, 0o755); err != nil {
		return err
	}
	for name, text := range shims {
		if err := os.WriteFile(filepath.Join(path, name), []byte(text), 0o755); err != nil {
			return err
		}
	}
	script := func(text string) []string {
		return []string{"env", "README_SOURCE=" + source, "GOBIN=" + path, "PATH=" + path + ":" + os.Getenv("PATH"),
			"bash", "-c", `cd "$1" && exec bash -euo pipefail -c "$2"`, "bash", tree, text}
	}

	var running []*ovs.Process
	defer func() {
		for _, p := range running {
			err = errors.Join(err, end(p))
		}
	}()
	last := "" // the output of the block before
	for _, b := range blocks {
		if err := b.do(ctx, n, script, tree, &last, &running, logf); err != nil {
			return fmt.Errorf("line %d: %w", b.line, err)
		}
	}
	return nil
}

// end ends a program of the background. One that ended before, or that does not
// end when it is asked to, is an error; SIGTERM is a good reason to end.
func end(p *ovs.Process) error {
	select {
	case <-p.Done():
		return fmt.Errorf("%s ended by itself: %w: %s", p.Name, p.Err(), p.Output())
	default:
	}
	err := p.Terminate(5 * time.Second)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGTERM {
		return nil
	}
	return err
}

// outside runs a command on the machine itself and returns what it prints.
func outside(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", &ovs.CommandError{Args: args, Output: string(out), Err: err}
	}
	return string(out), nil
}

func (b *block) do(ctx context.Context, n *ovs.Net, script func(string) []string, tree string, last *string, running *[]*ovs.Process, logf func(string, ...any)) error {
	ctx, cancel := context.WithTimeout(ctx, b.within)
	defer cancel()
	switch b.kind {
	case skip:
		logf("line %d: skipped: %s", b.line, b.arg)
		return nil
	case file:
		return os.WriteFile(filepath.Join(tree, b.arg), []byte(b.text+"\n"), 0o644)
	case output:
		if diff := compare(b.text, *last); diff != "" {
			return errors.New(diff)
		}
		return nil
	case background:
		p, err := n.Go(fmt.Sprintf("line-%d", b.line), script(b.text)...)
		if err != nil {
			return err
		}
		*running = append(*running, p)
		return ovs.Wait(ctx, b.arg, func(ctx context.Context) error {
			select {
			case <-p.Done():
				cancel()
				return fmt.Errorf("it has ended: %s", p.Output())
			default:
			}
			_, err := n.Run(ctx, script(b.arg)...)
			return err
		})
	}
	command := n.Run
	if b.alone {
		command = outside
	}
	out, err := command(ctx, script(b.text)...)
	logf("line %d:\n%s\n%s", b.line, b.text, out)
	if b.fails {
		if err == nil {
			return fmt.Errorf("it should have failed:\n%s", out)
		}
		if ctx.Err() != nil {
			return err
		}
		// What a reader sees of a failure is mostly on standard error.
		if failed := (*ovs.CommandError)(nil); errors.As(err, &failed) {
			out = failed.Output
		}
		err = nil
	}
	if err != nil {
		return err
	}
	*last = out
	if b.want != "" {
		if diff := compare(b.want, out); diff != "" {
			return errors.New(diff)
		}
	}
	return nil
}

// copyTree copies the source without what was built and git's own.
func copyTree(to, from string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case d.IsDir() && (rel == ".git" || rel == "bin"):
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(target, 0o755)
		case !d.Type().IsRegular():
			return nil
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // an editor's file that has gone
		}
		if err != nil {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, b, info.Mode().Perm())
	})
}
