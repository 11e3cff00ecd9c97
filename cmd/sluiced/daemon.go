package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"github.com/sluice-sdn/sluice/api"
	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/controller/record"
	"github.com/sluice-sdn/sluice/controller/store"
)

// The daemon ends in order: northbound calls get drainLimit to finish. Then the
// switches' connections are closed, which ends the calls that wait for a switch:
// they have tellLimit to tell their callers how far they came, before they are
// cut off. All of it has stopLimit; with the process itself it stays below the
// 5 seconds promised.
const (
	drainLimit = 2 * time.Second
	tellLimit  = 500 * time.Millisecond
	stopLimit  = 4500 * time.Millisecond
)

// daemon is a controller with its northbound servers and all their listeners.
type daemon struct {
	log        logrus.FieldLogger
	controller *controller.Controller
	store      store.Store // nil: nothing is kept
	grpc       *grpc.Server
	http       *http.Server
	gateway    *gateway
	tls        *channel.TLS // nil: nothing is encrypted
	listeners  listeners
	connect    []channel.Endpoint // switches that listen
	recorder   *record.Recorder   // or nil
	burst      *burst
	ending     chan struct{} // closed when drain begins
}

// serve runs a daemon with these settings until ctx ends.
func serve(ctx context.Context, s *settings, logger logrus.FieldLogger) error {
	d, err := newDaemon(ctx, s, logger)
	if err != nil {
		return err
	}
	d.announce(s)
	ended := make(chan error, 1)
	go func() { ended <- d.run(ctx) }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		// Whoever asked for the end gets it, even if a part does not do its share.
		select {
		case err = <-ended:
		case <-time.After(stopLimit):
			err = fmt.Errorf("shutting down: not done after %v%s", stopLimit, lastingWrite(d.store))
		}
	}
	if err == nil {
		logger.Info("ended")
	}
	return err
}

// newDaemon puts the parts together and opens every listener; none is served yet.
func newDaemon(ctx context.Context, s *settings, logger logrus.FieldLogger) (*daemon, error) {
	chosen, err := s.apps.build(logger)
	if err != nil {
		return nil, err
	}
	encryption, err := s.newTLS(logger)
	if err != nil {
		return nil, err
	}
	recorder, err := newRecorder(s.recording, logger)
	if err != nil {
		return nil, err
	}
	doubts := s.state.doubts()
	kept, state, err := s.state.open(ctx)
	if err != nil {
		return nil, err
	}
	if state != nil {
		state.Limit(s.ownerFlows.Quotas)
		rule := s.foreign.Foreign
		rule.Except, _ = s.foreignFew.parse() // it was parsed when it was set
		state.Govern(rule, s.apps)
	}
	if doubts != nil {
		logger.WithError(doubts).Warn("store is damaged, and was opened all the same")
	}
	opened := false
	defer func() {
		if kept != nil && !opened {
			_ = kept.Close() // what went wrong before says more
		}
	}()
	config := controller.Config{
		Desired:         state,
		ReconcilePeriod: s.period.orNever(),
		Logger:          logger,
		Apps:            chosen,
		Channel:         channel.Config{Extensions: bool(s.extensions), Pins: channel.Pins(s.tlsPin), PacketInLimits: s.packetIn.Limits},
		ControllerMeter: s.meter.Limit,
		MaxPending:      int(s.maxPending), ConnectRate: s.rate.orUnlimited(), ConnectRateTotal: s.rateTotal.orUnlimited(),
		TLS:  encryption,
		Role: roleOf(s.role.value), Generation: uint64(s.generation), Async: s.async.masks(),
	}
	if recorder != nil {
		config.Channel.Recorder = recorder
	}
	engine, err := controller.New(config)
	if err != nil {
		return nil, err
	}
	doors := newDoors(logger)
	registry, err := newRegistry(engine, doors, recorder, chosen)
	if err != nil {
		return nil, err
	}
	ending := make(chan struct{})
	room := new(burst)
	d := &daemon{log: logger, burst: room, controller: engine, store: kept, grpc: api.New(engine, api.Config{Logger: logger, Ending: ending, Burst: room.begin}), tls: encryption, connect: s.connect, recorder: recorder, ending: ending}
	if d.gateway, err = newGateway(); err != nil {
		return nil, err
	}
	d.http = newHTTPServer(newHandler(registry, d.gateway.handler, d.unready, logger), logger)
	if d.listeners, err = listen(ctx, s, d.tls); err != nil {
		d.gateway.close()
		return nil, err
	}
	d.listeners.grpc = doors.bound(d.listeners.grpc, "grpc", maxClients)
	d.listeners.http = doors.bound(d.listeners.http, "http", maxClients)
	opened = true
	return d, nil
}

// unready returns why switches and programs cannot be served now, or "".
func (d *daemon) unready() string {
	if !d.controller.Ready() {
		return "not listening for switches"
	}
	return unwritable(d.store)
}

// run serves until ctx ends or a part fails, then ends all parts and waits for
// them. It returns nil if ctx ended. It may be called once.
func (d *daemon) run(ctx context.Context) error {
	if d.store != nil {
		defer d.closeStore() // last: nothing is left then that writes to it
	}
	defer d.recording()() // ends after the switches' connections
	engineCtx, stopEngine := context.WithCancel(context.WithoutCancel(ctx))
	defer stopEngine()
	parts, ending := errgroup.WithContext(ctx)
	parts.Go(func() error {
		d.controller.Maintain(engineCtx)
		return nil
	})
	for _, ln := range d.listeners.openflow {
		parts.Go(func() error { return d.controller.Serve(engineCtx, ln) })
	}
	for _, e := range d.connect {
		parts.Go(func() error { return d.controller.Connect(engineCtx, e) })
	}
	if d.tls != nil {
		parts.Go(func() error {
			d.reloadOnHangup(ending)
			return nil
		})
	}
	if d.store != nil {
		parts.Go(func() error {
			d.tryStore(ending)
			return nil
		})
	}
	parts.Go(func() error {
		tidy(ending, d.burst)
		return nil
	})
	calls := newOpenings(d.listeners.grpc)
	for _, ln := range []net.Listener{calls, d.gateway.listener} {
		parts.Go(func() error {
			if err := d.grpc.Serve(ln); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
				return fmt.Errorf("serving gRPC: %w", err)
			}
			return nil
		})
	}
	parts.Go(func() error {
		if err := d.http.Serve(d.listeners.http); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serving HTTP: %w", err)
		}
		return nil
	})
	parts.Go(func() error {
		<-ending.Done()
		d.log.WithField("why", context.Cause(ending)).Info("shutting down")
		d.drain(stopEngine, calls)
		return nil
	})
	return parts.Wait()
}

func (d *daemon) closeStore() {
	if err := d.store.Close(); err != nil {
		d.log.WithError(err).Error("closing the store failed")
	}
}

// drain ends the northbound servers and calls stopEngine, after drainLimit if
// calls still run then.
func (d *daemon) drain(stopEngine func(), calls *openings) {
	defer stopEngine()
	close(d.ending)
	late := time.AfterFunc(drainLimit, stopEngine)
	defer late.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), drainLimit+tellLimit)
	defer cancel()
	cut := context.AfterFunc(ctx, func() {
		calls.closeSilent(true)
		d.grpc.Stop()
	})
	defer cut()
	calls.closeSilent(false)
	var servers errgroup.Group
	servers.Go(func() error {
		d.grpc.GracefulStop() // returns when Stop does, at the latest
		return nil
	})
	servers.Go(func() error {
		if err := d.http.Shutdown(ctx); err != nil {
			return d.http.Close()
		}
		return nil
	})
	if err := servers.Wait(); err != nil {
		d.log.WithError(err).Warn("closing HTTP connections failed")
	}
	d.gateway.close()
}

// announce logs what runs, where it listens, and what to do next.
func (d *daemon) announce(s *settings) {
	orNone := func(s string) string {
		if s == "" {
			return "none"
		}
		return s
	}
	d.log.WithFields(logrus.Fields{
		"version": thisBuild().version,
		"apps":    orNone(s.apps.String()),
		"state":   orNone(s.state.String()),
	}).Info("sluiced starts")
	if d.recorder != nil {
		d.log.WithFields(logrus.Fields{
			"file": s.recording.path.String(), "size": s.recording.size.String(), "files": s.recording.files.String(),
		}).Info("recording all that switches say, with the packets of users")
	}
	for _, ln := range d.listeners.openflow {
		d.log.WithFields(logrus.Fields{
			"flag": "openflow", "addr": ln.Addr().String(), "transport": string(ln.transport), "serves": "switches",
		}).Info("listening")
	}
	for _, l := range []struct {
		flag, serves string
		ln           net.Listener
	}{
		{"grpc", "gRPC API", d.listeners.grpc},
		{"http", "metrics, health, JSON API", d.listeners.http},
	} {
		log := d.log.WithFields(logrus.Fields{"flag": l.flag, "addr": l.ln.Addr().String(), "serves": l.serves})
		log.Info("listening")
		if addr, ok := l.ln.Addr().(*net.TCPAddr); ok && !addr.IP.IsLoopback() {
			log.Warn("other machines can command the switches here: there is no authentication")
		}
	}
	for _, e := range s.connect {
		d.log.WithFields(logrus.Fields{"flag": "connect", "addr": e.String()}).Info("connecting to a switch")
	}
	d.announceTLS(s)
	for _, ln := range d.listeners.openflow {
		d.log.WithField("connect", ln.connectCommand()).Info("ready for switches")
	}
}
