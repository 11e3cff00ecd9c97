package channel

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// smallSegments gives a socket, before it is connected, segments of the size that
// they have on a wire.
func smallSegments(_, _ string, c syscall.RawConn) error {
	var err error
	if e := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, 1448) }); e != nil {
		return e
	}
	return err
}
