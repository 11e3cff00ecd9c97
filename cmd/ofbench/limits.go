package main

import (
	"fmt"
	"syscall"
)

// spareFiles are what ofbench has open besides its switches' sockets.
const spareFiles = 64

// openFiles sees that so many switches can be connected, and raises the limit on
// open files if it must and can.
func openFiles(switches int) error {
	need := uint64(switches + spareFiles)
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return fmt.Errorf("read the limit on open files: %w", err)
	}
	if l.Cur >= need {
		return nil
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: need, Max: max(l.Max, need)}); err != nil {
		return fmt.Errorf("%d switches need %d open files, and this process may have %d, at most %d: raise it (ulimit -n %d, as root), for the controller too",
			switches, need, l.Cur, l.Max, need)
	}
	return nil
}
