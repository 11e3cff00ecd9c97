package main

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

func TestHistogramIsCloseAndNeverBelow(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var h histogram
	var all []int64
	for range 20000 {
		d := int64(1) << r.IntN(36)
		d += r.Int64N(d)
		h.counts[bucketOf(d)]++
		h.total++
		h.max = max(h.max, d)
		all = append(all, d)
	}
	slices.Sort(all)
	for _, q := range []float64{0, .001, .25, .5, .9, .99, .999, 1} {
		truth := min(float64(all[max(int(q*float64(len(all))+.999999)-1, 0)]), histogramTop)
		if got := float64(h.quantile(q)); got < truth || got > truth*1.04+1 {
			t.Errorf("quantile %v: %v, in truth %v", q, time.Duration(got), time.Duration(truth))
		}
	}
	if got := new(histogram).quantile(.5); got != 0 {
		t.Errorf("median of nothing: %v", got)
	}
	for _, d := range []int64{-1, 1 << 40} {
		if i := bucketOf(d); i < 0 || i >= len(h.counts) {
			t.Errorf("%d goes into bucket %d", d, i)
		}
	}
	for i := range len(h.counts) - 1 {
		if bucketOf(bucketEnd(i)) != i || bucketOf(bucketEnd(i)+1) != i+1 {
			t.Errorf("bucket %d does not end at %d", i, bucketEnd(i))
		}
	}
}

func TestCPUTime(t *testing.T) {
	got, err := parseStat([]byte("12 (a) b (c)) S 1 2 3 4 5 6 7 8 9 10 150 25 0 0 20 0 7 0 100 1 1"))
	if err != nil || got != 1750*time.Millisecond {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"", "12 (x", "12 (x) S 1 2", "1 (x) S 1 2 3 4 5 6 7 8 9 10 a b 1"} {
		if _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
	if _, err := processCPU(os.Getpid()); err != nil {
		t.Error(err)
	}
	if n, err := processRSS(os.Getpid()); err != nil || n < 1<<20 {
		t.Errorf("this process has %d bytes, %v", n, err)
	}
}

// TestRepliesAreWhatWasAskedFor asks for everything that a controller may ask
// for, and decodes what comes back.
func TestRepliesAreWhatWasAskedFor(t *testing.T) {
	for _, v := range ofp.Versions() {
		id := &identity{version: v, index: 3, dpid: 4, buffers: 256}
		ask := func(m ofp.Message) ofp.Message {
			t.Helper()
			frame := encode(v, m)
			h, err := ofp.ParseHeader(frame)
			if err != nil {
				t.Fatal(err)
			}
			b, err := id.reply(nil, h, frame)
			if err != nil {
				t.Fatalf("OpenFlow %s: %s: %v", v, m.Type(), err)
			}
			if len(b) == 0 {
				return nil
			}
			h, reply, err := ofp.Decode(b)
			if err != nil {
				t.Fatalf("OpenFlow %s: reply to %s: %v", v, m.Type(), err)
			}
			if h.XID != 7 || h.Version != v {
				t.Errorf("OpenFlow %s: reply to %s has xid %d, version %s", v, m.Type(), h.XID, h.Version)
			}
			return reply
		}
		f := ask(new(ofp.FeaturesRequest)).(*ofp.FeaturesReply)
		if f.DPID != 4 || f.Buffers != 256 || (v < ofp.V13) != (len(f.Ports) == portCount) {
			t.Errorf("OpenFlow %s: features %+v", v, f)
		}
		if e := ask(&ofp.EchoRequest{Data: []byte("x")}).(*ofp.EchoReply); string(e.Data) != "x" {
			t.Errorf("OpenFlow %s: echo %q", v, e.Data)
		}
		_ = ask(new(ofp.BarrierRequest)).(*ofp.BarrierReply)
		_ = ask(new(ofp.GetConfigRequest)).(*ofp.GetConfigReply)
		if m := ask(new(ofp.SetConfig)); m != nil {
			t.Errorf("OpenFlow %s: set_config is answered with %s", v, m.Type())
		}
		if e := ask(&ofp.Experimenter{Experimenter: 0x4f4e4600, Data: make([]byte, 8)}).(*ofp.Error); e.Reason != ofp.BadRequestBadExperimenter {
			t.Errorf("OpenFlow %s: experimenter: %s", v, e.Describe())
		}
		role := ask(&ofp.Experimenter{Experimenter: niciraID, Data: []byte{0, 0, 0, 10, 0, 0, 0, 1}})
		if b := encode(v, role); !bytes.Equal(b[ofp.HeaderLen:], []byte{0, 0, 0x23, 0x20, 0, 0, 0, 11, 0, 0, 0, 1}) {
			t.Errorf("OpenFlow %s: Nicira's role: %x", v, b)
		}
		for _, body := range []ofp.Part{
			new(ofp.DescRequest), &ofp.FlowStatsRequest{FlowFilter: ofp.AllFlows()}, &ofp.AggregateRequest{FlowFilter: ofp.AllFlows()},
			new(ofp.TableStatsRequest), &ofp.PortStatsRequest{Port: ofp.PortAny}, new(ofp.PortDescRequest),
		} {
			if r, ok := ask(ofp.Request(body)).(*ofp.MultipartReply); !ok || r.Body.Kind() != body.Kind() || r.More() {
				t.Errorf("OpenFlow %s: reply to %s: %+v", v, body.Kind(), r)
			}
		}
		if v < ofp.V12 {
			continue
		}
		// The role that a controller takes is the one it is told afterwards.
		frame := []byte{byte(v), 24, 0, 24, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9}
		for _, role := range []byte{2, 0} {
			frame[11] = role
			h, _ := ofp.ParseHeader(frame)
			b, err := id.reply(nil, h, frame)
			if err != nil || len(b) != 24 || b[1] != 25 || b[11] != 2 || b[23] != 9 {
				t.Errorf("OpenFlow %s: role %d: %x, %v", v, role, b, err)
			}
		}
	}
}

// TestAnswersAreFoundInAnySplit feeds a stream in two parts, cut at each byte.
func TestAnswersAreFoundInAnySplit(t *testing.T) {
	for _, v := range ofp.Versions() {
		var stream []byte
		for id := uint32(1); id <= 4; id++ {
			stream = append(stream, flowMod(v, id)...)
			stream = append(stream, encode(v, &ofp.EchoRequest{Data: []byte("abc")})...)
			stream = append(stream, packetOut(v, id+4)...)
		}
		for cut := range stream {
			o := &options{version: v, switches: 1, macs: 2, window: 8, throughput: true}
			s, err := newFakeSwitch(o, 0, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			s.traffic.fill(nil, 0, 1<<16)
			used, err := s.take(stream[:cut], 1)
			if err != nil || used > cut {
				t.Fatalf("cut at %d: used %d, %v", cut, used, err)
			}
			rest, err := s.take(stream[used:], 2)
			if err != nil || used+rest != len(stream) {
				t.Fatalf("cut at %d: used %d and %d of %d, %v", cut, used, rest, len(stream), err)
			}
			if s.traffic.Answered != 8 {
				t.Fatalf("OpenFlow %s, cut at %d: %d answers, want 8", v, cut, s.traffic.Answered)
			}
			if n := bytes.Count(s.pending, []byte("abc")); n != 4 {
				t.Fatalf("OpenFlow %s, cut at %d: %d echo replies, want 4", v, cut, n)
			}
		}
	}
}

func TestBufferIDIsWhereTheCodecPutsIt(t *testing.T) {
	for _, v := range ofp.Versions() {
		for _, frame := range [][]byte{flowMod(v, 0xabcdef), packetOut(v, 0xabcdef)} {
			if id, ok := bufferID(v, frame); !ok || id != 0xabcdef {
				t.Errorf("OpenFlow %s: % x: buffer id %#x, %v", v, frame, id, ok)
			}
		}
		if _, ok := bufferID(v, encode(v, new(ofp.BarrierRequest))); ok {
			t.Errorf("OpenFlow %s: a barrier request is an answer", v)
		}
	}
}

func FuzzTake(f *testing.F) {
	for _, v := range ofp.Versions() {
		f.Add(byte(v-1), append(flowMod(v, 1), encode(v, ofp.Request(new(ofp.DescRequest)))...))
		f.Add(byte(v-1), encode(v, new(ofp.Hello)))
	}
	f.Fuzz(func(t *testing.T, version byte, b []byte) {
		o := &options{version: ofp.Version(version%4 + 1), switches: 1, macs: 2, window: 8, throughput: true}
		s, err := newFakeSwitch(o, 0, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		s.traffic.fill(nil, 0, 1<<16)
		if used, err := s.take(b, 1); used > len(b) || err == nil && used+8 <= len(b) && int(binary.BigEndian.Uint16(b[used+2:])) <= len(b)-used {
			t.Errorf("used %d of %d: %v", used, len(b), err)
		}
	})
}
