package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// TestPlanNamesSwitchesThatAreAway: a plan that cannot be carried out because
// switches are away says which, and what to do, before anybody is asked.
func TestPlanNamesSwitchesThatAreAway(t *testing.T) {
	change := []*sluicev1.PlannedChange{{Kind: "flow", After: "arp actions=drop"}}
	plan := []*sluicev1.SwitchPlan{
		{Switch: "br0", Dpid: "01", Changes: change},
		{Switch: "br1", Dpid: "02", Changes: change, Away: true},
		{Dpid: "03", Changes: change, Away: true},
	}
	var out bytes.Buffer
	printPlan(&out, plan, func(_ byte, line string) string { return line })
	if !strings.Contains(out.String(), "br0\n") || !strings.Contains(out.String(), "br1 (away)\n") {
		t.Errorf("the plan is\n%s", &out)
	}
	if err := level("stored").reaches(plan); err != nil {
		t.Errorf("stored: %v", err)
	}
	if err := level("confirmed").reaches(plan[:1]); err != nil {
		t.Errorf("all are there: %v", err)
	}
	err := level("confirmed").reaches(plan)
	if err == nil || !strings.HasPrefix(err.Error(), "not connected: br1, 03; nothing was changed\n") || !strings.Contains(err.Error(), "--level stored") {
		t.Errorf("confirmed: %v", err)
	}
	for range 7 {
		plan = append(plan, plan[2])
	}
	if err := level("confirmed").reaches(plan); err == nil || !strings.Contains(err.Error(), "br1, 03, 03, 03, 03 and 4 more;") {
		t.Errorf("many: %v", err)
	}
}

// TestBackupNamesTheFile: an error names the file that was asked for.
func TestBackupNamesTheFile(t *testing.T) {
	err := wholeFile("/nonexistent/x", func(io.Writer) error { return nil })
	if err == nil || err.Error() != "write /nonexistent/x: no such file or directory" {
		t.Errorf("%v", err)
	}
}

// TestBackupIntoAPipe: what is no file is written to, and not replaced by one.
func TestBackupIntoAPipe(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	pipe, err := os.OpenFile(name, os.O_RDWR, 0) // so that who writes does not wait
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	err = wholeFile(name, func(w io.Writer) error {
		_, err := io.WriteString(w, "backup")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 6)
	pipe.SetReadDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.ReadFull(pipe, got); err != nil || string(got) != "backup" {
		t.Errorf("%q, %v", got, err)
	}
	if info, err := os.Lstat(name); err != nil || info.Mode().Type() != os.ModeNamedPipe {
		t.Errorf("%v, %v; want a pipe", info, err)
	}
}

func TestOneMessage(t *testing.T) {
	if a, b := messages(1), messages(2); a != "1 message" || b != "2 messages" {
		t.Errorf("%q, %q", a, b)
	}
}
