package soak

import (
	"bytes"
	"fmt"
	"math"
	"testing"
	"time"
)

// A graph has a panel for each figure, one above the other.
const (
	graphWidth   = 900
	panelHeight  = 110
	panelTop     = 26 // of a panel, for its words
	graphLeft    = 70
	graphRight   = 12
	graphFoot    = 34
	graphColours = 4
)

var colours = [graphColours]string{"#1b6ca8", "#c0561c", "#3a7d44", "#7b4b94"}

// line is one figure over time.
type line struct {
	name string
	of   func(sample) float64
}

// graph draws samples as SVG.
func graph(samples []sample) []byte {
	panels := []struct {
		unit  string
		lines []line
	}{
		{"MB", []line{
			{"resident memory", func(s sample) float64 { return float64(s.rss) / 1e6 }},
			{"heap in use", func(s sample) float64 { return float64(s.heap) / 1e6 }},
		}},
		{"", []line{{"goroutines", func(s sample) float64 { return float64(s.goroutines) }}}},
		{"", []line{{"open descriptors", func(s sample) float64 { return float64(s.files) }}}},
		{"", []line{{"switches connected", func(s sample) float64 { return float64(s.switches) }}}},
	}
	var end time.Duration = time.Second
	for _, s := range samples {
		end = max(end, s.at)
	}
	x := func(t time.Duration) float64 {
		return graphLeft + float64(t)/float64(end)*(graphWidth-graphLeft-graphRight)
	}
	var b bytes.Buffer
	height := len(panels)*(panelHeight+panelTop) + graphFoot
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", graphWidth, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white"/>`+"\n", graphWidth, height)
	colour := 0
	for i, p := range panels {
		top := i*(panelHeight+panelTop) + panelTop
		most := 1.0
		for _, s := range samples {
			for _, l := range p.lines {
				most = max(most, l.of(s))
			}
		}
		most = round(most)
		y := func(v float64) float64 { return float64(top) + (1-v/most)*panelHeight }
		for _, v := range []float64{0, most / 2, most} {
			fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end" fill="#444">%g</text>`+"\n",
				graphLeft, y(v), graphWidth-graphRight, graphLeft-6, y(v)+4, v)
		}
		at := graphLeft
		for _, l := range p.lines {
			name := l.name
			if p.unit != "" {
				name += ", " + p.unit
			}
			fmt.Fprintf(&b, `<text x="%d" y="%d" fill="%s">%s</text>`+"\n", at, top-6, colours[colour], name)
			at += 170
			fmt.Fprintf(&b, `<polyline fill="none" stroke="%s" stroke-width="1.2" points="`, colours[colour])
			for _, s := range samples {
				fmt.Fprintf(&b, "%.1f,%.1f ", x(s.at), y(l.of(s)))
			}
			b.WriteString(`"/>` + "\n")
			colour = (colour + 1) % graphColours
		}
	}
	for i := range 6 {
		t := end * time.Duration(i) / 5
		fmt.Fprintf(&b, `<text x="%.0f" y="%d" text-anchor="middle" fill="#444">%.0f s</text>`+"\n", min(x(t), graphWidth-24), height-14, t.Seconds())
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// round is the next number above that a scale may end with.
func round(v float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, n := range []float64{1, 2, 4, 6, 8} {
		if v <= n*unit {
			return n * unit
		}
	}
	return 10 * unit
}

func TestGraphScale(t *testing.T) {
	for v, want := range map[float64]float64{1: 1, 1.1: 2, 37: 40, 81: 100, 4100: 6000} {
		if got := round(v); got != want {
			t.Errorf("a scale for %v ends with %v, want %v", v, got, want)
		}
	}
}
