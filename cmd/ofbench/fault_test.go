package main

import (
	"encoding/json"
	"net"
	"strconv"
	"strings"
	"testing"
)

// TestFaultsAreSurvivedAndTold: connections that a fault ends come back, and
// what has happened is told.
func TestFaultsAreSurvivedAndTold(t *testing.T) {
	for _, row := range []struct {
		fault string
		kind  string
		ended uint64 // at least
	}{
		{"reset@up@message:20@connection:1", "reset", 1},
		{"half-close@down@message:20@connection:1-2", "half-close", 2},
		{"corrupt-length@down@message:10-11@connection:2", "corrupt-length", 0}, // a switch may wait for the rest
		{"delay=1ms,split=9", "split", 0},
	} {
		for _, mode := range []string{"", "-t"} {
			t.Run(row.fault+mode, func(t *testing.T) {
				t.Parallel()
				args := append(startMini(t, polite(right)).target(), "--of", "1.3", "--fault", row.fault)
				if mode != "" {
					args = append(args, mode, "--window", "16")
				}
				r, o := measured(t, args...)
				if o.code != 0 || r.Answered == 0 {
					t.Fatalf("exit code %d, %d answers: %s", o.code, r.Answered, o.stderr)
				}
				f := r.Faults
				if f == nil || f.Spec != row.fault || f.Seed != 1 || f.Counts[row.kind] == 0 || f.Ended < row.ended || (f.Last != "") != (f.Ended > 0) {
					t.Errorf("told: %+v", f)
				}
			})
		}
	}
}

// TestFaultsInText: what has happened has lines of its own.
func TestFaultsInText(t *testing.T) {
	c := startMini(t, polite(right))
	o := ofbench(t, t.Context(), append(c.target(), "--fault", "reset@up@message:9@connection:1", "--seed", "5")...)
	for _, want := range []string{
		"faults: reset@up@message:9@connection:1 with seed 5: reset 1, 1 connections ended\n",
		"   the last one: switch ",
	} {
		if o.code != 0 || !strings.Contains(o.stdout, want) {
			t.Errorf("exit code %d, output lacks %q:\n%s%s", o.code, want, o.stdout, o.stderr)
		}
	}
}

// TestHoldWithFaults counts the ends that faults bring apart from others.
func TestHoldWithFaults(t *testing.T) {
	o := ofbench(t, t.Context(), append(startMini(t, polite(right)).target(), "--of", "1.3", "--hold", "500ms", "--fault", "reset@time:300ms@connection:1", "--json")...)
	var h held
	if err := json.Unmarshal([]byte(o.stdout), &h); err != nil {
		t.Fatalf("output is not JSON: %v\n%s%s", err, o.stdout, o.stderr)
	}
	if o.code != 0 || h.Dropped != 0 || h.Faults == nil || h.Faults.Ended != 1 {
		t.Errorf("exit code %d: %s%s", o.code, o.stdout, o.stderr)
	}
}

// TestFaultsThatLetNothingThrough end with an error that tells them.
func TestFaultsThatLetNothingThrough(t *testing.T) {
	args := append(startMini(t, polite(right)).target(), "--fault", "reset@up@message:1", "--ready-timeout", "500ms")
	o := ofbench(t, t.Context(), args...)
	if o.code != 1 || !strings.Contains(o.stderr, "connections ended, the last one: switch ") {
		t.Errorf("exit code %d: %s", o.code, o.stderr)
	}

	// The controller that is not there is told as without the proxy.
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	port := strconv.Itoa(ln.Addr().(*net.TCPAddr).Port)
	o = ofbench(t, t.Context(), "-p", port, "--fault", "delay=1ms", "--ready-timeout", "500ms")
	if o.code != 1 || !strings.Contains(o.stderr, "connection refused") {
		t.Errorf("exit code %d: %s", o.code, o.stderr)
	}
}
