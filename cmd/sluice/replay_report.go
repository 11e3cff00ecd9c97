package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// outcome is what came of playing one connection.
type outcome struct {
	talk   *dialogue
	player *player
	took   time.Duration
	err    error
}

// title says which connection it was, and how far it came.
func (r *outcome) title() string {
	t := r.talk
	who := "no handshake"
	if t.shaken {
		who = "dpid " + t.dpid.String()
	}
	s := fmt.Sprintf("connection %d, %s, OpenFlow %s: played %d of %d messages in %.3f s", t.number, who, t.version,
		r.player.sent, len(r.player.s.steps), r.took.Seconds())
	if n := r.player.leftOut; n > 0 {
		s += fmt.Sprintf("; %d answers to what was not asked are left out", n)
	}
	if t.gaps > 0 {
		s += fmt.Sprintf("; the recording has %d gaps here", t.gaps)
	}
	return s
}

// typeObject is a row of the report as JSON.
type typeObject struct {
	Type      string `json:"type"`
	Recorded  int    `json:"recorded"`
	Same      int    `json:"same"`
	Different int    `json:"different"`
	Missing   int    `json:"missing"`
	Extra     int    `json:"extra"`
}

// byType adds up what the controller said, in the order of the types' names.
func byType(outcomes []*outcome) []typeObject {
	sums := map[string]*typeObject{}
	for _, r := range outcomes {
		for k, n := range r.player.s.counts {
			name := k.String()
			x := sums[name]
			if x == nil {
				x = &typeObject{Type: name}
				sums[name] = x
			}
			x.Recorded += n.recorded
			x.Same += n.same
			x.Different += n.different
			x.Missing += n.missing()
			x.Extra += n.extra
		}
	}
	list := []typeObject{}
	for _, x := range sums {
		list = append(list, *x)
	}
	slices.SortFunc(list, func(a, b typeObject) int { return strings.Compare(a.Type, b.Type) })
	return list
}

// report tells what came of it.
func (c *client) report(outcomes []*outcome, show int) error {
	types := byType(outcomes)
	type connection struct {
		Connection int    `json:"connection"`
		DPID       string `json:"dpid"`
		Version    string `json:"version"`
		Messages   int    `json:"messages"`
		Played     int    `json:"played"`
		LeftOut    int    `json:"left_out"`
		Error      string `json:"error"`
	}
	type differs struct {
		Connection int    `json:"connection"`
		Recorded   string `json:"recorded"`
		Now        string `json:"now"`
	}
	list, differences := []connection{}, []differs{}
	for _, r := range outcomes {
		x := connection{r.talk.number, r.talk.dpid.String(), r.talk.version.String(), len(r.player.s.steps), r.player.sent, r.player.leftOut, ""}
		if r.err != nil {
			x.Error = r.err.Error()
		}
		list = append(list, x)
		for _, d := range r.player.differ {
			if len(differences) < show {
				differences = append(differences, differs{r.talk.number, meaning(d.recorded), meaning(d.now)})
			}
		}
	}
	return c.printObject(map[string]any{"connections": list, "types": types, "differences": differences}, func(w io.Writer) {
		for _, r := range outcomes {
			fmt.Fprintln(w, r.title())
			if r.err != nil {
				fmt.Fprintf(w, "  %s\n", printable(r.err.Error()))
			}
		}
		for _, d := range differences {
			fmt.Fprintf(w, "\nconnection %d, recorded:\n%s\nnow:\n%s\n", d.Connection, indent(d.Recorded), indent(d.Now))
		}
		rows := [][]string{{"SAID BY THE CONTROLLER", "RECORDED", "SAME", "DIFFERENT", "MISSING", "EXTRA"}}
		for _, x := range types {
			row := []string{x.Type}
			for _, n := range []int{x.Recorded, x.Same, x.Different, x.Missing, x.Extra} {
				row = append(row, strconv.Itoa(n))
			}
			rows = append(rows, row)
		}
		fmt.Fprintln(w)
		table(w, rows)
	})
}

// meaning is what a message says.
func meaning(frame []byte) string {
	var b bytes.Buffer
	_ = printFrame(&b, frame) // says itself what cannot be decoded
	return strings.TrimRight(b.String(), "\n")
}

func indent(s string) string { return "  " + strings.ReplaceAll(s, "\n", "\n  ") }
