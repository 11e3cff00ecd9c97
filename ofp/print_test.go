package ofp

import (
	"strings"
	"testing"
)

// unlikeOVS has the messages that Print shows otherwise than Open vSwitch, by
// what its text has in it, with the reason.
var unlikeOVS = map[string]string{
	"OFPT_GROUP_MOD": "the request inside an error is a group_mod, which has no struct yet",
}

func unlike(text string) bool {
	for part := range unlikeOVS {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

// modelled reports whether the message has a struct of its own.
func modelled(m Message) bool {
	switch m := m.(type) {
	case *Raw, *Experimenter:
		return false
	case *MultipartRequest:
		_, raw := m.Body.(*RawPart)
		return !raw
	case *MultipartReply:
		_, raw := m.Body.(*RawPart)
		return !raw
	}
	return true
}

func TestPrintAgreesWithOpenVSwitch(t *testing.T) {
	compared := 0
	for _, r := range corpus(t) {
		frame := r.frame(t)
		_, m, err := Decode(frame)
		if err != nil {
			t.Errorf("%s %s: %v", r.Version, r.Type, err)
			continue
		}
		got := Print(frame)
		if got == "" || strings.HasSuffix(got, "\n") {
			t.Errorf("%s %s: text is empty or ends in a line break: %q", r.Version, r.Type, got)
		}
		if !modelled(m) || unlike(r.OVS) {
			continue
		}
		want := r.OVS
		got = trimLines(got)
		if head, cut := strings.CutSuffix(want, "…"); cut {
			got = got[:min(len(got), len(head))]
			want = head
		}
		if want = trimLines(want); got != want {
			t.Errorf("%s %s:\n got %s\nwant %s", r.Version, r.Type, got, want)
		}
		compared++
	}
	t.Logf("compared %d messages", compared)
	if compared < 300 {
		t.Errorf("compared %d messages, want at least 300", compared)
	}
}

// trimLines removes spaces at the ends of lines, which the corpus does not keep.
func trimLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}
