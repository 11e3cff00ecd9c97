package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func env(pairs ...string) func(string) string {
	return func(key string) string {
		for _, p := range pairs {
			if v, ok := strings.CutPrefix(p, key+"="); ok {
				return v
			}
		}
		return ""
	}
}

func TestPlanComesFromTheEnvironment(t *testing.T) {
	p, err := planFrom(env())
	if err != nil || !slices.Equal(p.versions, []string{"1.0", "1.3"}) || len(p.controllers) != 3 || p.switches != 16 || p.macs != 100 || len(p.scenarios) != len(scenarios) || p.idle != 5000 {
		t.Errorf("default plan %+v, %v", p, err)
	}
	p, err = planFrom(env("BENCH_VERSIONS=1.1", "BENCH_CONTROLLERS=floor", "BENCH_REPEAT=5", "BENCH_CORES=2 3", "BENCH_GO=0"))
	if err != nil || !slices.Equal(p.versions, []string{"1.1"}) || p.repeat != 5 || p.cores != [2]string{"2", "3"} || slices.Contains(p.scenarios, "go") {
		t.Errorf("plan %+v, %v", p, err)
	}
	for _, bad := range []string{"BENCH_REPEAT=0", "BENCH_LOOPS=x", "BENCH_CONTROLLERS=nox", "BENCH_CORES=1", "BENCH_DEADLINE=soon", "BENCH_HOLD=x", "BENCH_SCENARIOS=nox", "BENCH_LOAD=1"} {
		if _, err := planFrom(env(bad)); err == nil || !strings.Contains(err.Error(), bad[:strings.Index(bad, "=")]) {
			t.Errorf("%s: error %v", bad, err)
		}
	}
}

func TestTableShowsMediansAndRatios(t *testing.T) {
	one := func(cpu, rate, p50 float64) measurement {
		m := measurement{throughput: new(load), latency: new(load)}
		m.throughput.CPU.PerMillion, m.throughput.CPU.Cores, m.throughput.Own = cpu, 1, .5
		m.throughput.Sent = 1000
		m.throughput.Rate.Median, m.latency.Latency.P50 = rate, p50
		return m
	}
	ms := measurements{
		{"floor", "1.0"}:              {one(.02, 3e7, 10), one(.04, 1e7, 10), one(9, 1, 10)},
		{"sluiced", "1.0"}:            {one(.2, 4e6, 11), one(.4, 2e6, 13)},
		{"ovs-testcontroller", "1.0"}: {one(6, 120e3, 20)},
	}
	ms[key{"sluiced", "1.0"}][0].throughput.Lost = 5
	p, err := planFrom(env("BENCH_VERSIONS=1.0 1.3"))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := ms.print(&b, p); err != nil {
		t.Fatal(err)
	}
	_, rows, _ := strings.Cut(b.String(), "|---|---|---|---|---|---|---|---|---|---|\n")
	want := strings.Join([]string{
		"| 1.0 | floor | 0.040 | 1.00 | 0.007 | 10.00 M | 100 % | 50 % | 10.0 µs | 1.00 |",
		"| 1.0 | sluiced | 0.300 | 7.50 | 0.050 | 3.00 M | 100 % | 50 % | 12.0 µs | 1.20 |",
		"| 1.0 | ovs-testcontroller | 6.000 | 150.00 | 1.00 | 120 k | 100 % | 50 % | 20.0 µs | 2.00 |",
		"", "OpenFlow 1.0: sluiced left 0.25 % of the packet-ins unanswered.", "", "",
	}, "\n")
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestListeningPortIsSeenWithoutConnecting(t *testing.T) {
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	table := func() string {
		b, err := os.ReadFile("/proc/net/tcp")
		if err != nil {
			t.Skip("no /proc/net/tcp here: ", err)
		}
		return string(b)
	}
	if listens(table(), port) {
		t.Errorf("port %d listens before it is opened", port)
	}
	ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if !listens(table(), port) {
		t.Errorf("port %d is not seen", port)
	}
}

func TestQuartiles(t *testing.T) {
	same := func(x float64) float64 { return x }
	for _, row := range []struct {
		of        []float64
		low, high float64
	}{
		{nil, 0, 0},
		{[]float64{3}, 3, 3},
		{[]float64{2, 1}, 1, 2},
		{[]float64{5, 1, 4, 2, 3}, 2, 4},
		{[]float64{9, 1, 8, 2, 7, 3, 6, 4, 5}, 3, 7},
	} {
		if low, high := quartiles(row.of, same); low != row.low || high != row.high {
			t.Errorf("quartiles of %v are %v and %v; want %v and %v", row.of, low, high, row.low, row.high)
		}
	}
}
