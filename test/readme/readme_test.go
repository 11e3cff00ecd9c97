package readme

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/test/ovs"
)

// TestREADME runs the project's README.md.
func TestREADME(t *testing.T) {
	t.Parallel()
	document(t, "README.md")
}

// TestTLS runs the walk through TLS.
func TestTLS(t *testing.T) {
	t.Parallel()
	document(t, "docs/tls.md")
}

// TestState runs what is said of desired state.
func TestState(t *testing.T) {
	t.Parallel()
	document(t, "docs/state.md")
}

// document runs a document of the project.
func document(t *testing.T, name string) {
	t.Helper()
	ovs.Require(t)
	text, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		t.Fatal(err)
	}
	blocks, err := parse(string(text))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	ran := 0
	for _, b := range blocks {
		if b.kind == run || b.kind == background {
			ran++
		}
	}
	if ran < 3 {
		t.Errorf("%s has only %d blocks to run", name, ran)
	}
	n := ovs.New(t)
	if err := runAll(t.Context(), n, blocks, t.Logf); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	for _, log := range logs(n) {
		b, err := os.ReadFile(log)
		if err != nil {
			t.Error(err)
		}
		for _, line := range ovs.Trouble(string(b)) {
			t.Errorf("%s: %s", filepath.Base(log), line)
		}
	}
}

// logs are the outputs of background blocks.
func logs(n *ovs.Net) []string {
	files, _ := filepath.Glob(filepath.Join(n.Dir, "line-*.out"))
	return files
}

// TestSample runs a document that uses each directive.
func TestSample(t *testing.T) {
	t.Parallel()
	n := ovs.New(t)
	var told []string
	blocks := sample(t, "sample.md")
	err := runAll(t.Context(), n, blocks, func(format string, args ...any) {
		told = append(told, fmt.Sprintf(format, args...))
	})
	if err != nil {
		t.Error(err)
	}
	if !strings.Contains(strings.Join(told, "\n"), "skipped: it would format the disk") {
		t.Errorf("the skipped block's reason is not told: %q", told)
	}
}

// TestWrong runs documents that are not true: each has to be told.
func TestWrong(t *testing.T) {
	t.Parallel()
	n := ovs.New(t)
	for _, tc := range []struct{ name, document, want string }{
		{"a command fails", "```sh\ntrue\nfalse\ntrue\n```", "line 2"},
		{"a pipe's first command fails", "```sh\nfalse | cat\n```", "line 2"},
		{"a variable has no value", "```sh\necho $nothing\n```", "line 2"},
		{"a command that should fail does not", "<!-- test: fails -->\n```sh\ntrue\n```", "should have failed"},
		{"too long", "<!-- test: within 100ms -->\n```sh\nsleep 50\n```", "deadline"},
		{"other output", "```console\n$ echo one; echo two\none\nthree\n```", "three"},
		{"less output", "```console\n$ echo one\none\ntwo\n```", "two"},
		{"more output", "```sh\necho one; echo two\n```\n<!-- test: output -->\n```\none\n```", "more comes"},
		{"never ready", "<!-- test: within 200ms -->\n<!-- test: background until false -->\n```sh\nsleep 50\n```", "wait for"},
		{"ends too early", "<!-- test: background until false -->\n```sh\necho over; exit 3\n```", "over"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			blocks, err := parse(tc.document)
			if err != nil {
				t.Fatal(err)
			}
			err = runAll(t.Context(), n, blocks, t.Logf)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error is %v, want one with %q", err, tc.want)
			}
		})
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	got := sample(t, "sample.md")
	var kinds []string
	for _, b := range got {
		kinds = append(kinds, fmt.Sprintf("%d %v %v %v %v %q %q %q", b.line, b.kind, b.alone, b.fails, b.within, b.arg, b.text, b.want))
	}
	want := []string{
		`5 run false false 3m0s "" "ovs-vsctl add-br br0 -- set bridge br0 datapath_type=netdev" ""`,
		`11 run false false 3m0s "" "ovs-vsctl list-br" ""`,
		`16 output false false 3m0s "" "br0" ""`,
		`23 run false false 30s "" "sudo ovs-ofctl \\\n  dump-flows br0" "…\n cookie=0x0, duration=4.2s, … priority=0 actions=NORMAL"`,
		`32 background false false 3m0s "test -e ready" "touch ready; exec sleep 100" ""`,
		`38 file false false 3m0s "hello.py" "print(\"hello\",\n      40 + 2)" ""`,
		`43 run false false 3m0s "" "python3 hello.py\ntest -f go.mod && test -d proto" ""`,
		`50 run true false 3m0s "" "ip -brief link > links" ""`,
		`54 run false false 3m0s "" "! diff links <(ip -brief link)" ""`,
		`61 run false true 3m0s "" "ovs-vsctl add-br br0" ""`,
		`67 skip false false 3m0s "it would format the disk" "mkfs /dev/sda" ""`,
	}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("blocks (-want +got):\n%s", diff)
	}

	for _, tc := range []struct{ name, document, want string }{
		{"unknown word", "<!-- test: skpi later -->\n```sh\n```", `line 1: unknown directive "skpi"`},
		{"no reason", "<!-- test: skip -->\n```sh\n```", "line 1: skip wants the reason"},
		{"no block", "<!-- test: fails -->\ntext\n```sh\n```", "line 1: no block follows"},
		{"no block at the end", "\n<!-- test: fails -->\n", "line 2: no block follows"},
		{"no end", "```sh\ntrue\n", "line 1: the block has no end"},
		{"setup without end", "<!-- test: setup\ntrue\n", "line 1: the setup has no end"},
		{"no colon", "<!-- test skip it -->\n```sh\n```", "line 1: "},
		{"duration", "<!-- test: within soon -->\n```sh\n```", `line 1: within "soon"`},
	} {
		if _, err := parse(tc.document); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error is %v, want one with %q", tc.name, err, tc.want)
		}
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		want, got string
		same      bool
	}{
		{"", "", true},
		{"a  1\nb", "a 22\n\nb\n", true},
		{"a", "b", false},
		{"a\nc", "a\nb\nc", false},
		{"a\n…\nc", "a\nb\nb\nc", true},
		{"…\nc", "a\nb\nc", true},
		{"a\n…", "a\nb\nc", true},
		{"a\n…", "b", false},
		{"x=…, y", "x=anything at all, y", true},
		{"x=…, y", "x=anything at all, z", false},
		{"(a|b)*", "aab", false},
		{"", "a", false},
	} {
		if diff := compare(tc.want, tc.got); (diff == "") != tc.same {
			t.Errorf("compare(%q, %q) is %q", tc.want, tc.got, diff)
		}
	}
}

func sample(t *testing.T, name string) []block {
	t.Helper()
	document, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	blocks, err := parse(string(document))
	if err != nil {
		t.Fatal(err)
	}
	return blocks
}
