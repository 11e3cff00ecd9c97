package ovs

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/test/need"
)

// Net is a private Open vSwitch with its hosts. Its methods may be called from
// any goroutine, except those that start, kill or stop the switch, which want
// one caller at a time.
type Net struct {
	// Name is the name of the switch's network namespace, sluice-PID-N. The
	// hosts' are named Name-HOST.
	Name string
	// Dir is the folder of all files: the database, sockets and logs.
	Dir string

	guard     *guard
	db        *Process
	vswitchd  *Process
	mu        sync.Mutex
	processes []*Process // everything started by Go, in that order
	hosts     []*Host
}

// serial numbers the networks of this process.
var serial atomic.Int64

// Require skips the test where it cannot have an Open vSwitch of its own, or
// fails it where SLUICE_REQUIRE_OVS=1 demands one.
func Require(t testing.TB) {
	t.Helper()
	if err := Available(); err != nil {
		need.Missing(t, err.Error())
	}
}

// Available says what this machine lacks to run a private Open vSwitch, or nil.
func Available() error {
	if os.Geteuid() != 0 {
		return errors.New("network namespaces need root")
	}
	for _, program := range []string{"ip", "ping", "ovsdb-tool", "ovsdb-server", "ovs-vswitchd", "ovs-vsctl", "ovs-ofctl", "ovs-appctl"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%s is not installed (Debian: openvswitch-switch, iproute2, iputils-ping)", program)
		}
	}
	if _, err := os.Stat(schema()); err != nil {
		return fmt.Errorf("the database schema of Open vSwitch is missing: %w", err)
	}
	return nil
}

func schema() string {
	dir := os.Getenv("OVS_PKGDATADIR")
	if dir == "" {
		dir = "/usr/share/openvswitch"
	}
	return filepath.Join(dir, "vswitch.ovsschema")
}

// New gives a test an Open vSwitch of its own, and takes it away at the test's
// end. If the test failed, the switch's last log lines are shown.
func New(t testing.TB) *Net {
	t.Helper()
	Require(t)
	n, err := Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("end of the log of ovs-vswitchd:\n%s", tail(n.vswitchd.Output(), 30))
		}
		if err := n.Stop(); err != nil {
			t.Errorf("clean up: %v", err)
		}
	})
	return n
}

// Start starts a private Open vSwitch without bridges. Stop it, whatever
// happens after.
func Start(ctx context.Context) (_ *Net, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	n, err := reserve()
	if err != nil {
		return nil, fmt.Errorf("start open vswitch: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("start open vswitch: %w", err), n.Stop())
		}
	}()
	if err := command(ctx, "ip", "netns", "add", n.Name); err != nil {
		return nil, err
	}
	if _, err := n.Run(ctx, "ip", "link", "set", "lo", "up"); err != nil {
		return nil, err
	}
	if _, err := n.Run(ctx, "ovsdb-tool", "create", n.path("conf.db"), schema()); err != nil {
		return nil, err
	}
	n.db, err = n.Go("ovsdb-server", "ovsdb-server", n.path("conf.db"), "--no-chdir", "--pidfile",
		"--remote=punix:"+n.path("db.sock"), "-vfile:off", "-vsyslog:off")
	if err != nil {
		return nil, err
	}
	err = Wait(ctx, "the database server", func(ctx context.Context) error {
		_, err := n.Run(ctx, "ovs-vsctl", "--no-wait", "--timeout=2", "init")
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := n.StartVswitchd(ctx); err != nil {
		return nil, err
	}
	return n, nil
}

// reserve makes the folder of a new network and the guard that will take the
// network away.
func reserve() (*Net, error) {
	for {
		name := fmt.Sprintf("sluice-%d-%d", os.Getpid(), serial.Add(1))
		dir := filepath.Join(os.TempDir(), name)
		if _, err := os.Lstat("/run/netns/" + name); err == nil {
			continue // left by a process of the same number, or of another container
		}
		err := os.Mkdir(dir, 0o755)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		g, err := newGuard(name, dir)
		if err != nil {
			return nil, errors.Join(err, os.Remove(dir))
		}
		return &Net{Name: name, Dir: dir, guard: g}, nil
	}
}

// Folder makes a temporary folder that goes with this process, however that
// ends, or before when remove is called. It serves programs that are built for
// several networks.
func Folder() (dir string, remove func() error, err error) {
	n, err := reserve()
	if err != nil {
		return "", nil, err
	}
	return n.Dir, n.guard.release, nil
}

// StartVswitchd starts ovs-vswitchd with the database as it is, and waits until
// it has made every bridge in there.
func (n *Net) StartVswitchd(ctx context.Context) (err error) {
	n.vswitchd, err = n.Go("ovs-vswitchd", "ovs-vswitchd", "unix:"+n.path("db.sock"), "--no-chdir", "--pidfile",
		"--disable-system", "-vfile:off", "-vsyslog:off", "-vconsole:info")
	if err != nil {
		return err
	}
	// The socket for commands first: on a busy machine the program may not have
	// made it yet.
	err = Wait(ctx, "ovs-vswitchd", func(ctx context.Context) error {
		_, err := n.Run(ctx, "ovs-appctl", "--timeout=5", "-t", n.vswitchdSocket(), "version")
		return err
	})
	if err != nil {
		return err
	}
	// Adding to next_cfg makes ovs-vsctl wait until the switch has caught up.
	_, err = n.Run(ctx, "ovs-vsctl", "--timeout=15", "set", "Open_vSwitch", ".", "external_ids:sluice="+n.Name)
	return err
}

func (n *Net) vswitchdSocket() string {
	return n.path(fmt.Sprintf("ovs-vswitchd.%d.ctl", n.vswitchd.PID()))
}

// KillVswitchd ends ovs-vswitchd as kill -9 does: its flows are gone, its
// database stays.
func (n *Net) KillVswitchd() { n.vswitchd.Kill() }

// Vswitchd is the running, or last, ovs-vswitchd.
func (n *Net) Vswitchd() *Process { return n.vswitchd }

// Stop ends every process that the network started, removes its namespaces and
// files, and waits until they are gone. It may be called again.
func (n *Net) Stop() error {
	n.mu.Lock()
	processes := n.processes
	n.processes = nil
	n.mu.Unlock()
	// Ask the controllers and other programs first, so that they can end well
	// while the switch is still there; the guard kills whoever stays.
	for i := len(processes) - 1; i >= 0; i-- {
		_ = processes[i].Terminate(3 * time.Second)
	}
	return n.guard.release()
}

// Env is what to add to a command's environment so that Open vSwitch's tools
// find this switch.
func (n *Net) Env() []string {
	return []string{"OVS_RUNDIR=" + n.Dir, "OVS_DBDIR=" + n.Dir, "OVS_LOGDIR=" + n.Dir, "OVS_SYSCONFDIR=" + n.Dir}
}

// Dial connects to a literal address as seen from the switch's namespace, such
// as the controller's 127.0.0.1:8653.
func (n *Net) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return dial(ctx, n.Name, network, address)
}

// Listen opens a TCP listener in the switch's namespace, for a controller that
// is part of the test.
func (n *Net) Listen(ctx context.Context, address string) (net.Listener, error) {
	return listen(ctx, n.Name, address)
}

func (n *Net) path(file string) string { return filepath.Join(n.Dir, file) }

// Wait calls ok every 50 milliseconds until it returns nil. When ctx ends
// first, the error names what was awaited and has the last error of ok.
func Wait(ctx context.Context, what string, ok func(context.Context) error) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ok(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w; last: %w", what, context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}

// guard is the process that takes a network away.
type guard struct {
	name, dir string
	cmd       *exec.Cmd
	pipe      *os.File // the guard works when this ends
	output    strings.Builder
	once      sync.Once
	err       error
}

// guardScript runs outside of the namespaces. $1 is the network's name and $2
// its folder.
const guardScript = `
trap '' INT TERM HUP PIPE
cat >/dev/null
for ns in $(ip netns list | cut -d' ' -f1); do
	case $ns in "$1"|"$1"-*) ;; *) continue ;; esac
	for try in 1 2 3 4 5 6 7 8 9 10; do
		pids=$(ip netns pids "$ns")
		[ -n "$pids" ] || break
		kill -9 $pids 2>/dev/null
		sleep 0.05
	done
	ip netns del "$ns"
done
rm -rf -- "$2"
`

func newGuard(name, dir string) (*guard, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	g := &guard{name: name, dir: dir, pipe: w}
	g.cmd = exec.Command("sh", "-c", guardScript, "sluice-guard", name, dir)
	g.cmd.Stdin = r
	g.cmd.Stdout, g.cmd.Stderr = &g.output, &g.output
	g.cmd.Dir = "/"
	g.cmd.WaitDelay = time.Second
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // out of the terminal's reach
	if err := g.cmd.Start(); err != nil {
		w.Close()
		return nil, fmt.Errorf("start the guard: %w", err)
	}
	return g, nil
}

// release lets the guard work, waits for it, and looks whether anything is left.
func (g *guard) release() error {
	g.once.Do(func() {
		g.pipe.Close()
		kill := time.AfterFunc(20*time.Second, func() { _ = g.cmd.Process.Kill() })
		defer kill.Stop()
		if err := g.cmd.Wait(); err != nil {
			g.err = fmt.Errorf("guard of %s: %w: %s", g.name, err, g.output.String())
			return
		}
		if _, err := os.Lstat(g.dir); err == nil {
			g.err = fmt.Errorf("guard of %s left %s: %s", g.name, g.dir, g.output.String())
		}
		left, _ := filepath.Glob("/run/netns/" + g.name + "*")
		for _, ns := range left {
			if base := filepath.Base(ns); base == g.name || strings.HasPrefix(base, g.name+"-") {
				g.err = errors.Join(g.err, fmt.Errorf("guard of %s left namespace %s: %s", g.name, base, g.output.String()))
			}
		}
	})
	return g.err
}

// command runs a command outside of the namespaces.
func command(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput()
	if err != nil {
		return &CommandError{Args: args, Output: string(out), Err: err}
	}
	return nil
}

// tail returns the last lines of s.
func tail(s string, lines int) string {
	all := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
