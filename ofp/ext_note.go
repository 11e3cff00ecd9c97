package ofp

import "bytes"

// Note does nothing: it is a place for bytes that the controller reads again
// (NXAST_NOTE).
type Note struct {
	Data []byte // of a decoded action: with the padding, 6 bytes more than a multiple of 8; aliases the frame
}

func (e *Note) walk(c *cursor, _ uint16) { c.rest(&e.Data) }

func (e *Note) clone() Extension { return &Note{bytes.Clone(e.Data)} }

func (e *Note) appendText(b []byte, _ Version, _ *Names) []byte {
	return appendDotted(append(b, "note:"...), e.Data)
}

func (e *Note) validate() error { return fitsAction("note", len(e.Data)) }

func noteText(p *textParser, it textItem, _ *Match) Extension {
	return &Note{p.hexBytes(it)}
}
