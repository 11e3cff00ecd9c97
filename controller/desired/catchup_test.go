package desired

import (
	"errors"
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestAdoptedOnTheWay: what is adopted while a switch is brought to what was stored
// before is an owner's already for the transaction that had it brought there.
func TestAdoptedOnTheWay(t *testing.T) {
	for _, wish := range []bool{false, true} {
		r := newRig(t, ofp.V13)
		r.d.Govern(Foreign{Rule: ForeignAdopt, Owner: "old"}, nil)
		r.apply("add-flow priority=1,ip,actions=output:1")
		if err := r.at(Stored, "add-flow priority=2,ip,actions=output:1"); err != nil {
			t.Fatal(err)
		}
		r.wild("add-flow priority=90,udp,actions=drop")
		var err error
		if wish {
			_, err = r.d.Fulfil(t.Context(), r.sw, Wish{Owner: "ann", Things: parse(t, "add-flow priority=90,udp,actions=output:1")})
		} else {
			err = r.try("ann", "add-flow priority=90,udp,actions=output:1")
		}
		if oe := (*OwnerError)(nil); !errors.As(err, &oe) || oe.Owner != "old" {
			t.Errorf("wish %v: %v", wish, err)
		}
		r.stands(0, 3, 0)
	}
}

// TestStoredPutsNothingBack: where nothing is sent, the app's flows are not sent again.
func TestStoredPutsNothingBack(t *testing.T) {
	r := newRig(t, ofp.V13)
	r.d.Govern(Foreign{}, []string{"l2switch"})
	if err := r.app("add-flow priority=8,ip,actions=drop"); err != nil {
		t.Fatal(err)
	}
	r.apply("add-flow priority=1,ip,actions=output:1")
	r.sw.sent = nil
	if err := r.at(Stored, "del-flows ip"); err != nil || len(r.sw.sent) > 0 {
		t.Errorf("%v, sent: %v", err, r.sw.sent)
	}
}
