package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sluice-sdn/sluice/controller/desired"
	"github.com/sluice-sdn/sluice/controller/store"
)

// stateFile is the store's name in the directory.
const stateFile = "state.db"

// open opens the store in the directory and reads what it holds. With no
// directory nothing is kept: both are nil.
func (d directory) open(ctx context.Context) (store.Store, *desired.State, error) {
	if d == "" {
		return nil, nil, nil
	}
	if err := d.prepare(); err != nil {
		return nil, nil, err
	}
	path := filepath.Join(string(d), stateFile)
	s, err := store.Open(path, store.Options{})
	if err != nil {
		return nil, nil, fmt.Errorf("--state: %w", err)
	}
	state, err := desired.New(ctx, s)
	if err != nil {
		switch {
		case errors.Is(err, store.ErrBroken):
			err = fmt.Errorf("%s: %w", path, err)
		case errors.Is(err, store.ErrDamaged):
			err = fmt.Errorf("%s: %w; restore a backup, or move it away to begin anew", path, err)
		}
		return nil, nil, fmt.Errorf("--state: %w", errors.Join(err, s.Close()))
	}
	return s, state, nil
}

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
