package main

import (
	"os"
	"strings"
	"testing"
)

// TestMain hides the settings of whoever runs the tests.
func TestMain(m *testing.M) {
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "SLUICE_") {
			os.Unsetenv(name)
		}
	}
	os.Exit(m.Run())
}
