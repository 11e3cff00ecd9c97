package desired

import (
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestDeleteInOneTableOf10: with Open vSwitch's extensions a delete names its table
// in 1.0, too, and what is the same in another table stays; without them it is
// about all tables.
func TestDeleteInOneTableOf10(t *testing.T) {
	for _, row := range []struct {
		extended bool
		left     int
	}{{true, 1}, {false, 0}} {
		b := newBook(1)
		d := decider{book: b, version: ofp.V10, extended: row.extended}
		for i, m := range parse(t, "add-flow table=0,priority=5,ip,actions=drop", "add-flow table=1,priority=5,ip,actions=drop", "del-flow table=0,priority=5,ip") {
			if err := d.message(i, m); err != nil {
				t.Fatal(err)
			}
		}
		left := 0
		for _, v := range d.overlay {
			if v != nil {
				left++
			}
		}
		if left != row.left {
			t.Errorf("extended %v: %d are left, want %d", row.extended, left, row.left)
		}
	}
}
