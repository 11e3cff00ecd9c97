package l2switch

import (
	"reflect"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

func TestMetrics(t *testing.T) {
	r := newRig(t, ofp.V13, Config{MaxHosts: 2}, simswitch.Config{})
	r.inject(1, eth('*', 'A'))
	r.inject(2, eth('A', 'B'))
	r.inject(3, eth('A', 'C'))
	problems, err := testutil.CollectAndLint(r.app)
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
	const want = `
# HELP sluice_l2switch_errors_total Messages that could not be sent to a switch that was there, or that it refused.
# TYPE sluice_l2switch_errors_total counter
sluice_l2switch_errors_total 0
# HELP sluice_l2switch_hosts Hosts that are remembered, over all switches.
# TYPE sluice_l2switch_hosts gauge
sluice_l2switch_hosts 2
# HELP sluice_l2switch_hosts_learned_total Hosts seen for the first time.
# TYPE sluice_l2switch_hosts_learned_total counter
sluice_l2switch_hosts_learned_total 2
# HELP sluice_l2switch_hosts_moved_total Hosts seen on another port than before.
# TYPE sluice_l2switch_hosts_moved_total counter
sluice_l2switch_hosts_moved_total 0
# HELP sluice_l2switch_hosts_refused_total Packets whose sender was not learnt because its switch's table was full.
# TYPE sluice_l2switch_hosts_refused_total counter
sluice_l2switch_hosts_refused_total 1
# HELP sluice_l2switch_packets_total Packets that switches sent to the app, by what it did with them.
# TYPE sluice_l2switch_packets_total counter
sluice_l2switch_packets_total{result="flooded"} 1
sluice_l2switch_packets_total{result="forwarded"} 2
sluice_l2switch_packets_total{result="lost"} 0
sluice_l2switch_packets_total{result="reserved"} 0
sluice_l2switch_packets_total{result="returned"} 0
sluice_l2switch_packets_total{result="short"} 0
`
	if err := testutil.CollectAndCompare(r.app, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

// TestEveryCountIsAMetric gives each of the Stats another value and looks for
// it among the metrics.
func TestEveryCountIsAMetric(t *testing.T) {
	a, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	past := reflect.ValueOf(&a.past).Elem()
	left := map[float64]string{}
	for i := range past.NumField() {
		past.Field(i).SetUint(uint64(i + 1))
		left[float64(i+1)] = past.Type().Field(i).Name
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(a)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			delete(left, m.GetCounter().GetValue()+m.GetGauge().GetValue())
		}
	}
	if len(left) > 0 {
		t.Errorf("no metrics tell %v", left)
	}
}
