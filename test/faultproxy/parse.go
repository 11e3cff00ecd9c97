package faultproxy

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// maxFaults bounds what one text may ask for.
const maxFaults = 64

// Parse reads faults, separated by commas; Help explains them. An error names
// the fault and the part of it that is wrong.
func Parse(text string) (Faults, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var out Faults
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if len(out) == maxFaults {
			return nil, fmt.Errorf("fault %q: more than %d faults", part, maxFaults)
		}
		f, err := parseFault(part)
		if err != nil {
			return nil, fmt.Errorf("fault %q: %w", part, err)
		}
		out = append(out, f)
	}
	return out, nil
}

func parseFault(text string) (Fault, error) {
	words := strings.Split(text, "@")
	name, value, given := strings.Cut(words[0], "=")
	var f Fault
	for f.Kind = 0; f.Kind < NumKinds && kinds[f.Kind].name != name; f.Kind++ {
	}
	if f.Kind == NumKinds {
		return f, fmt.Errorf("no such fault; want %s", strings.Join(names(), ", "))
	}
	if err := f.value(value, given); err != nil {
		return f, err
	}
	for _, word := range words[1:] {
		if err := f.place(word); err != nil {
			return f, fmt.Errorf("@%s: %w", word, err)
		}
	}
	return f, nil
}

func names() []string {
	out := make([]string, NumKinds)
	for i, k := range kinds {
		out[i] = k.name
	}
	return out
}

// value takes what stands behind the name.
func (f *Fault) value(text string, given bool) (err error) {
	switch kinds[f.Kind].takes {
	case chance:
		if given {
			f.Chance, err = parseChance(text)
		}
	case duration:
		low, high, two := strings.Cut(text, "..")
		if f.Min, err = parseDuration(low); err == nil && two {
			if f.Max, err = parseDuration(high); err == nil && f.Max <= f.Min {
				return fmt.Errorf("%s: want the shorter one first", text)
			}
		}
		if err == nil && f.Min == 0 && f.Max == 0 {
			err = fmt.Errorf("%q: want a time above 0, such as 10ms or 5ms..20ms", text)
		}
	case size:
		var n int64
		if n, err = parseSize(text); err == nil && (n == 0 || n > math.MaxInt32) {
			err = fmt.Errorf("%s: want 1 to %d", text, math.MaxInt32)
		}
		f.Size = int(n)
	}
	return err
}

// place takes what stands behind an @.
func (f *Fault) place(word string) (err error) {
	name, value, _ := strings.Cut(word, ":")
	switch name {
	case "up":
		f.Up = true
	case "down":
		f.Down = true
	case "chance":
		f.Chance, err = parseChance(value)
	case "byte":
		f.Bytes, err = parseWindow(value, parseSize)
	case "message":
		f.Messages, err = parseWindow(value, parseCount)
	case "time":
		f.Time, err = parseWindow(value, func(s string) (int64, error) {
			d, err := parseDuration(s)
			return int64(d), err
		})
	case "connection":
		f.Connections, err = parseWindow(value, parseCount)
		switch {
		case err != nil:
		case f.Connections.From == 0:
			err = fmt.Errorf("connections are counted from 1")
		case f.Connections.To == 0:
			f.Connections.To = f.Connections.From
		}
		return err
	default:
		return fmt.Errorf("want up, down, chance:P, byte:N, message:N, time:T or connection:N")
	}
	if (name == "up" || name == "down") && value != "" {
		return fmt.Errorf("%s takes no value", name)
	}
	return err
}

func parseWindow(text string, one func(string) (int64, error)) (w Window, err error) {
	from, to, two := strings.Cut(text, "-")
	if w.From, err = one(from); err != nil || !two {
		return w, err
	}
	if w.To, err = one(to); err != nil {
		return w, err
	}
	if w.To < w.From || w.To == 0 {
		return w, fmt.Errorf("want the lower one first")
	}
	return w, nil
}

func parseChance(text string) (float64, error) {
	p, err := strconv.ParseFloat(text, 64)
	if err != nil || !(p > 0 && p <= 1) {
		return 0, fmt.Errorf("%q: want a probability above 0, up to 1, such as 0.01", text)
	}
	return p, nil
}

func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q: want a time such as 10ms or 2s", text)
	}
	return d, nil
}

func parseCount(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q: want a number", text)
	}
	return n, nil
}

func parseSize(text string) (int64, error) {
	shift := 0
	switch {
	case strings.HasSuffix(text, "k"):
		shift = 10
	case strings.HasSuffix(text, "M"):
		shift = 20
	}
	digits := text
	if shift > 0 {
		digits = text[:len(text)-1]
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64>>20 {
		return 0, fmt.Errorf("%q: want bytes, such as 1500, 64k or 2M", text)
	}
	return n << shift, nil
}

// Help explains the text that Parse reads, for the help of a program.
func Help() string {
	var b strings.Builder
	b.WriteString("FAULT[,FAULT...], each NAME[=VALUE][@WHERE...]:\n")
	for _, k := range kinds {
		fmt.Fprintf(&b, "  %-23s %s\n", k.example, k.help)
	}
	b.WriteString(`
VALUE is a time, or two (from..to, drawn anew for each message), for delay; bytes
a second for throttle; bytes for split; else the probability with which it
happens to each message, always if there is none. k and M are 1,024 and 1,048,576.

WHERE, as often as needed:
  @up  @down              switch to controller, or controller to switch; else both
  @byte:N  @byte:N-M      after N bytes of the direction, until M
  @message:N[-M]          after N messages of the direction, until M
  @time:T[-U]             when the connection is T old, until U
  @connection:N[-M]       on the Nth connection alone, or on those from N to M
  @chance:P               with this probability (for delay, throttle and split)
`)
	return b.String()
}
