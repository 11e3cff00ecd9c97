package controller

import (
	"errors"

	"github.com/sluice-sdn/sluice/controller/channel"
)

// Conditions that errors of this package stand for; test with errors.Is.
var (
	// ErrNoSwitch: no connected switch has that name or DPID.
	ErrNoSwitch = errors.New("no such switch")
	// ErrAmbiguous: several connected switches have that name.
	ErrAmbiguous = errors.New("ambiguous switch name")
	// ErrDisconnected: the switch went away before it confirmed.
	ErrDisconnected = channel.ErrDisconnected
	// ErrOverloaded: too much waits to be written to the switch, or too many
	// requests wait for its replies.
	ErrOverloaded = channel.ErrOverloaded
	// ErrTooLong: the switch's reply, or all its replies that are being received,
	// are longer than it may be.
	ErrTooLong = channel.ErrTooLong
	// ErrUnreadable: the switch answered with an OpenFlow error that cannot be
	// read. It has refused, nobody knows why.
	ErrUnreadable = channel.ErrUnreadable
)

// SwitchError is an OpenFlow error that a switch answered a request with.
type SwitchError = channel.SwitchError

// ReplyError says that a switch answered a request with what is no answer to it.
type ReplyError = channel.ReplyError

// WriteError says how far a Write came: which messages failed, how many were
// sent, and how many the switch is known to have processed.
type WriteError = channel.WriteError

// ItemError is the failure of one message of a Write.
type ItemError = channel.ItemError
