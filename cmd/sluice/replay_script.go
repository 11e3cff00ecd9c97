package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// script is what is played: what the switch said, and what the controller had
// said when it said so. It has no socket and no clock.
type script struct {
	version ofp.Version
	steps   []step
	asks    []ask

	seed   maphash.Seed
	same   map[uint64][]int  // asks by content
	alike  map[subject][]int // asks by subject
	counts map[subject]*tally

	answered map[subject][]int // the first asks that have replies
}

// maxAnswered is how many requests of a subject are looked through for an answer
// to one that was not recorded.
const maxAnswered = 64

// step is a message of the switch.
type step struct {
	frame []byte
	after time.Duration // since the connection began
	ask   int           // the request that it answers, or -1
	place int           // how many asks were recorded before it
	done  bool          // it was said, or left out
}

// ask is a message of the controller, as it was recorded.
type ask struct {
	frame   []byte
	subject subject
	place   int // how many steps were recorded before it
	replies []int
	came    bool   // the controller has said it again
	xid     uint32 // then
}

// subject is what messages have in common that can stand for each other.
type subject struct {
	typ  ofp.Type
	part ofp.PartKind
}

func subjectOf(frame []byte) subject {
	k := subject{typ: ofp.TypeOf(frame)}
	if (k.typ == ofp.TypeMultipartRequest || k.typ == ofp.TypeMultipartReply) && len(frame) >= 10 {
		k.part = ofp.PartKind(binary.BigEndian.Uint16(frame[8:]))
	}
	return k
}

func (k subject) String() string {
	if k.typ == ofp.TypeMultipartRequest || k.typ == ofp.TypeMultipartReply {
		return fmt.Sprintf("%s %s", k.typ, k.part)
	}
	return k.typ.String()
}

// tally compares what the controller says with what it said, for one subject.
type tally struct{ recorded, same, different, extra int }

func (t tally) missing() int { return t.recorded - t.same - t.different }

// difference is a message that is not what it was.
type difference struct{ recorded, now []byte }

func xidOf(frame []byte) uint32 { return binary.BigEndian.Uint32(frame[4:]) }

// withXID returns a copy of a message under another xid; an error's copy of the
// message that it is about, too.
func withXID(frame []byte, xid uint32) []byte {
	b := bytes.Clone(frame)
	binary.BigEndian.PutUint32(b[4:], xid)
	if b[1] == 1 && len(b) >= 20 && bytes.Equal(b[16:20], frame[4:8]) {
		binary.BigEndian.PutUint32(b[16:], xid)
	}
	return b
}

// replies are the types of the answers to requests.
var replies = map[ofp.Type]ofp.Type{
	ofp.TypeFeaturesReply:       ofp.TypeFeaturesRequest,
	ofp.TypeGetConfigReply:      ofp.TypeGetConfigRequest,
	ofp.TypeMultipartReply:      ofp.TypeMultipartRequest,
	ofp.TypeBarrierReply:        ofp.TypeBarrierRequest,
	ofp.TypeQueueGetConfigReply: ofp.TypeQueueGetConfigRequest,
	ofp.TypeRoleReply:           ofp.TypeRoleRequest,
	ofp.TypeGetAsyncReply:       ofp.TypeGetAsyncRequest,
	ofp.TypeNXRoleReply:         ofp.TypeNXRoleRequest,
}

// wantsReply reports whether a message of that type wants an answer.
func wantsReply(t ofp.Type) bool {
	for _, request := range replies {
		if t == request {
			return true
		}
	}
	return false
}

// newScript makes a script of a dialogue. Echo requests of the controller and their
// answers are left out: they come when it is silent.
func newScript(t *dialogue) *script {
	s := &script{version: t.version, seed: maphash.MakeSeed(), same: map[uint64][]int{}, alike: map[subject][]int{}, counts: map[subject]*tally{}, answered: map[subject][]int{}}
	last := map[uint32]int{} // the last ask under an xid
	for _, l := range t.lines {
		if len(l.frame) < ofp.HeaderLen {
			continue
		}
		k := subjectOf(l.frame)
		if l.from != t.sw {
			if k.typ == ofp.TypeEchoRequest {
				continue
			}
			i := len(s.asks)
			s.asks = append(s.asks, ask{frame: l.frame, subject: k, place: len(s.steps)})
			last[xidOf(l.frame)] = i
			h := s.hash(l.frame)
			s.same[h] = append(s.same[h], i)
			s.alike[k] = append(s.alike[k], i)
			s.count(k).recorded++
			continue
		}
		if k.typ == ofp.TypeEchoReply {
			continue
		}
		p := step{frame: l.frame, after: max(0, l.time.Sub(t.begin)), ask: -1, place: len(s.asks)}
		if i, ok := last[xidOf(l.frame)]; ok && answers(l.frame, k.typ, s.asks[i].subject.typ) {
			p.ask = i
			if a := &s.asks[i]; len(a.replies) == 0 && len(s.answered[a.subject]) < maxAnswered {
				s.answered[a.subject] = append(s.answered[a.subject], i)
			}
			s.asks[i].replies = append(s.asks[i].replies, len(s.steps))
		}
		s.steps = append(s.steps, p)
	}
	return s
}

// answers reports whether a message of the switch is the answer to one of the
// controller that had the same xid.
func answers(frame []byte, typ, asked ofp.Type) bool {
	switch typ {
	case ofp.TypeError:
		return asked != ofp.TypeHello && asked != ofp.TypeError
	case ofp.TypeExperimenter:
		return asked == ofp.TypeExperimenter
	}
	request, ok := replies[typ]
	return ok && request == asked
}

// hash is that of a message without its xid.
func (s *script) hash(frame []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(s.seed)
	_, _ = h.Write(frame[:4]) // maphash never fails
	_, _ = h.Write(frame[8:])
	return h.Sum64()
}

func (s *script) count(k subject) *tally {
	t := s.counts[k]
	if t == nil {
		t = new(tally)
		s.counts[k] = t
	}
	return t
}

// hear finds what a message of the controller stands for: the first of the same
// content that has not come yet; else the first of its subject that was recorded
// before step at; else nothing, -1.
func (s *script) hear(frame []byte, at int) (i int, d *difference) {
	k, h := subjectOf(frame), s.hash(frame)
	if i = first(s.asks, s.same, h); i >= 0 && equalButXID(s.asks[i].frame, frame) {
		s.count(k).same++
	} else if i = first(s.asks, s.alike, k); i >= 0 && s.asks[i].place <= at {
		s.count(k).different++
		d = &difference{s.asks[i].frame, bytes.Clone(frame)}
	} else {
		s.count(k).extra++
		return -1, nil
	}
	s.asks[i].came, s.asks[i].xid = true, xidOf(frame)
	return i, d
}

func equalButXID(a, b []byte) bool {
	return bytes.Equal(a[:4], b[:4]) && bytes.Equal(a[8:], b[8:])
}

// first returns the first ask of a list that has not come yet, or -1.
func first[K comparable](asks []ask, in map[K][]int, key K) int {
	list := in[key]
	for len(list) > 0 && asks[list[0]].came {
		list = list[1:]
	}
	in[key] = list
	if len(list) == 0 {
		return -1
	}
	return list[0]
}

// reply returns a recorded answer to a request that the recording does not have
// at this place, or one that is made up, or an error that says that the request
// is not understood: whoever asks shall not wait in vain.
func (s *script) reply(frame []byte) [][]byte {
	k, xid := subjectOf(frame), xidOf(frame)
	if !wantsReply(k.typ) {
		return nil
	}
	best := -1
	for _, i := range s.answered[k] {
		a := &s.asks[i]
		if equalButXID(a.frame, frame) {
			best = i
			break
		}
		if best < 0 {
			best = i
		}
	}
	if best >= 0 && k.typ != ofp.TypeRoleRequest && k.typ != ofp.TypeNXRoleRequest {
		var list [][]byte
		for _, r := range s.asks[best].replies {
			list = append(list, withXID(s.steps[r].frame, xid))
		}
		return list
	}
	var m ofp.Message
	_, asked, err := ofp.Decode(frame)
	switch asked := asked.(type) {
	case *ofp.BarrierRequest:
		m = &ofp.BarrierReply{}
	case *ofp.RoleRequest:
		m = &ofp.RoleReply{RoleState: asked.RoleState}
	case *ofp.NXRoleRequest:
		m = &ofp.NXRoleReply{Role: asked.Role}
	case *ofp.MultipartRequest:
		m = ofp.NewError(ofp.BadRequestBadStat, frame)
	default:
		m = ofp.NewError(ofp.BadRequestBadType, frame)
	}
	if err != nil {
		m = ofp.NewError(ofp.BadRequestBadLen, frame)
	}
	b, err := ofp.Append(nil, ofp.Version(frame[0]), xid, m)
	if err != nil {
		return nil // a version that has no such answer
	}
	return [][]byte{b}
}
