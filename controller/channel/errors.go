package channel

import (
	"errors"
	"fmt"

	"github.com/sluice-sdn/sluice/ofp"
)

// Conditions that errors of this package stand for; test with errors.Is.
var (
	// ErrDisconnected: the connection is closed, or was before the reply came.
	ErrDisconnected = errors.New("switch disconnected")
	// ErrOverloaded: too much waits to be written, or too many requests wait for
	// a reply.
	ErrOverloaded = errors.New("switch overloaded")
	// ErrTooLong: the reply, or all that are being received together, take more
	// memory than a switch may have.
	ErrTooLong = errors.New("reply too long")
	// ErrSlave: this controller is a slave of the switch, which would refuse what
	// changes it. Nothing was sent.
	ErrSlave = errors.New("this controller is slave")
	// ErrNoBundles: the switch has no bundles, or none that are carried out whole
	// and in order.
	ErrNoBundles = errors.New("the switch has no bundles")
	// ErrBundleTooLong: a bundle is longer than a switch is asked to keep.
	ErrBundleTooLong = errors.New("too long for a bundle")
	// ErrUnreadable: the switch answered with an OpenFlow error that cannot be
	// read. It has refused, nobody knows why.
	ErrUnreadable = errors.New("switch answered an error that cannot be read")
)

// SwitchError is an OpenFlow error that a switch answered a request with.
type SwitchError struct {
	Reply *ofp.Error
}

// Error says what the switch said, such as "switch answered OFPFMFC_TABLE_FULL".
func (e *SwitchError) Error() string { return "switch answered " + e.Reply.Describe() }

// ReplyError says that a switch answered a request with what is no answer to it: a
// message of another kind, or one that cannot be read. The switch is at fault;
// the request may have been carried out.
type ReplyError struct {
	What string // it answered, such as "barrier_reply"
	Err  error  // why that cannot be read; nil if it is another kind
}

// Error says what the switch answered, such as "switch answered barrier_reply,
// which is no answer to this".
func (e *ReplyError) Error() string {
	if e.Err != nil {
		return "switch answered " + e.What + " that cannot be read: " + e.Err.Error()
	}
	return "switch answered " + e.What + ", which is no answer to this"
}

// Unwrap returns why the answer cannot be read.
func (e *ReplyError) Unwrap() error { return e.Err }

// WriteError says how far a Write came.
type WriteError struct {
	// Errors are the messages that failed, by index. An ofp.EncodeError means
	// that nothing was sent at all.
	Errors []ItemError
	// Sent counts the messages, from the first, that were handed to the
	// connection; those after it were not and never will be.
	Sent int
	// Confirmed counts the messages, from the first, that the switch is known to
	// have processed, whether well or with an error that stands in Errors. What
	// lies between Confirmed and Sent may or may not have been carried out.
	Confirmed int
	// Err is why the write ended early: ErrDisconnected, ErrOverloaded, a
	// context's error, or a SwitchError or ErrUnreadable about a barrier. It is
	// nil if every message was confirmed and some failed.
	Err error
	// Untouched says that the messages were a bundle of which the switch has
	// carried nothing out, nor ever will.
	Untouched bool
}

// ItemError is the failure of one message of a Write.
type ItemError struct {
	Index   int // into the messages of the Write
	Message ofp.Message
	Err     error // *ofp.EncodeError, *SwitchError or ErrUnreadable
}

// Error says how many messages failed, and what the first one's failure is.
func (e *WriteError) Error() string {
	if e.Untouched {
		return e.reason() + "; nothing of the bundle was carried out"
	}
	return e.reason()
}

func (e *WriteError) reason() string {
	switch {
	case e.Untouched && len(e.Errors) == 0:
		return fmt.Sprintf("bundle: %v", e.Err)
	case e.Err != nil && len(e.Errors) == 0:
		return fmt.Sprintf("write: %v (%d sent, %d confirmed)", e.Err, e.Sent, e.Confirmed)
	case e.Err != nil:
		return fmt.Sprintf("write: %v (%d sent, %d confirmed, %d failed)", e.Err, e.Sent, e.Confirmed, len(e.Errors))
	case len(e.Errors) == 1:
		return fmt.Sprintf("write: message %d: %v", e.Errors[0].Index, e.Errors[0].Err)
	case len(e.Errors) > 1:
		return fmt.Sprintf("write: message %d: %v (and %d more)", e.Errors[0].Index, e.Errors[0].Err, len(e.Errors)-1)
	}
	return "write failed"
}

// Unwrap returns Err and the errors of the messages.
func (e *WriteError) Unwrap() []error {
	var errs []error
	if e.Err != nil {
		errs = append(errs, e.Err)
	}
	for _, i := range e.Errors {
		errs = append(errs, i.Err)
	}
	return errs
}
