package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluice-sdn/sluice/controller/desired"
	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
)

// The stored switches of restart.
const storedSwitches = 100

// restart starts sluiced on a store of many flows: how long until it is ready, and
// what memory it takes then.
func restart(ctx context.Context, p *plan, w io.Writer) ([]aim, error) {
	dir, err := os.MkdirTemp("", "sluice-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	fmt.Fprintf(os.Stderr, "bench: restart: storing %d flows\n", p.stored)
	began := time.Now()
	file := filepath.Join(dir, "state.db")
	if err := fill(ctx, file, p.stored); err != nil {
		return nil, fmt.Errorf("store flows: %w", err)
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	n := float64(p.stored)
	fmt.Fprintf(w, "%d flows of %d switches, stored in %v: %.0f bytes of file each. sluiced has both cores, and the file is read from the disk. Memory in bytes a flow.\n\n", p.stored, storedSwitches, time.Since(began).Round(time.Second), float64(info.Size())/n)
	fmt.Fprintf(w, "| ready after | resident | of it the process's own | of it mapped files |\n|---|---|---|---|\n")
	slowest := aim{what: fmt.Sprintf("restart with %d stored flows: ready after", p.stored), unit: " s", want: 10}
	largest := aim{what: fmt.Sprintf("restart with %d stored flows: resident bytes each, the file's included", p.stored), want: 600}
	for i := range p.repeat {
		fmt.Fprintf(os.Stderr, "bench: restart %d/%d\n", i+1, p.repeat)
		took, m, err := restartOnce(ctx, p, dir)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(w, "| %.2f s | %.0f | %.0f | %.0f |\n", took.Seconds(), m.resident/n, m.own/n, m.mapped/n)
		slowest.got, largest.got = max(slowest.got, took.Seconds()), max(largest.got, m.resident/n)
	}
	fmt.Fprintln(w)
	return []aim{slowest, largest}, nil
}

// restartOnce starts sluiced, and returns how long it took until its /readyz said
// that it is ready, and the memory of it then.
func restartOnce(ctx context.Context, p *plan, state string) (time.Duration, resident, error) {
	with := *p
	var err error
	if with.http, err = freePort(); err != nil {
		return 0, resident{}, err
	}
	with.state = state
	if err := forget(filepath.Join(state, "state.db")); err != nil {
		return 0, resident{}, err
	}
	began := time.Now()
	c, err := start(ctx, &with, "sluiced", p.cores[0]+","+p.cores[1])
	if err != nil {
		return 0, resident{}, err
	}
	defer c.stop()
	for !ready(with.http) {
		select {
		case <-c.ended:
			return 0, resident{}, fmt.Errorf("it ended: %s", strings.TrimSpace(c.output.String()))
		case <-ctx.Done():
			return 0, resident{}, context.Cause(ctx)
		case <-time.After(5 * time.Millisecond):
		}
	}
	took := time.Since(began)
	m, err := residentMemory(c.cmd.Process.Pid)
	return took, m, err
}

// forget has the kernel forget what it knows of a file's bytes, so that they are
// read from the disk.
func forget(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		return fmt.Errorf("forget %s: %w", file, err)
	}
	return nil
}

func ready(port int) bool {
	client := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d/readyz", port))
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// resident is memory in bytes: all, the process's own, and that of files.
type resident struct{ resident, own, mapped float64 }

// residentMemory reads /proc/PID/status.
func residentMemory(pid int) (m resident, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return m, err
	}
	for line := range strings.Lines(string(b)) {
		name, rest, _ := strings.Cut(line, ":")
		to := map[string]*float64{"VmRSS": &m.resident, "RssAnon": &m.own, "RssFile": &m.mapped}[name]
		if to == nil {
			continue
		}
		kb, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
		if err != nil {
			return m, fmt.Errorf("read memory: %q: %w", line, err)
		}
		*to = 1024 * kb
	}
	return m, nil
}

// fill stores n flows of storedSwitches switches, as sluiced does when it is told
// them and the switches take them.
func fill(ctx context.Context, file string, n int) (err error) {
	s, err := store.Open(file, store.Options{})
	if err != nil {
		return err
	}
	defer func() {
		if e := s.Close(); err == nil {
			err = e
		}
	}()
	d, err := desired.New(ctx, s)
	if err != nil {
		return err
	}
	each := (n + storedSwitches - 1) / storedSwitches
	for sw := range storedSwitches {
		for from := 0; from < each; from += 5000 {
			var msgs []ofp.Message
			for i := from; i < min(from+5000, each) && sw*each+i < n; i++ {
				m, err := ofp.ParseFlow(storedFlow(i), ofp.FlowAdd, nil)
				if err != nil {
					return err
				}
				msgs = append(msgs, m)
			}
			if _, err := d.Apply(ctx, yes(sw+1), desired.Txn{Author: "bench", Messages: msgs}); err != nil {
				return err
			}
		}
	}
	return nil
}

// storedFlow is one of the flows that a switch at the edge of a data centre has:
// hosts, routes and rules about connections.
func storedFlow(i int) string {
	a, b, c := i>>16&0xff, i>>8&0xff, i&0xff
	switch i % 4 {
	case 0:
		return fmt.Sprintf("table=2,priority=100,dl_vlan=%d,dl_dst=02:00:00:%02x:%02x:%02x,actions=output:%d", 1+i%4000, a, b, c, 1+i%48)
	case 1:
		return fmt.Sprintf("table=1,priority=%d,ip,nw_dst=10.%d.%d.%d/32,actions=set_field:02:00:00:00:00:%02x->eth_dst,dec_ttl,output:%d", 200, a, b, c, i%48, 1+i%48)
	case 2:
		return fmt.Sprintf("table=0,priority=%d,cookie=%d,tcp,in_port=%d,nw_src=10.%d.%d.%d,nw_dst=10.200.0.%d,tp_dst=443,actions=goto_table:1", 1000+i%50, i, 1+i%48, a, b, c, i%200)
	}
	return fmt.Sprintf("table=0,priority=900,udp,nw_src=172.16.%d.%d,nw_dst=10.%d.%d.0/24,tp_src=%d,actions=output:%d", b, c, a, b, 1024+i%60000, 1+i%48)
}

// yes is a switch of OpenFlow 1.3 that takes everything; it is its number.
type yes ofp.DPID

func (y yes) DPID() ofp.DPID                               { return ofp.DPID(y) }
func (y yes) Version() ofp.Version                         { return ofp.V13 }
func (y yes) Extended() bool                               { return true }
func (y yes) Write(context.Context, []ofp.Message) error   { return nil }
func (yes) Settle(context.Context, desired.Settings) error { return nil }
func (yes) WriteSent(_ context.Context, _ []ofp.Message, then func(error)) error {
	then(nil)
	return nil
}

func (y yes) WriteBundleWhen(_ context.Context, _ []ofp.Message, when func() error) error {
	if when == nil {
		return nil
	}
	return when()
}
func (y yes) Bundles(context.Context) (bool, error)                          { return true, nil }
func (y yes) Flows(context.Context, ofp.FlowFilter) ([]ofp.FlowStats, error) { return nil, nil }
func (y yes) Groups(context.Context, uint32) ([]ofp.GroupDesc, error)        { return nil, nil }
func (y yes) Meters(context.Context, uint32) ([]ofp.MeterConfig, error)      { return nil, nil }

func (yes) Tables() int { return 0 }
