package ofp

import "testing"

// FuzzParseFlow: no text makes the parser panic, and what it takes is printed as
// a text that it takes for the same flow.
func FuzzParseFlow(f *testing.F) {
	for _, x := range flowTexts {
		f.Add(x.text, uint8(FlowAdd))
	}
	for _, text := range compoundTexts(f) {
		f.Add(text, uint8(FlowAdd))
	}
	f.Add("cookie=0x5/0xff,table=3,out_port=2,out_group=4,ip,nw_src=10.0.0.0/8", uint8(FlowDelete))
	f.Fuzz(func(t *testing.T, text string, command uint8) {
		c := FlowCommand(command % 5)
		m, err := ParseFlow(text, c, testNames)
		if err != nil {
			return
		}
		printed := m.String()
		again, err := ParseFlow(printed, c, nil)
		if err != nil {
			t.Fatalf("%q is printed as %q: %v", text, printed, err)
		}
		if !sameFlow(m, again) || again.String() != printed {
			t.Fatalf("%q is printed as %q, which reads as %q", text, printed, again)
		}
		for _, v := range Versions() {
			// Whether the version can say it or not: no panic, and what was
			// encoded can be printed.
			if frame, err := Append(nil, v, 1, m); err == nil {
				if _, _, err := Decode(frame); err != nil {
					t.Fatalf("%q in OpenFlow %s: %v", text, v, err)
				}
				_ = Print(frame)
			}
		}
	})
}

// FuzzPrint: no bytes make Print panic.
func FuzzPrint(f *testing.F) {
	for i, r := range corpus(f) {
		if i%8 == 0 {
			f.Add(r.frame(f))
		}
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		text := Print(frame)
		if text == "" {
			t.Fatal("no text")
		}
		// At most one line of a hexadecimal dump for sixteen bytes, or the
		// longest field of a match for five.
		if limit := 4096 + 64*len(frame); len(text) > limit {
			t.Fatalf("%d bytes of text for %d", len(text), len(frame))
		}
	})
}
