package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/sirupsen/logrus"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
)

// file is the path of a file; "" is none.
type file string

func (f *file) String() string { return string(*f) }
func (*file) Type() string     { return "FILE" }

func (f *file) Set(s string) error {
	*f = file(s)
	return nil
}

// pins say which certificates switches must have.
type pins channel.Pins

// byDPID is the pin of every switch to its DPID.
const byDPID = "dpid"

func (p *pins) String() string {
	var items []string
	if p.ByDPID {
		items = append(items, byDPID)
	}
	for _, dpid := range slices.Sorted(maps.Keys(p.Names)) {
		for _, name := range p.Names[dpid] {
			items = append(items, dpid.String()+"="+name)
		}
	}
	return strings.Join(items, ",")
}

func (p *pins) set(items []string) error {
	var all pins
	for _, item := range items {
		if item == byDPID {
			all.ByDPID = true
			continue
		}
		left, name, ok := strings.Cut(item, "=")
		dpid, err := ofp.ParseDPID(left)
		if !ok || err != nil || name == "" {
			return fmt.Errorf("%q is no pin; want DPID=NAME, NAME being a name of the switch's certificate, or dpid", cut(item))
		}
		if all.Names == nil {
			all.Names = make(map[ofp.DPID][]string)
		}
		all.Names[dpid] = append(all.Names[dpid], name)
	}
	*p = all
	return nil
}

// check says what settings that are right each by itself have wrong together.
func (s *settings) check() error {
	var wrong []error
	encrypted := func(e channel.Endpoint) bool { return e.Transport == channel.TransportTLS }
	listens, connects := slices.IndexFunc(s.openflow, encrypted), slices.IndexFunc(s.connect, encrypted)
	switch {
	case (s.tlsCert == "") != (s.tlsKey == ""):
		wrong = append(wrong, errors.New("--tls-cert and --tls-key go together: a certificate is of no use without its key"))
	case listens >= 0 && s.tlsCert == "":
		wrong = append(wrong, fmt.Errorf("--openflow %s wants --tls-cert and --tls-key, the controller's certificate and its key", s.openflow[listens]))
	case connects >= 0 && s.tlsCert == "":
		wrong = append(wrong, fmt.Errorf("--connect %s wants --tls-cert and --tls-key, the controller's certificate and its key", s.connect[connects]))
	case s.tlsCA != "" && s.tlsCert == "":
		wrong = append(wrong, errors.New("--tls-ca wants --tls-cert and --tls-key, the controller's certificate and its key"))
	}
	if channel.Pins(s.tlsPin).Any() && s.tlsCA == "" {
		wrong = append(wrong, errors.New("--tls-pin wants --tls-ca: a name counts only in a certificate that was verified"))
	}
	if s.maxPending == 0 {
		wrong = append(wrong, errors.New("--max-pending 0 would let no switch connect; want 1 at least"))
	}
	return errors.Join(wrong...)
}

// orUnlimited is a limit as the engine takes it, for which 0 is the default.
func (c count) orUnlimited() int {
	if c == 0 {
		return -1
	}
	return int(c)
}

// newTLS returns what encrypts, or nil if nothing does.
func (s *settings) newTLS(log logrus.FieldLogger) (*channel.TLS, error) {
	if s.tlsCert == "" {
		return nil, nil
	}
	t, err := channel.NewTLS(channel.TLSFiles{Cert: string(s.tlsCert), Key: string(s.tlsKey), CA: string(s.tlsCA)}, log)
	if err != nil {
		return nil, fmt.Errorf("TLS: %w", err)
	}
	return t, nil
}

// announceTLS logs who may connect.
func (d *daemon) announceTLS(s *settings) {
	if d.tls == nil {
		return
	}
	log := d.log.WithFields(d.tls.Fields())
	log.WithField("switches", map[bool]string{true: "must show a certificate", false: "are asked for no certificate"}[d.tls.Mutual()]).Info("TLS for switches")
	plain := false
	for _, e := range slices.Concat(s.openflow, endpoints(s.connect)) {
		plain = plain || e.Transport != channel.TransportTLS
	}
	if !d.tls.Mutual() {
		d.log.Warn("any switch may connect over TLS: without --tls-ca only the controller shows who it is")
	}
	if plain && s.tlsPin.ByDPID {
		d.log.Warn("any switch that is not pinned by DPID=NAME may connect where there is no TLS: --tls-pin dpid is about TLS alone")
	}
}

// reloadOnHangup looks at the certificates at each SIGHUP until ctx ends.
func (d *daemon) reloadOnHangup(ctx context.Context) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	defer signal.Stop(signals)
	for {
		select {
		case <-signals:
			d.tls.Reload()
		case <-ctx.Done():
			return
		}
	}
}
