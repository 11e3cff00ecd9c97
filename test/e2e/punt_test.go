package e2e

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/test/ovs"
)

var packetIns = regexp.MustCompile(`(?m)^sluice_openflow_messages_received_total\{type="packet_in"\} (\S+)$`)

// packetIns returns how many packet-ins the controller has received.
func (l *lab) packetIns(t *testing.T) int {
	t.Helper()
	_, body, err := l.HTTP(t.Context(), "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	m := packetIns.FindStringSubmatch(body)
	if m == nil {
		return 0
	}
	n, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}

// flood sends broadcasts from a host.
func flood(t *testing.T, from *ovs.Host, network, packets int) {
	t.Helper()
	c, err := from.Dial(t.Context(), "udp", net.JoinHostPort(fmt.Sprintf("10.0.%d.255", network), "9"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range packets {
		_, _ = c.Write(make([]byte, 100)) // one that finds the queue full is lost, as in life
	}
}

var meterCounts = regexp.MustCompile(`(?s)meter:controller .*?packet_in_count:(\d+) .*?0: packet_count:(\d+)`)

// meterCounts returns how many packets met the controller's meter of a bridge, and
// how many it dropped.
func (l *lab) meterCounts(t *testing.T, bridge string) (met, dropped int) {
	t.Helper()
	out := l.sluice(t, "meter-stats", bridge, "meter=controller")
	m := meterCounts.FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("meter-stats: %s", out)
	}
	met, _ = strconv.Atoi(m[1])
	dropped, _ = strconv.Atoi(m[2])
	return met, dropped
}

// TestControllerMeter floods a bridge whose packets all go to the controller: with
// --controller-meter the switch sends no more than that, drops the rest, and both
// agree in number. A switch of OpenFlow 1.0 has no meters, and sends all.
func TestControllerMeter(t *testing.T) {
	t.Parallel()
	const rate, burst, packets = 100, 50, 5000
	l := newLab(t, "--apps", "none", "--controller-meter", fmt.Sprintf("%d:%d", rate, burst))
	l.bridge("br13", 1, "OpenFlow13")
	l.bridge("br10", 2, "OpenFlow10")
	l.ready(heal, "br13", "br10")
	hosts := map[string]*ovs.Host{"br13": l.hosts("br13", 13, 1)[0], "br10": l.hosts("br10", 10, 1)[0]}
	if out := l.sluice(t, "dump-meters", "br13"); !strings.Contains(out, "meter=controller pktps burst stats bands=") || !strings.Contains(out, "rate=100 burst_size=50") {
		t.Fatalf("dump-meters:\n%s", out)
	}
	if theirs, err := l.Ofctl(t.Context(), "-O", "OpenFlow13", "dump-meters", "br13"); err != nil || !strings.Contains(theirs, "meter=controller") {
		t.Fatalf("ovs-ofctl dump-meters: %v\n%s", err, theirs)
	}
	for _, b := range []string{"br13", "br10"} {
		l.sluice(t, "add-flow", b, "actions=controller")
	}

	start := time.Now()
	before := l.packetIns(t)
	flood(t, hosts["br13"], 13, packets)
	var met, dropped, received int
	l.check(ovs.Wait(l.within(heal), "the meter's counts", func(context.Context) error {
		met, dropped = l.meterCounts(t, "br13")
		received = l.packetIns(t) - before
		if dropped == 0 || met-dropped != received {
			return fmt.Errorf("%d packets met the meter, %d were dropped, %d packet-ins came", met, dropped, received)
		}
		return nil
	}))
	took := time.Since(start)
	t.Logf("with the meter: of %d packets %d met it, %d were dropped, %d came to the controller in %v", packets, met, dropped, received, took)
	if most := burst + int(float64(rate)*took.Seconds()*1.1) + 5; received > most {
		t.Errorf("%d packet-ins in %v, at most %d are allowed", received, took, most)
	}

	before = l.packetIns(t)
	flood(t, hosts["br10"], 10, packets)
	l.check(ovs.Wait(l.within(heal), "packet-ins of a switch without meters", func(context.Context) error {
		if n := l.packetIns(t) - before; n <= 2*received {
			return fmt.Errorf("%d packet-ins", n)
		}
		return nil
	}))
	t.Logf("without: %d came", l.packetIns(t)-before)
	if n := strings.Count(l.sluiced.Output(), "OpenFlow 1.0 has no meters"); n != 1 {
		t.Errorf("%d lines say that the 1.0 switch has no meters", n)
	}

	if show := l.sluice(t, "show", "br13"); !strings.Contains(show, "\ncontroller meter: 100 packets/s, 50 at once\n") {
		t.Errorf("show:\n%s", show)
	}
	if show := l.sluice(t, "show", "br10"); !strings.Contains(show, "\ncontroller meter: none: no meter for packets to the controller: OpenFlow 1.0 has no meters\n") {
		t.Errorf("show:\n%s", show)
	}

	// Another daemon with another rate changes the meter, without an error.
	l.check(l.sluiced.Terminate(5 * time.Second))
	l.args = []string{"--apps", "none", "--controller-meter", "700"}
	l.startSluiced()
	l.ready(heal, "br13")
	if out := l.sluice(t, "dump-meters", "br13"); strings.Count(out, "meter=controller") != 1 || !strings.Contains(out, "rate=700 burst_size=700") {
		t.Errorf("dump-meters:\n%s", out)
	}
}

// TestPacketInRate floods a bridge whose packets all go to the controller: those of
// a class that has a limit are dropped and told of, and none of another class.
func TestPacketInRate(t *testing.T) {
	t.Parallel()
	const packets = 3000
	l := newLab(t, "--packet-in-rate", "ip=20")
	l.bridge("br13", 1, "OpenFlow13")
	l.ready(heal, "br13")
	a := l.hosts("br13", 13, 1)[0]
	l.sluice(t, "add-flow", "br13", "priority=9,ip,actions=controller")
	start := time.Now()
	flood(t, a, 13, packets)
	var show string
	l.check(ovs.Wait(l.within(heal), "drops", func(ctx context.Context) (err error) {
		if show = l.sluice(t, "show", "br13"); !dropped.MatchString(show) {
			return fmt.Errorf("show: %s", show)
		}
		return nil
	}))
	l.check(l.Settle(t.Context()))
	came, took := l.packetIns(t), time.Since(start)
	show = l.sluice(t, "show", "br13")
	n, _ := strconv.Atoi(dropped.FindStringSubmatch(show)[1])
	if most := 20 + int(20*took.Seconds()*1.1) + 50; came-n > most || strings.Contains(show, "dropped of arp") {
		t.Errorf("%d packet-ins in %v, at most %d are to pass; show:\n%s", came, took, most, show)
	}
	t.Logf("of %d packet-ins %d are dropped in %v", came, n, took)
	// The first line tells of the first chunk, and so does not wait.
	if lines := strings.Count(l.sluiced.Output(), `msg="packet-ins dropped"`); lines == 0 || lines > 1+int(took/(10*time.Second)) {
		t.Errorf("%d lines in %v", lines, took)
	}
}

var dropped = regexp.MustCompile(`(?m)^dropped of ip: (\d+) over the limit, 0 that the apps were too slow for$`)
