package controller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
)

const (
	// maxAuxiliaries bounds the auxiliary connections of one switch; more are refused.
	maxAuxiliaries = 16
	// mainTimeout is how long an auxiliary connection waits for its main one.
	mainTimeout = 3 * time.Second
)

// Auxiliary is one more connection of a switch, beside its main one (section 6.3.6
// of OpenFlow 1.3.5). What it brings goes to the same sessions, one at a time with
// what comes on the main connection; the order among the two is nobody's. Nothing is
// asked of it but echoes.
type Auxiliary struct {
	ID    uint8 // 1 to 255
	Addr  net.Addr
	Since time.Time
}

// auxiliaries are those of a switch. There is at most one of each number.
type auxiliaries struct {
	mu     sync.Mutex
	list   []*Switch // as their connections see them
	closed bool      // the main connection has ended
}

// Auxiliaries returns the switch's auxiliary connections by ascending number.
func (s *Switch) Auxiliaries() []Auxiliary {
	a := &s.aux
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]Auxiliary, len(a.list))
	for i, x := range a.list {
		out[i] = Auxiliary{ID: x.conn.Features().AuxiliaryID, Addr: x.Addr(), Since: x.since}
	}
	slices.SortFunc(out, func(a, b Auxiliary) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// auxiliaryID returns the number of the connection, 0 for a main one.
func (s *Switch) auxiliaryID() uint8 { return s.conn.Features().AuxiliaryID }

// join binds an auxiliary connection, of which s is all that is known, to its main
// one. It waits a moment for that, but not for long: a switch opens it first.
func (s *Switch) join() error {
	ctx, cancel := context.WithTimeout(context.Background(), mainTimeout)
	defer cancel()
	main, err := s.c.await(ctx, s.dpid, s.Done())
	if err != nil {
		if errors.Is(err, ErrDisconnected) {
			return err
		}
		return s.refuse(channel.ReasonAuxiliary, fmt.Sprintf("no main connection of dpid %s in %v", s.dpid, mainTimeout))
	}
	if text := s.misfit(main); text != "" {
		return s.refuse(channel.ReasonAuxiliary, text)
	}
	for {
		s.since = time.Now()
		old, text := main.aux.add(s)
		switch {
		case text != "":
			s.since = time.Time{}
			return s.refuse(channel.ReasonAuxiliary, text)
		case old == nil:
			s.main = main
			s.leave()
			s.c.changed(s, s.log.WithField("name", main.Name()), "auxiliary connection")
			return nil
		}
		s.since = time.Time{}
		if err := s.c.oust(old, s); err != nil {
			return err
		}
	}
}

// refuse is an error that tells the switch why.
func (s *Switch) refuse(reason channel.Reason, text string) error {
	return &channel.RefuseError{Text: text, Err: &channel.CloseError{Reason: reason, Err: errors.New(text)}}
}

// misfit says why a connection cannot be an auxiliary one of main, or nothing. It
// comes from the same address (section 6.3.6), speaks the same version, and shows
// the same certificate: else anybody who can connect could speak for the switch.
func (s *Switch) misfit(main *Switch) string {
	mine, theirs := host(s.Addr()), host(main.Addr())
	switch {
	case s.Version() != main.Version():
		return fmt.Sprintf("auxiliary connection speaks OpenFlow %s, its main one %s", s.Version(), main.Version())
	case mine != theirs:
		return fmt.Sprintf("auxiliary connection comes from %s, its main one from %s", mine, theirs)
	case main.CertificateName() != s.CertificateName():
		return "auxiliary connection does not show the certificate of its main one"
	}
	return ""
}

// host is the machine of an address.
func host(a net.Addr) string {
	if t, ok := a.(*net.TCPAddr); ok {
		return t.IP.String()
	}
	return a.Network()
}

// add adds a connection, or returns the one that has its number, or why there is no
// place for it.
func (a *auxiliaries) add(s *Switch) (old *Switch, refused string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, x := range a.list {
		if x.auxiliaryID() == s.auxiliaryID() {
			return x, ""
		}
	}
	switch {
	case a.closed:
		return nil, "main connection has ended"
	case len(a.list) >= maxAuxiliaries:
		return nil, fmt.Sprintf("more than %d auxiliary connections", maxAuxiliaries)
	}
	a.list = append(a.list, s)
	return nil, ""
}

// unbind takes an auxiliary connection that has ended away from its main one.
func (s *Switch) unbind() {
	a := &s.main.aux
	a.mu.Lock()
	a.list = slices.DeleteFunc(a.list, func(x *Switch) bool { return x == s })
	a.mu.Unlock()
	close(s.detached)
}

// close ends all of them, with their main connection.
func (a *auxiliaries) close() {
	a.mu.Lock()
	a.closed = true
	list := slices.Clone(a.list)
	a.mu.Unlock()
	for _, x := range list {
		x.conn.Close(channel.ReasonAuxiliary, errors.New("main connection has ended"))
	}
}

// await returns the switch of a DPID once it is ready.
func (c *Controller) await(ctx context.Context, dpid ofp.DPID, done <-chan struct{}) (*Switch, error) {
	for {
		c.mu.Lock()
		s := c.switches[dpid]
		if s == nil && c.arrival == nil {
			c.arrival = make(chan struct{})
		}
		arrival := c.arrival
		c.mu.Unlock()
		if s != nil {
			return s, nil
		}
		select {
		case <-arrival:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-done:
			return nil, ErrDisconnected
		}
	}
}
