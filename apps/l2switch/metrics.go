package l2switch

import "github.com/prometheus/client_golang/prometheus"

var _ prometheus.Collector = (*App)(nil)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("sluice_l2switch_"+name, help, labels, nil)
}

var descPackets = desc("packets_total", "Packets that switches sent to the app, by what it did with them.", "result")

// metrics says which metric each of the Stats is.
var metrics = []struct {
	desc   *prometheus.Desc
	kind   prometheus.ValueType
	of     func(*Stats) uint64
	labels []string
}{
	{descPackets, prometheus.CounterValue, func(s *Stats) uint64 { return s.Forwarded }, []string{"forwarded"}},
	{descPackets, prometheus.CounterValue, func(s *Stats) uint64 { return s.Flooded }, []string{"flooded"}},
	{descPackets, prometheus.CounterValue, func(s *Stats) uint64 { return s.Returned }, []string{"returned"}},
	{descPackets, prometheus.CounterValue, func(s *Stats) uint64 { return s.Reserved }, []string{"reserved"}},
	{descPackets, prometheus.CounterValue, func(s *Stats) uint64 { return s.Short }, []string{"short"}},
	{descPackets, prometheus.CounterValue, func(s *Stats) uint64 { return s.Lost }, []string{"lost"}},
	{desc("hosts_learned_total", "Hosts seen for the first time."),
		prometheus.CounterValue, func(s *Stats) uint64 { return s.Learned }, nil},
	{desc("hosts_moved_total", "Hosts seen on another port than before."),
		prometheus.CounterValue, func(s *Stats) uint64 { return s.Moved }, nil},
	{desc("hosts_refused_total", "Packets whose sender was not learnt because its switch's table was full."),
		prometheus.CounterValue, func(s *Stats) uint64 { return s.Refused }, nil},
	{desc("errors_total", "Messages that could not be sent to a switch that was there, or that it refused."),
		prometheus.CounterValue, func(s *Stats) uint64 { return s.Errors }, nil},
	{desc("hosts", "Hosts that are remembered, over all switches."),
		prometheus.GaugeValue, func(s *Stats) uint64 { return s.Hosts }, nil},
}

// Describe implements prometheus.Collector.
func (a *App) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range metrics {
		ch <- m.desc
	}
}

// Collect implements prometheus.Collector. Any goroutine may call it.
func (a *App) Collect(ch chan<- prometheus.Metric) {
	s := a.Stats()
	for _, m := range metrics {
		ch <- prometheus.MustNewConstMetric(m.desc, m.kind, float64(m.of(&s)), m.labels...)
	}
}
