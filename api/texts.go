package api

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// What a request says of itself is shown to people, in lists, logs and errors, and
// kept for as long as the history. So it has a length, and nothing that a terminal
// would take for a command.
const (
	maxOwnerText   = 2 << 10
	maxRequestText = 4<<10 - 64 // where it is for several switches, the name of each is added
	maxNoteText    = 4 << 10
)

// checkTexts fails if a request has an owner, a request id or a note that cannot be
// one.
func checkTexts(r any) error {
	if x, ok := r.(interface{ GetOwner() string }); ok {
		if err := checkText("owner", x.GetOwner(), maxOwnerText); err != nil {
			return err
		}
	}
	if x, ok := r.(interface{ GetRequestId() string }); ok {
		if err := checkText("request_id", x.GetRequestId(), maxRequestText); err != nil {
			return err
		}
	}
	if x, ok := r.(interface{ GetNote() string }); ok {
		return checkText("note", x.GetNote(), maxNoteText)
	}
	return nil
}

func checkText(field, text string, most int) error {
	if len(text) > most {
		return invalid(bad(field, "has %d bytes: want at most %d", len(text), most))
	}
	if !utf8.ValidString(text) {
		return invalid(bad(field, "%q is not UTF-8", clip(text, 100)))
	}
	if i := strings.IndexFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }); i >= 0 {
		return invalid(bad(field, "%q has a control character at byte %d: want text that can be shown", clip(text, 100), i))
	}
	return nil
}
