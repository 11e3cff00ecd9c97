package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// whileSnooping runs a command line of snoop, and barriers until it ends or,
// where until is not nil, until that is so; then it is interrupted.
func (d *daemon) whileSnooping(until func(out string) bool, args ...string) result {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	pr, pw := io.Pipe()
	var out, errOut bytes.Buffer
	code := make(chan int, 1)
	go func() {
		defer pw.Close()
		code <- run(ctx, append([]string{"-a", d.grpc}, args...), strings.NewReader(""), pw, &errOut)
	}()
	read := make(chan string)
	go func() {
		defer close(read)
		for b := make([]byte, 4096); ; {
			n, err := pr.Read(b)
			if err != nil {
				return
			}
			read <- string(b[:n])
		}
	}()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case s, ok := <-read:
			if !ok {
				return result{<-code, out.String(), errOut.String()}
			}
			out.WriteString(s)
			if until != nil && until(out.String()) {
				cancel()
			}
		case <-tick.C:
			d.must("", "barrier", "br0")
		}
	}
}

func TestSnoop(t *testing.T) {
	d := newDaemon(t)
	d.bridge(simswitch.Config{Name: "br0", Versions: []ofp.Version{ofp.V13}})
	r := d.whileSnooping(nil, "snoop", "br0", "--type", "barrier_request,barrier_reply", "--count", "2")
	if r.code != exitDone || r.err != "" {
		t.Fatalf("%+v", r)
	}
	lines := strings.Split(stamped.ReplaceAllString(r.out, ""), "\n")
	for i, l := range lines {
		if before, _, ok := strings.Cut(l, " (xid="); ok {
			lines[i] = before
		}
	}
	want := []string{"controller > br0:", "OFPT_BARRIER_REQUEST (OF1.3)", "", "br0 > controller:", "OFPT_BARRIER_REPLY (OF1.3)", ""}
	if d := cmp.Diff(want, lines); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	r = d.whileSnooping(nil, "-o", "json", "snoop", "br0", "--type", "barrier_reply", "--count", "1")
	var m capturedObject
	if err := json.Unmarshal([]byte(r.out), &m); err != nil || strings.Count(r.out, "\n") != 1 {
		t.Fatalf("%v: %q", err, r.out)
	}
	if _, err := time.Parse(time.RFC3339Nano, m.Time); err != nil || m.From != "br0" || m.To != "controller" || !m.OK || m.Type != "barrier_reply" || len(m.Hex) != 16 {
		t.Errorf("%v, %+v", err, m)
	}
	r = d.whileSnooping(nil, "-o", "yaml", "snoop", "br0", "--count", "2")
	if strings.Count(r.out, "---\ntime: ") != 2 || !strings.Contains(r.out, "\ntype: barrier_re") {
		t.Errorf("yaml: %s", r.out)
	}
	r = d.whileSnooping(func(out string) bool { return strings.Contains(out, "REPLY") }, "snoop", "br0")
	if r.code != exitDone || r.err != "" {
		t.Errorf("interrupted: %+v", r)
	}
}

func TestSnoopErrors(t *testing.T) {
	d := newDaemon(t)
	d.bridge(simswitch.Config{Name: "br0", Versions: []ofp.Version{ofp.V13}})
	for _, row := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"snoop", "br9"}, exitError, `no switch "br9" is connected`},
		{[]string{"snoop", "br0", "--type", "packets"}, exitUsage, `no message is called "packets"`},
		{[]string{"snoop", "br0", "--count", "-1"}, exitUsage, "want 0 or more"},
		{[]string{"snoop"}, exitUsage, "SWITCH is missing"},
	} {
		if r := d.sluice("", row.args...); r.code != row.code || !strings.Contains(r.err, row.says) || r.out != "" {
			t.Errorf("%q: %+v", row.args, r)
		}
	}
	silent := listen(t) // accepts, and says nothing
	defer silent.Close()
	if r := d.sluice("", "-a", silent.Addr().String(), "--timeout", "50ms", "snoop", "br0"); r.code != exitError || !strings.Contains(r.err, "no answer from sluiced") {
		t.Errorf("a silent daemon: %+v", r)
	}
}

// TestSnoopSaysWhatItMissed, in its place.
func TestSnoopSaysWhatItMissed(t *testing.T) {
	for output, want := range map[string]string{
		"text": "sluice: missed 3 messages here, which came faster than they could be printed\n",
		"json": "{\"missed\":3}\n",
		"yaml": "---\nmissed: 3\n",
	} {
		var b bytes.Buffer
		c := &client{out: &b, errOut: &b, output: output}
		p := newSnoopPrinter(c)
		for _, e := range []*sluicev1.SnoopResponse{
			{Event: &sluicev1.SnoopResponse_Started{Started: &sluicev1.SnoopStarted{Name: "br\x1b0"}}},
			{Event: &sluicev1.SnoopResponse_Message{Message: &sluicev1.SnoopMessage{Time: timestamppb.Now(), Data: echo(1, 8)}}},
			{Event: &sluicev1.SnoopResponse_Lagged{Lagged: &sluicev1.SnoopLagged{Messages: 3}}},
		} {
			if err := p.event(e); err != nil {
				t.Fatal(err)
			}
		}
		if !strings.HasSuffix(b.String(), "\n"+want) || strings.Contains(b.String(), "\x1b") {
			t.Errorf("%s: %q, want %q at its end", output, b.String(), want)
		}
	}
}
