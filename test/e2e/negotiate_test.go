package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/ovs"
)

// TestNegotiation lets Open vSwitch offer several versions.
func TestNegotiation(t *testing.T) {
	t.Parallel()
	l := newLab(t, "--apps", "l2switch")
	for i, tc := range []struct {
		protocols string
		want      string
	}{
		{"", "1.3"}, // what Open vSwitch offers by itself, up to 1.5
		{"OpenFlow10 OpenFlow13", "1.3"},
		{"OpenFlow10 OpenFlow11 OpenFlow12", "1.2"},
		{"OpenFlow10 OpenFlow11", "1.1"},
		{"OpenFlow11 OpenFlow14", "1.1"}, // only the bitmap tells
		{"OpenFlow10 OpenFlow15", "1.0"},
	} {
		t.Run(fmt.Sprintf("%s is %s", tc.protocols, tc.want), func(t *testing.T) {
			name := fmt.Sprintf("nego%d", i)
			l.bridge(name, uint64(i+1), strings.Fields(tc.protocols)...)
			if got := l.ready(heal, name)[name]; got != tc.want {
				t.Errorf("negotiated %q, want %q", got, tc.want)
			}
			h := l.hosts(name, i+1, 2)
			l.reaches(t, h[0], h[1])
		})
	}

	t.Run("changed", func(t *testing.T) {
		l.check(l.SetProtocols(t.Context(), "nego0", "OpenFlow10"))
		l.check(ovs.Wait(l.within(heal), "version 1.0", func(context.Context) error {
			if v := l.ready(heal, "nego0")["nego0"]; v != "1.0" {
				return fmt.Errorf("nego0 speaks %s", v)
			}
			return nil
		}))
	})
}

// TestOnlyLaterVersions has bridges that speak nothing Sluice does.
func TestOnlyLaterVersions(t *testing.T) {
	t.Parallel()
	l := newLab(t, "--apps", "l2switch")
	l.bridge("br14", 14, "OpenFlow14")
	l.bridge("br15", 15, "OpenFlow15")
	l.bridge("br13", 13, "OpenFlow13")
	l.ready(heal, "br13")
	l.check(ovs.Wait(l.within(heal), "log lines about the versions", func(context.Context) error {
		log := l.sluiced.Output()
		for _, v := range []string{"1.4", "1.5"} {
			if !strings.Contains(log, v) {
				return fmt.Errorf("the log does not tell of version %s:\n%s", v, log)
			}
		}
		return nil
	}))
	if got := l.ready(heal, "br13"); len(got) != 1 {
		t.Errorf("switches are %v, want br13 alone", got)
	}
	for _, b := range []string{"br14", "br15"} {
		if ok, err := l.Connected(t.Context(), b); err != nil || ok {
			t.Errorf("%s is connected: %v, %v", b, ok, err)
		}
	}
}

// TestRefusalOnTheWire is such a peer by hand: it must be told why.
func TestRefusalOnTheWire(t *testing.T) {
	t.Parallel()
	l := newLab(t, "--apps", "none")
	for _, tc := range []struct {
		name  string
		hello []byte
	}{
		{"1.4", []byte{5, 0, 0, 16, 0, 0, 0, 1, 0, 1, 0, 8, 0, 0, 0, 0x20}},
		{"1.4 and 1.5", []byte{6, 0, 0, 16, 0, 0, 0, 1, 0, 1, 0, 8, 0, 0, 0, 0x60}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), heal)
			defer cancel()
			c, err := l.Dial(ctx, "tcp", "127.0.0.1:6653")
			l.check(err)
			defer c.Close()
			deadline, _ := ctx.Deadline()
			l.check(c.SetDeadline(deadline))
			_, err = c.Write(tc.hello)
			l.check(err)
			all, err := io.ReadAll(c) // until the controller closes
			if err != nil {
				t.Fatalf("the connection did not end well: %v after %x", err, all)
			}
			var said []string
			for len(all) > 0 {
				h, err := ofp.ParseHeader(all)
				l.check(err)
				if int(h.Length) > len(all) {
					t.Fatalf("%d bytes of a message of %d", len(all), h.Length)
				}
				said = append(said, h.Type().String())
				if raw := all[:h.Length]; raw[1] == 1 { // OFPT_ERROR
					if raw[8] != 0 || raw[9] != 0 || raw[10] != 0 || raw[11] != 0 || len(raw) <= 12 {
						t.Errorf("the error is %x, want HELLO_FAILED, INCOMPATIBLE and a text", raw)
					}
					return
				}
				all = all[h.Length:]
			}
			t.Errorf("no error before the end: %v", said)
		})
	}
}

// TestDuplicateDPID has two live bridges with one datapath id. The first keeps
// its place; the second gets it when the first is gone.
func TestDuplicateDPID(t *testing.T) {
	t.Parallel()
	l := newLab(t, "--apps", "l2switch")
	l.bridge("first", 7, "OpenFlow13")
	h := l.hosts("first", 1, 2)
	l.ready(heal, "first")
	l.reaches(t, h[0], h[1])

	l.bridge("second", 7, "OpenFlow10")
	g := l.hosts("second", 2, 2)
	l.check(ovs.Wait(l.within(heal), "a log line about the second", func(context.Context) error {
		for line := range strings.Lines(l.sluiced.Output()) {
			if strings.Contains(line, "level=warning") && strings.Contains(line, "0000000000000007") {
				return nil
			}
		}
		return errors.New("none yet")
	}))
	if got := l.ready(heal, "first"); len(got) != 1 {
		t.Errorf("switches are %v, want the first alone", got)
	}
	// The first does not notice, also while the second tries again.
	l.reaches(t, h[0], h[1])

	_, err := l.Vsctl(t.Context(), "del-br", "first")
	l.check(err)
	// The second has backed off for up to eight seconds by now.
	l.ready(heal, "second")
	l.check(l.WaitConnected(l.within(heal), "second"))
	l.reaches(t, g[0], g[1])
}
