package faultproxy

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Kind is what goes wrong.
type Kind uint8

// Kinds, in the order in which they act on a message.
const (
	Reset            Kind = iota // both connections are reset (RST)
	HalfClose                    // the direction ends (FIN); what still comes is thrown away
	Cut                          // from then on all bytes of the direction vanish, its end and its resets too; the connections stay
	Drop                         // a message vanishes
	Corrupt                      // one bit of a message is turned
	CorruptLength                // the length in a message's header is another
	DuplicateSegment             // a piece of a message comes twice
	ReorderSegment               // two pieces of a message change places
	Duplicate                    // a message comes twice
	Reorder                      // a message comes after the next one, or 50 ms late if there is none
	Delay                        // a message comes later, and so do those behind it
	Throttle                     // so many bytes a second pass
	Split                        // each write has between one byte and so many
	NumKinds
)

// argument says what stands behind the name of a kind.
type argument uint8

const (
	chance   argument = iota // a probability; none: always
	duration                 // or two, from..to
	size                     // bytes, or bytes a second
)

// kinds is the table of all kinds.
var kinds = [NumKinds]struct {
	name    string
	takes   argument
	example string
	help    string
}{
	Reset:            {"reset", chance, "reset@time:2s", "reset both connections (RST)"},
	HalfClose:        {"half-close", chance, "half-close@up", "end the direction (FIN); what still comes is thrown away"},
	Cut:              {"cut", chance, "cut@down@byte:64k", "from then on all bytes vanish, FIN and RST too; the connections stay"},
	Drop:             {"drop", chance, "drop=0.01@up", "lose a message"},
	Corrupt:          {"corrupt", chance, "corrupt=0.01@up", "turn one bit of a message"},
	CorruptLength:    {"corrupt-length", chance, "corrupt-length=0.001", "change the length in a message's header"},
	DuplicateSegment: {"duplicate-segment", chance, "duplicate-segment=0.01", "send a piece of a message twice"},
	ReorderSegment:   {"reorder-segment", chance, "reorder-segment=0.01", "exchange two pieces of a message"},
	Duplicate:        {"duplicate", chance, "duplicate=0.1@down", "send a message twice"},
	Reorder:          {"reorder", chance, "reorder=0.1", "send a message after the next one, or 50ms late"},
	Delay:            {"delay", duration, "delay=5ms..20ms", "hold each message up, and those behind it with it"},
	Throttle:         {"throttle", size, "throttle=64k@down", "let so many bytes a second pass"},
	Split:            {"split", size, "split=7", "write pieces of 1 byte to so many"},
}

// String returns the name that Parse knows.
func (k Kind) String() string {
	if k >= NumKinds {
		return fmt.Sprintf("kind(%d)", uint8(k))
	}
	return kinds[k].name
}

// Window is where a fault acts: from From on, to To; 0 for To means for ever.
type Window struct{ From, To int64 }

func (w Window) holds(at int64) bool { return at >= w.From && (w.To == 0 || at < w.To) }

// Fault is one thing that goes wrong. The zero values of the windows mean
// always and everywhere.
type Fault struct {
	Kind     Kind
	Up, Down bool // the directions; neither means both

	// Chance is the probability with which it happens to each message, and 0
	// means 1. An end or a cut that is not certain is decided anew with each
	// message until it has happened.
	Chance float64
	// Min and Max bound a delay, which is drawn anew for each message. Max 0
	// means Min.
	Min, Max time.Duration
	// Size is a throttle's bytes a second, or the longest write of a split.
	Size int

	Bytes    Window // after so many have passed
	Messages Window // after so many have passed
	Time     Window // nanoseconds that the connection is old, or since Set
	// Connections are counted from 1; From and To themselves are included.
	Connections Window
}

// in reports whether the fault is about a direction of a connection.
func (f *Fault) in(up bool, connection int64) bool {
	return (up && f.Up || !up && f.Down || f.Up == f.Down) &&
		connection >= f.Connections.From && (f.Connections.To == 0 || connection <= f.Connections.To)
}

// sure reports whether the fault needs no draw.
func (f *Fault) sure() bool { return f.Chance == 0 || f.Chance >= 1 }

// String returns the text that Parse reads as this fault.
func (f Fault) String() string {
	var b strings.Builder
	b.WriteString(f.Kind.String())
	switch {
	case f.Kind >= NumKinds:
	case kinds[f.Kind].takes == duration && f.Max > f.Min:
		fmt.Fprintf(&b, "=%v..%v", f.Min, f.Max)
	case kinds[f.Kind].takes == duration:
		fmt.Fprintf(&b, "=%v", f.Min)
	case kinds[f.Kind].takes == size:
		b.WriteString("=" + sizeText(int64(f.Size)))
	}
	if !f.sure() {
		if f.Kind < NumKinds && kinds[f.Kind].takes == chance {
			b.WriteString("=" + strconv.FormatFloat(f.Chance, 'g', -1, 64))
		} else {
			b.WriteString("@chance:" + strconv.FormatFloat(f.Chance, 'g', -1, 64))
		}
	}
	switch {
	case f.Up == f.Down:
	case f.Up:
		b.WriteString("@up")
	default:
		b.WriteString("@down")
	}
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	for _, w := range []struct {
		name string
		w    Window
		text func(int64) string
	}{
		{"byte", f.Bytes, sizeText},
		{"message", f.Messages, number},
		{"time", f.Time, func(n int64) string { return time.Duration(n).String() }},
		{"connection", f.Connections, number},
	} {
		switch {
		case w.w == Window{}:
		case w.w.To == 0, w.name == "connection" && w.w.To == w.w.From:
			fmt.Fprintf(&b, "@%s:%s", w.name, w.text(w.w.From))
		default:
			fmt.Fprintf(&b, "@%s:%s-%s", w.name, w.text(w.w.From), w.text(w.w.To))
		}
	}
	return b.String()
}

func sizeText(n int64) string {
	switch {
	case n > 0 && n%(1<<20) == 0:
		return strconv.FormatInt(n>>20, 10) + "M"
	case n > 0 && n%(1<<10) == 0:
		return strconv.FormatInt(n>>10, 10) + "k"
	}
	return strconv.FormatInt(n, 10)
}

// Faults are what goes wrong together.
type Faults []Fault

// String returns the text that Parse reads as these faults.
func (fs Faults) String() string {
	all := make([]string, len(fs))
	for i, f := range fs {
		all[i] = f.String()
	}
	return strings.Join(all, ",")
}
