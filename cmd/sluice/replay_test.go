package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// said is a message of a conversation to be recorded.
type said struct {
	bySwitch bool
	frame    []byte
}

func msg(t testing.TB, xid uint32, m ofp.Message) []byte {
	t.Helper()
	b, err := ofp.Append(nil, ofp.V13, xid, m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// recordingOf is a capture of a conversation, 10 ms a message.
func recordingOf(t testing.TB, from string, list ...said) []*segment {
	t.Helper()
	sw, ctl := netip.MustParseAddrPort(from), netip.MustParseAddrPort("192.0.2.2:6653")
	seq := [2]uint32{100, 500}
	at := time.Unix(1_700_000_000, 0)
	all := []*segment{
		{time: at, from: sw, to: ctl, seq: 99, syn: true},
		{time: at, from: ctl, to: sw, seq: 499, syn: true, acks: true, ack: 100},
	}
	for _, x := range list {
		at = at.Add(10 * time.Millisecond)
		g := &segment{time: at, from: sw, to: ctl, seq: seq[0], ack: seq[1], acks: true, data: x.frame}
		i := 0
		if !x.bySwitch {
			i = 1
			g.from, g.to, g.seq, g.ack = ctl, sw, seq[1], seq[0]
		}
		seq[i] += uint32(len(x.frame))
		all = append(all, g)
	}
	return all
}

func flowMod(t testing.TB, xid uint32, priority uint16) []byte {
	m := ofp.NewFlowMod(ofp.FlowAdd)
	m.Priority = priority
	return msg(t, xid, m)
}

func portNumberEvent(t testing.TB, n byte) []byte {
	return msg(t, 0, &ofp.PacketIn{BufferID: ofp.NoBuffer, TotalLen: 60, Data: bytes.Repeat([]byte{n}, 60)})
}

// conversation is a whole one: a handshake, two packet-ins that are each answered
// with a flow-mod and a barrier, and an error.
func conversation(t testing.TB, dpid ofp.DPID) []said {
	return []said{
		{false, msg(t, 1, ofp.NewHello(ofp.V13))},
		{true, msg(t, 7, ofp.NewHello(ofp.V13))},
		{false, msg(t, 2, &ofp.FeaturesRequest{})},
		{true, msg(t, 2, &ofp.FeaturesReply{DPID: dpid})},
		{false, msg(t, 3, ofp.Request(&ofp.DescRequest{}))},
		{false, msg(t, 4, &ofp.GetConfigRequest{})},
		{true, msg(t, 3, &ofp.MultipartReply{Body: &ofp.Desc{Datapath: "br0"}})},
		{true, msg(t, 4, &ofp.GetConfigReply{SwitchConfig: ofp.SwitchConfig{MissSendLen: 128}})},
		{true, portNumberEvent(t, 1)},
		{false, flowMod(t, 5, 1)},
		{false, msg(t, 6, &ofp.BarrierRequest{})},
		{true, msg(t, 6, &ofp.BarrierReply{})},
		{false, msg(t, 99, &ofp.EchoRequest{})},
		{true, msg(t, 99, &ofp.EchoReply{})},
		{true, portNumberEvent(t, 2)},
		{false, flowMod(t, 8, 2)},
		{false, msg(t, 9, &ofp.BarrierRequest{})},
		{true, msg(t, 8, ofp.NewError(ofp.FlowModFailedTableFull, flowMod(t, 8, 2)))},
		{true, msg(t, 9, &ofp.BarrierReply{})},
		{true, msg(t, 55, &ofp.EchoRequest{Data: []byte("!")})},
		{false, msg(t, 55, &ofp.EchoReply{Data: []byte("!")})},
	}
}

// controllerSide is the controller's end of one connection. Its methods fail by
// panicking with an error, which serve takes.
type controllerSide struct {
	t  testing.TB
	nc net.Conn
}

func (c *controllerSide) say(frames ...[]byte) {
	if _, err := c.nc.Write(bytes.Join(frames, nil)); err != nil {
		panic(err)
	}
}

// want reads the next message and demands its type, and its xid unless that is 0.
func (c *controllerSide) want(typ ofp.Type, xid uint32) ofp.Message {
	h, m, err := c.next()
	if err != nil || m.Type() != typ || xid != 0 && h.XID != xid {
		panic(fmt.Errorf("%T under xid %d, %v; want %s under xid %d", m, h.XID, err, typ, xid))
	}
	return m
}

// seek reads until a message has the xid.
func (c *controllerSide) seek(xid uint32) ofp.Message {
	for {
		h, m, err := c.next()
		if err != nil {
			panic(fmt.Errorf("wanting xid %d: %w", xid, err))
		}
		if h.XID == xid {
			return m
		}
	}
}

// next reads the next message.
func (c *controllerSide) next() (ofp.Header, ofp.Message, error) {
	head := make([]byte, ofp.HeaderLen)
	if _, err := io.ReadFull(c.nc, head); err != nil {
		return ofp.Header{}, nil, err
	}
	frame := append(head, make([]byte, binary.BigEndian.Uint16(head[2:])-ofp.HeaderLen)...)
	if _, err := io.ReadFull(c.nc, frame[ofp.HeaderLen:]); err != nil {
		return ofp.Header{}, nil, err
	}
	return ofp.Decode(frame)
}

// shake is the controller's part of the handshake, with xids of its own.
func (c *controllerSide) shake(dpid ofp.DPID) {
	c.say(msg(c.t, 1001, ofp.NewHello(ofp.V13)))
	c.want(ofp.TypeHello, 7)
	c.say(msg(c.t, 1002, &ofp.FeaturesRequest{}))
	if m := c.want(ofp.TypeFeaturesReply, 1002).(*ofp.FeaturesReply); m.DPID != dpid {
		panic(fmt.Errorf("dpid %v", m.DPID))
	}
	c.say(msg(c.t, 1003, ofp.Request(&ofp.DescRequest{})), msg(c.t, 1004, &ofp.GetConfigRequest{}))
	c.want(ofp.TypeMultipartReply, 1003)
	c.want(ofp.TypeGetConfigReply, 1004)
}

// rest is its part of the rest.
func (c *controllerSide) rest() {
	for n := range uint32(2) {
		if m := c.want(ofp.TypePacketIn, 0).(*ofp.PacketIn); m.Data[0] != byte(n+1) {
			panic(fmt.Errorf("packet-in %d, want %d", m.Data[0], n+1))
		}
		c.say(flowMod(c.t, 1010+n, uint16(n+1)), msg(c.t, 1020+n, &ofp.BarrierRequest{}))
		if n == 1 {
			e := c.want(ofp.TypeError, 1010+n).(*ofp.Error)
			if got := binary.BigEndian.Uint32(e.Data[4:]); got != 1010+n {
				panic(fmt.Errorf("the error is about xid %d", got))
			}
		}
		c.want(ofp.TypeBarrierReply, 1020+n)
	}
	e := c.want(ofp.TypeEchoRequest, 55).(*ofp.EchoRequest)
	c.say(msg(c.t, 55, &ofp.EchoReply{Data: e.Data}))
}

// serve accepts connections and has each served, and returns where.
func serve(t *testing.T, one func(n int, c *controllerSide)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := 0; ; n++ {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer nc.Close()
				defer func() {
					if r := recover(); r != nil {
						t.Errorf("controller, connection %d: %v", n, r)
					}
				}()
				_ = nc.SetDeadline(time.Now().Add(time.Minute))
				one(n, &controllerSide{t, nc})
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		wg.Wait()
	})
	return ln.Addr().String()
}

func replay(ctx context.Context, args ...string) result {
	var out, errOut bytes.Buffer
	code := run(ctx, append([]string{"replay"}, args...), strings.NewReader(""), &out, &errOut)
	return result{code, out.String(), errOut.String()}
}

// drain reads until the other side closes.
func (c *controllerSide) drain() { _, _ = io.Copy(io.Discard, c.nc) }

func TestReplay(t *testing.T) {
	path := write(t, "of.pcapng", captureOf(t, true, recordingOf(t, "192.0.2.1:40000", conversation(t, 0x42)...)...))
	const head = "connection 1, dpid 0000000000000042, OpenFlow 1.3: played "
	for _, row := range []struct {
		name string
		do   func(c *controllerSide)
		args []string
		code int
		out  []string
	}{
		{"as recorded", func(c *controllerSide) { c.shake(0x42); c.rest(); c.drain() }, nil, exitDone, []string{
			head + "10 of 10 messages", "flow_mod                2         2     0          0        0",
			"barrier_request         2         2     0          0        0", "hello                   1         1     0          0        0",
		}},
		{"in its time", func(c *controllerSide) { c.shake(0x42); c.rest(); c.drain() }, []string{"--speed", "2"}, exitDone, []string{head + "10 of 10 messages"}},
		{"in another order", func(c *controllerSide) {
			c.say(msg(c.t, 1, ofp.NewHello(ofp.V13)))
			c.want(ofp.TypeHello, 0)
			c.say(msg(c.t, 31, &ofp.GetConfigRequest{}))
			c.want(ofp.TypeGetConfigReply, 31)
			c.say(msg(c.t, 32, ofp.Request(&ofp.DescRequest{})))
			c.want(ofp.TypeMultipartReply, 32)
			c.say(msg(c.t, 33, &ofp.FeaturesRequest{}))
			c.want(ofp.TypeFeaturesReply, 33)
			c.rest()
			c.drain()
		}, nil, exitDone, []string{head + "10 of 10 messages"}},
		{"it does nothing with packets", func(c *controllerSide) {
			c.shake(0x42)
			c.want(ofp.TypePacketIn, 0)
			c.want(ofp.TypePacketIn, 0)
			c.want(ofp.TypeEchoRequest, 0)
			c.drain()
		}, []string{"--wait", "150ms"}, exitDone, []string{
			head + "7 of 10 messages", "3 answers to what was not asked are left out",
			"flow_mod                2         0     0          2        0", "barrier_request         2         0     0          2        0",
		}},
		{"another flow", func(c *controllerSide) {
			c.shake(0x42)
			c.want(ofp.TypePacketIn, 0)
			c.say(flowMod(c.t, 70, 77), msg(c.t, 71, &ofp.BarrierRequest{}))
			c.want(ofp.TypeBarrierReply, 71)
			c.want(ofp.TypePacketIn, 0)
			c.say(flowMod(c.t, 72, 2), msg(c.t, 73, &ofp.BarrierRequest{}))
			c.want(ofp.TypeError, 72)
			c.want(ofp.TypeBarrierReply, 73)
			c.drain()
		}, []string{"--wait", "1s"}, exitDone, []string{
			"flow_mod                2         1     1          0        0", "connection 1, recorded:", "priority=77",
		}},
		{"it asks more", func(c *controllerSide) {
			c.shake(0x42)
			c.say(msg(c.t, 81, ofp.Request(&ofp.DescRequest{})))
			_ = c.seek(81).(*ofp.MultipartReply)
			c.say(msg(c.t, 82, ofp.Request(&ofp.TableStatsRequest{})))
			if e := c.seek(82).(*ofp.Error); e.Reason != ofp.BadRequestBadStat {
				panic(e.Reason)
			}
			c.say(msg(c.t, 83, &ofp.RoleRequest{RoleState: ofp.RoleState{Role: ofp.RoleMaster, Generation: 9}}), msg(c.t, 84, &ofp.EchoRequest{Data: []byte("?")}))
			if m := c.seek(83).(*ofp.RoleReply); m.Role != ofp.RoleMaster || m.Generation != 9 {
				panic(fmt.Errorf("role %+v", m))
			}
			_ = c.seek(84).(*ofp.EchoReply)
			c.drain()
		}, []string{"--wait", "150ms"}, exitDone, []string{
			"multipart_request desc   1         1     0          0        1", "multipart_request table  0         0     0          0        1", "role_request             0         0     0          0        1",
		}},
		{"it hangs up", func(c *controllerSide) { c.shake(0x42); c.want(ofp.TypePacketIn, 0) }, nil, exitError, []string{
			head + "5 of 10 messages", "  the controller closed the connection\n",
		}},
		{"it refuses", func(c *controllerSide) {
			c.say(msg(c.t, 1, ofp.NewHello(ofp.V13)))
			c.want(ofp.TypeHello, 0)
			c.say(msg(c.t, 2, &ofp.Error{Reason: ofp.HelloFailedEPERM, Data: []byte("dpid 42 is there")}))
		}, nil, exitError, []string{"the controller closed the connection; it said ", "EPERM: dpid 42 is there"}},
		{"another version", func(c *controllerSide) {
			c.want(ofp.TypeHello, 0)
			b, _ := ofp.Append(nil, ofp.V10, 1, &ofp.FeaturesRequest{})
			c.say(b)
			c.drain()
		}, nil, exitError, []string{"the controller speaks OpenFlow 1.0, and the recording 1.3"}},
		{"no OpenFlow", func(c *controllerSide) { c.say([]byte{4, 0, 0, 3, 1, 2, 3, 4}); c.drain() }, nil, exitError, []string{"a message of 3 bytes, which is no OpenFlow"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			to := serve(t, func(_ int, c *controllerSide) { row.do(c) })
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			r := replay(ctx, append([]string{path, "--to", to, "--wait", "20s"}, row.args...)...)
			if r.code != row.code {
				t.Errorf("status %d, want %d: %s", r.code, row.code, r.err)
			}
			for _, want := range row.out {
				if !strings.Contains(r.out, want) {
					t.Errorf("%q is not in\n%s", want, r.out)
				}
			}
		})
	}
}

// several is a recording of three connections of two switches.
func several(t testing.TB) []byte {
	a, b := conversation(t, 1), conversation(t, 2)
	list := recordingOf(t, "192.0.2.1:1", a...)
	list = append(list, recordingOf(t, "192.0.2.3:1", b...)...)
	list = append(list, recordingOf(t, "192.0.2.1:2", a...)...)
	// One of which the start is missing.
	list = append(list, recordingOf(t, "192.0.2.5:1", conversation(t, 5)[8:]...)[2:]...)
	return captureOf(t, true, list...)
}

// TestReplaySeveral: switches are played at once, and the connections of one
// after each other.
func TestReplaySeveral(t *testing.T) {
	path := write(t, "of.pcapng", several(t))
	var mu sync.Mutex
	connected, all := map[ofp.DPID]int{}, map[ofp.DPID]int{}
	both := make(chan struct{})
	to := serve(t, func(_ int, c *controllerSide) {
		c.say(msg(t, 1, ofp.NewHello(ofp.V13)))
		c.want(ofp.TypeHello, 0)
		c.say(msg(t, 2, &ofp.FeaturesRequest{}))
		dpid := c.want(ofp.TypeFeaturesReply, 2).(*ofp.FeaturesReply).DPID
		mu.Lock()
		if connected[dpid]++; connected[dpid] > 1 {
			t.Errorf("%d connections of %s", connected[dpid], dpid)
		}
		if all[dpid]++; len(all) == 2 && all[1]+all[2] == 2 {
			close(both)
		}
		mu.Unlock()
		select {
		case <-both:
		case <-time.After(30 * time.Second):
			t.Error("the other switch does not come")
		}
		c.say(msg(t, 3, ofp.Request(&ofp.DescRequest{})), msg(t, 4, &ofp.GetConfigRequest{}))
		c.want(ofp.TypeMultipartReply, 3)
		mu.Lock()
		connected[dpid]--
		mu.Unlock()
		c.want(ofp.TypeGetConfigReply, 4)
		c.drain()
	})
	r := replay(t.Context(), path, "--to", to, "--wait", "100ms", "-o", "json")
	if r.code != exitDone || !strings.Contains(r.err, "connection 4 is left out: the recording does not have its handshake") {
		t.Fatalf("status %d: %s", r.code, r.err)
	}
	if all[1] != 2 || all[2] != 1 {
		t.Errorf("connections %v", all)
	}
	if n := strings.Count(r.out, `"played": 7`); n != 3 {
		t.Errorf("%d connections are played:\n%s", n, r.out)
	}
	r = replay(t.Context(), path, "--list")
	if r.code != exitDone || strings.Count(r.out, "\n") != 5 || !strings.Contains(r.out, "no handshake") || !strings.Contains(r.out, "2           0000000000000002  1.3      192.0.2.3:1") {
		t.Errorf("status %d: %s\n%s", r.code, r.err, r.out)
	}
}

// TestReplayHold: with --hold a switch stays, and answers echoes.
func TestReplayHold(t *testing.T) {
	path := write(t, "of.pcapng", several(t))
	ctx, cancel := context.WithCancel(t.Context())
	held := &told{text: "is played and held", said: make(chan struct{})}
	to := serve(t, func(_ int, c *controllerSide) {
		defer cancel()
		c.shake(2)
		c.rest()
		select {
		case <-held.said: // it has waited for what it waits for
		case <-ctx.Done():
		}
		c.say(msg(t, 200, &ofp.EchoRequest{}))
		c.want(ofp.TypeEchoReply, 200)
	})
	var out bytes.Buffer
	code := run(ctx, []string{"replay", path, "--to", to, "--wait", "100ms", "--hold", "--dpid", "2"}, strings.NewReader(""), &out, held)
	r := result{code, out.String(), held.all.String()}
	if r.code != exitDone && !strings.Contains(r.out, "the controller closed") {
		t.Errorf("status %d: %s\n%s", r.code, r.err, r.out)
	}
	if !strings.Contains(r.err, "connection 2 is played and held; end it with control-C") {
		t.Errorf("%s", r.err)
	}
}

func TestReplayRefuses(t *testing.T) {
	path := write(t, "of.pcapng", several(t))
	for _, row := range []struct {
		args []string
		code int
		want string
	}{
		{nil, exitUsage, "FILE is missing"},
		{[]string{path, "more"}, exitUsage, "is too much"},
		{[]string{path, "--speed", "-1"}, exitUsage, "want 0 or more"},
		{[]string{path, "--to", "somewhere"}, exitUsage, `--to "somewhere": want HOST:PORT`},
		{[]string{path, "--dpid", "x"}, exitUsage, "--dpid: "},
		{[]string{path + ".not"}, exitError, "no such file"},
		{[]string{write(t, "text", []byte("no capture"))}, exitError, "neither pcap nor pcapng"},
		{[]string{path, "--port", "7"}, exitError, "no OpenFlow on TCP port 7; --port names others"},
		{[]string{path, "--connection", "9"}, exitError, "no such connection"},
		{[]string{path, "--dpid", "9"}, exitError, "no such connection"},
		{[]string{path, "--connection", "1", "--to", "127.0.0.1:1"}, exitError, "1 of 1 connections were not played to their end"},
	} {
		if r := replay(t.Context(), row.args...); r.code != row.code || !strings.Contains(r.err, row.want) {
			t.Errorf("%q: status %d, %q; want %d, %q", row.args, r.code, r.err, row.code, row.want)
		}
	}
}

// TestReplayCut: of a recording that is cut off, what is there is played.
func TestReplayCut(t *testing.T) {
	data := several(t)
	for _, n := range []int{10, 100, len(data) / 3, len(data) / 2, len(data) - 5} {
		r := replay(t.Context(), write(t, "of.pcapng", data[:n]), "--list")
		if r.code != exitDone && r.code != exitError || r.code == exitError && r.out != "" || r.err == "" {
			t.Errorf("%d of %d bytes: status %d, %s\n%s", n, len(data), r.code, r.err, r.out)
		}
	}
}

// FuzzReplay reads whatever a file holds, and plays it to a controller that says
// what another conversation and the recording have. It has neither socket nor
// clock, so that it is the same each time.
func FuzzReplay(f *testing.F) {
	f.Add(several(f), uint8(1))
	f.Add(captureOf(f, false, recordingOf(f, "192.0.2.1:40000", conversation(f, 0x42)...)...), uint8(3))
	c := conversation(f, 3)
	for i := range c {
		c[i].bySwitch = !c[i].bySwitch
	}
	f.Add(captureOf(f, true, recordingOf(f, "192.0.2.1:6653", c...)...), uint8(0))
	f.Fuzz(func(t *testing.T, data []byte, pace uint8) {
		list, _ := readTalks(bytes.NewReader(data), []uint16{6653}, func(n int) bool { return n <= 3 })
		for _, d := range list {
			if d.number > 3 {
				break
			}
			p := newPlayer(newScript(d))
			var said [][]byte
			for _, l := range conversation(t, 1) {
				said = append(said, l.frame)
			}
			for _, l := range d.lines {
				said = append(said, l.frame)
			}
			for k := range p.s.steps {
				for range min(int(pace), len(said)) {
					if len(said[0]) >= ofp.HeaderLen {
						_ = p.hear(bytes.Clone(said[0])) // whatever comes of it
					}
					said = said[1:]
				}
				if k%3 == 0 {
					p.overtake()
				}
				p.take(k, p.ready(k))
			}
			if p.sent+p.leftOut != len(p.s.steps) || p.leftOut < 0 {
				t.Errorf("%d of %d messages are played, %d left out", p.sent, len(p.s.steps), p.leftOut)
			}
			if err := (&client{out: io.Discard, output: "text"}).report([]*outcome{{talk: d, player: p}}, 3); err != nil {
				t.Error(err)
			}
		}
	})
}
