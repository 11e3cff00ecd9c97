package ofp

import (
	"strings"
	"testing"
)

// TestTableMissOfNoNumber: the fourth value of two bits is no setting; Open
// vSwitch, which sends it in 1.1, takes it for the first.
func TestTableMissOfNoNumber(t *testing.T) {
	for _, v := range []Version{V11, V12} {
		for config, want := range map[uint32]string{0: "controller", 1: "continue", 2: "drop", 3: "controller"} {
			b := encoded(t, v, 1, &MultipartReply{Body: &TableStatsReply{Tables: []TableStats{{Config: config}}}})
			if got := Print(b); !strings.Contains(got, "\n    config="+want) {
				t.Errorf("%s: %d is printed as\n%s\nwant %s", v, config, got, want)
			}
			if got := Print(encoded(t, v, 1, &TableMod{Config: config})); !strings.HasSuffix(got, "flow_miss_config="+want) {
				t.Errorf("%s: %d in a table_mod is printed as %s, want %s", v, config, got, want)
			}
		}
	}
}
