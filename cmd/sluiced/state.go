package main

import (
	"fmt"
	"os"
)

// prepare makes the directory if it is missing and tries whether files can be
// made in it, so that the daemon says at its start what would otherwise fail on
// the first write. The directory is its owner's alone.
func (d directory) prepare() error {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return fmt.Errorf("--state: %w", err)
	}
	probe, err := os.CreateTemp(string(d), ".writable-*")
	if err != nil {
		return fmt.Errorf("--state: %w", err)
	}
	if err := probe.Close(); err != nil {
		return fmt.Errorf("--state: %w", err)
	}
	if err := os.Remove(probe.Name()); err != nil {
		return fmt.Errorf("--state: %w", err)
	}
	return nil
}
