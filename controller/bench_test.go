package controller

import (
	"io"
	"net"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// answering is an app that answers each packet-in with one flow-mod, as a
// learning switch does for a known destination.
type answering struct {
	sw  *Switch
	mod *ofp.FlowMod
}

func (a *answering) PacketIn(m *ofp.PacketIn) bool {
	a.mod.BufferID = m.BufferID
	return a.sw.Send(a.mod) == nil
}

var answeringApp = testApp{"answering", func(sw *Switch) Session {
	mod := ofp.NewFlowMod(ofp.FlowAdd)
	mod.Match.SetUint(ofp.FieldInPort, 1)
	mod.Instructions = []ofp.Instruction{ofp.Apply(ofp.Output(2))}
	return &answering{sw, mod}
}}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// flood connects a switch that sends n packet-ins, 500 at a time, and reads the
// answers. It returns when all n are answered.
func flood(b testing.TB, addr string, v ofp.Version, dpid ofp.DPID) (run func(n int)) {
	p := newPeer(b, v, dpid)
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	p.nc = nc
	// The handshake is answered by the peer; what comes after is only counted.
	count := &counting{Conn: nc, answers: make(chan int, 100)}
	p.nc = count
	go p.run()
	b.Cleanup(func() { nc.Close(); <-p.gone })
	const burst = 500
	var frames []byte
	for range burst {
		frames, _ = ofp.Append(frames, v, 0, packetIn(1))
	}
	each := len(frames) / burst
	return func(n int) {
		var wg sync.WaitGroup
		count.mu.Lock()
		count.counting = true
		count.mu.Unlock()
		wg.Go(func() {
			for left := n; left > 0; left -= burst {
				if _, err := nc.Write(frames[:min(left, burst)*each]); err != nil {
					return
				}
			}
		})
		got := 0
		for got < n {
			k, ok := <-count.answers
			if !ok {
				b.Error("the connection ended")
				break
			}
			got += k
		}
		wg.Wait()
	}
}

// counting is a peer's socket that, once told to, reads and counts flow-mods
// itself rather than hand them on. All answers have the same length.
type counting struct {
	net.Conn
	mu       sync.Mutex
	counting bool
	answers  chan int
	length   int
	rest     int
	buf      []byte
}

func (c *counting) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	on := c.counting
	c.mu.Unlock()
	if !on || err != nil {
		return n, err
	}
	// The header of the first answer: from here on everything is counted.
	c.length = int(b[2])<<8 | int(b[3])
	c.rest = n
	c.buf = make([]byte, 256<<10)
	for {
		n, err := c.Conn.Read(c.buf)
		if err != nil {
			close(c.answers)
			return 0, io.EOF
		}
		c.rest += n
		c.answers <- c.rest / c.length
		c.rest %= c.length
	}
}

// TestPacketInsWithoutAllocation lets packet-ins through the whole engine, from
// one socket to the other. What is allocated belongs to batches and timers, so it
// must stay far below one allocation for each packet-in.
func TestPacketInsWithoutAllocation(t *testing.T) {
	c := serve(t, Config{Apps: []App{answeringApp}})
	run := flood(t, c.addr, ofp.V13, 1)
	c.sw(t, 1)
	run(20000)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const n = 100000
	run(n)
	runtime.ReadMemStats(&after)
	if got := after.Mallocs - before.Mallocs; got > n/20 {
		t.Errorf("%d allocations for %d packet-ins", got, n)
	}
}

func BenchmarkPacketIn(b *testing.B) {
	for _, v := range []ofp.Version{ofp.V10, ofp.V13} {
		b.Run(v.String(), func(b *testing.B) {
			c := serve(b, Config{Apps: []App{answeringApp}})
			run := flood(b, c.addr, v, 1)
			c.sw(b, 1)
			run(10000)
			b.ReportAllocs()
			start := cpu()
			b.ResetTimer()
			run(b.N)
			b.StopTimer()
			// The generator is in the same process: this is what both take.
			b.ReportMetric(float64(cpu()-start)/float64(b.N)*1e6/1e9, "CPU-s/M")
		})
	}
}
