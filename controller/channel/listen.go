package channel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// unixMode is who may connect to a unix socket: its owner and group.
const unixMode = 0o660

// Listen opens a listener for switches. TCP connections have Go's defaults, no
// delay (Nagle) and keep-alive. A unix socket has mode 0660; one that is there
// and where nobody listens is replaced, and it is removed when the listener is
// closed.
func (e Endpoint) Listen(ctx context.Context) (net.Listener, error) {
	if e.Transport == TransportUnix {
		return listenUnix(ctx, e.Addr)
	}
	return new(net.ListenConfig).Listen(ctx, "tcp", e.Addr)
}

func listenUnix(ctx context.Context, path string) (net.Listener, error) {
	path, err := filepath.Abs(path) // as others are to name it
	if err != nil {
		return nil, err
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	// Linux makes the socket's file with the mode that the socket has, less the
	// umask: so it is never open to others, not even for a moment.
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		return errors.Join(raw.Control(func(fd uintptr) { err = syscall.Fchmod(int(fd), unixMode) }), err)
	}}
	ln, err := lc.Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, unixMode); err != nil { // what the umask took away
		ln.Close()
		return nil, err
	}
	return unixListener{ln.(*net.UnixListener)}, nil
}

// removeStale removes a unix socket where nobody listens, as a process that was
// killed leaves it. Anything else at that path is an error, or nothing.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is there and is no socket: choose another path", path)
	}
	nc, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		nc.Close()
		return syscall.EADDRINUSE
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%s is there, and whether somebody listens cannot be told: %w", path, err)
	}
	return os.Remove(path)
}

// unixListener gives its connections an address that can be told: the peer's
// end of a unix socket has none.
type unixListener struct{ *net.UnixListener }

func (l unixListener) Accept() (net.Conn, error) {
	nc, err := l.AcceptUnix()
	if err != nil {
		return nil, err
	}
	return unixConn{nc, unixAddr(l.Addr().String())}, nil
}

type unixConn struct {
	*net.UnixConn
	addr unixAddr
}

func (c unixConn) RemoteAddr() net.Addr { return c.addr }

// unixAddr is the path of the socket that both ends share.
type unixAddr string

func (unixAddr) Network() string  { return "unix" }
func (a unixAddr) String() string { return "unix:" + string(a) }

// Dial connects to a switch that listens.
func (e Endpoint) Dial(ctx context.Context) (net.Conn, error) {
	network := "tcp"
	if e.Transport == TransportUnix {
		network = "unix"
	}
	nc, err := new(net.Dialer).DialContext(ctx, network, e.Addr)
	if err != nil {
		return nil, err
	}
	if u, ok := nc.(*net.UnixConn); ok {
		return unixConn{u, unixAddr(e.Addr)}, nil
	}
	return nc, nil
}
