package ovs

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Host is a namespace with one interface, eth0, whose other end is a port of a
// bridge.
type Host struct {
	Name string
	IP   netip.Addr
	MAC  net.HardwareAddr
	// Namespace is where the host's programs run.
	Namespace string
	// Port is the number of its port at the bridge. The port has the host's
	// name.
	Port int

	net *Net
}

// AddHost adds a host behind a bridge. name is at most 15 bytes; prefix is its
// address with the length of its network ("10.0.0.1/24"). Its MAC is made from
// the address: 02:00 and its four bytes.
func (n *Net) AddHost(ctx context.Context, bridge, name, prefix string) (*Host, error) {
	p, err := netip.ParsePrefix(prefix)
	if err != nil || !p.Addr().Is4() {
		return nil, fmt.Errorf("add host %s: address %q: want one like 10.0.0.1/24", name, prefix)
	}
	ip := p.Addr().As4()
	h := &Host{
		Name: name, IP: p.Addr(), MAC: append(net.HardwareAddr{2, 0}, ip[:]...),
		Namespace: n.Name + "-" + name, net: n,
	}
	if err := command(ctx, "ip", "netns", "add", h.Namespace); err != nil {
		return nil, err
	}
	if err := withoutIPv6(h.Namespace); err != nil {
		return nil, err
	}
	_, err = n.Run(ctx, "ip", "link", "add", name, "up", "type", "veth",
		"peer", "name", "eth0", "address", h.MAC.String(), "netns", h.Namespace)
	if err != nil {
		return nil, err
	}
	for _, args := range [][]string{
		{"ip", "link", "set", "lo", "up"},
		{"ip", "addr", "add", prefix, "dev", "eth0"},
		{"ip", "link", "set", "eth0", "up"},
	} {
		if _, err := h.Run(ctx, args...); err != nil {
			return nil, err
		}
	}
	if err := plainChecksums(h.Namespace, "eth0"); err != nil {
		return nil, err
	}
	if _, err := n.Vsctl(ctx, "add-port", bridge, name); err != nil {
		return nil, err
	}
	if h.Port, err = n.portNumber(ctx, name); err != nil {
		return nil, err
	}
	n.mu.Lock()
	n.hosts = append(n.hosts, h)
	n.mu.Unlock()
	return h, nil
}

func (n *Net) portNumber(ctx context.Context, name string) (int, error) {
	out, err := n.Vsctl(ctx, "get", "interface", name, "ofport")
	if err != nil {
		return 0, err
	}
	no, err := strconv.Atoi(strings.TrimSpace(out))
	if err != nil || no <= 0 {
		return 0, fmt.Errorf("port of host %s: open vswitch could not add it: ofport %s", name, out)
	}
	return no, nil
}

// Run runs a command on the host, as [Net.Run] does in the switch's namespace.
func (h *Host) Run(ctx context.Context, args ...string) (string, error) {
	return h.net.run(ctx, h.Namespace, args...)
}

// Dial connects from the host to a literal address.
func (h *Host) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return dial(ctx, h.Namespace, network, address)
}

// Listen opens a TCP listener on the host.
func (h *Host) Listen(ctx context.Context, address string) (net.Listener, error) {
	return listen(ctx, h.Namespace, address)
}

// ListenPacket opens a UDP socket on the host.
func (h *Host) ListenPacket(ctx context.Context, address string) (net.PacketConn, error) {
	return listenPacket(ctx, h.Namespace, address)
}

// Pings is the outcome of a ping.
type Pings struct {
	Sent, Received int
	Output         string // what ping printed
}

// Lost reports how many were not answered.
func (p Pings) Lost() int { return p.Sent - p.Received }

func (p Pings) String() string { return fmt.Sprintf("%d of %d answered", p.Received, p.Sent) }

var pingSummary = regexp.MustCompile(`(\d+) packets transmitted, (\d+) received`)

// Ping sends count echo requests, one every 0.2 seconds, and waits up to a
// second for the last answer. An unanswered ping is no error.
func (h *Host) Ping(ctx context.Context, to *Host, count int) (Pings, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(count)*200*time.Millisecond+10*time.Second)
	defer cancel()
	out, err := h.Run(ctx, "ping", "-n", "-c", strconv.Itoa(count), "-i", "0.2", "-W", "1", to.IP.String())
	if exit := (*exec.ExitError)(nil); err != nil && !(errors.As(err, &exit) && exit.ExitCode() == 1) {
		return Pings{}, err
	}
	m := pingSummary.FindStringSubmatch(out)
	if m == nil {
		return Pings{}, fmt.Errorf("ping from %s to %s: no summary in %q", h.Name, to.Name, out)
	}
	p := Pings{Output: out}
	p.Sent, _ = strconv.Atoi(m[1])
	p.Received, _ = strconv.Atoi(m[2])
	return p, nil
}
