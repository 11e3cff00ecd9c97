package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sluice-sdn/sluice/ofp"
)

func TestFlagsAreThoseOfCbench(t *testing.T) {
	want := &options{
		host: "10.0.0.1", port: 6633, switches: 3, macs: 7, loops: 5, perTest: 250 * time.Millisecond, warmup: 2, throughput: true,
		version: ofp.V13, window: 1024, answerTimeout: 2 * time.Second, readyTimeout: 20 * time.Second, dpidOffset: 1, procs: 1, seed: 1,
	}
	for _, line := range []string{
		"-c 10.0.0.1 -p 6633 -s 3 -M 7 -l 5 -m 250 -w 2 -t --of 1.3",
		"--controller 10.0.0.1 --port 6633 --switches 3 --mac-addresses-per-switch 7 --loops 5 --ms-per-test 250 --warmup 2 --throughput --of OpenFlow13",
	} {
		got, err := parseOptions(strings.Fields(line), io.Discard)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(options{})); diff != "" {
			t.Errorf("%s: -want +got\n%s", line, diff)
		}
	}
}

func TestWrongFlagsAreNamed(t *testing.T) {
	for line, want := range map[string]string{
		"-s 0":                "--switches 0: want 1 to 65536",
		"-p 70000":            "--port 70000",
		"-l 3 -w 3":           "--warmup 3: want 0 to 2, as it is part of the 3 loops",
		"-w -1":               "--warmup -1",
		"-m 0":                "--ms-per-test 0",
		"--of 1.4":            `--of: openflow version "1.4": want 1.0, 1.1, 1.2 or 1.3`,
		"--window 0":          "--window 0",
		"--answer-timeout 0s": "--answer-timeout 0s: want more than 0",
		"--hold -1s":          "--hold -1s",
		"--reconnect 3":       "--reconnect 3: comes with --hold",
		"--rate 3":            "--rate 3: comes with -t",
		"extra":               `unexpected argument "extra"`,
		"--unheard":           "unknown flag: --unheard",
		"--fault dealy=1s":    `--fault: fault "dealy=1s": no such fault; want reset`,
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), strings.Fields(line), &stdout, &stderr)
		if code != 2 || !strings.Contains(stderr.String(), want) {
			t.Errorf("%s: exit code %d, error %q, want 2 and %q", line, code, stderr.String(), want)
		}
	}
}

func TestHelpTellsEveryFlagAndHowAnswersAreCounted(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"--help"}, &stdout, &stderr); code != 0 || stderr.Len() > 0 {
		t.Errorf("exit code %d, error %q", code, stderr.String())
	}
	for _, want := range []string{
		"-c, --controller", "-p, --port", "-s, --switches", "-M, --mac-addresses-per-switch", "-l, --loops", "-m, --ms-per-test",
		"-w, --warmup", "-t, --throughput", "--of", "--pid", "--json", "How answers are counted",
		"--fault", "--seed", "throttle=64k@down", "@connection:N[-M]",
	} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("help lacks %q", want)
		}
	}
}

func TestWindowAndHostsAreRounded(t *testing.T) {
	o, err := parseOptions([]string{"-M", "1", "--window", "1000", "-t"}, io.Discard)
	if err != nil || o.macs != 2 || o.inFlight() != 1024 {
		t.Errorf("%d hosts, window %d, error %v", o.macs, o.inFlight(), err)
	}
	if o, err = parseOptions([]string{"--window", "1", "-t"}, io.Discard); err != nil || o.inFlight() != 1 {
		t.Errorf("window %d, error %v", o.inFlight(), err)
	}
}
