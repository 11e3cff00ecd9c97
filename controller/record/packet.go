package record

import (
	"fmt"
	"net"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// maxSegment is how many bytes of OpenFlow a packet holds at most: with its
// headers it stays below what IP can say.
const maxSegment = 60_000

// packetCost is more than a packet needs in the file besides its bytes of
// OpenFlow: headers, block, and a comment.
const packetCost = 1024

// The hardware addresses of all packets; made up, and marked so.
var hardware = [2]net.HardwareAddr{{2, 0, 0, 0, 0, 2}, {2, 0, 0, 0, 0, 1}}

type flags struct{ syn, fin, ack bool }

// open begins a TCP connection in the file for a talk.
func (w *writer) open(t *talk, at time.Time, repeat bool) {
	title := t.title(repeat)
	w.opens++
	// Far apart, so that a reader takes none for the one before it.
	t.seq = [2]uint32{w.opens * 0x1000_0193, w.opens*0x1000_0193 + 0x8000_0000}
	w.packet(t, fromSwitch, at, flags{syn: true}, nil, title)
	w.packet(t, toSwitch, at, flags{syn: true, ack: true}, nil, "")
	w.packet(t, fromSwitch, at, flags{ack: true}, nil, "")
	if t.begun && repeat {
		for _, s := range t.handshake {
			w.segments(t, s.dir, at, s.data, "sluice: repeated; said at "+s.time.UTC().Format(time.RFC3339Nano))
		}
	}
	t.file, t.begun, t.left = w.number, true, [2]uint64{}
}

// segments writes bytes of one direction.
func (w *writer) segments(t *talk, dir int, at time.Time, b []byte, comment string) {
	for len(b) > 0 {
		n := min(len(b), maxSegment)
		w.packet(t, dir, at, flags{ack: true}, b[:n], comment)
		b, comment = b[n:], ""
	}
}

// shut ends the TCP connection of a talk in the file.
func (w *writer) shut(t *talk, at time.Time, comment string) {
	w.packet(t, fromSwitch, at, flags{fin: true, ack: true}, nil, comment)
	w.packet(t, toSwitch, at, flags{fin: true, ack: true}, nil, "")
	w.packet(t, fromSwitch, at, flags{ack: true}, nil, "")
	t.file = 0
}

// packet puts one packet into the buffer.
func (w *writer) packet(t *talk, dir int, at time.Time, f flags, data []byte, comment string) {
	from, to := t.ends[dir], t.ends[1-dir]
	eth := &layers.Ethernet{SrcMAC: hardware[dir], DstMAC: hardware[1-dir], EthernetType: layers.EthernetTypeIPv4}
	tcp := &layers.TCP{
		SrcPort: layers.TCPPort(from.Port()), DstPort: layers.TCPPort(to.Port()),
		Seq: t.seq[dir], SYN: f.syn, FIN: f.fin, ACK: f.ack, PSH: len(data) > 0, Window: 0xffff,
	}
	if f.ack {
		tcp.Ack = t.seq[1-dir]
	}
	var ip interface {
		gopacket.SerializableLayer
		gopacket.NetworkLayer
	}
	if from.Addr().Is4() {
		ip = &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, Flags: layers.IPv4DontFragment,
			SrcIP: from.Addr().AsSlice(), DstIP: to.Addr().AsSlice()}
	} else {
		eth.EthernetType = layers.EthernetTypeIPv6
		ip = &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: layers.IPProtocolTCP, SrcIP: from.Addr().AsSlice(), DstIP: to.Addr().AsSlice()}
	}
	err := tcp.SetNetworkLayerForChecksum(ip)
	if err == nil {
		err = gopacket.SerializeLayers(w.packetBuf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, eth, ip, tcp, gopacket.Payload(data))
	}
	if err != nil {
		// All that these headers are made of is checked before: a fault here is
		// one of this package.
		w.r.log.WithField("error", err).Error("a packet of the recording cannot be made; its bytes are left out")
		w.r.lostDisk.Add(uint64(len(data)))
		return
	}
	t.seq[dir] += uint32(len(data))
	if f.syn || f.fin {
		t.seq[dir]++
	}
	var options pcapgo.NgPacketOptions
	for _, c := range []string{comment, t.note, w.note} {
		if c != "" {
			options.Comments = append(options.Comments, c)
		}
	}
	t.note, w.note = "", ""
	b := w.packetBuf.Bytes()
	w.write(gopacket.CaptureInfo{Timestamp: at, CaptureLength: len(b), Length: len(b)}, b, options)
	w.payload += uint64(len(data))
}

// section begins the file in the buffer.
func (w *writer) section(comment string) error {
	options := pcapgo.DefaultNgWriterOptions
	options.SectionInfo.Application = w.cfg.Program
	options.SectionInfo.Comment = comment
	intf := pcapgo.DefaultNgInterface
	intf.Name, intf.LinkType = "openflow", layers.LinkTypeEthernet
	intf.Description = "OpenFlow as the controller reads and writes it, in packets made for the purpose"
	ng, err := pcapgo.NewNgWriterInterface(&w.buf, intf, options)
	if err == nil {
		err = ng.Flush()
	}
	if err != nil {
		return fmt.Errorf("beginning a capture: %w", err)
	}
	w.ng = ng
	return nil
}

// write puts a packet into the buffer; into memory, so that nothing can fail.
func (w *writer) write(info gopacket.CaptureInfo, b []byte, options pcapgo.NgPacketOptions) {
	_ = w.ng.WritePacketWithOptions(info, b, options)
	_ = w.ng.Flush()
}
