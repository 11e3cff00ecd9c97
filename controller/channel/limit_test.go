package channel

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sluice-sdn/sluice/ofp"
)

func TestClassOf(t *testing.T) {
	frame := func(types ...byte) []byte { return append(make([]byte, 12), types...) }
	for _, row := range []struct {
		name   string
		packet []byte
		want   Class
	}{
		{"arp", frame(0x08, 0x06, 0, 1), ClassARP},
		{"lldp", frame(0x88, 0xcc), ClassLLDP},
		{"bddp", frame(0x89, 0x42), ClassLLDP},
		{"ipv4", frame(0x08, 0x00, 0x45), ClassIP},
		{"ipv6", frame(0x86, 0xdd), ClassIP},
		{"mpls", frame(0x88, 0x47), ClassOther},
		{"arp in a VLAN", frame(0x81, 0x00, 0, 7, 0x08, 0x06), ClassARP},
		{"lldp in two VLANs", frame(0x88, 0xa8, 0, 7, 0x81, 0x00, 0, 9, 0x88, 0xcc), ClassLLDP},
		{"three tags", frame(0x81, 0, 0, 7, 0x81, 0, 0, 7, 0x81, 0, 0, 7, 0x08, 0x06), ClassOther},
		{"cut in a tag", frame(0x81, 0x00, 0, 7), ClassOther},
		{"cut in the type", frame(0x08), ClassOther},
		{"nothing", nil, ClassOther},
	} {
		if got := classOf(row.packet); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
	for k := range NumClasses {
		if got, ok := ParseClass(k.String()); !ok || got != k {
			t.Errorf("class %d is named %q, which is read as %d", k, k, got)
		}
		if want := "packet_in_" + k.String(); (firstDrop[inboxFull] + Drop(k)).String() != want {
			t.Errorf("a drop of %s is named %s", k, firstDrop[inboxFull]+Drop(k))
		}
		if want := "packet_in_" + k.String() + "_limit"; (firstDrop[overLimit] + Drop(k)).String() != want {
			t.Errorf("a drop of %s over its limit is named %s", k, firstDrop[overLimit]+Drop(k))
		}
	}
}

func TestParseLimits(t *testing.T) {
	for _, row := range []struct {
		text, back string
		want       Limits
	}{
		{"", "none", Limits{}},
		{"none", "none", Limits{}},
		{"ip=0", "none", Limits{}},
		{"ip=50000,arp=5000", "arp=5000,ip=50000", Limits{ClassIP: {Rate: 50000}, ClassARP: {Rate: 5000}}},
		{" lldp=10:3 , other=1", "lldp=10:3,other=1", Limits{ClassLLDP: {10, 3}, ClassOther: {Rate: 1}}},
	} {
		got, err := ParseLimits(row.text)
		if err != nil || got != row.want || got.String() != row.back {
			t.Errorf("%q: %v as %q, %v; want %v as %q", row.text, got, got.String(), err, row.want, row.back)
		}
	}
	for text, want := range map[string]string{
		"udp=1":                  `unknown class "udp"; want arp=RATE, lldp=RATE, ip=RATE, other=RATE`,
		"1000":                   `unknown class "1000"; want arp=RATE, lldp=RATE, ip=RATE, other=RATE`,
		"ip=1,ip=2":              `ip: stands twice`,
		"ip":                     `ip: rate "": want a number of packets from 0 to 1000000000`,
		"arp=-1":                 `arp: rate "-1": want a number of packets from 0 to 1000000000`,
		"arp=1000000001":         `arp: rate "1000000001": want a number of packets from 0 to 1000000000`,
		"lldp=5:0":               `lldp: burst "0": want a number of packets from 1 to 1000000000`,
		"lldp=5:x":               `lldp: burst "x": want a number of packets from 1 to 1000000000`,
		"ip=1,":                  `unknown class ""; want arp=RATE, lldp=RATE, ip=RATE, other=RATE`,
		"ip=1.5":                 `ip: rate "1.5": want a number of packets from 0 to 1000000000`,
		"ip=9999999999999999999": `ip: rate "9999999999999999999": want a number of packets from 0 to 1000000000`,
	} {
		if _, err := ParseLimits(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v\nwant %s", text, err, want)
		}
	}
	if err := (Config{PacketInLimits: Limits{ClassLLDP: {Rate: -5}}}).Check(); err == nil {
		t.Error("a negative limit passes")
	}
}

// TestBucket: whatever comes when, no more pass in any stretch of time than the
// burst and what the rate gives in that time; and a packet is refused only if
// these are used up.
func TestBucket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.IntRange(1, MaxRate).Draw(t, "rate")
		burst := rapid.IntRange(0, 1000).Draw(t, "burst")
		now := time.Unix(1000, 0)
		l := newLimiter(Limits{ClassIP: {rate, burst}}, now)
		if burst == 0 {
			burst = rate
		}
		// The same bucket in floating point, refilled at once.
		tokens := float64(burst)
		for range rapid.IntRange(1, 50).Draw(t, "chunks") {
			gap := time.Duration(rapid.Int64Range(-10, int64(time.Hour)).Draw(t, "gap"))
			if rapid.Bool().Draw(t, "short") {
				gap /= 1e6
			}
			now = now.Add(gap)
			if gap > 0 {
				tokens = min(float64(burst), tokens+gap.Seconds()*float64(rate))
			} else {
				now = now.Add(-gap) // a clock that goes back: checked not to add
				l.fill(now.Add(gap))
			}
			l.fill(now)
			for range rapid.IntRange(0, 200).Draw(t, "packets") {
				passed := l[ClassIP].take()
				if passed {
					tokens--
				}
				if tokens < -0.01 || !passed && tokens > 1.01 {
					t.Fatalf("passed: %v, with %.3f packets left", passed, tokens)
				}
				if !l[ClassARP].take() {
					t.Fatal("a class without a limit is refused")
				}
			}
		}
	})
}

func packetOf(etherType uint16, length int) *ofp.PacketIn {
	m := &ofp.PacketIn{BufferID: ofp.NoBuffer, Data: make([]byte, max(length, 14))}
	m.Data[12], m.Data[13] = byte(etherType>>8), byte(etherType)
	m.Match.SetUint(ofp.FieldInPort, 1)
	return m
}

// TestLimits: of each class so many packet-ins pass as its limit says, others and
// state events all, and what does not is counted and told of once in ten seconds.
func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, ofp.V13, Config{PacketInLimits: Limits{ClassIP: {Rate: 10, Burst: 5}, ClassARP: {Rate: 3}}})
		c := r.ready()
		storm := func() {
			for range 20 {
				r.send(packetOf(0x0800, 60), packetOf(0x0806, 60), packetOf(0x88cc, 60), &ofp.PortStatus{Port: ofp.Port{No: 1}})
			}
			synctest.Wait()
		}
		storm() // 5 IP, 3 ARP, 20 LLDP, 20 state events
		time.Sleep(200 * time.Millisecond)
		storm() // 2 IP, 0 ARP, as before
		time.Sleep(time.Minute)
		storm() // as at first
		count := make(map[string]int)
		for _, m := range r.w.events(t, 5+3+40+2+40+8+40-40) {
			if p, ok := m.(*ofp.PacketIn); ok {
				count[classOf(p.Data).String()]++
			} else {
				count["state"]++
			}
		}
		if diff := cmp.Diff(map[string]int{"ip": 12, "arp": 6, "lldp": 60, "state": 60}, count); diff != "" {
			t.Errorf("passed (-want +got):\n%s", diff)
		}
		want := []PacketInDrops{{Class: ClassARP, OverLimit: 54}, {Class: ClassLLDP}, {Class: ClassIP, OverLimit: 48}, {Class: ClassOther}}
		if diff := cmp.Diff(want, c.PacketInDrops()); diff != "" {
			t.Errorf("drops (-want +got):\n%s", diff)
		}
		if n := r.stats.Drops[DropLimitIP].Load(); n != 48 {
			t.Errorf("%d drops of IP counted", n)
		}
		r.stop()
		<-r.end
		var lines []string
		for _, e := range r.logs.lines {
			if e.Message == "packet-ins dropped" {
				lines = append(lines, e.Data["over_limit"].(string))
			}
		}
		// The first storm's at once, what is left of it and the second one's with
		// the switch's next sign of life after ten seconds, the third's at once or
		// at the end.
		if len(lines) != 4 {
			t.Errorf("lines: %q", lines)
		}
	})
}
