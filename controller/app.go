package controller

import "github.com/sluice-sdn/sluice/ofp"

// App is a program inside the controller. It has one Session for each switch
// that it wants to see.
type App interface {
	// Name names the app in logs and metrics.
	Name() string
	// Attach is called when a switch is ready, before any of its events. It may
	// write to the switch and ask it for state. A nil Session means that the app
	// is not interested in this switch.
	Attach(sw *Switch) Session
}

// Session is an app's view of one switch. It may have any of the methods of
// PacketInHandler, PromptHandler, PortStatusHandler, FlowRemovedHandler, ErrorHandler,
// RoleHandler, AheadHandler, BatchHandler and Detacher. The events of one switch come one at a time, in the order in which
// the switch sent them; those of several switches come in parallel. A handler
// may call any method of the switch, those that wait for a reply included;
// while it waits, the switch's later events wait too.
type Session any

// PacketInHandler receives packets. Apps are asked in their listed order until
// one returns true. The message and what it aliases are valid until the method
// returns.
type PacketInHandler interface {
	PacketIn(m *ofp.PacketIn) (handled bool)
}

// PromptHandler is a PacketInHandler that knows beforehand whether it will wait. The
// only packet of a batch is handled by the goroutine that reads from the switch, without
// waking another one, if all apps that hear of packets, or of the ends of batches, have
// this method and say yes. Meanwhile nothing that the switch says is read, be it an echo
// or the reply to a request: so who says yes must not wait in PacketIn, nor in BatchDone,
// neither for this switch nor for anybody else. An app that takes a second all the same
// is logged, once, and not asked again until the controller is started anew.
type PromptHandler interface {
	// Prompt reports whether PacketIn, and BatchDone after it, will wait for nothing
	// with this packet. It changes nothing, and waits for nothing itself.
	Prompt(m *ofp.PacketIn) bool
}

// PortStatusHandler hears of ports that come, go or change. The switch's Ports
// are current when it is called; to ask for them at every call costs a copy of
// the list each time. The message is valid until the method returns.
type PortStatusHandler interface {
	PortStatus(m *ofp.PortStatus)
}

// FlowRemovedHandler hears of flows that are gone. The message is valid until
// the method returns.
type FlowRemovedHandler interface {
	FlowRemoved(m *ofp.FlowRemoved)
}

// ErrorHandler hears of OpenFlow errors that no Request or Write claims, such as
// those about messages given to Send. The message is valid until the method
// returns.
type ErrorHandler interface {
	Error(xid uint32, m *ofp.Error)
}

// AheadHandler hears how many events have come together, before it is given the
// first of them, where there are several: an app with much state can have the
// memory load what that many packets need. Other apps may take some of them.
type AheadHandler interface {
	Ahead(events int)
}

// BatchHandler hears that all events which came together have been handled, a few
// hundred packets perhaps under load, one otherwise: here is published what need not
// be for each of them, such as counts.
type BatchHandler interface {
	BatchDone()
}

// Detacher hears that the switch is gone. Nothing is called after it.
type Detacher interface {
	Detach()
}
