package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"syscall"

	"github.com/sluice-sdn/sluice/controller/channel"
)

// listeners are all that the daemon listens on.
type listeners struct {
	openflow   []openflowListener
	grpc, http net.Listener
}

// openflowListener is a listener for switches.
type openflowListener struct {
	net.Listener
	transport channel.Transport
}

// listen opens everything, or nothing; t is for those of TLS. Its errors name the flag.
func listen(ctx context.Context, s *settings, t *channel.TLS) (l listeners, err error) {
	defer func() {
		if err != nil {
			l.close()
			l = listeners{}
		}
	}()
	for _, e := range s.openflow {
		ln, err := e.Listen(ctx)
		if err != nil {
			return l, fmt.Errorf("--openflow %s: %w", e, listenCause(err))
		}
		if e.Transport == channel.TransportTLS {
			ln = t.Listener(ln)
		}
		l.openflow = append(l.openflow, openflowListener{ln, e.Transport})
	}
	for _, port := range []struct {
		flag string
		addr address
		at   *net.Listener
	}{
		{"grpc", s.grpc, &l.grpc},
		{"http", s.http, &l.http},
	} {
		*port.at, err = new(net.ListenConfig).Listen(ctx, "tcp", string(port.addr))
		if err != nil {
			return l, fmt.Errorf("--%s %s: %w", port.flag, port.addr, listenCause(err))
		}
	}
	return l, nil
}

// listenCause returns what went wrong when listening, without the address that
// the flag names already.
func listenCause(err error) error {
	if op := new(net.OpError); errors.As(err, &op) {
		err = op.Err
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w; stop what listens there or choose another address", err)
	}
	return err
}

// all returns every listener that is open.
func (l listeners) all() []net.Listener {
	all := []net.Listener{l.grpc, l.http}
	for _, ln := range l.openflow {
		all = append(all, ln)
	}
	return slices.DeleteFunc(all, func(ln net.Listener) bool { return ln == nil })
}

func (l listeners) close() {
	for _, ln := range l.all() {
		ln.Close()
	}
}

// connectCommand is what connects an Open vSwitch bridge to this listener, where
// BRIDGE and, for an address that is no machine's, HOST are to be filled in.
func (l openflowListener) connectCommand() string {
	scheme, addr := "tcp", l.Addr().String()
	switch l.transport {
	case channel.TransportUnix:
		return "ovs-vsctl set-controller BRIDGE unix:" + addr
	case channel.TransportTLS:
		scheme = "ssl"
	}
	host, port, err := net.SplitHostPort(addr)
	switch {
	case err != nil:
		return "ovs-vsctl set-controller BRIDGE " + scheme + ":" + addr
	case net.ParseIP(host).IsUnspecified():
		host = "HOST"
	}
	return "ovs-vsctl set-controller BRIDGE " + scheme + ":" + net.JoinHostPort(host, port)
}
