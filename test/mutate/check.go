package main

import (
	"bytes"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/sluice-sdn/sluice/ofp"
)

// checker holds the memory that checks use again.
type checker struct {
	once, twice []byte
	count       int
}

// check decodes frame, and reports whether that succeeds. The error says which
// promise is broken.
func (d *checker) check(frame []byte) (decoded bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if d.count++; d.count%16 == 0 && ofp.Print(frame) == "" {
		return false, errors.New("prints as nothing")
	}
	h, m, err := ofp.Decode(frame)
	if err != nil {
		return false, namesPlace(err, frame)
	}
	d.once, err = ofp.Append(d.once[:0], h.Version, h.XID, m)
	if err != nil {
		if errors.Is(err, ofp.ErrTooLong) && len(frame) > ofp.MaxMessageLen-64 {
			return true, nil // padding that the message left out
		}
		return true, fmt.Errorf("decodes, but does not encode: %w", err)
	}
	if bytes.Equal(d.once, frame) {
		return true, nil // all the rest would be done twice
	}
	h2, m2, err := ofp.Decode(d.once)
	if err != nil {
		return true, fmt.Errorf("does not decode from what it encodes to: %w\n%x", err, d.once)
	}
	if h2.Version != h.Version || h2.Kind != h.Kind || h2.XID != h.XID {
		return true, fmt.Errorf("header %+v became %+v", h, h2)
	}
	d.twice, err = ofp.Append(d.twice[:0], h.Version, h.XID, m2)
	if err != nil || !bytes.Equal(d.once, d.twice) {
		return true, fmt.Errorf("does not settle: %w\nonce  %x\ntwice %x", err, d.once, d.twice)
	}
	return true, nil
}

// namesPlace returns what is wrong with an error of decoding, or nil.
func namesPlace(err error, frame []byte) error {
	var de *ofp.DecodeError
	switch {
	case !errors.As(err, &de):
		return fmt.Errorf("error of type %T: %w", err, err)
	case de.Message == "" || de.Field == "" || de.Offset < 0 || de.Offset > len(frame):
		return fmt.Errorf("error without its place: %+v", de)
	case !errors.Is(err, ofp.ErrTruncated) && !errors.Is(err, ofp.ErrMalformed) && !errors.Is(err, ofp.ErrVersion) && !errors.Is(err, ofp.ErrTooLong):
		return fmt.Errorf("error of no known kind: %w", err)
	}
	return nil
}
