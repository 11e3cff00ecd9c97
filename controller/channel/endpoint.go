package channel

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Transport is what carries a connection.
type Transport string

// Transports.
const (
	TransportTCP  Transport = "tcp"
	TransportTLS  Transport = "tls"
	TransportUnix Transport = "unix"
)

// Endpoint is where switches connect, or where a switch listens.
type Endpoint struct {
	Transport Transport
	// Addr is HOST:PORT, or the path of a unix socket.
	Addr string
}

// DefaultPort is OpenFlow's, as IANA has assigned it.
const DefaultPort = "6653"

// maxUnixPath is the length of a unix socket's path, sun_path of unix(7) less
// the zero at its end.
const maxUnixPath = 107

// schemes are the words before an address. Those with a p are Open vSwitch's for
// the side that listens, which is told the port first.
var schemes = map[string]struct {
	transport Transport
	passive   bool
}{
	"tcp":   {TransportTCP, false},
	"ssl":   {TransportTLS, false},
	"tls":   {TransportTLS, false},
	"unix":  {TransportUnix, false},
	"ptcp":  {TransportTCP, true},
	"pssl":  {TransportTLS, true},
	"ptls":  {TransportTLS, true},
	"punix": {TransportUnix, true},
}

// ParseListen reads where to listen for switches: [HOST]:PORT, or the same after
// tcp: or ssl:, or unix:PATH; or in Open vSwitch's words ptcp:[PORT][:HOST],
// pssl:[PORT][:HOST] and punix:PATH.
func ParseListen(s string) (Endpoint, error) {
	scheme, rest := cutScheme(s)
	kind := schemes[scheme]
	switch {
	case kind.transport == TransportUnix:
		return unixEndpoint(rest)
	case kind.passive:
		port, host, _ := strings.Cut(rest, ":")
		if port == "" {
			port = DefaultPort
		}
		return hostEndpoint(kind.transport, net.JoinHostPort(unbracket(host), port), scheme+":PORT or "+scheme+":PORT:HOST")
	case isPort(rest):
		rest = ":" + rest // as in ssl:6653
	}
	return hostEndpoint(kind.transport, rest, wanted(scheme, "[HOST]:PORT"))
}

// ParseConnect reads where a switch listens: tcp:HOST[:PORT], ssl:HOST[:PORT] or
// unix:PATH; without a word before it, it is TCP.
func ParseConnect(s string) (Endpoint, error) {
	scheme, rest := cutScheme(s)
	kind := schemes[scheme]
	switch {
	case kind.passive && kind.transport == TransportUnix:
		return Endpoint{}, fmt.Errorf("punix:PATH is what the switch is told; here it is unix:PATH")
	case kind.passive:
		return Endpoint{}, fmt.Errorf("%s: is what the switch is told; here it is %s:HOST:PORT, where the switch listens", scheme, scheme[1:])
	case kind.transport == TransportUnix:
		return unixEndpoint(rest)
	}
	if host := unbracket(rest); host != rest && !strings.Contains(rest, "]:") || !strings.Contains(rest, ":") && rest != "" {
		rest = net.JoinHostPort(host, DefaultPort)
	}
	e, err := hostEndpoint(kind.transport, rest, wanted(scheme, "HOST:PORT"))
	if err == nil && strings.HasPrefix(e.Addr, ":") {
		return Endpoint{}, fmt.Errorf("%q has no host to connect to; want %s", short(s), wanted(scheme, "HOST:PORT"))
	}
	return e, err
}

// cutScheme takes a known word off; without one it is TCP.
func cutScheme(s string) (scheme, rest string) {
	scheme, rest, ok := strings.Cut(s, ":")
	if _, known := schemes[scheme]; ok && known {
		return scheme, rest
	}
	return "", s
}

func wanted(scheme, form string) string {
	if scheme == "" {
		return form
	}
	return scheme + ":" + form
}

func unbracket(host string) string {
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}

func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

func hostEndpoint(t Transport, addr, form string) (Endpoint, error) {
	if t == "" {
		t = TransportTCP
	}
	_, port, err := net.SplitHostPort(addr)
	switch {
	case err == nil && isPort(port):
	case err == nil && port != "" && strings.Trim(port, "0123456789") == "":
		return Endpoint{}, fmt.Errorf("%q: port %s is out of range: want 1 to 65535, or 0 for a free one to listen on", short(addr), short(port))
	default:
		return Endpoint{}, fmt.Errorf("%q is no address; want %s", short(addr), form)
	}
	return Endpoint{t, addr}, nil
}

func unixEndpoint(path string) (Endpoint, error) {
	switch {
	case path == "":
		return Endpoint{}, fmt.Errorf("unix: wants the path of a socket, such as unix:/run/sluice/openflow.sock")
	case len(path) > maxUnixPath:
		return Endpoint{}, fmt.Errorf("unix:%s: the path has %d bytes, a socket's may have %d", short(path), len(path), maxUnixPath)
	case strings.ContainsRune(path, 0):
		return Endpoint{}, fmt.Errorf("unix:%q: no path has a zero byte", short(path))
	}
	return Endpoint{TransportUnix, path}, nil
}

// short cuts what an error repeats.
func short(s string) string {
	if r := []rune(s); len(r) > 64 {
		return string(r[:64]) + "…"
	}
	return s
}

// String returns e as ParseListen and ParseConnect read it. For TLS it is
// ssl:HOST:PORT, and for TCP HOST:PORT alone, unless the host is named as one of
// the words before an address.
func (e Endpoint) String() string {
	switch e.Transport {
	case TransportTLS:
		return "ssl:" + e.Addr
	case TransportUnix:
		return "unix:" + e.Addr
	}
	if word, _ := cutScheme(e.Addr); word != "" {
		return "tcp:" + e.Addr
	}
	return e.Addr
}
