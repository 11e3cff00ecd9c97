package channel

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-sdn/sluice/ofp"
)

// negotiate chooses the version by section 6.3.1 of OpenFlow 1.3.5: the highest
// common bit if the peer sent a bitmap (we always do), else the lower of the two
// header versions. allowed is sorted and not empty.
func negotiate(allowed []ofp.Version, header ofp.Version, hello *ofp.Hello) (ofp.Version, bool) {
	if bitmap, ok := hello.Versions(); ok {
		for _, v := range slices.Backward(allowed) {
			if bitmap.Has(v) {
				return v, true
			}
		}
		return 0, false
	}
	v := min(header, allowed[len(allowed)-1])
	return v, slices.Contains(allowed, v)
}

// offered says in words what versions a hello offers.
func offered(header ofp.Version, hello *ofp.Hello) string {
	bitmap, ok := hello.Versions()
	if !ok {
		return "up to " + header.String()
	}
	var vs []ofp.Version
	for v := range ofp.Version(32) {
		if bitmap.Has(v) {
			vs = append(vs, v)
		}
	}
	return versionList(vs)
}

func versionList(vs []ofp.Version) string {
	if len(vs) == 0 {
		return "none"
	}
	words := make([]string, len(vs))
	for i, v := range vs {
		words[i] = v.String()
	}
	return strings.Join(words, ", ")
}

// incompatible is the error that refuses a hello. Its layout and numbers are the
// same in all versions, those that we do not speak included; so it goes out
// under the version of the peer's own header, which the peer can read.
func incompatible(allowed []ofp.Version, header ofp.Version, xid uint32, hello *ofp.Hello) (frame []byte, text string) {
	text = fmt.Sprintf("no common version: offered %s, supported %s", offered(header, hello), versionList(allowed))
	return helloFailed(header, xid, ofp.HelloFailedIncompatible, text), text
}

// helloFailed is an OFPET_HELLO_FAILED of any version with a text in ASCII.
func helloFailed(v ofp.Version, xid uint32, reason ofp.ErrorReason, text string) []byte {
	frame, err := ofp.Append(nil, ofp.V13, xid, &ofp.Error{Reason: reason, Data: []byte(text)})
	if err != nil {
		return nil
	}
	frame[0] = byte(max(v, ofp.V10))
	return frame
}
