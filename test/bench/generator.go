package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// load is what ofbench says in JSON of a run with packet-ins, as far as it is
// shown.
type load struct {
	Rate struct {
		Median float64 `json:"median"`
		Min    float64 `json:"min"`
		Avg    float64 `json:"avg"`
	} `json:"responses_per_second"`
	Each []struct {
		End  float64 `json:"end_unix_seconds"`
		Rate float64 `json:"responses_per_second"`
	} `json:"each_test"`
	Latency struct {
		P50 float64 `json:"p50"`
		P99 float64 `json:"p99"`
	} `json:"latency_microseconds"`
	CPU struct {
		PerMillion float64 `json:"seconds_per_million_answers"`
		Cores      float64 `json:"cores"`
	} `json:"controller_cpu"`
	Sent uint64  `json:"sent"`
	Lost uint64  `json:"given_up"`
	Own  float64 `json:"ofbench_cores"`
}

// held is what it says of a run with --hold.
type held struct {
	Ready     float64   `json:"ready_seconds"`
	Again     []float64 `json:"reconnect_seconds"`
	Began     float64   `json:"began_unix_seconds"`
	End       float64   `json:"end_unix_seconds"`
	Seconds   float64   `json:"held_seconds"`
	Dropped   int       `json:"dropped"`
	PerSwitch float64   `json:"controller_rss_per_switch_bytes"`
}

// ofbench runs the generator on some cores against the controller and reads what
// it says into result. Arguments overrule those that the plan gives. The error
// says what ofbench complains of; the result may be there all the same.
func (c *child) ofbench(ctx context.Context, p *plan, cores string, result any, args ...string) error {
	args = append([]string{
		"-c", cores, filepath.Join(p.bin, "ofbench"), "-p", strconv.Itoa(c.port), "--pid", strconv.Itoa(c.cmd.Process.Pid), "--json",
		"-M", strconv.Itoa(p.macs), "-l", strconv.Itoa(p.loops), "-m", strconv.Itoa(p.ms), "-w", "1",
	}, args...)
	cmd := exec.CommandContext(ctx, "taskset", args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopDeadline
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("ofbench: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	if stdout.Len() > 0 {
		if bad := json.Unmarshal(stdout.Bytes(), result); bad != nil && err == nil {
			err = fmt.Errorf("ofbench: %w", bad)
		}
	}
	return err
}

// throughput measures so many switches with so many hosts on a controller of its
// own, which is pinned to some cores as the generator is. They speak OpenFlow 1.0
// unless further arguments say otherwise.
func throughput(ctx context.Context, p *plan, name, cores, generator string, switches, macs int, more ...string) (load, error) {
	var l load
	c, err := start(ctx, p, name, cores)
	if err != nil {
		return l, err
	}
	defer c.stop()
	args := append([]string{"--of", "1.0", "-s", strconv.Itoa(switches), "-M", strconv.Itoa(macs), "-t"}, more...)
	return l, c.ofbench(ctx, p, generator, &l, args...)
}

// measurement is one repetition of one controller with one version.
type measurement struct {
	throughput *load // many switches, generator on a core of its own
	latency    *load // one switch, generator on the controller's core
}

func measure(ctx context.Context, p *plan, name, version string) (measurement, error) {
	m := measurement{new(load), new(load)}
	c, err := start(ctx, p, name, p.cores[0])
	if err != nil {
		return m, err
	}
	defer c.stop()
	if err := c.ofbench(ctx, p, p.cores[1], m.throughput, "--of", version, "-s", strconv.Itoa(p.switches), "-t"); err != nil {
		return m, err
	}
	return m, c.ofbench(ctx, p, p.cores[0], m.latency, "--of", version, "-s", "1", "--dpid-offset", "1000")
}
