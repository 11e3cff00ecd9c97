package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
)

// listeners are the daemon's three ports.
type listeners struct {
	openflow, grpc, http net.Listener
}

// listen opens all ports, or none. Its errors name the flag.
func listen(ctx context.Context, s *settings) (l listeners, err error) {
	for _, port := range []struct {
		flag string
		addr address
		at   *net.Listener
	}{
		{"openflow", s.openflow, &l.openflow},
		{"grpc", s.grpc, &l.grpc},
		{"http", s.http, &l.http},
	} {
		*port.at, err = new(net.ListenConfig).Listen(ctx, "tcp", string(port.addr))
		if err != nil {
			l.close()
			return listeners{}, fmt.Errorf("--%s %s: %w", port.flag, port.addr, listenCause(err))
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

func (l listeners) close() {
	for _, ln := range []net.Listener{l.openflow, l.grpc, l.http} {
		if ln != nil {
			ln.Close()
		}
	}
}
