// Command floor is the least that a controller can do: it shakes hands with
// switches of OpenFlow 1.0 to 1.3, cuts packet-ins out of what it reads and
// answers each with one fixed flow-mod that carries the packet-in's buffer id. It
// decodes nothing, learns nothing, and writes once for all that it has read.
//
// What it costs is what sockets and framing cost. Benchmarks measure it beside a
// controller, in the same run on the same machine, and tell ratios. The flow-mod
// has 80 bytes with one output action; in OpenFlow 1.1, whose match has a fixed
// length, it has 160.
package main

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// chunkLen is how much is read at a time; the longest message fits.
const chunkLen = 1 << 16

// deadline is for one chunk to be written.
const deadline = 10 * time.Second

func main() {
	addr := flag.String("listen", "127.0.0.1:6653", "`address` to listen on")
	flag.Parse()
	ln, err := net.Listen("tcp", *addr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
	fmt.Println("floor: listening on", ln.Addr())
	for {
		conn, err := ln.Accept()
		if err != nil {
			fmt.Fprintln(os.Stderr, "floor:", err)
			os.Exit(1)
		}
		go func() {
			defer conn.Close()
			if err := serve(conn); !errors.Is(err, io.EOF) {
				fmt.Fprintf(os.Stderr, "floor: %s: %v\n", conn.RemoteAddr(), err)
			}
		}()
	}
}

// answer is the flow-mod of a version, and where its buffer id is.
type answer struct {
	frame    []byte
	bufferAt int
}

var answers = func() (as [ofp.V13 + 1]answer) {
	for _, v := range ofp.Versions() {
		m := ofp.NewFlowMod(ofp.FlowAdd)
		m.Instructions = []ofp.Instruction{ofp.Apply(ofp.Output(2))}
		b, err := ofp.Append(nil, v, 0, m)
		if err != nil {
			panic(err) // a mistake here, found by every run
		}
		at := 32
		if v == ofp.V10 {
			at = 64
		}
		as[v] = answer{b, at}
	}
	return as
}()

// serve answers one switch until the connection ends.
func serve(conn net.Conn) error {
	in := make([]byte, chunkLen)
	out := make([]byte, 0, 2*chunkLen)
	n := 0
	for {
		m, err := conn.Read(in[n:])
		if err != nil {
			return err
		}
		n += m
		var used int
		if out, used, err = respond(out[:0], in[:n]); err != nil {
			return err
		}
		n = copy(in, in[used:n])
		if len(out) == 0 {
			continue
		}
		if err := conn.SetWriteDeadline(time.Now().Add(deadline)); err != nil {
			return err
		}
		if _, err := conn.Write(out); err != nil {
			return err
		}
	}
}

// respond appends to out what the whole messages at the start of in ask for, and
// returns how many bytes of in they have.
func respond(out, in []byte) ([]byte, int, error) {
	const hello, echoRequest, echoReply, featuresRequest, packetIn = 0, 2, 3, 5, 10
	used := 0
	for {
		f := in[used:]
		if len(f) < ofp.HeaderLen {
			return out, used, nil
		}
		n := int(binary.BigEndian.Uint16(f[2:]))
		v := f[0]
		if n < ofp.HeaderLen || v < uint8(ofp.V10) || v > uint8(ofp.V13) {
			return out, used, fmt.Errorf("not OpenFlow 1.0 to 1.3: % x", f[:ofp.HeaderLen])
		}
		if len(f) < n {
			return out, used, nil
		}
		switch {
		case f[1] == packetIn && n >= ofp.HeaderLen+4:
			a := &answers[v]
			at := len(out)
			out = append(out, a.frame...)
			copy(out[at+a.bufferAt:at+a.bufferAt+4], f[8:12])
		case f[1] == hello:
			out = append(out, v, hello, 0, ofp.HeaderLen, 0, 0, 0, 1, v, featuresRequest, 0, ofp.HeaderLen, 0, 0, 0, 2)
		case f[1] == echoRequest:
			at := len(out)
			out = append(out, f[:n]...)
			out[at+1] = echoReply
		}
		used += n
	}
}
