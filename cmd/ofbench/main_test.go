package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
	"go.uber.org/goleak"
)

// TestMain finds goroutines that any run has left.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// outcome is what a run of ofbench left.
type outcome struct {
	code           int
	stdout, stderr string
}

// ofbench runs the program with short tests; args may override its flags.
func ofbench(t *testing.T, ctx context.Context, args ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	args = append([]string{"-s", "2", "-M", "4", "-l", "3", "-m", "120", "-w", "1", "--procs", strconv.Itoa(runtime.GOMAXPROCS(0))}, args...)
	code := run(ctx, args, &stdout, &stderr)
	return outcome{code, stdout.String(), stderr.String()}
}

// mine returns the stacks of the goroutines that play switches.
func mine() (stacks []string) {
	b := make([]byte, 1<<20)
	for stack := range strings.SplitSeq(string(b[:runtime.Stack(b, true)]), "\n\n") {
		if strings.Contains(stack, "(*fakeSwitch)") {
			stacks = append(stacks, stack)
		}
	}
	return stacks
}

// measured runs it with --json and returns what it measured.
func measured(t *testing.T, args ...string) (result, outcome) {
	t.Helper()
	o := ofbench(t, t.Context(), append(args, "--json")...)
	var r result
	if err := json.Unmarshal([]byte(o.stdout), &r); err != nil {
		t.Fatalf("output is not JSON: %v\n%s%s", err, o.stdout, o.stderr)
	}
	return r, o
}

func TestEveryVersionAndModeIsMeasured(t *testing.T) {
	for _, v := range ofp.Versions() {
		for _, mode := range []string{"latency", "throughput"} {
			t.Run(v.String()+" "+mode, func(t *testing.T) {
				t.Parallel()
				c := startMini(t, polite(right))
				args := append(c.target(), "--of", v.String(), "--pid", strconv.Itoa(os.Getpid()))
				if mode == "throughput" {
					args = append(args, "-t")
				}
				r, o := measured(t, args...)
				if o.code != 0 {
					t.Errorf("exit code %d: %s", o.code, o.stderr)
				}
				if r.Mode != mode || r.OpenFlow != v.String() || r.Switches != 2 || r.Hosts != 4 || r.Tests != 2 {
					t.Errorf("result tells of another run: %+v", r)
				}
				if r.Answered == 0 || r.Rate.Max <= 0 || r.Rate.Avg < r.Rate.Min || r.Rate.Max < r.Rate.Avg {
					t.Errorf("rates do not fit: %+v", r)
				}
				if got := float64(r.Answered) / r.Seconds; got < r.Rate.Min || got > r.Rate.Max {
					t.Errorf("%d answers in %v s are outside of %v to %v a second", r.Answered, r.Seconds, r.Rate.Min, r.Rate.Max)
				}
				if l := r.Latency; l.P50 <= 0 || l.P90 < l.P50 || l.P99 < l.P90 || l.P999 < l.P99 || l.Max < l.P999 {
					t.Errorf("latencies do not fit: %+v", l)
				}
				if r.CPU == nil || r.CPU.Cores > float64(runtime.NumCPU())+1 {
					t.Errorf("controller's CPU time: %+v", r.CPU)
				}
				if r.Duplicate+r.Late+r.Unknown+r.Unbuffered+r.Lost > 0 {
					t.Errorf("a right answer was not counted: %+v", r.tally)
				}
			})
		}
	}
}

// TestOneAnswerIsCounted runs against controllers that answer each packet-in in
// other ways than with one flow-mod. The number of packet-ins that the
// controller has seen bounds what may be counted.
func TestOneAnswerIsCounted(t *testing.T) {
	const v = ofp.V10
	for _, test := range []struct {
		name    string
		answer  func(id uint32, send func(...byte))
		counted bool
		extra   func(tally) uint64
	}{
		{"flow-mod", func(id uint32, send func(...byte)) { send(flowMod(v, id)...) }, true, nil},
		{"packet-out", func(id uint32, send func(...byte)) { send(packetOut(v, id)...) }, true, nil},
		{"flow-mod without a buffer, then packet-out", func(id uint32, send func(...byte)) {
			send(flowMod(v, ofp.NoBuffer)...)
			send(packetOut(v, id)...)
		}, true, func(t tally) uint64 { return t.Unbuffered }},
		{"flow-mod and packet-out both with the buffer", func(id uint32, send func(...byte)) {
			send(flowMod(v, id)...)
			send(packetOut(v, id)...)
		}, true, func(t tally) uint64 { return t.Duplicate }},
		{"three times", func(id uint32, send func(...byte)) {
			for range 3 {
				send(flowMod(v, id)...)
			}
		}, true, func(t tally) uint64 { return t.Duplicate / 2 }},
		{"a buffer id never sent", func(id uint32, send func(...byte)) { send(flowMod(v, id+1<<20)...) }, false,
			func(t tally) uint64 { return t.Unknown }},
		{"no buffer id", func(id uint32, send func(...byte)) { send(packetOut(v, ofp.NoBuffer)...) }, false,
			func(t tally) uint64 { return t.Unbuffered }},
	} {
		for _, mode := range []string{"-t", "--throughput=false"} {
			t.Run(test.name+" "+mode, func(t *testing.T) {
				t.Parallel()
				var seen atomic.Uint64
				c := startMini(t, polite(func(_ ofp.Version, id uint32, send func(...byte)) bool {
					seen.Add(1)
					test.answer(id, send)
					return true
				}))
				// No warm-up, so that what is counted is all that was seen, but for
				// what is under way at the end.
				args := append(c.target(), mode, "-w", "0", "-l", "2")
				if !test.counted {
					// A packet-in that is never answered holds up the next one for this
					// long; the default leaves room for none within a chunk.
					args = append(args, "--answer-timeout", "20ms")
				}
				r, o := measured(t, args...)
				if test.counted != (r.Answered > 0) || test.counted != (o.code == 0) {
					t.Errorf("counted %d answers, exit code %d: %s", r.Answered, o.code, o.stderr)
				}
				if r.Answered > seen.Load() {
					t.Errorf("counted %d answers for %d packet-ins", r.Answered, seen.Load())
				}
				if !test.counted && !strings.Contains(o.stderr, "answered no packet-in") {
					t.Errorf("error is %q", o.stderr)
				}
				if test.extra == nil {
					return
				}
				// The one that does not count may be in the next chunk.
				extra, want := test.extra(r.tally), max(r.Answered, 1)
				if test.counted && (extra+2 < want || extra > want+2) || !test.counted && extra == 0 {
					t.Errorf("%d answers counted, but %d others: %+v", r.Answered, extra, r.tally)
				}
			})
		}
	}
}

func TestLateAnswerIsNotCounted(t *testing.T) {
	// Each packet-in is answered when the next one comes; in latency mode that is
	// after it was given up.
	c := startMini(t, func() conduct {
		var previous uint32
		return polite(func(v ofp.Version, id uint32, send func(...byte)) bool {
			if previous > 0 {
				send(flowMod(v, previous)...)
			}
			previous = id
			return true
		})()
	})
	r, o := measured(t, append(c.target(), "--answer-timeout", "20ms", "-w", "0", "-l", "1", "-m", "1500")...)
	if r.Answered != 0 || r.Late == 0 || r.Lost == 0 || o.code != 1 {
		t.Errorf("exit code %d: %+v: %s", o.code, r.tally, o.stderr)
	}
}

func TestLostAnswersDoNotStopTheRest(t *testing.T) {
	c := startMini(t, func() conduct {
		n := 0
		return polite(func(v ofp.Version, id uint32, send func(...byte)) bool {
			if n++; n%3 != 0 {
				send(flowMod(v, id)...)
			}
			return true
		})()
	})
	r, o := measured(t, append(c.target(), "-t", "--window", "4", "--answer-timeout", "20ms", "-m", "400")...)
	if o.code != 0 || r.Answered == 0 || r.Lost == 0 {
		t.Errorf("exit code %d: %+v: %s", o.code, r.tally, o.stderr)
	}
}

func TestBadControllersEndInAClearError(t *testing.T) {
	say := func(b ...byte) func() conduct {
		return func() conduct {
			return func(_ ofp.Header, _ []byte, send func(...byte)) bool { send(b...); return true }
		}
	}
	for _, test := range []struct {
		name string
		each func() conduct
		args []string
		want string
	}{
		{"says nothing", func() conduct { return func(ofp.Header, []byte, func(...byte)) bool { return true } },
			[]string{"--ready-timeout", "300ms"}, "after 300ms switch 1 of 2 is connected, but the controller has not said hello"},
		{"says hello only", say(encode(ofp.V10, new(ofp.Hello))...),
			[]string{"--ready-timeout", "300ms"}, "has not asked for its features"},
		{"speaks HTTP", say([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")...), nil, "the controller sent 48 54 54 50"},
		{"sends a length of 0", say(1, 0, 0, 0, 0, 0, 0, 1), nil, "not OpenFlow"},
		{"sends a short flow-mod", say(1, 14, 0, 8, 0, 0, 0, 1), nil, "flow_mod of 8 bytes: not OpenFlow"},
		{"closes at once", func() conduct { return func(ofp.Header, []byte, func(...byte)) bool { return false } },
			nil, "closed the connection"},
		{"is too old", say(encode(ofp.V10, new(ofp.Hello))...), []string{"--of", "1.3"}, "does not speak OpenFlow 1.3: its hello is of OpenFlow 1.0"},
		{"leaves the version out", say(encode(ofp.V13, ofp.NewHello(ofp.V10))...), []string{"--of", "1.3"},
			"does not speak OpenFlow 1.3: its hello has the version bitmap 0x2"},
		{"goes on in another version", say(encode(ofp.V13, new(ofp.FeaturesRequest))...), nil,
			"sent a message of OpenFlow 1.3 to a switch of OpenFlow 1.0"},
		{"refuses with a text", func() conduct {
			return func(h ofp.Header, _ []byte, send func(...byte)) bool {
				send(encode(h.Version, ofp.NewError(ofp.HelloFailedIncompatible, []byte("1.3 only")))...)
				return false
			}
		}, nil, `closed the connection; the controller's latest error message: OFPHFC_INCOMPATIBLE: "1.3 only"`},
		{"closes under load", polite(func(v ofp.Version, id uint32, send func(...byte)) bool { return false }), nil, "closed the connection"},
		{"answers nothing", polite(func(v ofp.Version, id uint32, send func(...byte)) bool { return true }), nil,
			"answered no packet-in: 2 were sent, and 0 flow-mods and packet-outs without a buffer id"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := startMini(t, test.each)
			o := ofbench(t, t.Context(), append(c.target(), test.args...)...)
			if o.code != 1 || !strings.Contains(o.stderr, test.want) {
				t.Errorf("exit code %d, error %q, want 1 and %q", o.code, o.stderr, test.want)
			}
		})
	}
	t.Run("is not there", func(t *testing.T) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := ln.Addr().(*net.TCPAddr).Port
		ln.Close()
		o := ofbench(t, t.Context(), "-p", strconv.Itoa(port))
		if o.code != 1 || !strings.Contains(o.stderr, "connect to the controller") {
			t.Errorf("exit code %d, error %q", o.code, o.stderr)
		}
	})
}

func TestFloodOfRequestsIsBounded(t *testing.T) {
	for _, mode := range []string{"-t", "--throughput=false"} {
		t.Run(mode, func(t *testing.T) { floodOfRequests(t, mode) })
	}
}

func floodOfRequests(t *testing.T, mode string) {
	// The controller asks without end and never reads what comes back. Only the
	// bound on waiting replies can end this; the writer's deadline is longer than
	// the handshake's.
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		echo := bytes.Repeat(encode(ofp.V10, &ofp.EchoRequest{Data: make([]byte, 30000)}), 16)
		_, _ = conn.Write(encode(ofp.V10, new(ofp.Hello)))
		for {
			_ = conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
			if _, err := conn.Write(echo); err != nil {
				return
			}
		}
	}()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{mode, "-s", "1", "-p", strconv.Itoa(ln.Addr().(*net.TCPAddr).Port), "--procs", "2", "-l", "2"}, &stdout, &stderr)
	ln.Close()
	<-done
	if code != 1 || !strings.Contains(stderr.String(), "does not read replies") {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
}

func TestInterruptEndsCleanly(t *testing.T) {
	for _, flag := range []string{"-t", "--throughput=false", "--hold=1h"} {
		t.Run(flag, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			c := startMini(t, polite(func(v ofp.Version, id uint32, send func(...byte)) bool {
				cancel() // once packet-ins flow
				return right(v, id, send)
			}))
			if strings.HasPrefix(flag, "--hold") {
				stop := time.AfterFunc(400*time.Millisecond, cancel)
				defer stop.Stop()
			}
			o := ofbench(t, ctx, append(c.target(), flag, "-m", "3600000")...)
			if left := mine(); len(left) > 0 {
				t.Errorf("%d goroutines are left:\n%s", len(left), strings.Join(left, "\n\n"))
			}
			if o.code != 130 || o.stderr != "ofbench: interrupted\n" {
				t.Errorf("exit code %d, error %q", o.code, o.stderr)
			}
		})
	}
}

// onText calls do when the text first comes by.
type onText struct {
	bytes.Buffer
	text string
	do   func()
}

func (w *onText) Write(b []byte) (int, error) {
	if w.text != "" && bytes.Contains(b, []byte(w.text)) {
		w.text = ""
		w.do()
	}
	return w.Buffer.Write(b)
}

func TestHoldCountsDroppedConnections(t *testing.T) {
	c := startMini(t, polite(right))
	args := append(c.target(), "-s", "5", "--of", "1.3", "--pid", strconv.Itoa(os.Getpid()), "--procs", strconv.Itoa(runtime.GOMAXPROCS(0)))
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), append(args, "--hold", "50ms"), &stdout, &stderr)
	if code != 0 || !regexp.MustCompile(`HELD: 5 switches, ready after .* 0 dropped\nmemory: controller`).MatchString(stdout.String()) {
		t.Errorf("exit code %d: %s%s", code, stdout.String(), stderr.String())
	}
	out := onText{text: "holding them", do: func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, conn := range c.conns[5:7] { // two of the second run
			conn.Close()
		}
	}}
	stderr.Reset()
	code = run(t.Context(), append(args, "--hold", "1s"), &out, &stderr)
	if code != 1 || !strings.Contains(stderr.String(), "closed the connection") || !strings.Contains(out.String(), " 2 dropped\n") {
		t.Errorf("exit code %d: %s%s", code, out.String(), stderr.String())
	}
}

func TestTextOutputHasCbenchsLines(t *testing.T) {
	c := startMini(t, polite(right))
	o := ofbench(t, t.Context(), append(c.target(), "-t")...)
	for _, want := range []string{
		`(?m)^RESULT: 2 switches 2 tests min/max/avg/stdev = \d+\.\d\d/\d+\.\d\d/\d+\.\d\d/\d+\.\d\d responses/s$`,
		`(?m)^\d\d:\d\d:\d\d\.\d{3} 2   switches: flows/sec:  \d+  \d+   total = \d+\.\d{6} per ms \(warm-up\)$`,
		`one answer for each packet-in, a flow-mod or packet-out with its buffer id`,
	} {
		if !regexp.MustCompile(want).MatchString(o.stdout) {
			t.Errorf("output lacks %s:\n%s", want, o.stdout)
		}
	}
	if n := strings.Count(o.stdout, " per ms"); n != 3 {
		t.Errorf("%d lines of tests, want 3:\n%s", n, o.stdout)
	}
}

func TestResultLine(t *testing.T) {
	got := resultLine(16, 3, spreadOf([]float64{1, 2, 6}))
	if want := "RESULT: 16 switches 3 tests min/max/avg/stdev = 1.00/6.00/3.00/2.16 responses/s"; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if got, want := fmt.Sprint(spreadOf(nil)), fmt.Sprint(spread{}); got != want {
		t.Errorf("of nothing: %s, want %s", got, want)
	}
}
