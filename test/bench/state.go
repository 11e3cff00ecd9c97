package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/sluice-sdn/sluice/test/ovs"
)

// stateLab is an Open vSwitch of its own, with a sluiced that keeps state beside
// it. Neither is bound to a core: what is measured is how long work takes that
// three programs share.
type stateLab struct {
	p       *plan
	net     *ovs.Net
	sluiced *ovs.Process
	conn    *grpc.ClientConn
	dir     string // of the files with flows
}

// stateLine is flow i: of a hundred priorities, with a match of its own.
func stateLine(i int) string {
	return fmt.Sprintf("priority=%d,ip,nw_src=10.%d.%d.%d,actions=output:%d", 1+i%100, i>>16&255, i>>8&255, i&255, 1+i%4)
}

// state measures what it takes to have switches at their desired state, beside
// ovs-ofctl, which does the same work on the same Open vSwitch without keeping
// anything.
func state(ctx context.Context, p *plan, w io.Writer) (aims []aim, err error) {
	if why := ovs.Available(); why != nil {
		fmt.Fprintf(w, "Left out: %v.\n\n", why)
		return nil, nil
	}
	l, err := newStateLab(ctx, p)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	fmt.Fprintf(w, "%d flows on a bridge of a real Open vSwitch; sluiced keeps its state on %s.\n\n", p.flows, stateDisk(l.net.Dir))
	for _, part := range []struct {
		name string
		run  func(context.Context, io.Writer) ([]aim, error)
	}{
		{"push", l.push},
		{"reconcile", l.reconcile},
		{"one", l.one},
		{"back", l.back},
	} {
		if len(p.parts) > 0 && !has(p.parts, part.name) {
			continue
		}
		got, err := part.run(ctx, w)
		aims = append(aims, got...)
		if err != nil {
			return aims, fmt.Errorf("%s: %w", part.name, err)
		}
		fmt.Fprintln(w)
	}
	if lines := ovs.Trouble(l.sluiced.Output()); len(lines) > 0 {
		return aims, fmt.Errorf("sluiced: %s", strings.Join(lines, "\n"))
	}
	return aims, nil
}

func has(list []string, x string) bool {
	for _, y := range list {
		if x == y {
			return true
		}
	}
	return false
}

// stateDisk says what a folder is on: an fsync costs little in memory.
func stateDisk(dir string) string {
	b, err := os.ReadFile("/proc/mounts")
	if err != nil {
		return "an unknown file system"
	}
	best, kind := "", "unknown"
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) > 2 && len(f[1]) > len(best) && (f[1] == "/" || strings.HasPrefix(dir+"/", f[1]+"/")) {
			best, kind = f[1], f[2]
		}
	}
	return kind
}

func newStateLab(ctx context.Context, p *plan) (_ *stateLab, err error) {
	n, err := ovs.Start(ctx)
	if err != nil {
		return nil, err
	}
	l := &stateLab{p: p, net: n, dir: n.Dir}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.close())
		}
	}()
	if l.sluiced, err = n.StartSluiced(ctx, filepath.Join(p.bin, "sluiced"), l.arguments()...); err != nil {
		return nil, err
	}
	l.conn, err = grpc.NewClient("passthrough:///"+ovs.GRPCAddr, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(256<<20), grpc.MaxCallSendMsgSize(256<<20)),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) { return n.Dial(ctx, "tcp", address) }))
	return l, err
}

func (l *stateLab) arguments() []string {
	return append([]string{"--apps", "none", "--log-level", "warn"}, strings.Fields(os.Getenv("BENCH_SLUICED_ARGS"))...)
}

func (l *stateLab) close() error {
	if l.conn != nil {
		_ = l.conn.Close() // nothing is left to be said
	}
	return l.net.Stop()
}

// bridge makes a bridge that sluiced has, and one of the same kind that nobody has.
func (l *stateLab) bridge(ctx context.Context, name, protocol string) error {
	if err := l.net.AddBridge(ctx, ovs.Bridge{Name: name, Protocols: []string{protocol}}); err != nil {
		return err
	}
	if err := l.net.WaitConnected(ctx, name); err != nil {
		return err
	}
	peer := "peer-" + name
	_, err := l.net.Vsctl(ctx, "add-br", peer, "--", "set", "bridge", peer, "datapath_type=netdev", "fail_mode=secure",
		"other_config:disable-in-band=true", "protocols="+protocol)
	if err != nil {
		return err
	}
	return ovs.Wait(ctx, "sluiced to show "+name, func(ctx context.Context) error {
		_, err := l.sluice(ctx, "show", name)
		return err
	})
}

// commandDeadline bounds each command, longer than any takes on a busy machine.
const commandDeadline = 60 * time.Second

// sluice runs the command line in the switch's namespace.
func (l *stateLab) sluice(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, commandDeadline)
	defer cancel()
	return l.net.Run(ctx, append([]string{filepath.Join(l.p.bin, "sluice")}, args...)...)
}

// ofctl runs ovs-ofctl with one version of OpenFlow.
func (l *stateLab) ofctl(ctx context.Context, protocol string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, commandDeadline)
	defer cancel()
	return l.net.Run(ctx, append([]string{"ovs-ofctl", "-O", protocol}, args...)...)
}

// file writes a file of lines and returns its path.
func (l *stateLab) file(name string, lines int, line func(i int) string) (string, error) {
	var b strings.Builder
	for i := range lines {
		b.WriteString(line(i))
		b.WriteByte('\n')
	}
	path := filepath.Join(l.dir, name)
	return path, os.WriteFile(path, []byte(b.String()), 0o600)
}

// cost is what something took.
type cost struct {
	seconds float64
	cpu     float64 // seconds of all processors that the programs had which take part
	ovs     float64 // those of them that Open vSwitch had
}

// timed returns what f costs.
func (l *stateLab) timed(f func() error) (cost, error) {
	all, ovs, err := l.used()
	if err != nil {
		return cost{}, err
	}
	start := time.Now()
	if err := f(); err != nil {
		return cost{}, err
	}
	took := time.Since(start).Seconds()
	allNow, ovsNow, err := l.used()
	return cost{took, allNow - all, ovsNow - ovs}, err
}

// used returns the processor time so far of sluiced, Open vSwitch, this process
// and the commands that it has awaited, and that of Open vSwitch.
func (l *stateLab) used() (all, ovs float64, err error) {
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			return 0, 0, fmt.Errorf("processor time: %w", err)
		}
		all += time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
	}
	if ovs, err = processorTime(l.net.Vswitchd().PID()); err != nil {
		return 0, 0, err
	}
	sluiced, err := processorTime(l.sluiced.PID())
	return all + ovs + sluiced, ovs, err
}

// processorTime is what a process has used, by the clock of /proc, which has 100
// ticks a second.
func processorTime(pid int) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(b), ") ") // the name may have spaces
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat: %q", pid, b)
	}
	user, err := strconv.Atoi(f[11])
	if err != nil {
		return 0, err
	}
	system, err := strconv.Atoi(f[12])
	return float64(user+system) / 100, err
}

// flowCount is how many flows a bridge has, as Open vSwitch counts them.
func (l *stateLab) flowCount(ctx context.Context, protocol, bridge string) (int, error) {
	out, err := l.ofctl(ctx, protocol, "dump-aggregate", bridge)
	if err != nil {
		return 0, err
	}
	_, n, _ := strings.Cut(out, "flow_count=")
	return strconv.Atoi(strings.TrimSpace(n))
}

// expect fails if a bridge has not so many flows.
func (l *stateLab) expect(ctx context.Context, protocol, bridge string, want int) error {
	n, err := l.flowCount(ctx, protocol, bridge)
	if err == nil && n != want {
		err = fmt.Errorf("%s has %d flows; want %d", bridge, n, want)
	}
	return err
}

// metric is the sum of the rows of a metric that have the label.
func (l *stateLab) metric(ctx context.Context, name, label string) (float64, error) {
	_, body, err := l.net.HTTP(ctx, "/metrics")
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for line := range strings.Lines(body) {
		row, n, _ := strings.Cut(strings.TrimSpace(line), " ")
		if row == name || strings.HasPrefix(row, name+"{") && strings.Contains(row, label) {
			x, _ := strconv.ParseFloat(n, 64)
			sum += x
		}
	}
	return sum, nil
}

// flowMods counts the flow-mods that sluiced has sent, and what it has sent in
// bundles.
func (l *stateLab) flowMods(ctx context.Context) (float64, error) {
	plain, err := l.metric(ctx, "sluice_openflow_messages_sent_total", `type="flow_mod"`)
	if err != nil {
		return 0, err
	}
	bundled, err := l.metric(ctx, "sluice_openflow_messages_sent_total", `type="bundle_add_message"`)
	return plain + bundled, err
}

// series is what each way of doing something cost, in turns.
type series struct {
	names []string
	costs map[string][]cost
}

func (s *series) add(name string, c cost) {
	if s.costs == nil {
		s.costs = make(map[string][]cost)
	}
	if s.costs[name] == nil {
		s.names = append(s.names, name)
	}
	s.costs[name] = append(s.costs[name], c)
	fmt.Fprintf(os.Stderr, "bench: state: %s: %.3f s, processors %.2f s, of these Open vSwitch %.2f s\n", name, c.seconds, c.cpu, c.ovs)
}

func (s *series) median(name string) float64 {
	return median(s.costs[name], func(c cost) float64 { return c.seconds })
}

// print writes a row for each, beside the peer.
func (s *series) print(w io.Writer, what, peer string) {
	fmt.Fprintf(w, "| %s | s | × %s | CPU s | of Open vSwitch |\n|---|---|---|---|---|\n", what, peer)
	for _, name := range s.names {
		of := s.costs[name]
		fmt.Fprintf(w, "| %s | %.3f | %.2f | %.2f | %.2f |\n", name, s.median(name), s.median(name)/s.median(peer),
			median(of, func(c cost) float64 { return c.cpu }), median(of, func(c cost) float64 { return c.ovs }))
	}
	fmt.Fprintln(w)
}

// ratio is an aim about what one took beside the peer.
func (s *series) ratio(what, name, peer string, want float64) aim {
	return aim{what: what + ": " + name + ", × " + peer, got: s.median(name) / s.median(peer), want: want}
}
