//go:build linux || darwin || freebsd || netbsd || openbsd

package channel

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// rawOf returns the socket of a connection, or nil if it is none: one of TLS may
// hold bytes that the socket knows nothing of.
func rawOf(nc net.Conn) syscall.RawConn {
	s, ok := nc.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// readable reports whether a read would not wait. The runtime calls it before it
// waits for the socket, and after; before, because what came earlier wakes
// nobody.
func readable(fd uintptr) bool {
	p := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(p[:], 0)
	return n != 0 || err != nil && err != unix.EINTR
}
