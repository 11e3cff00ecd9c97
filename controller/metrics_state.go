package controller

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-sdn/sluice/controller/desired"
)

// descStateItems is what is read from the desired state when it is asked for.
var (
	descStateItems   = desc("state_items", "Flows, groups and meters of connected switches in the desired state, by how they stand.", "condition")
	descStateForeign = desc("state_foreign", "Flows, groups and meters on connected switches that are in nobody's desired state, as last seen.")
	descStoreWriting = desc("store_write_seconds", "How long the write to the store of desired state lasts that is going on, 0 if none is: a disk that does not answer has it grow.")
	descStoreFault   = desc("store_unwritable", "1 while the store of desired state cannot be written, else 0.")
	descStoreFailed  = desc("store_failures_total", "Writes to the store of desired state that have failed.")
	descOwnerFlows   = desc("state_owner_flows", "Flows of all switches in the desired state, by owner, of the 100 that have the most; the default owner has no name.", "owner")
)

// mostOwners bounds the owners that have a metric of their own.
const mostOwners = 100

// stateMetrics are those of the comparisons of switches with the desired state.
type stateMetrics struct {
	compared *prometheus.HistogramVec
	repairs  *prometheus.CounterVec
	foreign  *prometheus.CounterVec
}

func (m *stateMetrics) init() {
	m.compared = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "sluice_reconcile_seconds",
		Help:    "Time to compare a switch with its desired state and to send the difference.",
		Buckets: prometheus.ExponentialBuckets(1e-3, 4, 8),
	}, []string{"result"})
	m.repairs = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "sluice_reconcile_messages_total",
		Help: "Messages that brought switches to their desired state, by what became of them.",
	}, []string{"result"})
	m.foreign = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "sluice_foreign_total",
		Help: "Flows, groups and meters that nobody wanted, by what became of them (--foreign).",
	}, []string{"result"})
	for _, r := range []string{"removed", "adopted"} {
		m.foreign.WithLabelValues(r)
	}
	for _, r := range []string{"confirmed", "refused"} {
		m.repairs.WithLabelValues(r)
	}
	for _, r := range []string{"same", "repaired", "failed"} {
		m.compared.WithLabelValues(r)
	}
}

// reconciled counts a comparison.
func (m *stateMetrics) reconciled(r desired.Report, err error) {
	result := "same"
	switch {
	case err != nil:
		result = "failed"
	case r.Changed+r.Refused > 0:
		result = "repaired"
	}
	m.compared.WithLabelValues(result).Observe(r.Duration.Seconds())
	m.repairs.WithLabelValues("confirmed").Add(float64(r.Changed))
	m.repairs.WithLabelValues("refused").Add(float64(r.Refused))
}

func (c *Controller) collectState(ch chan<- prometheus.Metric, switches []*Switch) {
	var sum desired.Summary
	for _, s := range switches {
		if x, err := s.StateSummary(); err == nil {
			sum.Pending, sum.Installed, sum.Degraded = sum.Pending+x.Pending, sum.Installed+x.Installed, sum.Degraded+x.Degraded
			sum.Foreign += x.Foreign
		}
	}
	for c, n := range map[desired.Condition]int{desired.Pending: sum.Pending, desired.Installed: sum.Installed, desired.Degraded: sum.Degraded} {
		ch <- prometheus.MustNewConstMetric(descStateItems, prometheus.GaugeValue, float64(n), c.String())
	}
	ch <- prometheus.MustNewConstMetric(descStateForeign, prometheus.GaugeValue, float64(sum.Foreign))
	if d := c.cfg.Desired; d != nil {
		h, unwritable := d.Health(), 0.0
		if h.Err != nil {
			unwritable = 1
		}
		ch <- prometheus.MustNewConstMetric(descStoreFault, prometheus.GaugeValue, unwritable)
		writing := 0.0
		if !h.Writing.IsZero() {
			writing = time.Since(h.Writing).Seconds()
		}
		ch <- prometheus.MustNewConstMetric(descStoreWriting, prometheus.GaugeValue, writing)
		ch <- prometheus.MustNewConstMetric(descStoreFailed, prometheus.CounterValue, float64(h.Failed))
		flows := d.OwnerFlows()
		owners := slices.SortedFunc(maps.Keys(flows), func(a, b string) int { return cmp.Or(flows[b]-flows[a], strings.Compare(a, b)) })
		for _, name := range owners[:min(len(owners), mostOwners)] {
			ch <- prometheus.MustNewConstMetric(descOwnerFlows, prometheus.GaugeValue, float64(flows[name]), name)
		}
	}
	c.metrics.compared.Collect(ch)
	c.metrics.repairs.Collect(ch)
	c.metrics.foreign.Collect(ch)
}
