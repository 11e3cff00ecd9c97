package controller

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/sluice-sdn/sluice/ofp"
)

func TestMetrics(t *testing.T) {
	s := &testSession{detached: make(chan struct{})}
	c := serve(t, Config{Apps: []App{testApp{"watch", func(*Switch) Session { return s }}}})
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("before any switch: %v, %v", problems, err)
	}
	p := newPeer(t, ofp.V12, 1).dial(c.addr)
	sw := c.sw(t, 1)
	for range 3 {
		p.send(0, packetIn(1))
	}
	p.send(0, &ofp.Error{Reason: ofp.BadRequestBadLen})
	p.send(0, &ofp.Error{ErrType: 77, Code: 1})
	if err := sw.Write(t.Context(), []ofp.Message{ofp.NewFlowMod(ofp.FlowAdd)}); err != nil {
		t.Error(err)
	}
	eventually(t, "events", func() bool { return len(s.heard()) == 5 })
	problems, err = testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
	// Counters are added to once a batch: ask until the last one is there.
	want := []string{
		"sluice_switches_connected 1",
		`sluice_switches_connected_by_version{version="1.2"} 1`,
		`sluice_switches_connected_by_version{version="1.3"} 0`,
		`sluice_openflow_messages_received_total{type="packet_in"} 3`,
		`sluice_openflow_messages_sent_total{type="flow_mod"} 1`,
		`sluice_openflow_messages_sent_total{type="barrier_request"} 1`,
		`sluice_openflow_errors_received_total{error="OFPBRC_BAD_LEN"} 1`,
		`sluice_openflow_errors_received_total{error="unknown"} 1`,
		`sluice_openflow_messages_dropped_total{reason="packet_in_arp"} 0`,
		`sluice_connections_refused_total{reason="tls"} 0`,
		"sluice_packet_in_handling_seconds_count 3",
		`sluice_write_duration_seconds_count{result="confirmed"} 1`,
		`sluice_app_panics_total{app="watch"} 0`,
		"sluice_outbox_bytes 0",
	}
	eventually(t, "metrics", func() bool {
		w := httptest.NewRecorder()
		promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		got := w.Body.String()
		for _, line := range want {
			if !strings.Contains(got, line+"\n") {
				return false
			}
		}
		return true
	})
}

func TestHistogram(t *testing.T) {
	var h histogram
	h.observe(10, 10*120*time.Nanosecond)
	h.observe(1, 2*time.Second)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(oneMetric{&h})
	got, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	m := got[0].Metric[0].Histogram
	if m.GetSampleCount() != 11 || m.GetSampleSum() != 2.0000012 {
		t.Errorf("%v", m)
	}
	if b := m.Bucket[1]; b.GetUpperBound() != 250e-9 || b.GetCumulativeCount() != 10 {
		t.Errorf("%v", b)
	}
}

type oneMetric struct{ h *histogram }

func (o oneMetric) Describe(ch chan<- *prometheus.Desc) { ch <- descHandling }
func (o oneMetric) Collect(ch chan<- prometheus.Metric) { ch <- o.h.metric(descHandling) }
