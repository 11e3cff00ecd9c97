package faults

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/faultproxy"
)

// promise is what can be relied on under a fault.
type promise uint8

const (
	// nothingForeign: every flow on the switch is one that was asked for, as it
	// was asked for, and none is there that was reported as never sent.
	nothingForeign promise = 1 << iota
	// acknowledgedIsThere: what a Write reports as confirmed is on the switch when
	// it returns.
	acknowledgedIsThere
	// acknowledgedComes: it is there soon, as long as the connection stands.
	acknowledgedComes
	// failedIsNot: what it reports as failed is not there.
	failedIsNot
	// wholeReplies: a reply that is returned is whole.
	wholeReplies
	// partsOfReplies: a reply that is returned has nothing that is not on the
	// switch, but may lack something.
	partsOfReplies
	// staysUp: the connection stays.
	staysUp
	// ends: an idle connection ends, with a reason.
	ends

	likeTCP = nothingForeign | acknowledgedIsThere | acknowledgedComes | failedIsNot | wholeReplies | partsOfReplies
)

// promised is the table of promises: what holds while a kind of fault is at work
// downwards, and upwards. TCP itself delays and ends streams, and Sluice promises
// the whole then. It never loses, repeats or changes anything in the midst of a
// stream: under such faults, which a broken middlebox or a bad switch may bring,
// only what is written here can be known.
var promised = [faultproxy.NumKinds]struct{ down, up promise }{
	faultproxy.Delay:     {likeTCP | staysUp, likeTCP | staysUp},
	faultproxy.Throttle:  {likeTCP | staysUp, likeTCP | staysUp},
	faultproxy.Split:     {likeTCP | staysUp, likeTCP | staysUp},
	faultproxy.Cut:       {likeTCP | ends, likeTCP | ends},
	faultproxy.Reset:     {likeTCP | ends, likeTCP | ends},
	faultproxy.HalfClose: {likeTCP | ends, likeTCP | ends},

	// A flow that is added twice is the same flow, and a second reply to one
	// request is thrown away; the segments of a multipart reply have no numbers.
	faultproxy.Duplicate: {likeTCP | staysUp, likeTCP&^wholeReplies | staysUp},
	// A flow-mod that comes after the barrier that was sent after it is late; one
	// that is lost is missing, and nobody can know. Upwards the last segment of a
	// reply may come before others, which are late then; an error that is late or
	// lost is missed, but what the switch confirms it has seen.
	faultproxy.Reorder: {likeTCP&^acknowledgedIsThere | staysUp, likeTCP&^wholeReplies&^failedIsNot | staysUp},
	faultproxy.Drop:    {likeTCP &^ acknowledgedIsThere &^ acknowledgedComes, likeTCP &^ wholeReplies &^ failedIsNot},

	// Changed bytes may be any other message, a confirmation too.
	faultproxy.Corrupt:          {0, nothingForeign},
	faultproxy.CorruptLength:    {0, nothingForeign},
	faultproxy.DuplicateSegment: {0, nothingForeign},
	faultproxy.ReorderSegment:   {0, nothingForeign},
}

// promisedUnder is what holds under all the faults together.
func promisedUnder(faults faultproxy.Faults) promise {
	all, ending := ^promise(0), promise(0)
	for _, f := range faults {
		row := promised[f.Kind]
		both := f.Up == f.Down
		if f.Down || both {
			all &= row.down | ends
			ending |= row.down & ends
		}
		if f.Up || both {
			all &= row.up | ends
			ending |= row.up & ends
		}
	}
	return all&^ends | ending
}

// theFlow is the nth flow that a case asks for.
func theFlow(n int) *ofp.FlowMod {
	m := ofp.NewFlowMod(ofp.FlowAdd)
	m.Priority, m.Cookie = 100, uint64(n)+1
	m.Match.SetUint(ofp.FieldEthDst, 0x02_00_00_000000+uint64(n))
	m.Instructions = []ofp.Instruction{ofp.Apply(ofp.Output(ofp.PortNo(1 + n%4)))}
	return m
}

func theFlows(n int) []ofp.Message {
	out := make([]ofp.Message, n)
	for i := range out {
		out[i] = theFlow(i)
	}
	return out
}

// which returns the number of a flow, or -1 if it is none that was asked for.
func which(f *ofp.FlowStats) int {
	if f.Cookie == 0 || f.Cookie > 1<<24 {
		return -1
	}
	n := int(f.Cookie) - 1
	want := theFlow(n)
	same := f.Table == 0 && f.Priority == want.Priority && f.Match.Equal(&want.Match) && len(f.Instructions) == 1 &&
		f.Instructions[0].Type == want.Instructions[0].Type && len(f.Instructions[0].Actions) == 1 &&
		f.Instructions[0].Actions[0].Type == want.Instructions[0].Actions[0].Type &&
		f.Instructions[0].Actions[0].Arg == want.Instructions[0].Actions[0].Arg
	if !same {
		return -1
	}
	return n
}

// numbers returns which of the flows there are, and how many others.
func numbers(flows []ofp.FlowStats) (have map[int]bool, foreign int) {
	have = map[int]bool{}
	for i := range flows {
		if n := which(&flows[i]); n >= 0 {
			have[n] = true
		} else {
			foreign++
		}
	}
	return have, foreign
}

// judgeWrite compares what a Write of theFlows(n) reports with what is on the
// switch at once, and returns what does not hold.
func judgeWrite(p promise, err error, n int, sw flowHolder) (wrong []string) {
	have, foreign := numbers(sw.Flows())
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if p&nothingForeign != 0 && foreign > 0 {
		complain("%d flows that nobody asked for are on the switch", foreign)
	}
	sent, confirmed, failed := n, n, map[int]bool{}
	if err != nil {
		e, ok := errors.AsType[*controller.WriteError](err)
		if !ok {
			complain("the write fails with a %T: %v", err, err)
			return wrong
		}
		if e.Err != nil && !errors.Is(e.Err, controller.ErrDisconnected) && !errors.Is(e.Err, context.DeadlineExceeded) &&
			p&acknowledgedIsThere != 0 {
			complain("the write fails for a reason that is none: %v", err)
		}
		sent, confirmed = e.Sent, e.Confirmed
		for _, item := range e.Errors {
			failed[item.Index] = true
		}
	}
	if confirmed > sent || sent > n {
		complain("%d confirmed, %d sent, %d to write", confirmed, sent, n)
	}
	count := func(what string, p, need promise, is func(i int) bool) {
		bad := 0
		first := -1
		for i := range n {
			if is(i) {
				if bad++; first < 0 {
					first = i
				}
			}
		}
		if bad > 0 && p&need != 0 {
			complain("%d flows, from number %d, %s (%v)", bad, first, what, err)
		}
	}
	count("are acknowledged and not on the switch", p, acknowledgedIsThere, func(i int) bool { return i < confirmed && !failed[i] && !have[i] })
	count("are reported as failed and on the switch", p, failedIsNot, func(i int) bool { return failed[i] && have[i] })
	count("are reported as never sent and on the switch", p, nothingForeign, func(i int) bool { return i >= sent && have[i] })
	return wrong
}

// missing returns the acknowledged flows that are not on the switch.
func missing(err error, n int, sw flowHolder) (out []int) {
	have, _ := numbers(sw.Flows())
	e, failed := errors.AsType[*controller.WriteError](err)
	for i := range n {
		if failed && (i >= e.Confirmed || slices.ContainsFunc(e.Errors, func(x controller.ItemError) bool { return x.Index == i })) {
			continue
		}
		if !have[i] {
			out = append(out, i)
		}
	}
	return out
}

// judgeReply compares statistics with the flows 0 to n-1 that are on the switch.
func judgeReply(p promise, flows []ofp.FlowStats, n int) (wrong []string) {
	have, foreign := numbers(flows)
	for i := range have {
		if i >= n {
			foreign++
		}
	}
	if p&partsOfReplies != 0 && foreign > 0 {
		wrong = append(wrong, fmt.Sprintf("statistics have %d flows that are not on the switch", foreign))
	}
	if p&wholeReplies != 0 && (len(have) != n || len(flows) != n) {
		wrong = append(wrong, fmt.Sprintf("statistics have %d flows, %d of them different, of %d", len(flows), len(have), n))
	}
	return wrong
}
