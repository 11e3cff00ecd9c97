package record

import "github.com/prometheus/client_golang/prometheus"

var _ prometheus.Collector = (*Recorder)(nil)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("sluice_record_"+name, help, labels, nil)
}

var (
	descBytes    = desc("bytes_total", "Bytes of OpenFlow that were recorded.")
	descLost     = desc("lost_bytes_total", "Bytes of OpenFlow that were left out of the recording, by reason.", "reason")
	descFiles    = desc("files_total", "Files of the recording that were begun.")
	descFailures = desc("failures_total", "Failures to write the recording, or to begin a file of it.")
	descPaused   = desc("paused", "1 if nothing is recorded at present because the disk takes none.")
	descQueue    = desc("queue_bytes", "Bytes that wait to be recorded.")
)

// Describe implements prometheus.Collector.
func (r *Recorder) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descBytes, descLost, descFiles, descFailures, descPaused, descQueue} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (r *Recorder) Collect(ch chan<- prometheus.Metric) {
	counter := func(d *prometheus.Desc, n uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	counter(descBytes, r.recorded.Load())
	counter(descLost, r.lostQueue.Load(), "queue")
	counter(descLost, r.lostDisk.Load(), "disk")
	counter(descFiles, r.files.Load())
	counter(descFailures, r.failures.Load())
	paused := 0.0
	if r.paused.Load() {
		paused = 1
	}
	ch <- prometheus.MustNewConstMetric(descPaused, prometheus.GaugeValue, paused)
	ch <- prometheus.MustNewConstMetric(descQueue, prometheus.GaugeValue, float64(r.queue.bytes()))
}
