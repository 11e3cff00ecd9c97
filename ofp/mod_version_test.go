package ofp

import (
	"errors"
	"testing"
)

func TestModsCheckTheirVersion(t *testing.T) {
	for _, v := range Versions() {
		flood := &PortMod{Port: 1, Config: PortNoFlood, Mask: PortNoFlood}
		if err := flood.CheckVersion(v); (err == nil) != (v == V10) || err != nil && !errors.Is(err, ErrVersion) {
			t.Errorf("no_flood in %s: %v", v, err)
		}
		if err := (&PortMod{Port: 1, Mask: PortDown | PortNoRecv | PortNoFwd | PortNoPacketIn}).CheckVersion(v); err != nil {
			t.Errorf("bits of all versions in %s: %v", v, err)
		}
		if err := (&TableMod{Config: 1}).CheckVersion(v); (err == nil) != (v == V11 || v == V12) {
			t.Errorf("table miss in %s: %v", v, err)
		}
	}
}
