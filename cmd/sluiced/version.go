package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
)

// build says what this binary was made from, as the Go toolchain recorded it.
type build struct {
	version  string // of the module: a tag, or a tag with the commit; "(devel)" outside of git
	revision string // the commit, "" if unknown
}

func thisBuild() build {
	b := build{version: "(devel)"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Version != "" {
		b.version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			b.revision = s.Value
		}
	}
	return b
}

func (b build) String() string {
	return fmt.Sprintf("%s (%s, %s/%s)", b.version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// collector returns the metric that says which build runs.
func (b build) collector() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "sluice_build_info",
		Help:        "Always 1; the labels say what the daemon was built from.",
		ConstLabels: prometheus.Labels{"version": b.version, "revision": b.revision, "goversion": runtime.Version()},
	}, func() float64 { return 1 })
}
