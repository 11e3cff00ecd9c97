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

// writeNow writes as much as the socket takes without waiting.
func (w *atOnce) writeNow(fd uintptr) {
	for len(w.b) > 0 {
		n, err := unix.Write(int(fd), w.b)
		if n > 0 {
			w.b = w.b[n:]
		}
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return
		case err != nil:
			w.err = os.NewSyscallError("write", err)
			return
		}
	}
}
