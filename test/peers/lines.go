package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// flowLines is n lines of flows such as people and programs write, the same in
// each run.
func flowLines(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	for i := range n {
		ip := func() string { return fmt.Sprintf("10.%d.%d.%d", r.IntN(256), r.IntN(256), r.IntN(256)) }
		mac := func() string {
			return fmt.Sprintf("02:00:00:%02x:%02x:%02x", r.IntN(256), r.IntN(256), r.IntN(256))
		}
		switch i % 6 {
		case 0:
			fmt.Fprintf(&b, "table=0,priority=%d,in_port=%d,dl_dst=%s,actions=output:%d\n", r.IntN(65536), 1+r.IntN(48), mac(), 1+r.IntN(48))
		case 1:
			fmt.Fprintf(&b, "cookie=%#x,priority=%d,tcp,nw_src=%s,nw_dst=%s/24,tp_dst=%d,idle_timeout=60,actions=mod_dl_dst:%s,output:%d\n",
				i, r.IntN(65536), ip(), ip(), 1+r.IntN(65535), mac(), 1+r.IntN(48))
		case 2:
			fmt.Fprintf(&b, "priority=%d,arp,arp_tpa=%s,actions=CONTROLLER:128\n", r.IntN(65536), ip())
		case 3:
			fmt.Fprintf(&b, "table=1,priority=%d,dl_vlan=%d,dl_src=%s,actions=strip_vlan,output:%d\n", r.IntN(65536), 1+r.IntN(4094), mac(), 1+r.IntN(48))
		case 4:
			fmt.Fprintf(&b, "priority=%d,udp6,ipv6_dst=2001:db8::%x/64,tp_src=53,actions=set_field:%s->eth_dst,goto_table:%d\n", r.IntN(65536), r.IntN(65536), mac(), 1+r.IntN(100))
		default:
			fmt.Fprintf(&b, "priority=%d,icmp,nw_src=%s,icmp_type=8,actions=drop\n", r.IntN(65536), ip())
		}
	}
	return b.Bytes()
}

// parseLines compares the CPU time, user and system, that parsing the same file
// takes here and in ovs-ofctl. That one prints each flow, too, and so it is done
// here as well, to where nobody reads.
func parseLines(n, times int) error {
	text := flowLines(n)
	dir, err := os.MkdirTemp("", "sluice-peers-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "flows")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		return err
	}
	path, err := exec.LookPath("ovs-ofctl")
	if err != nil {
		fmt.Println("left out: parsing of flow lines; there is no ovs-ofctl to compare with")
		return nil
	}
	var parse, both, peer []float64
	for range times {
		for _, print := range []bool{false, true} {
			took, err := parseHere(name, print)
			if err != nil {
				return err
			}
			if print {
				both = append(both, took.Seconds())
			} else {
				parse = append(parse, took.Seconds())
			}
		}
		cmd := exec.Command(path, "parse-flows", name)
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("ovs-ofctl parse-flows: %w", err)
		}
		peer = append(peer, (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds())
	}
	fmt.Printf("| %d flow lines | CPU s | µs a line | × ovs-ofctl |\n|---|---|---|---|\n", n)
	for _, r := range []struct {
		name string
		s    []float64
	}{{"Sluice: ParseFlow", parse}, {"Sluice: ParseFlow, and String into a pipe to nowhere", both}, {"ovs-ofctl parse-flows, which prints them", peer}} {
		fmt.Printf("| %s | %.3f | %.2f | %.2f |\n", r.name, median(r.s), 1e6*median(r.s)/float64(n), ratio(r.s, peer))
	}
	return nil
}

func parseHere(name string, print bool) (time.Duration, error) {
	runtime.GC()
	start := cpuTime()
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	out := bufio.NewWriter(io.Discard)
	for s := bufio.NewScanner(f); s.Scan(); {
		m, err := ofp.ParseFlow(s.Text(), ofp.FlowAdd, nil)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", s.Text(), err)
		}
		if print {
			out.WriteString(m.String())
			out.WriteByte('\n')
		}
	}
	return cpuTime() - start, nil
}

// cpuTime is what this process has used, its garbage collector included.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
