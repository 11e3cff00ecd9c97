package main

import (
	"path/filepath"

	"github.com/sluice-sdn/sluice/controller/store"
)

// doubts returns what is to be told of the store although it can be opened, or nil.
// It is asked before the store is opened: the first transaction writes over it.
func (d directory) doubts() error {
	if d == "" {
		return nil
	}
	return store.Doubts(filepath.Join(string(d), stateFile))
}
