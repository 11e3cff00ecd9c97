package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

func ofpPrint(in string, args ...string) result {
	var out, errOut bytes.Buffer
	code := run(context.Background(), append([]string{"ofp-print"}, args...), strings.NewReader(in), &out, &errOut)
	return result{code, out.String(), errOut.String()}
}

const (
	hello   = "0100000800000001"
	barrier = "0414000800000002"
)

func TestOFPPrint(t *testing.T) {
	for _, row := range []struct {
		name     string
		in       string
		args     []string
		code     int
		out, err []string
	}{
		{"arguments", "", []string{hello, barrier}, 0, []string{"OFPT_HELLO", "(xid=0x1)", "OFPT_BARRIER_REQUEST (OF1.3) (xid=0x2)"}, nil},
		{"lines", hello + "\n\n" + barrier, nil, 0, []string{"OFPT_HELLO", "OFPT_BARRIER_REQUEST"}, nil},
		{"two in one line", "", []string{hello + barrier}, 0, []string{"OFPT_HELLO", "OFPT_BARRIER_REQUEST"}, nil},
		{"blanks, colons, 0x", "", []string{"0x01:00 00 08 00000001"}, 0, []string{"OFPT_HELLO"}, nil},
		{"no hexadecimal", "zz\n" + hello, nil, 1, []string{"OFPT_HELLO"}, []string{"message 1", `'z'`}},
		{"odd digits", "", []string{"010"}, 1, nil, []string{"odd number"}},
		{"truncated", "", []string{"04140009000000"}, 1, nil, []string{"message 1"}},
		{"longer than said", "", []string{hello + "00"}, 1, []string{"OFPT_HELLO"}, []string{"message 1"}},
		{"nothing", "", nil, 0, nil, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := ofpPrint(row.in, row.args...)
			if r.code != row.code {
				t.Errorf("status %d, want %d: %s", r.code, row.code, r.err)
			}
			wantTexts(t, "output", r.out, row.out...)
			wantTexts(t, "error", r.err, row.err...)
			if row.code == 0 && r.err != "" {
				t.Errorf("error is %q", r.err)
			}
		})
	}
}

func TestReencodeAnswersEveryLine(t *testing.T) {
	long := strings.Repeat("00", maxHexLine)
	in := hello + "\n\nxyz\n010\n  \n" + barrier + hello + "\r\n" + long + "\n" + barrier + "\n0600000800000001\n05ff000900000001ab"
	r := ofpPrint(in, "--reencode")
	if r.code != 0 || r.err != "" {
		t.Errorf("status %d, %s", r.code, r.err)
	}
	var got []string
	for line := range strings.Lines(r.out) {
		var a reencoded
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&a); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		for _, key := range []string{`"ok":`, `"error":`, `"type":`, `"text":`, `"hex":`} {
			wantTexts(t, "line", line, key)
		}
		switch {
		case a.OK:
			got = append(got, a.Type+" "+a.Hex)
			if a.Error != "" || a.Text == "" {
				t.Errorf("answer is %+v", a)
			}
		default:
			got = append(got, "failed")
			if a.Error == "" || a.Hex != "" {
				t.Errorf("answer is %+v", a)
			}
		}
	}
	want := []string{"hello " + hello, "failed", "failed", "failed", "failed", "failed", "failed", "barrier_request " + barrier, "hello 0600000800000001", "unknown 05ff000900000001ab"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestReencodeEmptyLine: a line with nothing on it is a line; what is behind the
// last line's end is none.
func TestReencodeEmptyLine(t *testing.T) {
	const empty = `{"ok":false,"error":"no message","type":"","text":"","hex":""}` + "\n"
	for in, want := range map[string]string{"": "", "\n": empty, "\n\r\n": empty + empty, " ": empty} {
		if r := ofpPrint(in, "--reencode"); r.code != 0 || r.out != want {
			t.Errorf("%q: status %d, %q, want %q", in, r.code, r.out, want)
		}
	}
}

// TestOFPPrintObjects: -o is for this verb, too.
func TestOFPPrintObjects(t *testing.T) {
	type answer struct{ Messages []reencoded }
	in := hello + barrier + "\n\nzz\n05ff"
	var fromJSON, fromYAML answer
	for _, row := range []struct {
		format string
		into   func(out string) error
	}{
		{"json", func(out string) error { return json.Unmarshal([]byte(out), &fromJSON) }},
		{"yaml", func(out string) error { return yaml.Unmarshal([]byte(out), &fromYAML) }},
	} {
		r := ofpPrint(in, "-o", row.format)
		if r.code != 1 {
			t.Errorf("%s: status %d", row.format, r.code)
		}
		if err := row.into(r.out); err != nil {
			t.Errorf("%s: %v in\n%s", row.format, err, r.out)
		}
	}
	var got []string
	for _, m := range fromJSON.Messages {
		got = append(got, fmt.Sprintf("%t %s %s", m.OK, m.Type, m.Hex))
	}
	want := []string{"true hello " + hello, "true barrier_request " + barrier, "false  ", "false  "}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff(fromJSON, fromYAML); d != "" {
		t.Errorf("JSON and YAML differ:\n%s", d)
	}
	for format, want := range map[string]string{"json": "{\n  \"messages\": []\n}\n", "yaml": "messages: []\n"} {
		if r := ofpPrint("", "-o", format); r.code != 0 || r.out != want {
			t.Errorf("nothing as %s: status %d, %q", format, r.code, r.out)
		}
	}
}

// TestReencodeCorpus has every recorded message come back to the same bytes,
// under the type that the record has.
func TestReencodeCorpus(t *testing.T) {
	data, err := os.ReadFile("../../ofp/testdata/ovs-recorded.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	type record struct{ Version, Type, Hex string }
	var records []record
	var in strings.Builder
	for line := range strings.Lines(string(data)) {
		var r record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
		in.WriteString(r.Hex + "\n")
	}
	lines := strings.Split(strings.TrimSpace(ofpPrint(in.String(), "--reencode").out), "\n")
	if len(lines) != len(records) || len(records) < 400 {
		t.Fatalf("%d answers to %d messages", len(lines), len(records))
	}
	for i, line := range lines {
		var a reencoded
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatal(err)
		}
		// The record numbers messages of one type: "port_status-2".
		if r := records[i]; !a.OK || a.Hex != r.Hex || !strings.HasPrefix(r.Type, a.Type) {
			t.Errorf("%s %s: %+v", r.Version, r.Type, a)
		}
	}
}

func FuzzReencode(f *testing.F) {
	for _, s := range []string{hello, barrier, "04", "0x", "04130010000000010000000000000000", "010e0048" + strings.Repeat("00", 68)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		for _, s := range []string{line, hex.EncodeToString([]byte(line))} {
			r := ofpPrint(s, "--reencode")
			for l := range strings.Lines(r.out) {
				var a reencoded
				if err := json.Unmarshal([]byte(l), &a); err != nil || strings.Contains(a.Error, "fault in the codec") {
					t.Fatalf("%q: %v %s", s, err, l)
				}
			}
			if r.code != 0 || strings.Contains(ofpPrint(s).err, "fault in the codec") {
				t.Fatalf("%q: status %d", s, r.code)
			}
		}
	})
}
