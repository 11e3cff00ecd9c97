package simswitch

import "github.com/sluice-sdn/sluice/ofp"

// Fault is what goes wrong with one message from the controller. The zero Fault
// is nothing.
type Fault struct {
	Hold       <-chan struct{} // the switch stands still until it is closed, or the connection ends
	Disconnect bool            // the connection ends instead
	Silent     bool            // the message is lost
	Refuse     ofp.ErrorReason // it is answered with this error and not done
}

// SetFaults has f decide, for each message from now on, what goes wrong with it.
// n counts the messages of the connection, from 1. m is nil for a message that
// cannot be decoded, and must not be kept. f is called by one goroutine at a
// time; it must not call the switch's Disconnect, Close or Restart. A nil f ends
// all faults.
func (s *Switch) SetFaults(f func(n int, h ofp.Header, m ofp.Message) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// RefuseFlow refuses the nth flow-mod from now on, counted from 1, with an
// error.
func RefuseFlow(nth int, why ofp.ErrorReason) func(int, ofp.Header, ofp.Message) Fault {
	seen := 0
	return func(_ int, h ofp.Header, _ ofp.Message) Fault {
		if h.Type() != ofp.TypeFlowMod {
			return Fault{}
		}
		if seen++; seen == nth {
			return Fault{Refuse: why}
		}
		return Fault{}
	}
}

// Silent loses all messages of a type, such as barrier requests.
func Silent(t ofp.Type) func(int, ofp.Header, ofp.Message) Fault {
	return func(_ int, h ofp.Header, _ ofp.Message) Fault { return Fault{Silent: h.Type() == t} }
}

// Hold makes the switch stand still before the first message of a type, until
// release is closed.
func Hold(t ofp.Type, release <-chan struct{}) func(int, ofp.Header, ofp.Message) Fault {
	return func(_ int, h ofp.Header, _ ofp.Message) Fault {
		if h.Type() == t {
			return Fault{Hold: release}
		}
		return Fault{}
	}
}

// DropAfter ends the connection when more than n messages have come from now
// on; the last of the n is still done.
func DropAfter(n int) func(int, ofp.Header, ofp.Message) Fault {
	seen := 0
	return func(int, ofp.Header, ofp.Message) Fault {
		seen++
		return Fault{Disconnect: seen > n}
	}
}
