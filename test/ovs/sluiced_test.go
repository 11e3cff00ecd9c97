package ovs_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/test/ovs"
)

func TestTrouble(t *testing.T) {
	t.Parallel()
	const log = `time="2026-01-01T00:00:00Z" level=info msg="switch connected" name=br0
time="2026-01-01T00:00:01Z" level=warning msg="connection refused" error="dpid 1 is connected"
time="2026-01-01T00:00:02Z" level=error msg="cannot serve"
time="2026-01-01T00:00:03Z" level=warning msg="unexpected" openflow_error="OFPFMFC_OVERLAP"
time="2026-01-01T00:00:03Z" level=warning msg="expected" openflow_error="OFPFMFC_TABLE_FULL"
{"level":"fatal","msg":"cannot listen"}
time="2026-01-01T00:00:04Z" level=warning msg="app panicked" app=l2switch
panic: runtime error: index out of range

goroutine 7 [running]:
main.main()
WARNING: DATA RACE
`
	want := []string{
		`time="2026-01-01T00:00:02Z" level=error msg="cannot serve"`,
		`time="2026-01-01T00:00:03Z" level=warning msg="unexpected" openflow_error="OFPFMFC_OVERLAP"`,
		`{"level":"fatal","msg":"cannot listen"}`,
		`time="2026-01-01T00:00:04Z" level=warning msg="app panicked" app=l2switch`,
		`panic: runtime error: index out of range`,
		`goroutine 7 [running]:`,
		`WARNING: DATA RACE`,
	}
	if diff := cmp.Diff(want, ovs.Trouble(log, "OFPFMFC_TABLE_FULL")); diff != "" {
		t.Errorf("trouble (-want +got):\n%s", diff)
	}
}
