//go:build !linux

package store

import "context"

// readAhead and unmapped do nothing here: the kernel finds out for itself.
func (pages) readAhead(context.Context) {}
func (pages) unmapped()                 {}
