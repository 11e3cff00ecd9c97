package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-sdn/sluice/test/simswitch"
)

// TestProgress: long work tells on standard error how far it is, short work
// nothing.
func TestProgress(t *testing.T) {
	d := newDaemon(t)
	d.bridge(simswitch.Config{Name: "br0"})
	var in strings.Builder
	for i := range changesPerCall + 1 {
		// One flow, again and again: it is the writing that is long.
		fmt.Fprintf(&in, "priority=1,arp,actions=output:%d\n", i%3+1)
	}
	r := d.sluice(in.String(), "add-flows", "br0", "-")
	if r.code != exitDone || r.out != "" {
		t.Errorf("status %d: %s", r.code, r.out)
	}
	want := "10000 of 50001 done\n20000 of 50001 done\n30000 of 50001 done\n40000 of 50001 done\n50000 of 50001 done\n50001 of 50001 done\n"
	if r.err != want {
		t.Errorf("stderr is\n%s\nwant\n%s", r.err, want)
	}
	d.must("priority=1,arp,actions=drop\n", "add-flows", "br0", "-") // and stderr is empty

	var b bytes.Buffer
	p := &progress{out: &b, bar: true, total: 3}
	p.step(1)
	p.step(3)
	p.end()
	if want := "\r[##########....................] 1 of 3\r[##############################] 3 of 3\n"; b.String() != want {
		t.Errorf("bar %q, want %q", b.String(), want)
	}
}
