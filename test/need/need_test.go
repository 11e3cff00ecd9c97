package need

import (
	"fmt"
	"strings"
	"testing"
)

// told is a test that remembers how it ended.
type told struct {
	testing.TB
	fatal, skip string
}

func (*told) Helper()                          {}
func (f *told) Fatalf(format string, a ...any) { f.fatal = fmt.Sprintf(format, a...) }
func (f *told) Skipf(format string, a ...any)  { f.skip = fmt.Sprintf(format, a...) }

func TestMissingProgramIsSkippedOrFails(t *testing.T) {
	for _, tt := range []struct {
		require       string
		skips, failed bool
	}{{"", true, false}, {"0", true, false}, {"1", false, true}} {
		t.Setenv("SLUICE_REQUIRE_OVS", tt.require)
		f := new(told)
		Program(f, "no-such-program", "some-package")
		said := f.fatal + f.skip
		if (f.skip != "") != tt.skips || (f.fatal != "") != tt.failed || !strings.Contains(said, "no-such-program") || !strings.Contains(said, "some-package") {
			t.Errorf("SLUICE_REQUIRE_OVS=%q: skipped %q, failed %q", tt.require, f.skip, f.fatal)
		}
	}
	f := new(told)
	if path := Program(f, "sh", "dash"); path == "" || f.fatal+f.skip != "" {
		t.Errorf("sh is at %q: %+v", path, f)
	}
}
