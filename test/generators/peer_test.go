package generators

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// conduct is what a generator's switches answer. Every one says hello and answers
// the features request; all else it passes over in silence.
type conduct struct {
	name    string
	version ofp.Version
	answers []ofp.Type // with the empty reply of that kind
	desc    bool       // answers the multipart request for the description
	helloed bool       // answers a hello with a hello
	newMACs bool       // a new source with each packet-in, rather than macs in turn
}

// conducts are those of the generators that are in use. cbench came in two lines:
// the first one's switches know little more than features and echo, the later
// one's also answer configuration, description and barriers, and greet back.
var conducts = []conduct{
	{name: "cbench, as it came", version: ofp.V10, answers: []ofp.Type{ofp.TypeEchoRequest, ofp.TypeExperimenter}, newMACs: true},
	{name: "cbench, later", version: ofp.V10, desc: true, helloed: true,
		answers: []ofp.Type{ofp.TypeEchoRequest, ofp.TypeExperimenter, ofp.TypeGetConfigRequest, ofp.TypeBarrierRequest}},
	{name: "features alone", version: ofp.V10},
	{name: "features alone", version: ofp.V13},
	{name: "features and echo", version: ofp.V13, answers: []ofp.Type{ofp.TypeEchoRequest}},
	{name: "all but multipart", version: ofp.V13, answers: []ofp.Type{ofp.TypeEchoRequest, ofp.TypeGetConfigRequest, ofp.TypeBarrierRequest}},
}

// outLen is how many bytes a switch keeps ready to be sent.
const outLen = 1 << 16

// peer is one switch. As in cbench, replies wait behind the packet-ins that are
// on their way already; unlike there, nobody spins.
type peer struct {
	conduct
	dpid       ofp.DPID
	macs       uint32
	throughput bool
	conn       net.Conn

	mu       sync.Mutex
	wake     *sync.Cond
	out      []byte
	ready    bool // the features reply is out: packet-ins flow
	closed   bool
	inFlight int // in latency mode
	mac      uint32
	buffer   uint32
	answered int
	first    time.Duration // from the connection to the first answer

	packetIn  []byte
	payloadAt int
	start     time.Time
	both      sync.WaitGroup
	err       error // of the reader: why the controller let go
}

// open connects a switch and starts it; close ends it.
func open(c conduct, addr string, dpid ofp.DPID, macs int, throughput bool) (*peer, error) {
	p := &peer{conduct: c, dpid: dpid, macs: uint32(macs), throughput: throughput}
	p.wake = sync.NewCond(&p.mu)
	data := make([]byte, 64)
	data[5], data[11], data[12] = byte(dpid), byte(dpid), 0x08
	m := &ofp.PacketIn{TotalLen: 64, Reason: ofp.ReasonNoMatch, Data: data}
	m.Match.SetUint(ofp.FieldInPort, 1)
	var err error
	if p.packetIn, err = ofp.Append(nil, c.version, 0, m); err != nil {
		return nil, err
	}
	p.payloadAt = len(p.packetIn) - len(data)
	p.start = time.Now()
	if p.conn, err = net.Dial("tcp", addr); err != nil {
		return nil, err
	}
	p.out = []byte{uint8(c.version), 0, 0, ofp.HeaderLen, 0, 0, 0, 1} // hello
	p.both.Go(p.write)
	p.both.Go(p.read)
	return p, nil
}

func (p *peer) close() {
	p.conn.Close()
	p.both.Wait()
}

func (p *peer) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.answered
}

// fill adds packet-ins. p.mu is held.
func (p *peer) fill() {
	for p.ready && (p.throughput && len(p.out)+len(p.packetIn) < outLen || !p.throughput && p.inFlight == 0) {
		p.inFlight++
		p.buffer = (p.buffer + 1) % 256
		if p.mac++; !p.newMACs {
			p.mac %= p.macs
		}
		at := len(p.out)
		p.out = append(p.out, p.packetIn...)
		binary.BigEndian.PutUint32(p.out[at+8:], p.buffer)
		binary.LittleEndian.PutUint32(p.out[at+p.payloadAt+7:], p.mac)
		p.out[at+p.payloadAt+11] = byte(p.dpid)
	}
}

// write sends what is there, until the connection ends.
func (p *peer) write() {
	var buf []byte
	for {
		p.mu.Lock()
		p.fill()
		for len(p.out) == 0 && !p.closed {
			p.wake.Wait()
			p.fill()
		}
		if p.closed {
			p.mu.Unlock()
			return
		}
		buf, p.out = p.out, buf[:0]
		p.mu.Unlock()
		if _, err := p.conn.Write(buf); err != nil {
			return // the reader says why
		}
	}
}

// read takes what the controller sends, until the connection ends.
func (p *peer) read() {
	defer func() {
		p.mu.Lock()
		p.closed = true
		p.wake.Broadcast()
		p.mu.Unlock()
	}()
	buf := make([]byte, outLen)
	n := 0
	for {
		m, err := p.conn.Read(buf[n:])
		if err != nil {
			if err == io.EOF {
				err = fmt.Errorf("the controller closed the connection")
			}
			p.err = err
			return
		}
		n += m
		used := 0
		p.mu.Lock()
		for {
			f := buf[used:n]
			if len(f) < ofp.HeaderLen || len(f) < int(binary.BigEndian.Uint16(f[2:])) {
				break
			}
			h, err := ofp.ParseHeader(f)
			if err != nil {
				p.err = err
				p.mu.Unlock()
				return
			}
			p.take(h, f[:h.Length])
			used += int(h.Length)
		}
		p.wake.Signal()
		p.mu.Unlock()
		n = copy(buf, buf[used:n])
	}
}

// take handles one message. p.mu is held.
func (p *peer) take(h ofp.Header, frame []byte) {
	switch typ := h.Type(); typ {
	case ofp.TypeHello:
		if p.helloed {
			p.out = append(p.out, uint8(p.version), 0, 0, ofp.HeaderLen)
			p.out = binary.BigEndian.AppendUint32(p.out, h.XID)
		}
	case ofp.TypeFeaturesRequest:
		f := &ofp.FeaturesReply{DPID: p.dpid, Buffers: 256, Tables: 1}
		if p.version < ofp.V13 {
			for no := range ofp.PortNo(4) {
				f.Ports = append(f.Ports, ofp.Port{No: no + 1, HWAddr: ofp.MAC{2, 0, 0, 0, byte(p.dpid), byte(no)}, Name: fmt.Sprint("eth", no+1)})
			}
		}
		p.reply(h, f)
		p.ready = true
	case ofp.TypePacketOut, ofp.TypeFlowMod:
		bufferAt := ofp.HeaderLen
		if typ == ofp.TypeFlowMod {
			bufferAt = map[bool]int{true: 64, false: 32}[p.version == ofp.V10]
		}
		if binary.BigEndian.Uint32(frame[bufferAt:]) == ofp.NoBuffer {
			return // it is about no packet
		}
		if p.ready {
			if p.answered++; p.answered == 1 {
				p.first = time.Since(p.start)
			}
			p.inFlight = max(p.inFlight-1, 0)
		}
	case ofp.TypeMultipartRequest:
		if p.desc && binary.BigEndian.Uint16(frame[8:]) == 0 {
			p.reply(h, &ofp.MultipartReply{Body: &ofp.Desc{Manufacturer: "a generator"}})
		}
	default:
		for _, a := range p.answers {
			if a == typ {
				p.answer(h, frame)
			}
		}
	}
}

// answer is the shortest reply to a request.
func (p *peer) answer(h ofp.Header, frame []byte) {
	switch h.Type() {
	case ofp.TypeEchoRequest:
		p.reply(h, &ofp.EchoReply{Data: frame[ofp.HeaderLen:]})
	case ofp.TypeGetConfigRequest:
		p.reply(h, &ofp.GetConfigReply{})
	case ofp.TypeBarrierRequest:
		p.reply(h, &ofp.BarrierReply{})
	case ofp.TypeExperimenter:
		p.reply(h, ofp.NewError(ofp.BadRequestBadExperimenter, frame))
	}
}

func (p *peer) reply(h ofp.Header, m ofp.Message) {
	b, err := ofp.Append(p.out, p.version, h.XID, m)
	if err != nil {
		panic(err) // a mistake here
	}
	p.out = b
}
