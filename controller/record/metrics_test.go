package record

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// one is a Collector of the metrics of one name, and of the first value of its
// label.
type one struct {
	r    *Recorder
	name string
}

func only(r *Recorder, name string) prometheus.Collector { return one{r, name} }

func (o one) Describe(ch chan<- *prometheus.Desc) { o.r.Describe(ch) }

func (o one) Collect(ch chan<- prometheus.Metric) {
	all := make(chan prometheus.Metric, 100)
	o.r.Collect(all)
	close(all)
	for m := range all {
		if strings.Contains(m.Desc().String(), `"`+o.name+`"`) {
			ch <- m
			return
		}
	}
}
