package l2switch

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"
	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

func eachVersion(t *testing.T, f func(t *testing.T, v ofp.Version)) {
	for _, v := range ofp.Versions() {
		t.Run(v.String(), func(t *testing.T) { f(t, v) })
	}
}

// flows returns the switch's flows in text, without the table-miss flow.
func (r *rig) flows() (out []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := ofp.AllFlows()
	for _, f := range r.dp.Flows(&q) {
		if f.Cookie != cookieMiss {
			out = append(out, f.Match.String()+" actions="+ofp.FormatActions(f.Instructions, nil))
		}
	}
	slices.Sort(out)
	return out
}

func TestFlowsForAPair(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		r := newRig(t, v, Config{IdleTimeout: 20 * time.Second, Age: 40 * time.Second}, simswitch.Config{})
		r.inject(1, eth('*', 'A'))
		r.inject(2, tagged('*', 'A', 7))
		r.inject(3, eth('A', 'B'))
		r.inject(3, tagged('A', 'B', 7))
		r.inject(1, eth('A', 'C'))
		want := []string{
			"in_port=1,vlan_tci=0x0000,dl_src=02:00:00:00:00:43,dl_dst=02:00:00:00:00:41 actions=drop",
			"in_port=3,dl_vlan=7,dl_src=02:00:00:00:00:42,dl_dst=02:00:00:00:00:41 actions=output:2",
			"in_port=3,vlan_tci=0x0000,dl_src=02:00:00:00:00:42,dl_dst=02:00:00:00:00:41 actions=output:1",
		}
		if diff := cmp.Diff(want, r.flows()); diff != "" {
			t.Errorf("flows (-want +got):\n%s", diff)
		}
		q := ofp.AllFlows()
		for _, f := range r.dp.Flows(&q) {
			if f.Cookie>>48<<48 != CookieOwner {
				t.Errorf("cookie %#x is not the app's", f.Cookie)
			}
			if f.Cookie == cookieLearned && (f.IdleTimeout != 20 || f.HardTimeout != 40 || f.Priority != Priority) {
				t.Errorf("flow %s", f.String())
			}
		}
	})
}

func TestFlowsOfOthersStay(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		r := newRig(t, v, Config{}, simswitch.Config{})
		foreign := ofp.NewFlowMod(ofp.FlowAdd)
		foreign.Cookie = 0x1234
		foreign.Match.SetUint(ofp.FieldInPort, 1)
		foreign.Match.SetUint(ofp.FieldEthDst, 0x020000000041)
		foreign.Match.SetUint(ofp.FieldEthSrc, 0x0200000000ee)
		foreign.Instructions = []ofp.Instruction{ofp.Apply(ofp.Output(1))}
		r.dp.FlowMod(foreign)
		want := r.flows()
		r.inject(1, eth('*', 'A'))
		r.inject(2, eth('A', 'B'))
		r.inject(3, eth('*', 'A')) // a move: deletes flows to A
		r.dp.SetLink(1, false)     // deletes flows from and to port 1
		r.pump()
		r.s.Detach()
		r.attach() // deletes all of an earlier life
		if diff := cmp.Diff(want, r.flows()); diff != "" {
			t.Errorf("flows (-want +got):\n%s", diff)
		}
		q := ofp.AllFlows()
		if n := len(r.dp.Flows(&q)); n != 2 {
			t.Errorf("%d flows, want the foreign one and the table-miss flow", n)
		}
	})
}

func TestTableIsBounded(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		r := newRig(t, v, Config{MaxHosts: 2}, simswitch.Config{})
		r.inject(1, eth('*', 'A'))
		r.inject(2, eth('*', 'B'))
		for range 2 {
			if got := r.inject(3, eth('A', 'C')); got != "asked [1]" {
				t.Errorf("from a host that is not remembered: %s", got)
			}
			if got := r.inject(1, eth('C', 'A')); got != "asked [2 3 4]" {
				t.Errorf("to a host that is not remembered: %s", got)
			}
		}
		if got := r.inject(1, eth('B', 'A')); got != "asked [2]" {
			t.Errorf("between hosts that are remembered: %s", got)
		}
		if diff := cmp.Diff(Stats{Forwarded: 3, Flooded: 4, Learned: 2, Refused: 2, Hosts: 2}, r.app.Stats()); diff != "" {
			t.Errorf("stats (-want +got):\n%s", diff)
		}
	})
}

func TestTableMakesRoomForNewHosts(t *testing.T) {
	h := newHosts(2, 10*time.Second)
	type sight struct {
		k    uint64
		now  uint32
		want sighting
	}
	for i, s := range []sight{
		{1, 0, seenFirst}, {2, 9, seenFirst}, {3, 9, seenNot},
		{3, 25, seenNot},   // 1 is remembered until 25
		{3, 26, seenFirst}, // and gone now
		{2, 34, seenAgain},
		{1, 34, seenNot},
	} {
		if got := h.learn(s.k, 1, s.now); got != s.want {
			t.Errorf("sighting %d: %d, want %d", i+1, got, s.want)
		}
	}
}

func TestGroupAddressIsNotRemembered(t *testing.T) {
	r := newRig(t, ofp.V13, Config{}, simswitch.Config{})
	r.inject(1, append([]byte{2, 0, 0, 0, 0, 'B', 3, 0, 0, 0, 0, 1}, 0x12, 0x34))
	r.inject(1, append([]byte{2, 0, 0, 0, 0, 'B', 0, 0, 0, 0, 0, 0}, 0x12, 0x34))
	if diff := cmp.Diff(Stats{Flooded: 2}, r.app.Stats()); diff != "" {
		t.Errorf("stats (-want +got):\n%s", diff)
	}
}

func TestSwitchWithoutFloodPort(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		r := newRig(t, v, Config{}, simswitch.Config{})
		r.refuse = func(m ofp.Message) ofp.ErrorReason {
			if o, ok := m.(*ofp.PacketOut); ok && o.Actions[0].Port() == ofp.PortFlood {
				return ofp.BadActionBadOutPort
			}
			return ofp.ReasonUnknown
		}
		r.inject(1, eth('*', 'A'))
		if got := r.inject(1, eth('*', 'A')); got != "asked [2 3 4]" {
			t.Errorf("the next flood goes %s", got)
		}
	})
}

// TestBrokenPackets are packet-ins that a sound switch does not send.
func TestBrokenPackets(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   ofp.PortNo
		m    ofp.PacketIn
		want Stats
	}{
		{"cut off and not kept", 1, ofp.PacketIn{BufferID: ofp.NoBuffer, TotalLen: 100, Data: eth('B', 'A')}, Stats{Lost: 1, Learned: 1, Hosts: 1}},
		{"no ingress port", ofp.PortAny, ofp.PacketIn{BufferID: ofp.NoBuffer, Data: eth('B', 'A')}, Stats{Short: 1}},
		{"from the controller", ofp.PortController, ofp.PacketIn{BufferID: ofp.NoBuffer, Data: eth('B', 'A')}, Stats{Short: 1}},
		{"from the switch itself", ofp.PortLocal, ofp.PacketIn{BufferID: ofp.NoBuffer, Data: eth('B', 'A')}, Stats{Flooded: 1, Learned: 1, Hosts: 1}},
		{"empty", 1, ofp.PacketIn{BufferID: ofp.NoBuffer}, Stats{Short: 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, ofp.V13, Config{}, simswitch.Config{})
			tc.m.Match.SetUint(ofp.FieldInPort, uint64(tc.in))
			r.packet(&tc.m)
			if diff := cmp.Diff(tc.want, r.app.Stats()); diff != "" {
				t.Errorf("stats (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSwitchThatDoesNotAnswer is served all the same, and somebody hears of it.
func TestSwitchThatDoesNotAnswer(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		log, hook := logtest.NewNullLogger()
		log.SetLevel(logrus.InfoLevel)
		r := newRig(t, v, Config{Logger: log}, simswitch.Config{})
		r.inject(1, eth('*', 'A'))
		r.s.Detach()
		r.down = true
		r.attach()
		if len(hook.Entries) != 1 || hook.LastEntry().Message != "cannot prepare the switch" {
			t.Errorf("log: %v", hook.Entries)
		}
		m := ofp.PacketIn{BufferID: ofp.NoBuffer, Data: eth('A', 'B')}
		m.Match.SetUint(ofp.FieldInPort, 2)
		if !r.packet(&m) {
			t.Error("a packet is not handled")
		}
		if s := r.app.Stats(); s.Errors != 1 || s.Flooded != 2 || s.Learned != 2 || s.Hosts != 1 {
			t.Errorf("stats, those of the session that has ended included: %+v", s)
		}
	})
}

// TestSilentSwitch: a switch that leaves every question unanswered, as those of
// load generators do, is served from the first packet on. Where OpenFlow 1.0
// needs a question to delete flows, the silence costs its packets one wait a
// minute.
func TestSilentSwitch(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, v, Config{}, simswitch.Config{})
			r.s.Detach()
			r.mute = true
			begin := time.Now()
			r.s = r.app.attach(r, 1)
			synctest.Wait() // the rig is no switch of several callers at a time
			packet := func(in ofp.PortNo, frame []byte) {
				m := ofp.PacketIn{BufferID: ofp.NoBuffer, TotalLen: uint16(len(frame)), Data: frame}
				m.Match.SetUint(ofp.FieldInPort, uint64(in))
				if !r.packet(&m) {
					t.Error("a packet is not handled")
				}
				r.Flush()
			}
			packet(1, eth('*', 'A'))
			packet(2, eth('A', 'B'))
			if len(r.flows()) != 1 {
				t.Errorf("flows %q, want one", r.flows())
			}
			if took := time.Since(begin); took != 0 {
				t.Errorf("two packets took %v", took)
			}
			for i, want := range []time.Duration{askTimeout, 0, 0, askTimeout} {
				if v != ofp.V10 {
					want = 0
				}
				if i == 3 {
					time.Sleep(attachTimeout + askAgain) // the first question, too, has shown the silence
					synctest.Wait()
				}
				begin := time.Now()
				packet(ofp.PortNo(i%2+2), eth('*', 'A')) // A moves
				if took := time.Since(begin); took != want {
					t.Errorf("the move number %d took %v, want %v", i+1, took, want)
				}
			}
			r.s.Detach()
			if s := r.app.Stats(); s.Moved != 4 {
				t.Errorf("%d moves, want 4", s.Moved)
			}
		})
	})
}

// TestSilentSwitchIsLetGo: the end of a session does not wait for answers.
func TestSilentSwitchIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, hook := logtest.NewNullLogger()
		r := newRig(t, ofp.V10, Config{Logger: log}, simswitch.Config{})
		r.s.Detach()
		r.mute = true
		r.s = r.app.attach(r, 1)
		begin := time.Now()
		r.s.Detach()
		if took := time.Since(begin); took != 0 || len(hook.Entries) != 0 {
			t.Errorf("took %v, log %v", took, hook.Entries)
		}
	})
}

// TestPortDownAgain: a port that is told to be down without end costs the switch
// nothing after the first time, until something is on it again.
func TestPortDownAgain(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		r := newRig(t, v, Config{}, simswitch.Config{})
		sends := 0
		r.refuse = func(ofp.Message) ofp.ErrorReason { sends++; return ofp.ReasonUnknown }
		down := func(again int) int {
			t.Helper()
			sends = 0
			for range again {
				r.s.PortStatus(&ofp.PortStatus{Reason: ofp.PortDeleted, Port: ofp.Port{No: 1}})
			}
			return sends
		}
		for range 2 {
			r.inject(1, eth('*', 'A'))
			r.inject(2, eth('A', 'B'))
			if n := len(r.flows()); n != 1 {
				t.Fatalf("%d flows", n)
			}
			if down(1) == 0 || len(r.flows()) != 0 {
				t.Errorf("%d flows are left", len(r.flows()))
			}
			if n := down(100); n != 0 {
				t.Errorf("%d messages for a port that is clean", n)
			}
		}
		// A sender that is not learnt may have a flow from the port all the same.
		r.inject(3, eth('*', 'C'))
		r.inject(1, append(eth('C', 'A')[:6:6], append([]byte{3, 0, 0, 0, 0, 'G'}, 0x12, 0x34)...))
		if down(1); len(r.flows()) != 0 {
			t.Errorf("flows that are left: %v", r.flows())
		}
		if v == ofp.V10 { // what could not be asked is asked again
			r.inject(1, eth('*', 'A'))
			r.down = true
			down(1)
			r.down = false
			if down(1) == 0 {
				t.Error("a port that could not be cleaned is not cleaned later")
			}
		}
	})
}

func TestConfig(t *testing.T) {
	for _, tc := range []struct {
		cfg  Config
		want string // in the error
	}{
		{Config{}, ""},
		{Config{IdleTimeout: 65535 * time.Second}, ""},
		{Config{IdleTimeout: 1500 * time.Millisecond}, "idle timeout 1.5s"},
		{Config{Age: 65536 * time.Second}, "age 18h12m16s"},
		{Config{Age: -time.Second}, "age -1s"},
		{Config{MaxHosts: -1}, "-1 hosts"},
	} {
		_, err := New(tc.cfg)
		if (err != nil) != (tc.want != "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("New(%+v): %v, want %q", tc.cfg, err, tc.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(eth('A', 'B'))
	f.Add(tagged('A', 'B', 5))
	f.Add(append(tagged('A', 'B', 5)[:16], 0x88, 0xa8, 0, 1, 0x81))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, ok := parse(b)
		if ok && (h.dst>>48 != 0 || h.src>>48 != 0 || h.vlan != 0 && h.vlan>>12 != 1) {
			t.Errorf("%x: %+v", b, h)
		}
	})
}
