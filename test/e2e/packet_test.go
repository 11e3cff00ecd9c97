package e2e

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/sluice-sdn/sluice/test/ovs"
)

// packetOut sends a datagram that no host has sent to a host that listens.
func (l *lab) packetOut(t *testing.T, v version, to *ovs.Host) {
	const port, said = 7777, "out of the switch"
	c, err := to.ListenPacket(t.Context(), fmt.Sprintf("%s:%d", to.IP, port))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()

	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolUDP, SrcIP: net.IPv4(10, 0, byte(v.net), 77), DstIP: to.IP.AsSlice()}
	udp := &layers.UDP{SrcPort: port, DstPort: port}
	if err := udp.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	frame := gopacket.NewSerializeBuffer()
	err = gopacket.SerializeLayers(frame, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
		&layers.Ethernet{SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, 0x77}, DstMAC: to.MAC, EthernetType: layers.EthernetTypeIPv4},
		ip, udp, gopacket.Payload(said))
	if err != nil {
		t.Fatal(err)
	}
	l.sluice(t, "packet-out", v.bridge, fmt.Sprintf("in_port=CONTROLLER,packet=%x,actions=output:%d", frame.Bytes(), to.Port))

	// It has left the switch before the command ended.
	if err := c.SetReadDeadline(time.Now().Add(heal)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	n, from, err := c.ReadFrom(buf)
	if err != nil || string(buf[:n]) != said {
		t.Errorf("%s received %q from %v, %v; want %q", to.Name, buf[:n], from, err, said)
	}
}

// ports looks whether the command line knows the bridge's ports, by name too, and
// what they count.
func (l *lab) ports(t *testing.T, v version, hosts []*ovs.Host) {
	show := l.sluice(t, "show", v.bridge)
	stats := l.sluice(t, "dump-ports", v.bridge)
	for _, h := range hosts {
		if !strings.Contains(show, h.Name) {
			t.Errorf("sluice show %s does not name %s:\n%s", v.bridge, h.Name, show)
		}
	}
	// In Open vSwitch's layout, which has numbers: those of the hosts and LOCAL.
	if n := strings.Count(stats, " rx pkts="); n != len(hosts)+1 || !strings.Contains(stats, "port LOCAL:") {
		t.Errorf("sluice dump-ports %s tells of %d ports, want %d and LOCAL:\n%s", v.bridge, n-1, len(hosts), stats)
	}
	one := l.sluice(t, "dump-ports", v.bridge, hosts[0].Name)
	if n := strings.Count(one, " rx pkts="); n != 1 || strings.Contains(one, "LOCAL") {
		t.Errorf("sluice dump-ports %s %s does not tell of that port alone:\n%s", v.bridge, hosts[0].Name, one)
	}
}
