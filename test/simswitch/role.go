package simswitch

import "github.com/sluice-sdn/sluice/ofp"

// role is what the switch knows of its controllers' roles (section 6.3.4 of
// OpenFlow 1.3.5): that of the one that is connected, and the last election.
type role struct {
	role       ofp.Role
	generation uint64 // of the last election
	elected    bool   // there was one
	async      ofp.AsyncMasks
}

// connected makes a new connection's controller equal.
func (r *role) connected() {
	r.role = ofp.RoleEqual
	r.async = ofp.AsyncMasks{PacketIn: [2]uint32{3}, PortStatus: [2]uint32{7, 7}, FlowRemoved: [2]uint32{15}}
}

// forbids reports whether the controller's role does not allow a message.
func (r *role) forbids(m ofp.Message) bool {
	if r.role != ofp.RoleSlave {
		return false
	}
	switch m := m.(type) {
	case *ofp.PacketOut, *ofp.FlowMod, *ofp.GroupMod, *ofp.PortMod, *ofp.TableMod, *ofp.MeterMod, *ofp.SetConfig:
		return true
	case *ofp.MultipartRequest:
		set, ok := m.Body.(*ofp.TableFeaturesRequest)
		return ok && len(set.Tables) > 0
	}
	return false
}

// stale checks a generation id and takes it over, where there is one (section
// 6.3.5): they are compared as numbers on a circle.
func (r *role) stale(generation uint64) bool {
	if r.elected && int64(generation-r.generation) < 0 {
		return true
	}
	r.generation, r.elected = generation, true
	return false
}

func (r *role) state() ofp.RoleState {
	if !r.elected {
		return ofp.RoleState{Role: r.role, Generation: ofp.NoGeneration}
	}
	return ofp.RoleState{Role: r.role, Generation: r.generation}
}

// takeRole answers a controller that asks for a role.
func (s *Switch) takeRole(l *link, h ofp.Header, m *ofp.RoleRequest) ofp.ErrorReason {
	switch {
	case s.dp.cfg.NoRoles && l.version >= ofp.V12:
		return ofp.BadRequestBadType
	case s.dp.cfg.NoRoles:
		return ofp.BadRequestBadExperimenter
	case m.Role > ofp.RoleSlave:
		return ofp.RoleRequestFailedBadRole
	case m.Role == ofp.RoleMaster || m.Role == ofp.RoleSlave:
		if l.version >= ofp.V12 && s.role.stale(m.Generation) {
			return ofp.RoleRequestFailedStale
		}
	}
	if m.Role != ofp.RoleNoChange {
		s.role.role = m.Role
	}
	reply := &ofp.RoleReply{RoleState: s.role.state()}
	if l.version < ofp.V12 {
		reply.Generation = ofp.NoGeneration
	}
	s.emit(l, h.XID, reply)
	return ofp.ReasonUnknown
}

// Elect lets another controller, which is not simulated, become the master in an
// election of that generation: a master becomes a slave and is not told.
func (s *Switch) Elect(generation uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.role.generation, s.role.elected = generation, true
	if s.role.role == ofp.RoleMaster {
		s.role.role = ofp.RoleSlave
	}
	s.notify()
}

// Role returns the role of the connected controller, and the generation id of the
// last election.
func (s *Switch) Role() ofp.RoleState { return look(s, s.role.state) }

// tells reports whether the controller wants to be told of its own accord what m
// tells. That is kept to for port status; the rest comes as it always does.
func (r *role) tells(m ofp.Message) bool {
	p, ok := m.(*ofp.PortStatus)
	if !ok {
		return true
	}
	who := 0
	if r.role == ofp.RoleSlave {
		who = 1
	}
	return r.async.PortStatus[who]>>p.Reason&1 != 0
}

// Async returns what the connected controller gets of the switch's own accord. The
// switch keeps it.
func (s *Switch) Async() ofp.AsyncMasks {
	return look(s, func() ofp.AsyncMasks { return s.role.async })
}
