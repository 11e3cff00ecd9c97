package controller

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
)

var _ prometheus.Collector = (*Controller)(nil)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("sluice_"+name, help, labels, nil)
}

// The metrics that are read from the engine when they are asked for.
var (
	descConnected   = desc("switches_connected", "Switches that are connected and ready.")
	descByVersion   = desc("switches_connected_by_version", "Switches that are connected and ready, by OpenFlow version.", "version")
	descMetered     = desc("switches_metered", "Switches that bound the packets they send to the controller by a meter (--controller-meter).")
	descReceived    = desc("openflow_messages_received_total", "Messages received from switches, by type.", "type")
	descSent        = desc("openflow_messages_sent_total", "Messages written to switches, by type.", "type")
	descErrors      = desc("openflow_errors_received_total", "OpenFlow errors received from switches, by name.", "error")
	descUndecodable = desc("openflow_messages_undecodable_total", "Messages from switches that could not be read.")
	descDropped     = desc("openflow_messages_dropped_total", "Messages thrown away, by reason.", "reason")
	descRefused     = desc("connections_refused_total", "Connections that ended before their switch was ready, by reason.", "reason")
	descEnded       = desc("connections_ended_total", "Connections of ready switches that ended, by reason.", "reason")
	descPending     = desc("connections_pending", "Connections whose switch is not ready yet.")
	descWaiting     = desc("connections_waiting", "Connections that wait for their turn to begin.")
	descInbox       = desc("inbox_batches", "Batches of events that wait for the apps, over all switches.")
	descOutbox      = desc("outbox_bytes", "Bytes that wait to be written, over all switches.")
	descRequests    = desc("requests_in_flight", "Requests and writes that wait for a reply, over all switches.")
	descHandling    = desc("packet_in_handling_seconds", "Time from the decoding of a packet-in until the apps are done with it.")
	descPanics      = desc("app_panics_total", "Panics in apps.", "app")
	descByRole      = desc("switches_connected_by_role", "Switches that are connected and ready, by this controller's role there.", "role")
	descAuxiliary   = desc("auxiliary_connections", "Auxiliary connections, over all switches.")
	descRoles       = desc("role_changes_total", "Changes of this controller's role on a switch that was ready, by the new role.", "role")
	descDisabled    = desc("app_disabled", "1 if the app is disabled because it panicked too often.", "app")
)

// metrics are those that the engine updates as it goes.
type metrics struct {
	handling histogram
	writes   *prometheus.HistogramVec
	faults   prometheus.Counter
	roles    [4]atomic.Uint64 // by ofp.Role
	stateMetrics
}

func (m *metrics) init() {
	m.stateMetrics.init()
	m.writes = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "sluice_write_duration_seconds",
		Help:    "Time from a write until the switch has confirmed it or it has failed.",
		Buckets: prometheus.ExponentialBuckets(50e-6, 4, 10),
	}, []string{"result"})
	m.faults = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "sluice_faults_total",
		Help: "Faults in the engine that were recovered.",
	})
}

// wrote counts a write.
func (m *metrics) wrote(d time.Duration, err error) {
	result := "confirmed"
	if err != nil {
		result = "failed"
	}
	m.writes.WithLabelValues(result).Observe(d.Seconds())
}

// handlingBounds are the upper bounds of the buckets, in nanoseconds.
var handlingBounds = [...]int64{100, 250, 500, 1e3, 2500, 5e3, 10e3, 25e3, 100e3, 1e6, 10e6, 100e6, 1e9}

// histogram takes the time of a whole batch at once.
type histogram struct {
	counts [len(handlingBounds) + 1]atomic.Uint64
	sum    atomic.Int64 // nanoseconds
}

// observe counts n observations that took d together.
func (h *histogram) observe(n int, d time.Duration) {
	each := int64(d) / int64(n)
	i := 0
	for i < len(handlingBounds) && each > handlingBounds[i] {
		i++
	}
	h.counts[i].Add(uint64(n))
	h.sum.Add(int64(d))
}

func (h *histogram) metric(d *prometheus.Desc) prometheus.Metric {
	buckets := make(map[float64]uint64, len(handlingBounds))
	var total uint64
	for i, bound := range handlingBounds {
		total += h.counts[i].Load()
		buckets[float64(bound)/1e9] = total
	}
	total += h.counts[len(handlingBounds)].Load()
	return prometheus.MustNewConstHistogram(d, total, float64(h.sum.Load())/1e9, buckets)
}

// Describe implements prometheus.Collector.
func (c *Controller) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descConnected, descByVersion, descMetered, descReceived, descSent, descErrors, descUndecodable, descDropped, descRefused, descPending, descWaiting,
		descEnded, descInbox, descOutbox, descRequests, descHandling, descPanics, descDisabled,
		descByRole, descRoles, descAuxiliary, descStateItems, descStateForeign, descOwnerFlows, descStoreFault, descStoreFailed, descStoreWriting,
	} {
		ch <- d
	}
	c.metrics.writes.Describe(ch)
	c.metrics.faults.Describe(ch)
	c.metrics.compared.Describe(ch)
	c.metrics.repairs.Describe(ch)
	c.metrics.foreign.Describe(ch)
}

// Collect implements prometheus.Collector.
func (c *Controller) Collect(ch chan<- prometheus.Metric) {
	counter := func(d *prometheus.Desc, n uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	gauge := func(d *prometheus.Desc, n int, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
	}
	byVersion := make(map[ofp.Version]int)
	byRole := make(map[ofp.Role]int)
	var batches, bytes, requests, metered, auxiliary int
	switches := c.Switches()
	for _, s := range switches {
		byVersion[s.Version()]++
		byRole[s.Role().Role]++
		auxiliary += len(s.Auxiliaries())
		b, n, r := s.conn.Queued()
		batches, bytes, requests = batches+b, bytes+n, requests+r
		if s.ControllerMeter().Limit.Rate > 0 {
			metered++
		}
	}
	gauge(descConnected, len(switches))
	for _, v := range ofp.Versions() {
		gauge(descByVersion, byVersion[v], v.String())
	}
	for _, r := range []ofp.Role{ofp.RoleEqual, ofp.RoleMaster, ofp.RoleSlave} {
		gauge(descByRole, byRole[r], r.String())
		counter(descRoles, c.metrics.roles[r].Load(), r.String())
	}
	gauge(descMetered, metered)
	gauge(descPending, int(c.admission.pending.Load()))
	gauge(descWaiting, int(c.admission.waiting.Load()))
	gauge(descAuxiliary, auxiliary)
	c.collectState(ch, switches)
	gauge(descInbox, batches)
	gauge(descOutbox, bytes)
	gauge(descRequests, requests)

	st := &c.stats
	for t := range ofp.Type(channel.NumTypes) {
		name := t.String()
		if n := st.In[t].Load(); n > 0 {
			counter(descReceived, n, name)
		}
		if n := st.Out[t].Load(); n > 0 {
			counter(descSent, n, name)
		}
	}
	for i := range st.Errors {
		if n := st.Errors[i].Load(); n > 0 {
			counter(descErrors, n, ofp.ErrorReason(i).String())
		}
	}
	for r := range channel.NumReasons {
		counter(descRefused, st.Refused[r].Load(), r.String())
		counter(descEnded, st.Ended[r].Load(), r.String())
	}
	for d := range channel.NumDrops {
		counter(descDropped, st.Drops[d].Load(), d.String())
	}
	counter(descUndecodable, st.Undecodable.Load())
	ch <- c.metrics.handling.metric(descHandling)
	for _, a := range c.apps {
		counter(descPanics, uint64(a.panics.Load()), a.Name())
		disabled := 0
		if a.disabled.Load() {
			disabled = 1
		}
		gauge(descDisabled, disabled, a.Name())
	}
	c.metrics.writes.Collect(ch)
	c.metrics.faults.Collect(ch)
}
