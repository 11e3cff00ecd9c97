package main

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"

	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/samples"
)

// messages returns valid messages of a version: those of the golden files and the
// recorded corpus, where the files are at hand, and generated ones.
func messages(v ofp.Version) (pool [][]byte) {
	for _, k := range samples.Kinds(v) {
		for seed := range uint64(40) {
			pool = append(pool, samples.Frame(samples.FromSeed(seed), v, k))
		}
	}
	for i := range ofp.NewExtensions() {
		for seed := range uint64(8) {
			if b := samples.Extension(samples.FromSeed(seed), v, ofp.NewExtensions()[i]); b != nil {
				pool = append(pool, b)
			}
		}
	}
	names, _ := filepath.Glob("ofp/testdata/*/*.txt") // the pattern is well formed
	for _, name := range append(names, "ofp/testdata/ovs-recorded.jsonl") {
		data, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		for _, word := range regexp.MustCompile(`\b0[1-4][0-9a-f]{14,}\b`).FindAll(data, -1) {
			b, err := hex.DecodeString(string(word))
			if err == nil && len(b) <= 2048 && b[0] == byte(v) && int(binary.BigEndian.Uint16(b[2:])) == len(b) {
				pool = append(pool, b)
			}
		}
	}
	return pool
}

// mutator makes damaged messages of one version.
type mutator struct {
	pool [][]byte
	v    ofp.Version
	r    *rand.Rand
	buf  []byte
}

func newMutator(pool [][]byte, v ofp.Version, seed uint64) *mutator {
	return &mutator{pool: pool, v: v, r: rand.New(rand.NewPCG(seed, uint64(v)))}
}

// next returns a damaged message, valid until the next call.
func (m *mutator) next() []byte {
	b := append(m.buf[:0], m.pool[m.r.IntN(len(m.pool))]...)
	for range 1 + m.r.IntN(4) {
		b = m.damage(b)
	}
	b = b[:min(len(b), ofp.MaxMessageLen)]
	if len(b) >= ofp.HeaderLen {
		b[0] = byte(m.v)
		if m.r.IntN(50) > 0 { // else the header lies, too
			binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
		}
	}
	m.buf = b
	return b
}

// odd are numbers that lengths and counts are wrong with.
var odd = []uint16{0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 24, 32, 40, 0x7fff, 0x8000, 0xfff8, 0xffff}

func (m *mutator) damage(b []byte) []byte {
	if len(b) <= ofp.HeaderLen {
		return append(b, m.pool[m.r.IntN(len(m.pool))][ofp.HeaderLen:]...)
	}
	at := ofp.HeaderLen + m.r.IntN(len(b)-ofp.HeaderLen)
	switch m.r.IntN(10) {
	case 0: // a bit
		b[at] ^= 1 << m.r.IntN(8)
	case 1: // a byte
		b[at] = byte(m.r.Uint32())
	case 2: // the kind of the message
		if m.r.IntN(4) == 0 {
			b[1] = byte(m.r.IntN(32))
		} else {
			b[at] ^= 0xff
		}
	case 3, 4: // a number that may be a length
		at &^= 1
		if at+2 > len(b) {
			return b
		}
		x := odd[m.r.IntN(len(odd))]
		if m.r.IntN(2) == 0 {
			x = binary.BigEndian.Uint16(b[at:]) + uint16(m.r.IntN(33)) - 16
		}
		binary.BigEndian.PutUint16(b[at:], x)
	case 5: // the end
		return b[:at]
	case 6: // a piece is gone
		n := min(1+m.r.IntN(24), len(b)-at)
		if m.r.IntN(2) == 0 {
			at, n = at&^7, min((n+7)&^7, len(b)-at&^7)
		}
		return append(b[:at], b[at+n:]...)
	case 7: // a piece stands twice
		n := min(8*(1+m.r.IntN(6)), len(b)-at)
		piece := bytes.Clone(b[at : at+n])
		return append(b[:at], append(piece, b[at:]...)...)
	case 8: // a piece of another message
		other := m.pool[m.r.IntN(len(m.pool))]
		from := m.r.IntN(len(other))
		n := min(1+m.r.IntN(64), len(other)-from, len(b)-at)
		copy(b[at:], other[from:from+n])
	case 9: // the end of another message
		other := m.pool[m.r.IntN(len(m.pool))]
		return append(b[:at], other[min(at, len(other)):]...)
	}
	return b
}
