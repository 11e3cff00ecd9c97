package interop

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os/exec"
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/need"
)

// osKenSays is what os-ken makes of a message.
type osKenSays struct {
	Class string
	Says  map[string]any
	Again string // in hexadecimal, where it can write the message
	Error string
}

// osKenReads has os-ken read messages, all in one process.
func osKenReads(t *testing.T, frames [][]byte) (all []osKenSays) {
	t.Helper()
	var in bytes.Buffer
	for _, f := range frames {
		fmt.Fprintf(&in, "%x\n", f)
	}
	d := json.NewDecoder(bytes.NewReader(osKen(t, "testdata/os-ken-read.py", &in)))
	d.UseNumber()
	for range frames {
		var s osKenSays
		if err := d.Decode(&s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

// osKen runs a script with the Python that has os-ken.
func osKen(t *testing.T, script string, in *bytes.Buffer) []byte {
	t.Helper()
	const python = "/usr/bin/python3" // Debian's, and not another one on the path
	if out, err := exec.CommandContext(t.Context(), python, "-c", "import os_ken").CombinedOutput(); err != nil {
		need.Missing(t, fmt.Sprintf("no os-ken to compare with (Debian: apt install python3-os-ken): %v %s", err, out))
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), python, script)
	cmd.Stdin, cmd.Stderr = in, &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, stderr.String())
	}
	return out
}

// TestOsKenWritesAgainWhatItReads has os-ken read drawn messages of 1.0, 1.2 and
// 1.3. Of most that a controller sends it has no reader, and of most that a switch
// sends no writer; what it reads and writes must have the same bytes, and a flow
// the same numbers.
func TestOsKenWritesAgainWhatItReads(t *testing.T) {
	var frames [][]byte
	var names []string
	for _, s := range drawn(t, 3) {
		if s.frame[0] != byte(ofp.V11) { // which it does not have
			frames, names = append(frames, s.frame), append(names, s.name)
		}
	}
	read, same, flows := 0, 0, 0
	for i, s := range osKenReads(t, frames) {
		if s.Class == "" {
			continue
		}
		read++
		if s.Again != "" {
			if same++; s.Again != hex.EncodeToString(frames[i]) {
				t.Errorf("%s: os-ken writes\n%s, want\n%x", names[i], s.Again, frames[i])
			}
		}
		if _, m, err := ofp.Decode(frames[i]); err != nil {
			t.Errorf("%s: %v", names[i], err)
		} else if m, ok := m.(*ofp.FlowMod); ok {
			flows++
			for name, want := range map[string]uint64{"cookie": m.Cookie, "priority": uint64(m.Priority), "command": uint64(m.Command),
				"idle_timeout": uint64(m.IdleTimeout), "hard_timeout": uint64(m.HardTimeout)} {
				if got := fmt.Sprint(s.Says[name]); got != fmt.Sprint(want) {
					t.Errorf("%s: os-ken reads %s as %s, want %d", names[i], name, got, want)
				}
			}
		}
	}
	if read < 100 || same < 30 || flows == 0 {
		t.Errorf("os-ken read only %d of %d messages, wrote %d, and read %d flows", read, len(frames), same, flows)
	}
	t.Logf("os-ken read %d of %d messages, and wrote %d again", read, len(frames), same)
}
