package channel

import (
	"net"

	"github.com/sluice-sdn/sluice/ofp"
)

// Recorder writes down what is said on connections, from their first byte to
// their last. Package record has the one that writes files.
type Recorder interface {
	// Record is told that a connection begins, before anything is said on it. A
	// nil Recording leaves it out.
	Record(nc net.Conn) Recording
}

// Recording is the record of one connection. Received is called by the reader,
// Sent by whoever writes, and the others when the connection has got that far: the
// calls of each are one at a time, those of different ones may meet. None may
// wait for anything: the switch waits meanwhile.
type Recording interface {
	// Received is given bytes as they came out of the socket, after decryption.
	// They hold anything, and are the caller's again afterwards.
	Received(b []byte)
	// Sent is given bytes before they are written: whoever records hears a
	// request before its reply, as a Tap does. If the connection then breaks, the
	// last of them may not have reached the switch.
	Sent(b []byte)
	// Known is told who the switch is, when the handshake is done.
	Known(v ofp.Version, dpid ofp.DPID, name string)
	// End is told that the connection has ended, and why. It is the last call.
	End(why string)
}

// recordKnown tells the record who the switch is.
func (c *Conn) recordKnown() {
	if c.rec == nil {
		return
	}
	name := c.desc.Datapath
	for _, p := range c.ports {
		if p.No == ofp.PortLocal && p.Name != "" {
			name = p.Name // what Open vSwitch calls the bridge in every version
		}
	}
	c.rec.Known(c.version, c.features.DPID, name)
}

// recordEnd ends the record.
func (c *Conn) recordEnd() {
	if c.rec == nil {
		return
	}
	why := c.end.Reason.String()
	if c.end.Err != nil {
		why += ": " + c.end.Err.Error()
	}
	c.rec.End(why)
}
