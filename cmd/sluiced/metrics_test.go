package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/controller/record"
)

// described reads the name, the help and the labels from a Desc, which tells
// them in no other way.
var described = regexp.MustCompile(`^Desc\{fqName: "(sluice_[a-z0-9_]+)", help: "([^"]*)", (?:unit: "[^"]*", )?constLabels: \{([^}]*)\}, variableLabels: \{([^}]*)\}\}$`)

// TestMetricsAreDocumented: docs/metrics.md lists the metrics of the daemon with
// all its apps, each with its labels and its help, and no other.
func TestMetricsAreDocumented(t *testing.T) {
	made, err := appNames(knownApps()).build(logrus.New())
	if err != nil {
		t.Fatal(err)
	}
	engine, err := controller.New(controller.Config{Apps: made})
	if err != nil {
		t.Fatal(err)
	}
	descs := make(chan *prometheus.Desc)
	go func() {
		defer close(descs)
		for _, c := range ourCollectors(engine, newDoors(logrus.New()), new(record.Recorder), made) {
			c.Describe(descs)
		}
	}()
	var want []string
	for d := range descs {
		m := described.FindStringSubmatch(d.String())
		if m == nil {
			t.Errorf("%s: want the form %s", d, described)
			continue
		}
		var labels []string
		for _, l := range strings.Split(m[3], ",") {
			if name, _, ok := strings.Cut(l, "="); ok {
				labels = append(labels, "`"+name+"`")
			}
		}
		if m[4] != "" {
			for _, l := range strings.Split(m[4], ",") {
				labels = append(labels, "`"+l+"`")
			}
		}
		want = append(want, fmt.Sprintf("| `%s` | %s | %s |", m[1], strings.Join(labels, ", "), m[2]))
	}
	slices.Sort(want)
	want = slices.Compact(want)

	doc, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(doc)) {
		if strings.HasPrefix(line, "| `sluice_") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/metrics.md (-want +got):\n%s\nthe table is to be:\n%s", diff, strings.Join(want, "\n"))
	}
}
