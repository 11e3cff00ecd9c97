package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"math"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/need"
)

// packetWriter is what the writers of both formats have in common.
type packetWriter interface {
	WritePacket(gopacket.CaptureInfo, []byte) error
}

// captureOf writes segments as a capture.
func captureOf(t testing.TB, ng bool, segments ...*segment) []byte {
	t.Helper()
	var b bytes.Buffer
	var w packetWriter
	flush := func() error { return nil }
	if ng {
		x, err := pcapgo.NewNgWriter(&b, layers.LinkTypeEthernet)
		if err != nil {
			t.Fatal(err)
		}
		w, flush = x, x.Flush
	} else {
		x := pcapgo.NewWriter(&b)
		if err := x.WriteFileHeader(math.MaxUint16, layers.LinkTypeEthernet); err != nil {
			t.Fatal(err)
		}
		w = x
	}
	for _, s := range segments {
		frame := packetOf(t, s)
		if err := w.WritePacket(gopacket.CaptureInfo{Timestamp: s.time, CaptureLength: len(frame), Length: len(frame)}, frame); err != nil {
			t.Fatal(err)
		}
	}
	if err := flush(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func packetOf(t testing.TB, s *segment) []byte {
	t.Helper()
	tcp := &layers.TCP{SrcPort: layers.TCPPort(s.from.Port()), DstPort: layers.TCPPort(s.to.Port()),
		Seq: s.seq, Ack: s.ack, SYN: s.syn, FIN: s.end, ACK: s.acks, Window: 1000}
	eth := &layers.Ethernet{SrcMAC: make([]byte, 6), DstMAC: make([]byte, 6), EthernetType: layers.EthernetTypeIPv4}
	var ip interface {
		gopacket.SerializableLayer
		gopacket.NetworkLayer
	} = &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: s.from.Addr().AsSlice(), DstIP: s.to.Addr().AsSlice()}
	if s.from.Addr().Is6() {
		eth.EthernetType = layers.EthernetTypeIPv6
		ip = &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: layers.IPProtocolTCP, SrcIP: s.from.Addr().AsSlice(), DstIP: s.to.Addr().AsSlice()}
	}
	if err := tcp.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, eth, ip, tcp, gopacket.Payload(s.data)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// talk is a conversation of a switch and a controller: messages of both, one
// split over two segments, two in one.
func talk(t testing.TB) []*segment {
	hello, features, barrier := unhex(t, "0400000800000001"), unhex(t, "0405000800000002"), unhex(t, "0414000800000003")
	down := func(seq uint32, b []byte) *segment {
		return &segment{from: controllerEnd, to: switchEnd, seq: seq, data: b}
	}
	downSyn := down(499, nil)
	downSyn.syn = true
	list := []*segment{syn(99), downSyn, up(100, hello), down(500, hello), down(508, append(features[:8:8], barrier[:3]...)),
		down(519, barrier[3:]), up(108, unhex(t, "0415000800000003"))}
	for i, s := range list {
		s.time = time.Unix(1_700_000_000, int64(i)*1000)
	}
	return list
}

// talkTexts are the lines that talk is printed as, without the times.
var talkTexts = []string{
	"192.0.2.1.43210 > 192.0.2.2.6653:", "OFPT_HELLO (OF1.3) (xid=0x1):", " version bitmap: 0x01, 0x02, 0x03, 0x04", "",
	"192.0.2.2.6653 > 192.0.2.1.43210:", "OFPT_HELLO (OF1.3) (xid=0x1):", " version bitmap: 0x01, 0x02, 0x03, 0x04", "",
	"192.0.2.2.6653 > 192.0.2.1.43210:", "OFPT_FEATURES_REQUEST (OF1.3) (xid=0x2):", "",
	"192.0.2.2.6653 > 192.0.2.1.43210:", "OFPT_BARRIER_REQUEST (OF1.3) (xid=0x3):", "",
	"192.0.2.1.43210 > 192.0.2.2.6653:", "OFPT_BARRIER_REPLY (OF1.3) (xid=0x3):",
}

var stamped = regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} `)

func write(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCapture(t *testing.T) {
	for _, ng := range []bool{false, true} {
		path := write(t, "talk", captureOf(t, ng, talk(t)...))
		in, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{path}, {"--pcap", path}, {"--pcap", "-"}, {"--port", "1,6653", path}} {
			r := ofpPrint(string(in), args...)
			if r.code != exitDone || r.err != "" {
				t.Fatalf("%q: status %d, %s", args, r.code, r.err)
			}
			if n := len(stamped.FindAllString(r.out, -1)); n != 5 {
				t.Errorf("%d times in\n%s", n, r.out)
			}
			got := strings.Split(strings.TrimSuffix(stamped.ReplaceAllString(r.out, ""), "\n"), "\n")
			if d := cmp.Diff(talkTexts, got); d != "" {
				t.Errorf("%q (-want +got):\n%s", args, d)
			}
		}
	}
}

// TestCaptureLikeOVS: but for the times the text is that of ovs-ofctl.
func TestCaptureLikeOVS(t *testing.T) {
	ovs := need.Program(t, "ovs-ofctl", "openvswitch-switch")
	path := write(t, "talk.pcap", captureOf(t, false, talk(t)...))
	want, err := exec.Command(ovs, "ofp-parse-pcap", path, "6653").Output()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), stamped.ReplaceAllString(ofpPrint("", path).out, "")); d != "" {
		t.Errorf("(-ovs-ofctl +sluice):\n%s", d)
	}
}

// TestCaptureOfEveryMessage: each message of the corpus is found again.
func TestCaptureOfEveryMessage(t *testing.T) {
	data, err := os.ReadFile("../../ofp/testdata/ovs-recorded.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	seq := uint32(math.MaxUint32 - 5000)
	segments := []*segment{syn(seq - 1)}
	var want []reencoded
	var all []byte
	for d := json.NewDecoder(bytes.NewReader(data)); ; {
		var m struct{ Hex string }
		if err := d.Decode(&m); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		frame := unhex(t, m.Hex)
		all = append(all, frame...)
		want = append(want, reencode(frame))
	}
	for at := 0; at < len(all); at += 1448 {
		segments = append(segments, up(seq+uint32(at), all[at:min(at+1448, len(all))]))
	}
	r := ofpPrint("", "--reencode", "--pcap", write(t, "all.pcap", captureOf(t, false, segments...)))
	var got []reencoded
	for line := range strings.Lines(r.out) {
		var x reencoded
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&x); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		got = append(got, x)
	}
	if d := cmp.Diff(want, got); d != "" || len(want) < 400 {
		t.Errorf("%d messages (-want +got):\n%s", len(want), d)
	}
}

func TestCaptureAsJSON(t *testing.T) {
	six := netip.MustParseAddrPort("[2001:db8::1]:4444")
	s := &segment{from: six, to: netip.MustParseAddrPort("[2001:db8::2]:6633"), data: echo(7, 8), time: time.Unix(1_700_000_000, 5000).UTC()}
	path := write(t, "six", captureOf(t, true, s))
	var got struct{ Messages []map[string]any }
	if err := json.Unmarshal([]byte(ofpPrint("", "-o", "json", path).out), &got); err != nil {
		t.Fatal(err)
	}
	want := []map[string]any{{"time": "2023-11-14T22:13:20.000005Z", "from": "2001:db8::1.4444", "to": "2001:db8::2.6633",
		"ok": true, "error": "", "type": "echo_request", "text": ofp.Print(echo(7, 8)), "hex": "0402000800000007"}}
	if d := cmp.Diff(want, got.Messages); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if y := ofpPrint("", "-o", "yaml", path).out; !strings.Contains(y, "from: 2001:db8::1.4444\n") {
		t.Errorf("yaml: %s", y)
	}
}

func TestCaptureErrors(t *testing.T) {
	whole := captureOf(t, false, talk(t)...)
	good := write(t, "good", whole)
	for _, row := range []struct {
		name string
		args []string
		code int
		says []string
	}{
		{"no such file", []string{"--pcap", "/nonexistent"}, exitError, []string{"/nonexistent"}},
		{"no capture", []string{"--pcap", "ofpprint_capture_test.go"}, exitError, []string{"ofpprint_capture_test.go", "neither pcap nor pcapng"}},
		{"cut off", []string{write(t, "cut", whole[:len(whole)-5])}, exitError, []string{"after 6 packets", "unexpected EOF"}},
		{"only the header", []string{write(t, "head", whole[:24])}, exitDone, []string{"no OpenFlow on TCP port 6633 or 6653"}},
		{"another port", []string{"--port", "7", good}, exitDone, []string{"no OpenFlow on TCP port 7 "}},
		{"no port", []string{"--port", "70000", good}, exitUsage, []string{"70000"}},
		{"with hexadecimal", []string{good, hello}, exitUsage, []string{"do not go together"}},
		{"with hexadecimal before", []string{hello, good}, exitUsage, []string{"do not go together"}},
		{"lost", []string{write(t, "lost", captureOf(t, false, syn(99), up(100, echo(1, 8)), up(116, echo(3, 8)), fin(124)))}, exitError,
			[]string{"192.0.2.1.43210 > 192.0.2.2.6653: 8 bytes are missing from the capture"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := ofpPrint("", row.args...)
			if r.code != row.code {
				t.Errorf("status %d, want %d", r.code, row.code)
			}
			wantTexts(t, "error", r.err, row.says...)
		})
	}
}

// FuzzCapture: whatever the file, there is no panic and an end.
func FuzzCapture(f *testing.F) {
	for _, ng := range []bool{false, true} {
		whole := captureOf(f, ng, talk(f)...)
		f.Add(whole)
		f.Add(whole[:len(whole)/2])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		a := newStreams([]uint16{6633, 6653}, func(m captured) {
			if m.err == nil {
				_ = reencode(m.frame)
			}
		})
		if err := eachSegment(bytes.NewReader(data), a.add); err != nil && strings.Contains(err.Error(), "fault") {
			t.Error(err)
		}
		a.end()
	})
}
