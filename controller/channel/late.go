package channel

import (
	"bytes"

	"github.com/sluice-sdn/sluice/ofp"
)

// describedLate takes the description that the switch owes since the handshake, and
// reports whether it is one: then it is an event, too. The switch is not asked again
// for it. A request in flight costs packet-ins in overload, and who never answers
// this one, as load generators, would not answer that either.
//
// Open vSwitch's extensions are not turned on by it: in 1.0 they change what the
// flow-mods mean that are on their way (NXFlowModTableID), and others have perhaps
// begun to plan without them.
func (c *Conn) describedLate(frame []byte) bool {
	_, m, err := ofp.Decode(bytes.Clone(frame))
	if err != nil {
		return false
	}
	d, ok := m.(*ofp.MultipartReply).Body.(*ofp.Desc)
	if !ok {
		return false
	}
	c.descXID = 0
	c.lateDesc.Store(d)
	return true
}
