package record

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"
)

// end is a connection that only has addresses.
type end struct {
	net.Conn
	local, remote net.Addr
}

func (e end) LocalAddr() net.Addr  { return e.local }
func (e end) RemoteAddr() net.Addr { return e.remote }

func tcpAddr(s string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(s)) }

// between is a connection of a switch with the controller.
func between(sw, controller string) net.Conn {
	return end{local: tcpAddr(controller), remote: tcpAddr(sw)}
}

// running is a recorder that runs.
type running struct {
	*Recorder
	t     *testing.T
	path  string
	logs  *test.Hook
	stop  context.CancelFunc
	ended chan struct{}
}

func run(t *testing.T, cfg Config, create func(string) (diskFile, error)) *running {
	t.Helper()
	if cfg.Path == "" {
		cfg.Path = filepath.Join(t.TempDir(), "of.pcapng")
	}
	log, hook := test.NewNullLogger()
	log.SetLevel(logrus.DebugLevel)
	cfg.Logger = log
	if create == nil {
		create = createFile
	}
	r, err := newRecorder(cfg, create)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	x := &running{Recorder: r, t: t, path: cfg.Path, logs: hook, stop: cancel, ended: make(chan struct{})}
	go func() {
		defer close(x.ended)
		r.Run(ctx)
	}()
	t.Cleanup(x.end)
	return x
}

// end stops the recorder and waits for it.
func (x *running) end() {
	x.stop()
	<-x.ended
}

// await waits until ok.
func (x *running) await(what string, ok func() bool) {
	x.t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			x.t.Fatalf("in vain: %s", what)
		}
	}
}

// written is a TCP connection of a recording.
type written struct {
	ends     [2]netip.AddrPort
	comments []string
	data     [2][]byte
	repeated [2][]byte // what a comment says that it is repeated
	times    []time.Time
	next     [2]uint32
	finished int
}

// read returns the TCP connections of a file in the order in which they begin,
// and demands that every packet of it is right.
func read(t testing.TB, path string) (list []*written) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := pcapgo.NewNgReader(bytes.NewReader(data), pcapgo.DefaultNgReaderOptions)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	open := map[[2]netip.AddrPort]*written{}
	for n := 1; ; n++ {
		b, info, options, err := r.ReadPacketDataWithOptions()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatalf("%s: packet %d: %v", path, n, err)
		}
		p := gopacket.NewPacket(b, layers.LinkTypeEthernet, gopacket.DecodeOptions{DecodeStreamsAsDatagrams: true})
		tcp, ok := p.Layer(layers.LayerTypeTCP).(*layers.TCP)
		if !ok {
			t.Fatalf("%s: packet %d is no TCP: %v", path, n, p)
		}
		if err := tcp.SetNetworkLayerForChecksum(p.NetworkLayer()); err != nil {
			t.Fatal(err)
		}
		if err, mismatches := p.VerifyChecksums(); err != nil || len(mismatches) > 0 {
			t.Fatalf("%s: packet %d: checksums: %v %v", path, n, err, mismatches)
		}
		var from, to netip.Addr
		from, _ = netip.AddrFromSlice(p.NetworkLayer().NetworkFlow().Src().Raw())
		to, _ = netip.AddrFromSlice(p.NetworkLayer().NetworkFlow().Dst().Raw())
		ends, dir := [2]netip.AddrPort{netip.AddrPortFrom(from, uint16(tcp.SrcPort)), netip.AddrPortFrom(to, uint16(tcp.DstPort))}, fromSwitch
		if tcp.SrcPort == openFlowPort {
			ends, dir = [2]netip.AddrPort{ends[1], ends[0]}, toSwitch
		}
		c := open[ends]
		if tcp.SYN && !tcp.ACK {
			c = &written{ends: ends}
			open[ends] = c
			list = append(list, c)
			c.next = [2]uint32{tcp.Seq, 0}
		}
		if c == nil {
			t.Fatalf("%s: packet %d of %v comes before the connection", path, n, ends)
		}
		if tcp.SYN && tcp.ACK {
			c.next[toSwitch] = tcp.Seq
		}
		if tcp.Seq != c.next[dir] || tcp.ACK && tcp.Ack != c.next[1-dir] {
			t.Fatalf("%s: packet %d: numbers %d, %d, want %v", path, n, tcp.Seq, tcp.Ack, c.next)
		}
		c.next[dir] += uint32(len(tcp.Payload))
		if tcp.SYN || tcp.FIN {
			c.next[dir]++
		}
		if tcp.FIN {
			c.finished++
		}
		c.comments = append(c.comments, options.Comments...)
		if len(tcp.Payload) > 0 {
			if strings.Contains(strings.Join(options.Comments, " "), "repeated; said at") {
				c.repeated[dir] = append(c.repeated[dir], tcp.Payload...)
			} else {
				c.data[dir] = append(c.data[dir], tcp.Payload...)
				c.times = append(c.times, info.Timestamp)
			}
		}
	}
}

// files returns the files of a recording, the oldest first.
func (x *running) files() []string {
	x.t.Helper()
	list, err := filepath.Glob(x.path + ".*")
	if err != nil {
		x.t.Fatal(err)
	}
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	return append(list, x.path)
}
