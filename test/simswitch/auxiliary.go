package simswitch

import (
	"context"
	"fmt"
	"net"

	"github.com/sluice-sdn/sluice/ofp"
)

// DialAuxiliary opens an auxiliary connection of that number, 1 to 255 (section
// 6.3.6 of OpenFlow 1.3.5). One of the number that is there stays, as the switch of a
// fault would have it, but is not known any more. It does not end with the main one:
// whose end that is, is for the controller to show.
func (s *Switch) DialAuxiliary(ctx context.Context, addr string, id uint8) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("connect switch %s to its controller: %w", s.dp.cfg.DPID, err)
	}
	s.mu.Lock()
	if s.aux == nil {
		s.aux = map[uint8]*link{}
	}
	s.mu.Unlock()
	s.start(&link{conn: conn, aux: id})
	return nil
}

// CloseAuxiliary closes an auxiliary connection, if there is one of that number, and
// waits for its goroutines.
func (s *Switch) CloseAuxiliary(id uint8) {
	s.mu.Lock()
	l := s.aux[id]
	s.mu.Unlock()
	if l != nil {
		s.end(l, net.ErrClosed)
		l.running.Wait()
	}
}

// Auxiliary reports whether there is an auxiliary connection of that number.
func (s *Switch) Auxiliary(id uint8) bool { return look(s, func() bool { return s.aux[id] != nil }) }

// SendAuxiliary is Send on an auxiliary connection.
func (s *Switch) SendAuxiliary(id uint8, xid uint32, m ofp.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.aux[id]
	if l == nil || l.version == 0 {
		return fmt.Errorf("send %s: %w", m.Type(), net.ErrClosed)
	}
	b, err := ofp.Append(nil, l.version, xid, m)
	l.append(b, err)
	return err
}
