package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/sirupsen/logrus"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/controller/record"
)

// newRegistry returns the registry behind /metrics: the engine's metrics, those of the
// doors, of the recorder, if there is one, of the apps that have some, of the Go runtime
// and of the process, and the build.
func newRegistry(engine prometheus.Collector, doors *doors, recorder *record.Recorder, apps []controller.App) (*prometheus.Registry, error) {
	registry := prometheus.NewRegistry()
	for _, c := range append(ourCollectors(engine, doors, recorder, apps),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	) {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("registering metrics: %w", err)
		}
	}
	return registry, nil
}

// ourCollectors are those of Sluice's own metrics, which docs/metrics.md lists.
func ourCollectors(engine prometheus.Collector, doors *doors, recorder *record.Recorder, apps []controller.App) []prometheus.Collector {
	all := []prometheus.Collector{engine, doors, thisBuild().collector()}
	if recorder != nil {
		all = append(all, recorder)
	}
	for _, app := range apps {
		if c, ok := app.(prometheus.Collector); ok {
			all = append(all, c)
		}
	}
	return all
}

// newHandler returns the handler of the HTTP port. ready returns "" or why the
// daemon is not ready; it is called for each request to /readyz.
func newHandler(registry *prometheus.Registry, gateway http.Handler, ready func() string, logger logrus.FieldLogger) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		Registry:            registry,
		ErrorLog:            logger,
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: 8,
		Timeout:             10 * time.Second,
	}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, "ok")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if reason := ready(); reason != "" {
			answer(w, http.StatusServiceUnavailable, reason)
			return
		}
		answer(w, http.StatusOK, "ok")
	})
	mux.Handle("/v1/", gateway)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, "Sluice "+thisBuild().String()+"\n\n/metrics\n/healthz\n/readyz\n/v1/switches")
	})
	return mux
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	fmt.Fprintln(w, text)
}

// silentClients are connections over which no request has begun. Shutdown would
// wait for one of them for seconds.
type silentClients struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

// note is the ConnState of a server.
func (c *silentClients) note(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if state == http.StateNew {
		c.conns[conn] = struct{}{}
	} else {
		delete(c.conns, conn)
	}
}

func (c *silentClients) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.conns {
		conn.Close()
	}
}

// newHTTPServer returns a server that no slow or silent client can hold on to.
func newHTTPServer(handler http.Handler, logger logrus.FieldLogger) *http.Server {
	silent := &silentClients{conns: make(map[net.Conn]struct{})}
	s := &http.Server{
		ConnState:         silent.note,
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          log.New(logLines{logger}, "", 0),
	}
	s.RegisterOnShutdown(silent.close)
	return s
}

// logLines gives the lines of net/http's logger to ours.
type logLines struct{ logrus.FieldLogger }

func (l logLines) Write(line []byte) (int, error) {
	l.WithField("what", strings.TrimSpace(string(line))).Warn("HTTP server complains")
	return len(line), nil
}
