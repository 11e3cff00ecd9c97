package main

import (
	"bytes"
	"io"

	netrack "github.com/netrack/openflow/ofp"
	"github.com/opencord/goloxi"
	"github.com/opencord/goloxi/of13"

	"github.com/sluice-sdn/sluice/ofp"
	floor "github.com/sluice-sdn/sluice/test/floor/codec"
)

// The messages are those of package ofp's own benchmarks.

func packetIn() *ofp.PacketIn {
	m := &ofp.PacketIn{BufferID: ofp.NoBuffer, TotalLen: 128, Table: 1, Cookie: 0x1122334455667788, Data: make([]byte, 128)}
	m.Match.SetUint(ofp.FieldInPort, 7)
	return m
}

func flowMod() *ofp.FlowMod {
	m := ofp.NewFlowMod(ofp.FlowAdd)
	m.Cookie, m.IdleTimeout, m.HardTimeout, m.Table = 0xabcdef, 10, 300, 2
	m.Match.SetUint(ofp.FieldInPort, 7)
	m.Match.SetUint(ofp.FieldEthDst, 0x020000000001)
	m.Match.SetUint(ofp.FieldEthType, 0x0800)
	m.Match.SetUint(ofp.FieldVLANPCP, 3)
	m.Instructions = []ofp.Instruction{ofp.Apply(ofp.SetField(ofp.FieldEthSrc, []byte{2, 0, 0, 0, 0, 9}), ofp.Output(3))}
	return m
}

func flowStats(n int) *ofp.MultipartReply {
	p := &ofp.FlowStatsReply{}
	mod := flowMod()
	for i := range n {
		f := ofp.FlowStats{Table: 1, Priority: uint16(i), Packets: uint64(i), Bytes: 99, Cookie: uint64(i), DurationSec: 5, Instructions: mod.Instructions}
		f.Match = mod.Match.Clone()
		f.Match.SetUint(ofp.FieldInPort, uint64(i+1))
		p.Flows = append(p.Flows, f)
	}
	return &ofp.MultipartReply{Body: p}
}

func encoded(m ofp.Message) []byte {
	b, err := ofp.Append(nil, ofp.V13, 9, m)
	if err != nil {
		panic(err)
	}
	return b
}

func rows() []row {
	in, mod, stats := encoded(packetIn()), encoded(flowMod()), encoded(flowStats(100))
	return []row{
		{"decode packet-in, 170 bytes", []codec{
			{"floor", func(m *floor.PacketIn) func() bool { return func() bool { return m.Decode(in) } }(new(floor.PacketIn))},
			sluice(in, new(ofp.PacketIn)), loxi(in), netrackReads(in, func() io.ReaderFrom { return new(netrack.PacketIn) }),
		}},
		{"encode flow-mod, 128 bytes", []codec{
			floorEncodes(mod), sluiceEncodes(mod), loxiEncodes(mod), netrackWrites(mod),
		}},
		{"decode flow-mod, 128 bytes", []codec{
			{"floor", func(m *floor.Flow) func() bool { return func() bool { return m.DecodeMod(mod) } }(new(floor.Flow))},
			sluice(mod, new(ofp.FlowMod)), loxi(mod), netrackReads(mod, func() io.ReaderFrom { return new(netrack.FlowMod) }),
		}},
		{"decode flow statistics × 100", []codec{
			floorStats(stats), sluice(stats, new(ofp.MultipartReply)), loxi(stats), netrackStats(stats),
		}},
	}
}

func sluice(frame []byte, m ofp.Message) codec {
	var d ofp.Decoder
	return codec{"Sluice", func() bool { return d.Decode(frame, m) == nil }}
}

func sluiceEncodes(want []byte) codec {
	var e ofp.Encoder
	m, buf := flowMod(), make([]byte, 0, 256)
	return codec{"Sluice", func() bool {
		b, err := e.Append(buf, ofp.V13, 9, m)
		return err == nil && len(b) == len(want)
	}}
}

func floorEncodes(want []byte) codec {
	var m floor.Flow
	m.DecodeMod(want)
	buf := make([]byte, 0, 256)
	if !bytes.Equal(m.AppendMod(buf, 9), want) {
		panic("the floor writes another flow-mod")
	}
	return codec{"floor", func() bool { return len(m.AppendMod(buf, 9)) == len(want) }}
}

func floorStats(frame []byte) codec {
	flows := make([]floor.Flow, 0, 100)
	return codec{"floor", func() bool {
		_, ok := floor.DecodeStats(frame, flows)
		return ok
	}}
}

func loxi(frame []byte) codec {
	return codec{"goloxi 1.0.1", func() bool {
		m, err := of13.DecodeHeader(goloxi.NewDecoder(frame))
		return err == nil && m != nil
	}}
}

// loxiEncodes writes what goloxi decoded itself.
func loxiEncodes(want []byte) codec {
	m, err := of13.DecodeHeader(goloxi.NewDecoder(want))
	if err != nil {
		panic(err)
	}
	return codec{"goloxi 1.0.1", func() bool {
		e := goloxi.NewEncoder()
		return m.(goloxi.Serializable).Serialize(e) == nil && len(e.Bytes()) == len(want)
	}}
}

// netrackReads decodes the body only: the header is another layer's there.
func netrackReads(frame []byte, make func() io.ReaderFrom) codec {
	return codec{"netrack 0.1.0", func() bool {
		_, err := make().ReadFrom(bytes.NewReader(frame[ofp.HeaderLen:]))
		return err == nil || err == io.EOF
	}}
}

func netrackWrites(want []byte) codec {
	m := new(netrack.FlowMod)
	if _, err := m.ReadFrom(bytes.NewReader(want[ofp.HeaderLen:])); err != nil && err != io.EOF {
		panic(err)
	}
	return codec{"netrack 0.1.0", func() bool {
		var b bytes.Buffer
		_, err := m.WriteTo(&b)
		return err == nil && b.Len() == len(want)-ofp.HeaderLen
	}}
}

func netrackStats(frame []byte) codec {
	return codec{"netrack 0.1.0", func() bool {
		r := bytes.NewReader(frame[ofp.HeaderLen:])
		var head netrack.MultipartReply
		if _, err := head.ReadFrom(r); err != nil {
			return false
		}
		n := 0
		for ; r.Len() > 0; n++ {
			if _, err := new(netrack.FlowStats).ReadFrom(r); err != nil && err != io.EOF {
				return false
			}
		}
		return n == 100
	}}
}
