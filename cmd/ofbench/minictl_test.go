package main

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// conduct is how a miniController behaves on one connection. It is given each
// frame of the switch's and sends what it wants through send; false ends the
// connection.
type conduct func(h ofp.Header, frame []byte, send func(...byte)) bool

// miniController is a controller of a few lines, whose conduct a test chooses.
// The test's cleanup ends it and waits for its goroutines.
type miniController struct {
	ln  net.Listener
	all sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
}

// startMini starts a controller; each connection gets a conduct of its own.
func startMini(t *testing.T, each func() conduct) *miniController {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &miniController{ln: ln}
	c.all.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			c.mu.Lock()
			c.conns = append(c.conns, conn)
			c.mu.Unlock()
			c.all.Go(func() { converse(conn, each()) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		c.mu.Lock()
		for _, conn := range c.conns {
			conn.Close()
		}
		c.mu.Unlock()
		c.all.Wait()
	})
	return c
}

// target is the flags that lead ofbench to the controller.
func (c *miniController) target() []string {
	port := c.ln.Addr().(*net.TCPAddr).Port
	return []string{"-c", "127.0.0.1", "-p", strconv.Itoa(port)}
}

func converse(conn net.Conn, do conduct) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	w := bufio.NewWriter(conn)
	frame := make([]byte, ofp.MaxMessageLen)
	for {
		if _, err := io.ReadFull(r, frame[:ofp.HeaderLen]); err != nil {
			return
		}
		h, err := ofp.ParseHeader(frame)
		if err != nil {
			return
		}
		if _, err := io.ReadFull(r, frame[ofp.HeaderLen:h.Length]); err != nil {
			return
		}
		ok := do(h, frame[:h.Length], func(b ...byte) { _, _ = w.Write(b) })
		if !ok || r.Buffered() == 0 {
			_ = conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
			if w.Flush() != nil || !ok {
				return
			}
		}
	}
}

// encode returns a message's bytes; a message that cannot be encoded is a
// mistake of the test.
func encode(v ofp.Version, m ofp.Message) []byte {
	b, err := ofp.Append(nil, v, 7, m)
	if err != nil {
		panic(err)
	}
	return b
}

func flowMod(v ofp.Version, buffer uint32) []byte {
	m := ofp.NewFlowMod(ofp.FlowAdd)
	m.BufferID = buffer
	m.Instructions = []ofp.Instruction{ofp.Apply(ofp.Output(2))}
	return encode(v, m)
}

func packetOut(v ofp.Version, buffer uint32) []byte {
	m := &ofp.PacketOut{BufferID: buffer, InPort: 1, Actions: []ofp.Action{ofp.Output(ofp.PortFlood)}}
	if buffer == ofp.NoBuffer {
		m.Data = make([]byte, 64)
	}
	return encode(v, m)
}

// polite shakes hands as controllers do and asks for what they ask for; what it
// does with packet-ins is the test's.
func polite(packetIn func(v ofp.Version, id uint32, send func(...byte)) bool) func() conduct {
	return func() conduct {
		return func(h ofp.Header, frame []byte, send func(...byte)) bool {
			v := h.Version
			switch h.Type() {
			case ofp.TypeHello:
				send(encode(v, ofp.NewHello(ofp.Versions()...))...)
				send(encode(v, new(ofp.FeaturesRequest))...)
			case ofp.TypeFeaturesReply:
				send(encode(v, &ofp.SetConfig{})...)
				send(encode(v, ofp.Request(new(ofp.DescRequest)))...)
				send(encode(v, &ofp.EchoRequest{Data: []byte("there?")})...)
				send(encode(v, new(ofp.BarrierRequest))...)
			case ofp.TypePacketIn:
				return packetIn(v, binary.BigEndian.Uint32(frame[8:]), send)
			}
			return true
		}
	}
}

// right answers every packet-in with one flow-mod.
func right(v ofp.Version, id uint32, send func(...byte)) bool {
	send(flowMod(v, id)...)
	return true
}
