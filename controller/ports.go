package controller

import (
	"context"
	"errors"
	"sync"

	"github.com/sirupsen/logrus"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
)

// ports are a switch's ports. Changes are put into the list when somebody asks
// for it or when they are many, all in one pass: a switch that tells of its ports
// without end costs no more than reading what it tells.
type ports struct {
	mu      sync.Mutex
	sorted  []ofp.Port       // replaced as a whole
	changes []ofp.PortStatus // not in the list yet
	changed int              // how many there were
}

// minChanges is how many changes are kept at least, however short the list.
const minChanges = 64

func (p *ports) set(sorted []ofp.Port) {
	p.mu.Lock()
	p.sorted = sorted
	p.mu.Unlock()
}

// seen returns how many changes were noted so far.
func (p *ports) seen() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}

// replace puts a new list in the place of all that is known, unless changes were
// noted after the first ones, which may be newer. What the switch told before it
// told the list, and is noted later, is in the list or is followed by what is
// newer.
func (p *ports) replace(sorted []ofp.Port, first int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.changed != first {
		return false
	}
	p.sorted, p.changes = sorted, nil
	return true
}

// change notes what m tells of, which is copied.
func (p *ports) change(m *ofp.PortStatus) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changes = append(p.changes, *m)
	p.changed++
	if len(p.changes) >= minChanges+len(p.sorted)/4 {
		p.applyLocked()
	}
}

// list returns the ports as they are now. Nobody may change it.
func (p *ports) list() []ofp.Port {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.applyLocked()
	return p.sorted
}

func (p *ports) applyLocked() {
	if len(p.changes) > 0 {
		p.sorted = channel.UpdatePorts(p.sorted, p.changes)
		p.changes = nil // they may be many
	}
}

// describedLate takes note of the description that the switch owed since the
// handshake. Its name may be another one then.
func (s *Switch) describedLate(d *ofp.Desc) {
	s.remember()
	s.c.changed(s, s.log.WithFields(logrus.Fields{"name": s.Name(), "manufacturer": d.Manufacturer, "software": d.Software}), "switch has described itself late")
	if s.MissesExtensions() {
		s.log.Warn("Open vSwitch's extensions are not used until the switch connects again: it has described itself late")
	}
}

// latePorts asks a switch once more for the ports that it owes since the handshake,
// beside the dispatcher. What it tells of changes meanwhile is newer, and counts. A
// switch that does not answer in the time of a request stays as it is: a port is known
// once it changes.
func (s *Switch) latePorts() {
	if !s.conn.Portless() {
		return
	}
	s.work.Go(func() {
		err := s.rereadPorts(context.Background())
		switch {
		case err == nil:
			s.remember() // by the name of its local port
			s.c.changed(s, s.log.WithField("name", s.Name()).WithField("ports", len(s.Ports())), "switch has told its ports late")
		case !errors.Is(err, ErrDisconnected):
			s.log.WithError(err).Warn("switch does not tell its ports: those are known that change")
		}
	})
}
