package channel

import (
	"errors"
	"fmt"
)

// Reason is why a connection ended, as a metric label and for logs. The set is
// small and fixed.
type Reason uint8

// Reasons.
const (
	ReasonShutdown Reason = iota
	ReasonPeerClosed
	ReasonIO
	ReasonHelloTimeout
	ReasonFeaturesTimeout
	ReasonHTTP
	ReasonTLS
	ReasonNotOpenFlow
	ReasonBadLength
	ReasonMalformed
	ReasonIncompatible
	ReasonPeerError
	ReasonOverflow
	ReasonAuxiliary
	ReasonDuplicate
	ReasonReplaced
	ReasonDead
	ReasonWriteTimeout
	ReasonCrowded
	ReasonRole
	ReasonInternal
	ReasonTLSHandshake
	ReasonPlain
	ReasonPin
	ReasonRate
	NumReasons
)

var reasonNames = [NumReasons]string{
	ReasonShutdown:        "shutdown",             // the controller ends
	ReasonPeerClosed:      "peer_closed",          // the switch closed the connection
	ReasonIO:              "io_error",             // reading or writing failed
	ReasonHelloTimeout:    "hello_timeout",        // no whole hello in time
	ReasonFeaturesTimeout: "features_timeout",     // no features reply in time
	ReasonHTTP:            "http",                 // the peer speaks HTTP
	ReasonTLS:             "tls",                  // the peer speaks TLS to a plain port
	ReasonNotOpenFlow:     "not_openflow",         // the peer does not begin with a hello
	ReasonBadLength:       "bad_length",           // a header says fewer than 8 bytes: framing is lost
	ReasonMalformed:       "malformed",            // a message of the handshake cannot be read
	ReasonIncompatible:    "incompatible_version", // no version in common
	ReasonPeerError:       "peer_error",           // the switch answered the handshake with an error
	ReasonOverflow:        "overflow",             // more state events than can be kept, in the handshake or while the apps are busy
	ReasonAuxiliary:       "auxiliary",            // an auxiliary connection that does not fit its main one, or came without; or whose main one ended
	ReasonDuplicate:       "duplicate_dpid",       // a live connection has the DPID
	ReasonReplaced:        "replaced",             // dead when a new connection with the DPID came
	ReasonDead:            "dead",                 // no sign of life
	ReasonWriteTimeout:    "write_timeout",        // the switch reads nothing
	ReasonCrowded:         "crowded",              // too many connections whose switch is not ready
	ReasonRole:            "role",                 // the switch did not say in time, or wrongly, what this controller's role is
	ReasonInternal:        "internal",             // a fault in the controller
	ReasonTLSHandshake:    "tls_handshake",        // the TLS handshake failed
	ReasonPlain:           "plain_openflow",       // the peer speaks plain OpenFlow to a TLS port
	ReasonPin:             "tls_pin",              // the DPID is pinned to another certificate
	ReasonRate:            "connect_rate",         // its source connects too often
}

// String returns the reason as a metric label.
func (r Reason) String() string { return reasonNames[min(r, NumReasons-1)] }

// CloseError says why a connection ended.
type CloseError struct {
	Reason Reason
	Err    error // the particulars
}

// Error says what happened.
func (e *CloseError) Error() string {
	if e.Err == nil {
		return e.Reason.String()
	}
	return fmt.Sprintf("%s: %v", e.Reason, e.Err)
}

// Unwrap returns the particulars.
func (e *CloseError) Unwrap() error { return e.Err }

func closef(r Reason, format string, args ...any) *CloseError {
	return &CloseError{Reason: r, Err: fmt.Errorf(format, args...)}
}

// asClose returns err as a CloseError; what is none is an internal fault.
func asClose(err error) *CloseError {
	if e, ok := errors.AsType[*CloseError](err); ok {
		return e
	}
	return &CloseError{Reason: ReasonInternal, Err: err}
}
