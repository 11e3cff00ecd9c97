//go:build !linux

package channel

import "syscall"

func smallSegments(string, string, syscall.RawConn) error { return nil }
