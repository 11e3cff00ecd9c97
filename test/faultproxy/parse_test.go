package faultproxy

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	for _, row := range []struct {
		text string
		want Faults
		back string // "": as text
	}{
		{"", nil, ""},
		{"delay=10ms,throttle=64k,corrupt=0.01@up", Faults{
			{Kind: Delay, Min: 10 * time.Millisecond},
			{Kind: Throttle, Size: 64 << 10},
			{Kind: Corrupt, Chance: .01, Up: true},
		}, ""},
		{"delay=5ms..20ms@chance:0.5@down", Faults{{Kind: Delay, Min: 5 * time.Millisecond, Max: 20 * time.Millisecond, Chance: .5, Down: true}}, ""},
		{" reset@time:2s , split=7", Faults{{Kind: Reset, Time: Window{From: 2e9}}, {Kind: Split, Size: 7}}, "reset@time:2s,split=7"},
		{"cut@down@byte:1000-64k", Faults{{Kind: Cut, Down: true, Bytes: Window{1000, 64 << 10}}}, ""},
		{"half-close=1@message:3-9", Faults{{Kind: HalfClose, Chance: 1, Messages: Window{3, 9}}}, "half-close@message:3-9"},
		{"drop@up@down@connection:2", Faults{{Kind: Drop, Up: true, Down: true, Connections: Window{2, 2}}}, "drop@connection:2"},
		{"duplicate=0.25@connection:2-4@time:1s-1m0s", Faults{{Kind: Duplicate, Chance: .25, Connections: Window{2, 4}, Time: Window{1e9, 60e9}}},
			"duplicate=0.25@time:1s-1m0s@connection:2-4"},
		{"throttle=2M", Faults{{Kind: Throttle, Size: 2 << 20}}, ""},
	} {
		got, err := Parse(row.text)
		if err != nil {
			t.Errorf("%q: %v", row.text, err)
			continue
		}
		if d := cmp.Diff(row.want, got); d != "" {
			t.Errorf("%q (-want +got):\n%s", row.text, d)
		}
		back := row.back
		if back == "" {
			back = row.text
		}
		if got.String() != back {
			t.Errorf("%q is told as %q, want %q", row.text, got, back)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"dealy=10ms":                 `fault "dealy=10ms": no such fault; want reset, half-close, cut,`,
		"split=3,":                   `fault "": no such fault`,
		"delay":                      `fault "delay": "": want a time such as 10ms`,
		"delay=0s":                   `fault "delay=0s": "0s": want a time above 0`,
		"delay=20ms..5ms":            `want the shorter one first`,
		"split=3,delay=ten":          `fault "delay=ten": "ten": want a time`,
		"throttle=0":                 `want 1 to`,
		"throttle=-1":                `want bytes, such as 1500, 64k or 2M`,
		"throttle=9999M":             `want 1 to`,
		"throttle=9999999999999999k": `want bytes`,
		"corrupt=0":                  `want a probability above 0, up to 1`,
		"corrupt=2":                  `want a probability`,
		"corrupt=NaN":                `want a probability`,
		"corrupt=":                   `want a probability`,
		"reset@left":                 `fault "reset@left": @left: want up, down, chance:P`,
		"reset@up:1":                 `@up:1: up takes no value`,
		"reset@message:x":            `@message:x: "x": want a number`,
		"reset@message:9-3":          `@message:9-3: want the lower one first`,
		"reset@connection:0":         `connections are counted from 1`,
		"reset@time:1":               `want a time`,
		"reset@byte:-1":              `want bytes`,
		strings.Repeat("reset,", 65): `more than 64 faults`,
	} {
		_, err := Parse(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error with %q", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("delay=5ms..20ms@chance:0.5@down,cut@byte:1-2")
	for _, k := range kinds {
		f.Add(k.example)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fs, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(fs.String())
		if err != nil {
			t.Fatalf("%q is told as %q, which is refused: %v", text, fs, err)
		}
		if fs.String() != again.String() {
			t.Fatalf("%q is told as %q and then as %q", text, fs, again)
		}
	})
}

// TestHelp keeps the help true: every kind is there, and every example is read.
func TestHelp(t *testing.T) {
	help := Help()
	for k, row := range kinds {
		fs, err := Parse(row.example)
		if err != nil || len(fs) != 1 || fs[0].Kind != Kind(k) {
			t.Errorf("%s: the example %q is read as %v, %v", row.name, row.example, fs, err)
		}
		if !strings.Contains(help, row.example) {
			t.Errorf("%s is not in the help", row.example)
		}
	}
}
