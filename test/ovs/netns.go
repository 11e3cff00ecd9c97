package ovs

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// inside runs fn on a thread in the named network namespace, and waits for it.
// What fn starts or opens there stays in that namespace. fn must not start
// goroutines that open sockets: they would be elsewhere.
func inside(namespace string, fn func() error) error {
	done := make(chan error, 1)
	go func() {
		// The thread is not unlocked, so that it ends with the goroutine
		// and its namespace is never seen by another one.
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			// The first thread cannot end, and its namespace is the one
			// that others take for the process's. While it is held here,
			// the next attempt has another.
			defer runtime.UnlockOSThread()
			done <- inside(namespace, fn)
			return
		}
		done <- enter(namespace, fn)
	}()
	return <-done
}

func enter(namespace string, fn func() error) error {
	f, err := os.Open("/run/netns/" + namespace)
	if err != nil {
		return fmt.Errorf("enter namespace: %w", err)
	}
	defer f.Close()
	if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter namespace %s: %w", namespace, err)
	}
	return fn()
}

// dial connects to a literal address inside a namespace.
func dial(ctx context.Context, namespace, network, address string) (c net.Conn, err error) {
	err = inside(namespace, func() error {
		var d net.Dialer
		c, err = d.DialContext(ctx, network, address)
		return err
	})
	return c, err
}

// listen opens a TCP listener on a literal address inside a namespace.
func listen(ctx context.Context, namespace, address string) (l net.Listener, err error) {
	err = inside(namespace, func() error {
		var lc net.ListenConfig
		l, err = lc.Listen(ctx, "tcp", address)
		return err
	})
	return l, err
}

// listenPacket opens a UDP socket on a literal address inside a namespace.
func listenPacket(ctx context.Context, namespace, address string) (c net.PacketConn, err error) {
	err = inside(namespace, func() error {
		var lc net.ListenConfig
		c, err = lc.ListenPacket(ctx, "udp4", address)
		return err
	})
	return c, err
}

// plainChecksums makes the kernel fill in checksums before a packet leaves an
// interface. A veth pair leaves them to a device that it does not have, and the
// userspace datapath, which sees the packets in between, would pass on
// segments that the receiver drops. It is what `ethtool -K IFACE tx off` does.
func plainChecksums(namespace, iface string) error {
	return inside(namespace, func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer func() { _ = unix.Close(fd) }()
		value := struct{ cmd, data uint32 }{unix.ETHTOOL_STXCSUM, 0}
		var req struct {
			name [unix.IFNAMSIZ]byte
			data unsafe.Pointer
			_    [16]byte // the rest of struct ifreq
		}
		copy(req.name[:unix.IFNAMSIZ-1], iface)
		req.data = unsafe.Pointer(&value)
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&req))); errno != 0 {
			return fmt.Errorf("switch checksum offload of %s off: %w", iface, errno)
		}
		return nil
	})
}

// withoutIPv6 keeps the hosts quiet: no router solicitations or neighbour
// discovery among the packets that a test counts.
func withoutIPv6(namespace string) error {
	return inside(namespace, func() error {
		err := os.WriteFile("/proc/sys/net/ipv6/conf/all/disable_ipv6", []byte("1"), 0)
		if os.IsNotExist(err) {
			return nil // a kernel without IPv6 is quiet already
		}
		return err
	})
}
