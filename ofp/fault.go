package ofp

import (
	"errors"
	"fmt"
)

// Conditions that errors of this package stand for; test with errors.Is.
var (
	// ErrVersion: the version at hand cannot say what was asked.
	ErrVersion = errors.New("not in this OpenFlow version")
	// ErrTruncated: a message or structure ends before its fields do.
	ErrTruncated = errors.New("truncated")
	// ErrMalformed: a length, count or number contradicts the specification.
	ErrMalformed = errors.New("malformed")
	// ErrPrerequisite: a match field is used without the fields that it needs
	// (section 7.2.3.6 of OpenFlow 1.3.5).
	ErrPrerequisite = errors.New("prerequisite missing")
	// ErrTooLong: the message does not fit in the 65,535 bytes that an OpenFlow
	// length can say.
	ErrTooLong = errors.New("longer than 65535 bytes")
)

// DecodeError says where a message could not be read.
type DecodeError struct {
	Message string  // type of the message, such as "flow_mod"
	Version Version // of the message's header
	Field   string  // the structure or field being read
	Offset  int     // bytes from the start of the message
	Err     error   // ErrTruncated, ErrMalformed, or a wrapper of them
}

func (e *DecodeError) Error() string {
	return fmt.Sprintf("decode %s (OpenFlow %s): %s: %v at byte %d", e.Message, e.Version, e.Field, e.Err, e.Offset)
}

func (e *DecodeError) Unwrap() error { return e.Err }

// EncodeError says what could not be encoded.
type EncodeError struct {
	Message string  // type of the message, such as "flow_mod"
	Version Version // that was asked for
	Field   string  // what could not be said, such as "match field ipv6_src"
	Err     error   // ErrVersion, ErrMalformed, ErrTooLong, or a wrapper of them
}

func (e *EncodeError) Error() string {
	if errors.Is(e.Err, ErrVersion) {
		return fmt.Sprintf("%s: %s: not in OpenFlow %s", e.Message, e.Field, e.Version)
	}
	return fmt.Sprintf("%s (OpenFlow %s): %s: %v", e.Message, e.Version, e.Field, e.Err)
}

func (e *EncodeError) Unwrap() error { return e.Err }
