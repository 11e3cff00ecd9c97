package main

import (
	"encoding/json"
	"math"
	"strings"
	"syscall"
	"testing"
)

// TestRateIsNotPassed: whatever the machine does, no more is sent than the rate
// lets, but for what a switch may make up for: its share of one second.
func TestRateIsNotPassed(t *testing.T) {
	const rate = 400
	c := startMini(t, polite(right))
	r, o := measured(t, append(c.target(), "-t", "-l", "4", "-m", "200", "--rate", "400")...)
	if o.code != 0 {
		t.Fatal(o.stderr)
	}
	if most := rate*(r.Seconds+1) + 2; r.Sent == 0 || float64(r.Sent) > most {
		t.Errorf("%d packet-ins in %.2f s, want at most %.0f", r.Sent, r.Seconds, most)
	}
	if len(r.Each) != 3 || r.Each[0].End <= 0 || r.Each[2].End <= r.Each[0].End {
		t.Errorf("tests: %+v", r.Each)
	}
	var sum float64
	for _, e := range r.Each {
		sum += e.Rate / 3
	}
	if math.Abs(sum-r.Rate.Avg) > .01 {
		t.Errorf("tests have %v on average, want %v", sum, r.Rate.Avg)
	}
}

func TestHoldReconnects(t *testing.T) {
	c := startMini(t, polite(right))
	o := ofbench(t, t.Context(), append(c.target(), "-s", "3", "--hold", "20ms", "--reconnect", "2", "--json")...)
	var h held
	if err := json.Unmarshal([]byte(o.stdout), &h); err != nil || o.code != 0 {
		t.Fatalf("%v, exit code %d: %s%s", err, o.code, o.stdout, o.stderr)
	}
	c.mu.Lock()
	conns := len(c.conns)
	c.mu.Unlock()
	if conns != 9 || len(h.Again) != 2 || h.Dropped != 0 || h.Ready <= 0 || h.End <= h.Began {
		t.Errorf("%d connections, want 9; told %+v", conns, h)
	}
}

func TestTooFewOpenFilesAreTold(t *testing.T) {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		t.Fatal(err)
	}
	if err := openFiles(1); err != nil {
		t.Error(err)
	}
	// The kernel's own bound (fs.nr_open) is not passed by root either.
	if err := openFiles(1 << 40); err == nil || !strings.Contains(err.Error(), "raise it (ulimit -n 1099511627840") {
		t.Errorf("error %v", err)
	}
}
