package ofp

import (
	"encoding/hex"
	"math"
	"strings"
)

// foreign reads an action that only its experimenter knows, or of a number that
// no version has, in the words that it is printed in: experimenter(0x1234,…) or
// unknown(0x1d,…), with the bytes that follow the number in hexadecimal.
func (p *textParser) foreign(it textItem) (a Action) {
	number, text, _ := strings.Cut(it.val, ",")
	before, most := 4, uint64(math.MaxUint16) // of the bytes: type and length
	if a.Type = ActionUnknown; it.key == "experimenter" {
		a.Type, before, most = ActionExperimenter, 8, math.MaxUint32
	}
	data := it
	data.val, data.valAt = text, it.valAt+len(it.val)-len(text)
	it.val = number
	a.Arg = uint32(p.uint(it, most))
	b, err := hex.DecodeString(text)
	switch {
	case p.err != nil:
	case err != nil:
		p.badValue(data, "%q: want two hexadecimal digits a byte", clip(text))
	case (before+len(b))%8 != 0:
		p.badValue(data, "%d bytes; with the %d before them they are no multiple of 8", len(b), before)
	case a.Type == ActionExperimenter:
		if a, err = ExperimenterAction(V13, a.Arg, b); err != nil {
			p.badValue(data, "%v", err)
		}
	default:
		a.Value = b
	}
	return a
}
