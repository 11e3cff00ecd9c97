package main

import (
	"net"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"

	"github.com/sluice-sdn/sluice/controller/channel"
)

// maxClients is how many connections of clients each of the two servers has at most,
// gRPC and HTTP: what a client may hold is bounded by its connection. One more is
// closed as soon as it is accepted, which its client is told by what it reads; there
// is room again when another one ends.
const maxClients = 1024

// doors count the connections of clients, by server.
type doors struct {
	log         logrus.FieldLogger
	connections *prometheus.GaugeVec
	refused     *prometheus.CounterVec
}

func newDoors(log logrus.FieldLogger) *doors {
	return &doors{
		log: log,
		connections: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "sluice_client_connections",
			Help: "Connections of clients of the gRPC API, and of the HTTP port.",
		}, []string{"server"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sluice_client_connections_refused_total",
			Help: "Connections of clients that were closed at once because as many were open as may be.",
		}, []string{"server"}),
	}
}

// Describe implements prometheus.Collector.
func (d *doors) Describe(ch chan<- *prometheus.Desc) {
	d.connections.Describe(ch)
	d.refused.Describe(ch)
}

// Collect implements prometheus.Collector.
func (d *doors) Collect(ch chan<- prometheus.Metric) {
	d.connections.Collect(ch)
	d.refused.Collect(ch)
}

// bound returns ln with most connections at a time. One goroutine may accept.
func (d *doors) bound(ln net.Listener, server string, most int) net.Listener {
	return &door{
		Listener: ln, places: make(chan struct{}, most), log: d.log.WithFields(logrus.Fields{"server": server, "most": most}),
		connections: d.connections.WithLabelValues(server), refused: d.refused.WithLabelValues(server),
	}
}

// door is a listener that bounds its connections.
type door struct {
	net.Listener
	places      chan struct{}
	log         logrus.FieldLogger
	connections prometheus.Gauge
	refused     prometheus.Counter
	lines       channel.Throttle // of who accepts
}

// Accept returns the next connection for which there is room.
func (d *door) Accept() (net.Conn, error) {
	for {
		conn, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case d.places <- struct{}{}:
			d.connections.Inc()
			return &guest{Conn: conn, leave: sync.OnceFunc(func() {
				<-d.places
				d.connections.Dec()
			})}, nil
		default:
		}
		d.refused.Inc()
		_ = conn.Close() // nothing was said on it
		if held, ok := d.lines.Pass(); ok {
			d.log.WithFields(logrus.Fields{"addr": conn.RemoteAddr().String(), "more": held}).
				Warn("client refused: as many connections are open as may be; end some, or have clients share them")
		}
	}
}

// guest is a connection that gives its place back when it is closed.
type guest struct {
	net.Conn
	leave func()
}

// Close is that of net.Conn.
func (g *guest) Close() error {
	defer g.leave()
	return g.Conn.Close()
}

// CloseWrite ends what is sent, so that a client that still sends can read the last
// answer: net/http looks for it.
func (g *guest) CloseWrite() error {
	if c, ok := g.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return nil
}
