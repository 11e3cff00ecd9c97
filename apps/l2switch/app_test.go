package l2switch

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// step is something that happens to a switch of four ports, and for a packet
// where it goes.
type step struct {
	do   func(*rig)
	in   ofp.PortNo
	pkt  []byte
	want string
}

func packet(in ofp.PortNo, pkt []byte, want string) step { return step{in: in, pkt: pkt, want: want} }

func event(do func(*rig)) step { return step{do: do} }

func down(p ofp.PortNo) step { return event(func(r *rig) { r.dp.SetLink(p, false); r.pump() }) }
func up(p ofp.PortNo) step   { return event(func(r *rig) { r.dp.SetLink(p, true); r.pump() }) }

func pass(d time.Duration) step {
	return event(func(r *rig) {
		for range d / time.Second { // both clocks
			time.Sleep(time.Second)
			r.dp.Tick(time.Second)
		}
		r.pump()
	})
}

// learnt is a switch that knows A on port 1 and B on port 2, without a flow
// from A to B.
var learnt = []step{
	packet(1, eth('*', 'A'), "asked [2 3 4]"),
	packet(2, eth('A', 'B'), "asked [1]"),
}

// frameTo is a frame from A to an address, of a type.
func frameTo(dst [6]byte, etherType uint16) []byte {
	b := append(dst[:], 2, 0, 0, 0, 0, 'A', byte(etherType>>8), byte(etherType), 1, 2, 3)
	return b
}

var lldpMAC = [6]byte{0x01, 0x80, 0xc2, 0, 0, 0x0e}

// behaviours are what the switch does with packets, the same in all versions.
var behaviours = []struct {
	name  string
	steps []step
}{
	{"unknown destination floods, never back", []step{
		packet(1, eth('B', 'A'), "asked [2 3 4]"),
		packet(3, eth('B', 'C'), "asked [1 2 4]"),
	}},
	{"broadcast floods each time", []step{
		packet(1, eth('*', 'A'), "asked [2 3 4]"),
		packet(1, eth('*', 'A'), "asked [2 3 4]"),
	}},
	{"both directions are learnt", append(learnt,
		packet(2, eth('A', 'B'), "[1]"),
		packet(1, eth('B', 'A'), "asked [2]"),
		packet(1, eth('B', 'A'), "[2]"),
	)},
	{"a flow hides no new host behind the same port", append(learnt,
		packet(1, eth('B', 'A'), "asked [2]"),
		packet(1, eth('B', 'C'), "asked [2]"),
		packet(2, eth('C', 'B'), "asked [1]"),
	)},
	{"a host moves: packets for it follow at once", append(learnt,
		packet(2, eth('A', 'B'), "[1]"),
		packet(3, eth('*', 'A'), "asked [1 2 4]"),
		packet(2, eth('A', 'B'), "asked [3]"),
		packet(2, eth('A', 'B'), "[3]"),
	)},
	{"a host moves and speaks to a known one", append(learnt,
		packet(1, eth('B', 'A'), "asked [2]"),
		packet(3, eth('B', 'A'), "asked [2]"),
		packet(3, eth('B', 'A'), "[2]"),
		packet(2, eth('A', 'B'), "asked [3]"),
	)},
	{"a host moves there and back", append(learnt,
		packet(1, eth('B', 'A'), "asked [2]"),
		packet(3, eth('B', 'A'), "asked [2]"),
		packet(1, eth('B', 'A'), "asked [2]"),
		packet(2, eth('A', 'B'), "asked [1]"),
	)},
	{"LLDP is not flooded", []step{
		packet(1, frameTo(lldpMAC, 0x88cc), "asked []"),
		packet(1, frameTo([6]byte{2, 0, 0, 0, 0, 'B'}, 0x88cc), "asked []"),
		packet(2, eth('A', 'B'), "asked [1 3 4]"), // nor was A learnt
	}},
	{"tagged LLDP is not flooded", []step{
		packet(1, append(frameTo([6]byte{2, 0, 0, 0, 0, 'B'}, 0x8100)[:14], 0, 5, 0x88, 0xcc, 1), "asked []"),
	}},
	{"link-local frames are not flooded", []step{
		packet(1, frameTo([6]byte{0x01, 0x80, 0xc2, 0, 0, 0}, 0x0042), "asked []"),
		packet(1, frameTo([6]byte{0x01, 0x80, 0xc2, 0, 0, 0x0f}, 0x1234), "asked []"),
		packet(2, eth('A', 'B'), "asked [1 3 4]"),
		packet(1, frameTo([6]byte{0x01, 0x80, 0xc2, 0, 0, 0x10}, 0x1234), "asked [2 3 4]"),
	}},
	{"port down: flows to it go, its hosts are unknown", append(learnt,
		packet(2, eth('A', 'B'), "[1]"),
		down(1),
		packet(2, eth('A', 'B'), "asked [3 4]"),
		packet(3, eth('*', 'A'), "asked [2 4]"),
		packet(2, eth('A', 'B'), "asked [3]"),
	)},
	{"port down and up: flows from it are gone too", append(learnt,
		packet(1, eth('B', 'A'), "asked [2]"),
		down(1),
		packet(3, eth('*', 'A'), "asked [2 4]"),
		up(1),
		packet(1, eth('B', 'A'), "asked [2]"),
		packet(2, eth('A', 'B'), "asked [1]"),
	)},
	{"port deleted", append(learnt,
		event(func(r *rig) { r.dp.RemovePort(1); r.pump() }),
		packet(2, eth('A', 'B'), "asked [3 4]"),
	)},
	{"a flow goes when idle, the host stays", append(learnt,
		pass(61*time.Second),
		packet(2, eth('A', 'B'), "asked [1]"),
	)},
	{"a busy flow stays until the age, which tells that its sender is alive", append(learnt,
		pass(50*time.Second), packet(2, eth('A', 'B'), "[1]"),
		pass(50*time.Second), packet(2, eth('A', 'B'), "[1]"),
		pass(50*time.Second), packet(2, eth('A', 'B'), "[1]"),
		pass(50*time.Second), packet(2, eth('A', 'B'), "[1]"),
		pass(50*time.Second), packet(2, eth('A', 'B'), "[1]"),
		pass(50*time.Second), packet(2, eth('A', 'B'), "asked [1]"),
	)},
	{"a silent host is unknown after its age", append(learnt,
		pass(301*time.Second),
		packet(2, eth('A', 'B'), "asked [1 3 4]"),
	)},
	{"a host unknown for its age that moves takes its flows along", append(learnt,
		pass(290*time.Second), packet(2, eth('A', 'B'), "asked [1]"),
		pass(50*time.Second), packet(2, eth('A', 'B'), "[1]"),
		packet(3, eth('*', 'A'), "asked [1 2 4]"),
		packet(2, eth('A', 'B'), "asked [3]"),
	)},
	{"and is remembered though others come meanwhile", append(learnt,
		pass(290*time.Second), packet(2, eth('A', 'B'), "asked [1]"),
		pass(50*time.Second), packet(2, eth('A', 'B'), "[1]"),
		packet(4, eth('*', 'D'), "asked [1 2 3]"),
		packet(3, eth('*', 'A'), "asked [1 2 4]"),
		packet(2, eth('A', 'B'), "asked [3]"),
	)},
	{"a host that speaks stays known", append(learnt,
		pass(200*time.Second), packet(1, eth('*', 'A'), "asked [2 3 4]"),
		pass(200*time.Second), packet(2, eth('A', 'B'), "asked [1]"),
	)},
	{"port down: flows of others stay", append(learnt,
		packet(3, eth('B', 'C'), "asked [2]"),
		down(1),
		packet(3, eth('B', 'C'), "[2]"),
	)},
	{"the controller restarts: old flows go", append(learnt,
		event(func(r *rig) { r.s.Detach(); r.attach() }),
		packet(2, eth('A', 'B'), "asked [1 3 4]"),
	)},
	{"the switch restarts: nothing is missing", append(learnt,
		event(func(r *rig) { r.s.Detach(); r.dp.Restart(); r.attach() }),
		packet(2, eth('A', 'B'), "asked [1 3 4]"),
		packet(1, eth('B', 'A'), "asked [2]"),
	)},
	{"same port: dropped, by a flow", append(learnt,
		packet(1, eth('A', 'C'), "asked []"),
		packet(1, eth('A', 'C'), "[]"),
		packet(3, eth('C', 'D'), "asked [1]"), // C was learnt
	)},
	{"same port, then the destination moves", append(learnt,
		packet(1, eth('A', 'C'), "asked []"),
		packet(3, eth('*', 'A'), "asked [1 2 4]"),
		packet(1, eth('A', 'C'), "asked [3]"),
	)},
	{"VLANs are apart", []step{
		packet(1, tagged('*', 'A', 10), "asked [2 3 4]"),
		packet(3, tagged('*', 'A', 20), "asked [1 2 4]"),
		packet(2, tagged('A', 'B', 10), "asked [1]"),
		packet(2, tagged('A', 'B', 20), "asked [3]"),
		packet(2, tagged('A', 'B', 10), "[1]"),
		packet(2, tagged('A', 'B', 20), "[3]"),
		packet(2, eth('A', 'B'), "asked [1 3 4]"),
	}},
	{"a host moves in one VLAN only", []step{
		packet(1, tagged('*', 'A', 10), "asked [2 3 4]"),
		packet(1, tagged('*', 'A', 20), "asked [2 3 4]"),
		packet(2, tagged('A', 'B', 10), "asked [1]"),
		packet(2, tagged('A', 'B', 20), "asked [1]"),
		packet(3, tagged('*', 'A', 20), "asked [1 2 4]"),
		packet(2, tagged('A', 'B', 10), "[1]"),
		packet(2, tagged('A', 'B', 20), "asked [3]"),
	}},
	{"a priority tag is no VLAN", append(learnt,
		packet(2, tagged('A', 'B', 5<<13), "asked [1]"),
		packet(2, tagged('A', 'B', 5<<13), "[1]"),
		packet(3, eth('*', 'A'), "asked [1 2 4]"),
		packet(2, tagged('A', 'B', 5<<13), "asked [3]"),
	)},
	{"a group address is no sender's", []step{
		packet(1, eth('B', '*'), "asked [2 3 4]"),
		packet(2, append([]byte{3, 0, 0, 0, 0, 1}, eth('*', 'B')[6:]...), "asked [1 3 4]"),
		packet(1, append([]byte{2, 0, 0, 0, 0, 'C', 3, 0, 0, 0, 0, 1}, eth('*', 'B')[12:]...), "asked [2 3 4]"),
		packet(2, append([]byte{3, 0, 0, 0, 0, 1}, eth('*', 'B')[6:]...), "asked [1 3 4]"),
	}},
	{"a truncated frame is ignored", []step{
		packet(1, eth('*', 'A')[:13], "asked []"),
		packet(1, tagged('*', 'A', 5)[:17], "asked []"),
		packet(2, eth('A', 'B'), "asked [1 3 4]"),
	}},
}

// TestBehaviour holds for each version and for switches that keep packets for
// the controller and that do not.
func TestBehaviour(t *testing.T) {
	for _, v := range ofp.Versions() {
		for _, buffers := range []int{0, 16} {
			for _, b := range behaviours {
				t.Run(fmt.Sprintf("%s/%d buffers/%s", v, buffers, b.name), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						r := newRig(t, v, Config{}, simswitch.Config{Buffers: buffers})
						if buffers > 0 {
							r.buffered()
						}
						for i, s := range b.steps {
							if s.do != nil {
								s.do(r)
								if buffers > 0 {
									r.buffered()
								}
								continue
							}
							kept := r.dp.Buffered()
							got := r.inject(s.in, s.pkt)
							if got != s.want {
								t.Fatalf("step %d: a packet in port %d goes %s, want %s", i+1, s.in, got, s.want)
							}
							// What the switch keeps is answered once, or left to others.
							if n := r.answers + r.dp.Buffered() - kept; buffers > 0 && strings.HasPrefix(got, "asked") && n != 1 {
								t.Errorf("step %d: %d answers, and %d packets more are kept", i+1, r.answers, r.dp.Buffered()-kept)
							}
						}
						if n := r.app.Stats().Errors; n != 0 {
							t.Errorf("%d errors", n)
						}
					})
				})
			}
		}
	}
}
