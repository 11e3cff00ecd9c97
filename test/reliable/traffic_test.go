package reliable

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/need"
	"github.com/sluice-sdn/sluice/test/ovs"
)

// TestRestartUnderTraffic ends sluiced, by SIGTERM and by kill -9 in turn, and
// starts it again, while iperf3 sends UDP and ping floods through flows that it has
// installed: not one packet is lost. The rates are such that a machine with one
// busy core loses none either.
func TestRestartUnderTraffic(t *testing.T) {
	ovs.Require(t)
	need.Program(t, "iperf3", "iperf3")
	l := newLab(t)
	l.start()
	l.bridge("br0", 1, "OpenFlow13")
	var h [2]*ovs.Host
	for i := range h {
		var err error
		h[i], err = l.AddHost(t.Context(), "br0", fmt.Sprintf("h%d", i+1), fmt.Sprintf("10.0.0.%d/24", i+1))
		l.check(err)
	}
	l.neighbours(h[:]...)
	l.ready("br0")
	wish := &sluicev1.SwitchWish{Switch: "br0"}
	for i := range h {
		wish.Groups = append(wish.Groups, groupSpec(fmt.Sprintf("group_id=%d,type=indirect,bucket=output:%d", i+1, h[i].Port)))
		wish.Flows = append(wish.Flows, spec(fmt.Sprintf("table=1,priority=5,ip,nw_dst=%s,actions=group:%d", h[i].IP, i+1)))
	}
	wish.Flows = append(wish.Flows, spec("priority=1,ip,actions=goto_table:1"))
	for i := range 500 {
		wish.Flows = append(wish.Flows, spec(fmt.Sprintf("priority=%d,dl_src=02:ff:00:00:%02x:%02x,actions=drop", 100+i, i>>8, i&255)))
	}
	_, err := l.states().Apply(l.within(patience), &sluicev1.ApplyRequest{Switches: []*sluicev1.SwitchWish{wish}})
	l.check(err)
	l.check(l.Settle(t.Context()))

	restarts := 0
	got := l.flood(h, time.Duration(times(6, 60))*time.Second, func(ctx context.Context) {
		for ; ctx.Err() == nil; restarts++ {
			if restarts%2 == 0 {
				l.kill()
			} else {
				l.terminate()
			}
			l.start()
			l.ready("br0")
		}
	})
	t.Logf("%d restarts in %.0f s: ping lost %d of %d, iperf3 %d of %d", restarts, got.took.Seconds(), got.pingLost, got.pings, got.udpLost, got.udp)
	if got.pingLost+got.udpLost > 0 {
		t.Errorf("%d and %d packets were lost", got.pingLost, got.udpLost)
	}
	if restarts < times(2, 10) || got.pings < 100 || got.udp < 100 {
		t.Errorf("hardly anything has happened")
	}
	// The count counts: without the flow into table 1 for a moment, packets are lost.
	got = l.flood(h, 3*time.Second, func(ctx context.Context) {
		l.check(ovs.Wait(ctx, "the middle of it", func(context.Context) error {
			if n := l.frames(h[1]); n < 100 {
				return fmt.Errorf("%d packets", n)
			}
			return nil
		}))
		_, err := l.Ofctl(t.Context(), "--strict", "del-flows", "br0", "table=0,priority=1,ip")
		l.check(err)
		<-time.After(300 * time.Millisecond) // what is lost meanwhile is what is counted
		_, err = l.states().Reconcile(l.within(patience), &sluicev1.ReconcileRequest{Switch: "br0"})
		l.check(err)
		<-ctx.Done()
	})
	if got.pingLost == 0 || got.udpLost == 0 {
		t.Errorf("without a flow for a moment ping has lost %d packets, iperf3 %d", got.pingLost, got.udpLost)
	}
}

// flooded is what became of a flood.
type flooded struct {
	pings, pingLost, udp, udpLost int
	took                          time.Duration
}

var pingSummary = regexp.MustCompile(`(\d+) packets transmitted, (\d+) received`)

// flood pings and sends UDP from one host to the other for d, while during runs,
// whose context ends with the sending.
func (l *lab) flood(h [2]*ovs.Host, d time.Duration, during func(context.Context)) (f flooded) {
	l.t.Helper()
	const each = 10 * time.Millisecond // as far as ping gets on a busy machine; it is asked for twice that
	ctx, cancel := context.WithTimeout(l.t.Context(), 5*d+patience)
	defer cancel()
	sending, done := context.WithCancel(ctx)
	start := time.Now()
	var work errgroup.Group
	work.Go(func() error {
		_, err := h[1].Run(ctx, "iperf3", "-s", "-1")
		return err
	})
	l.check(ovs.Wait(ctx, "the server", func(ctx context.Context) error {
		out, err := h[1].Run(ctx, "ss", "-Hltn", "sport = 5201")
		if err == nil && out == "" {
			err = fmt.Errorf("it does not listen")
		}
		return err
	}))
	var senders errgroup.Group
	senders.Go(func() error {
		out, err := h[0].Run(ctx, "iperf3", "-c", h[1].IP.String(), "-u", "-b", "400k", "-l", "500", "-t", strconv.Itoa(int(d.Seconds())), "-J")
		if err != nil {
			return err
		}
		var report struct {
			End struct {
				Sum struct {
					LostPackets int `json:"lost_packets"`
					Packets     int
				}
			}
		}
		err = json.Unmarshal([]byte(out), &report)
		f.udp, f.udpLost = report.End.Sum.Packets, report.End.Sum.LostPackets
		return err
	})
	senders.Go(func() error {
		out, err := h[0].Run(ctx, "ping", "-n", "-q", "-i", "0.005", "-c", strconv.Itoa(int(d/each)), "-W", "5", h[1].IP.String())
		m := pingSummary.FindStringSubmatch(out)
		if m == nil {
			return fmt.Errorf("ping: %q: %w", out, err)
		}
		f.pings, _ = strconv.Atoi(m[1])
		received, _ := strconv.Atoi(m[2])
		f.pingLost = f.pings - received
		return nil
	})
	work.Go(func() error {
		defer done()
		return senders.Wait()
	})
	during(sending)
	l.check(work.Wait())
	f.took = time.Since(start)
	return f
}
