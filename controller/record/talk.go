package record

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// The port of OpenFlow, which the controller's side has in every recording.
const openFlowPort = 6653

// Bounds of the handshakes that are kept to be repeated, in bytes.
const (
	maxHandshake  = 64 << 10
	maxHandshakes = 64 << 20
	maxTurns      = 64 // that the sides take in one
)

// talk is what the writer knows of a connection.
type talk struct {
	id    uint64
	ends  [2]netip.AddrPort // of the switch and the controller, as they are written
	real  string            // what they are in truth
	known string            // who the switch is
	note  string            // for the next packet

	file  int // the number of the file in which it has a TCP connection now; 0: none
	begun bool
	seq   [2]uint32
	dirs  [2]assembler
	left  [2]uint64 // bytes that are left out since it had a TCP connection last

	shaken    bool // the handshake is done, or too long to be kept
	handshake []said
	kept      int // bytes of handshake
}

// said is a part of a handshake.
type said struct {
	dir  int
	time time.Time
	data []byte
}

// init sets the ends: those of TCP, or else made up for want of others, as for
// a Unix socket.
func (t *talk) init(id uint64, local, remote net.Addr) {
	t.id = id
	t.real = fmt.Sprintf("switch %s, controller %s", printable(orNone(remote)), printable(orNone(local)))
	l, okL := local.(*net.TCPAddr)
	r, okR := remote.(*net.TCPAddr)
	if okL && okR {
		t.ends[toSwitch] = plain(l.AddrPort())
		t.ends[fromSwitch] = plain(r.AddrPort())
	}
	if !okL || !okR || t.ends[0].Addr().BitLen() != t.ends[1].Addr().BitLen() || !t.ends[0].IsValid() || !t.ends[1].IsValid() {
		t.ends[toSwitch] = netip.AddrPortFrom(madeUp(0), openFlowPort)
		t.ends[fromSwitch] = netip.AddrPortFrom(madeUp(id), firstPort)
	}
	t.ends[toSwitch] = netip.AddrPortFrom(t.ends[toSwitch].Addr(), openFlowPort)
}

func orNone(a net.Addr) string {
	if a == nil || a.String() == "" || a.String() == "@" {
		return "without an address"
	}
	return a.String()
}

func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

// firstPort is the first of the dynamic ports.
const firstPort = 49152

// madeUp returns a unique local address (RFC 4193) for connection id.
func madeUp(id uint64) netip.Addr {
	b := [16]byte{0xfd, 's', 'l', 'u', 'i', 'c', 'e'}
	binary.BigEndian.PutUint64(b[8:], id)
	return netip.AddrFrom16(b)
}

// pair returns what tells the connection from others in the file.
func (t *talk) pair() [2]netip.AddrPort { return t.ends }

// choosePort makes the pair one that is not taken: two connections may differ
// only in the controller's port, which is not kept.
func (t *talk) choosePort(taken map[[2]netip.AddrPort]struct{}) {
	own := t.ends[fromSwitch]
	for port := own.Port(); ; {
		t.ends[fromSwitch] = netip.AddrPortFrom(own.Addr(), port)
		if _, ok := taken[t.pair()]; !ok && port != openFlowPort {
			return
		}
		if port++; port < firstPort {
			port = firstPort
		}
		if port == own.Port() {
			return // all of them: 16,383 connections between the two
		}
	}
}

// title says what the connection is, and what is to be known where it begins in
// a file.
func (t *talk) title(repeats bool) string {
	parts := []string{fmt.Sprintf("sluice: connection %d, %s", t.id, t.real)}
	if t.known != "" {
		parts = append(parts, t.known)
	}
	if t.begun {
		parts = append(parts, "goes on here")
		if repeats && len(t.handshake) > 0 {
			parts = append(parts, "its handshake is repeated")
		}
	}
	if t.left != [2]uint64{} {
		parts = append(parts, fmt.Sprintf("before this %d bytes from the switch and %d to it are left out", t.left[fromSwitch], t.left[toSwitch]))
	}
	return strings.Join(parts, "; ")
}

// keep adds messages to the handshake that is repeated, as long as it is going
// on and not too long; total counts the bytes of all connections. Echoes and
// events are no part of it.
func (t *talk) keep(dir int, at time.Time, b []byte, total *int) {
	if t.shaken || t.dirs[dir].raw {
		return
	}
	var data []byte
	for len(b) >= ofp.HeaderLen {
		n := min(len(b), max(ofp.HeaderLen, int(binary.BigEndian.Uint16(b[2:]))))
		switch (ofp.Header{Version: ofp.Version(b[0]), Kind: b[1]}).Type() {
		case ofp.TypeEchoRequest, ofp.TypeEchoReply, ofp.TypePacketIn, ofp.TypePortStatus, ofp.TypeFlowRemoved:
		default:
			data = append(data, b[:n]...)
		}
		b = b[n:]
	}
	if len(data) == 0 {
		return
	}
	turns := len(t.handshake)
	more := turns > 0 && t.handshake[turns-1].dir == dir
	if !more {
		turns++
	}
	if turns > maxTurns || t.kept+len(data) > maxHandshake || *total+len(data) > maxHandshakes {
		t.forget(total)
		t.shaken = true
		return
	}
	if more {
		last := &t.handshake[turns-1]
		last.data = append(last.data, data...)
	} else {
		t.handshake = append(t.handshake, said{dir, at, data})
	}
	t.kept += len(data)
	*total += len(data)
}

// forget lets go of the handshake.
func (t *talk) forget(total *int) {
	*total -= t.kept
	t.handshake, t.kept = nil, 0
}
