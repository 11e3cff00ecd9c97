// Package need is how a test says what it cannot do without. What is missing is
// a reason to skip on a machine of somebody's own, and a failure where
// SLUICE_REQUIRE_OVS=1 demands a whole run.
package need

import (
	"os"
	"os/exec"
	"testing"
)

// Program returns the path of a program. Where there is none the test is skipped
// or fails, and names the Debian package that has it.
func Program(t testing.TB, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, err.Error()+" (Debian: apt install "+debian+")")
	}
	return path
}

// Missing skips the test for the reason, or fails it.
func Missing(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("SLUICE_REQUIRE_OVS") == "1" {
		t.Fatalf("SLUICE_REQUIRE_OVS=1, but %s", reason)
		return
	}
	t.Skipf("skipped: %s", reason)
}
