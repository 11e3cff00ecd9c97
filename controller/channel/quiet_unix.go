//go:build linux || darwin || freebsd || netbsd || openbsd

package channel

import (
	"io"
	"net"
	"os"
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

// readNow reads into a fresh chunk, and reports false where it would have to wait.
// The runtime calls it before it waits for the socket, and after.
func (r *reader) readNow(fd uintptr) (done bool) {
	b := newChunk(r.last >= smallChunk/2)
	for {
		n, err := unix.Read(int(fd), r.turn.most(b.buf))
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			b.recycle()
			return false
		case err != nil:
			n, r.err = 0, os.NewSyscallError("read", err)
		case n == 0:
			r.err = io.EOF
		}
		r.chunk, r.n = b, n
		return true
	}
}
