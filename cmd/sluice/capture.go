package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// captureMagics are the first bytes of capture files: pcap in both byte orders,
// with micro- and nanoseconds, pcapng, and either of them packed by gzip.
var captureMagics = [][]byte{
	{0xa1, 0xb2, 0xc3, 0xd4}, {0xd4, 0xc3, 0xb2, 0xa1}, {0xa1, 0xb2, 0x3c, 0x4d}, {0x4d, 0x3c, 0xb2, 0xa1},
	pcapngMagic, {0x1f, 0x8b},
}

var pcapngMagic = []byte{0x0a, 0x0d, 0x0d, 0x0a}

// isCapture reports whether a file that begins with b is a capture.
func isCapture(b []byte) bool {
	for _, m := range captureMagics {
		if bytes.HasPrefix(b, m) {
			return true
		}
	}
	return false
}

// segment is one TCP segment of a capture.
type segment struct {
	time     time.Time
	from, to netip.AddrPort
	seq, ack uint32
	syn, end bool // end: fin or rst
	acks     bool // ack counts
	data     []byte
}

// packetSource is what pcapgo's readers have in common.
type packetSource interface {
	ReadPacketData() ([]byte, gopacket.CaptureInfo, error)
}

// eachSegment hands the TCP segments of a capture to f, in the capture's order.
// A packet that is no TCP, or too broken to tell, is left out. What of the file
// cannot be read is an error that says after how many packets.
func eachSegment(in io.Reader, f func(*segment)) (err error) {
	n := 0
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("fault in the reader of captures: %v", r)
		}
		if err != nil {
			err = fmt.Errorf("capture, after %d packets: %w", n, err)
		}
	}()
	source, link, err := openCapture(in)
	if err != nil {
		return err
	}
	for {
		data, info, err := source.ReadPacketData()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		n++
		if s, ok := parseSegment(data, link(info)); ok {
			s.time = info.Timestamp
			f(s)
		}
	}
}

// openCapture returns the packets of a capture, and what link each is from.
func openCapture(in io.Reader) (packetSource, func(gopacket.CaptureInfo) layers.LinkType, error) {
	r := bufio.NewReaderSize(in, 64<<10)
	magic, err := r.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	if !isCapture(magic) {
		return nil, nil, errors.New("neither pcap nor pcapng")
	}
	if !bytes.Equal(magic, pcapngMagic) {
		p, err := pcapgo.NewReader(r)
		if err != nil {
			return nil, nil, err
		}
		return p, func(gopacket.CaptureInfo) layers.LinkType { return p.LinkType() }, nil
	}
	options := pcapgo.DefaultNgReaderOptions
	options.WantMixedLinkType, options.SkipUnknownVersion = true, true
	p, err := pcapgo.NewNgReader(&blocks{in: r}, options)
	if err != nil {
		return nil, nil, err
	}
	return p, func(i gopacket.CaptureInfo) layers.LinkType {
		if len(i.AncillaryData) > 0 {
			if l, ok := i.AncillaryData[0].(layers.LinkType); ok {
				return l
			}
		}
		return p.LinkType()
	}, nil
}

// parseSegment returns the outermost TCP segment of a packet; ok is false where
// there is none, as in the later fragments of an IP packet.
func parseSegment(data []byte, link layers.LinkType) (s *segment, ok bool) {
	p := gopacket.NewPacket(data, link, gopacket.DecodeOptions{NoCopy: true, DecodeStreamsAsDatagrams: true})
	var from, to netip.Addr
	for _, l := range p.Layers() {
		switch l := l.(type) {
		case *layers.IPv4:
			from, to = address(l.SrcIP), address(l.DstIP)
		case *layers.IPv6:
			from, to = address(l.SrcIP), address(l.DstIP)
		case *layers.TCP:
			return &segment{
				from: netip.AddrPortFrom(from, uint16(l.SrcPort)), to: netip.AddrPortFrom(to, uint16(l.DstPort)),
				seq: l.Seq, ack: l.Ack, acks: l.ACK, syn: l.SYN, end: l.FIN || l.RST, data: l.Payload,
			}, true
		}
	}
	return nil, false
}

func address(b []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(b)
	return a
}
