package ofp

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// ovsOfctl runs ovs-ofctl, or skips the test where there is none.
func ovsOfctl(t *testing.T, args ...string) (stdout string) {
	t.Helper()
	path, err := exec.LookPath("ovs-ofctl")
	if err != nil {
		t.Skipf("needs Open vSwitch's ovs-ofctl to compare with: %v", err)
	}
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("ovs-ofctl %s: %v\n%s%s", strings.Join(args, " "), err, errs.String(), out.String())
	}
	return out.String()
}

// ovsPrint returns what ovs-ofctl prints for each frame, in one run of it.
func ovsPrint(t *testing.T, frames [][]byte) []string {
	t.Helper()
	// A barrier request between two frames shows where the text of one ends.
	const mark = 0xfeedbee0
	var file []byte
	for _, f := range frames {
		file = append(file, f...)
		var err error
		if file, err = Append(file, V10, mark, &BarrierRequest{}); err != nil {
			t.Fatal(err)
		}
	}
	name := filepath.Join(t.TempDir(), "frames")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	texts := strings.Split(ovsOfctl(t, "ofp-parse", name), fmt.Sprintf("OFPT_BARRIER_REQUEST (xid=0x%x):\n", uint32(mark)))
	if len(texts) != len(frames)+1 {
		t.Fatalf("ovs-ofctl printed %d messages, want %d", len(texts)-1, len(frames))
	}
	return texts[:len(frames)]
}

// comparePrints compares what Print and ovs-ofctl make of frames.
func comparePrints(t *testing.T, frames [][]byte) {
	t.Helper()
	bad := 0
	for i, want := range ovsPrint(t, frames) {
		if got, want := trimLines(Print(frames[i])), trimLines(want); got != want {
			t.Errorf("%x\n got %s\nwant %s", frames[i], got, want)
			if bad++; bad == 10 {
				t.Fatal("and so on")
			}
		}
	}
	t.Logf("compared %d messages", len(frames))
}

const generated = 300

func TestGeneratedFlowsPrintAsOpenVSwitchPrintsThem(t *testing.T) {
	for _, v := range Versions() {
		t.Run(v.String(), func(t *testing.T) {
			var frames [][]byte
			for i := range generated {
				m := genFlow(v, true).Example(i)
				if eth, _, _ := m.Match.Uint(FieldEthType); v == V11 && eth == ethIPv6 {
					continue // the 1.1 match has no IPv6: Open vSwitch reads nothing but the Ethernet type
				}
				frame, err := Append(nil, v, uint32(i), m)
				if errors.Is(err, ErrVersion) {
					continue // the generator does not know what every version lacks
				}
				if err != nil {
					t.Fatalf("%s: %v", m, err)
				}
				frames = append(frames, frame)
			}
			if len(frames) < generated/10 {
				t.Fatalf("only %d of %d flows could be encoded", len(frames), generated)
			}
			comparePrints(t, frames)
		})
	}
}

func TestOpenVSwitchTakesPrintedFlows(t *testing.T) {
	for _, v := range []Version{V10, V13} {
		t.Run(v.String(), func(t *testing.T) {
			var lines []string
			for i := range generated {
				m := genFlow(v, true).Example(i)
				if _, err := Append(nil, v, 1, m); errors.Is(err, ErrVersion) {
					continue
				}
				lines = append(lines, m.String())
				f := FlowStats{Table: m.Table, Priority: m.Priority, IdleTimeout: m.IdleTimeout, HardTimeout: m.HardTimeout, Cookie: m.Cookie,
					Flags: m.Flags, Match: m.Match, Instructions: m.Instructions, DurationSec: 3, DurationNsec: 1e6 * uint32(i), Packets: 7, Bytes: 1 << 40}
				lines = append(lines, f.String())
				again, err := ParseFlow(f.String(), FlowAdd, nil)
				if err != nil || again.String() != m.String() {
					t.Errorf("%s:\n read again as %v, %v\n want %s", f.String(), again, err, m)
				}
			}
			name := filepath.Join(t.TempDir(), "flows")
			if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			out := ovsOfctl(t, "-O", "OpenFlow"+strings.ReplaceAll(v.String(), ".", ""), "parse-flows", name)
			if got := strings.Count(out, "FLOW_MOD"); got < len(lines) {
				t.Errorf("ovs-ofctl took %d of %d flows\n%s", got, len(lines), out)
			}
			t.Logf("ovs-ofctl took %d lines", len(lines))
		})
	}
}

func TestErrorsPrintAsOpenVSwitchPrintsThem(t *testing.T) {
	var frames [][]byte
	for _, v := range Versions() {
		for r := ReasonUnknown + 1; r < numReasons; r++ {
			frame, err := Append(nil, v, 1, NewError(r, nil))
			if err != nil {
				continue // the version has no such error
			}
			frames = append(frames, frame)
		}
	}
	comparePrints(t, frames)
}
