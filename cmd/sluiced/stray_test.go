package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func noVariables(string) (string, bool) { return "", false }

func TestStrayVariables(t *testing.T) {
	got := strayVariables(defaults().flags(), []string{"SLUICE_LOGLEVEL=debug", "SLUICE_LOG_LEVEL=debug", "HOME=/", "SLUICE_CONFIG=x",
		"SLUICE_ADDR=x", "XSLUICE_A=1", "SLUICE_PORT_6653_TCP_PROTO=tcp"})
	want := []string{"SLUICE_LOGLEVEL (did you mean SLUICE_LOG_LEVEL?)", "SLUICE_PORT_6653_TCP_PROTO"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestStrayVariableIsTold: it is a warning, and no error.
func TestStrayVariableIsTold(t *testing.T) {
	t.Setenv("SLUICE_LOGLEVEL", "debug")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stderr bytes.Buffer
	args := []string{"--openflow", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"}
	if status := run(ctx, args, noVariables, io.Discard, &stderr); status != 0 {
		t.Errorf("status %d", status)
	}
	if !strings.Contains(stderr.String(), "level=warning") || !strings.Contains(stderr.String(), "SLUICE_LOGLEVEL (did you mean SLUICE_LOG_LEVEL?)") {
		t.Errorf("it said\n%s", stderr.String())
	}
}

// TestEveryLineOfAnError says whose it is.
func TestEveryLineOfAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte("opneflow: :1\nlog-level: loud\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	if status := run(t.Context(), []string{"--config", path}, noVariables, io.Discard, &stderr); status != 2 {
		t.Errorf("status %d", status)
	}
	lines := strings.Split(strings.TrimSuffix(stderr.String(), "\n"), "\n")
	if len(lines) != 3 {
		t.Errorf("%d lines, want 3", len(lines))
	}
	for _, line := range lines {
		if !strings.HasPrefix(line, "sluiced: ") {
			t.Errorf("line %q", line)
		}
	}
}
