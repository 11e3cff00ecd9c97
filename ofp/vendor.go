package ofp

import "encoding/binary"

// vendorForm is a message as an experimenter defined it, and the versions that
// it is sent in.
type vendorForm struct {
	experimenter, subtype uint32
	from, to              Version
}

func nicira(subtype uint32, from, to Version) []vendorForm {
	return []vendorForm{{niciraID, subtype, from, to}}
}

// onf is an extension of the ONF to one version, which a later OpenFlow took in.
func onf(subtype uint32, v Version) []vendorForm { return []vendorForm{{onfID, subtype, v, v}} }

// vendor returns the form of the type in versions that have no number of their
// own for it, or nil.
func (t Type) vendor(v Version) *vendorForm {
	forms := messages[t].vendor
	for i := range forms {
		if v >= forms[i].from && v <= forms[i].to {
			return &forms[i]
		}
	}
	return nil
}

// vendorKey says which message of an experimenter it is.
type vendorKey struct {
	v                     Version
	experimenter, subtype uint32
}

// vendorTypes is the forms of the table of messages turned round.
var vendorTypes = func() map[vendorKey]Type {
	types := make(map[vendorKey]Type)
	for i, m := range messages {
		for _, f := range m.vendor {
			for v := f.from; v <= f.to; v++ {
				types[vendorKey{v, f.experimenter, f.subtype}] = Type(i)
			}
		}
	}
	return types
}()

// TypeOf returns the type of the message that frame, a header at least, holds.
// Unlike Header.Type it tells the messages of experimenters that are modelled
// from each other.
func TypeOf(frame []byte) Type {
	h, err := ParseHeader(frame)
	if err != nil {
		return TypeUnknown
	}
	return typeOf(h, frame)
}

func typeOf(h Header, frame []byte) Type {
	t := h.Type()
	if t != TypeExperimenter || len(frame) < 16 {
		return t
	}
	if v, ok := vendorTypes[vendorKey{h.Version, binary.BigEndian.Uint32(frame[8:]), binary.BigEndian.Uint32(frame[12:])}]; ok {
		return v
	}
	return t
}

// vendorHeader writes what stands between the header and the body of a message
// that is an experimenter's.
func (c *cursor) vendorHeader(t Type) {
	if t == TypeExperimenter || t == TypeUnknown {
		return // it holds that itself
	}
	f := t.vendor(c.v)
	binary.BigEndian.PutUint64(c.room(8), uint64(f.experimenter)<<32|uint64(f.subtype))
}

// vendorBody is a message, or the body of a multipart message, that an
// experimenter defined and that prints and clones itself.
type vendorBody interface {
	print(p *printer)
	clone() any
}
