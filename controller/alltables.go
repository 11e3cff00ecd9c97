package controller

import (
	"errors"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
)

// expansion is a list of messages of which some stand for one message of the
// caller's.
type expansion struct {
	msgs   []ofp.Message
	origin []int // of each message: the index of the caller's
}

// forEachTable puts in the place of a delete from all tables one delete for each
// table of a switch that speaks OpenFlow 1.1: only later versions can say "all
// tables" when they delete flows (ofp_flow_mod, section A.3.4.1 of OpenFlow
// 1.1.0). It reports whether there was anything to replace.
func forEachTable(msgs []ofp.Message, tables int) (expansion, bool) {
	var x expansion
	found := false
	for i, m := range msgs {
		f, ok := m.(*ofp.FlowMod)
		if !ok || f.Table != ofp.TableAll || f.Command != ofp.FlowDelete && f.Command != ofp.FlowDeleteStrict {
			x.msgs, x.origin = append(x.msgs, m), append(x.origin, i)
			continue
		}
		found = true
		for table := range max(tables, 1) {
			one := *f // shares the match, which nobody changes
			one.Table = uint8(table)
			x.msgs, x.origin = append(x.msgs, &one), append(x.origin, i)
		}
	}
	return x, found
}

// result tells the error of writing the expansion as one of writing msgs.
func (x *expansion) result(err error, msgs []ofp.Message) error {
	e := (*channel.WriteError)(nil)
	if !errors.As(err, &e) {
		return err
	}
	out := &channel.WriteError{Sent: x.whole(e.Sent, len(msgs)), Confirmed: x.whole(e.Confirmed, len(msgs)), Err: e.Err}
	last := -1
	for _, item := range e.Errors {
		i := x.origin[item.Index]
		if i != last {
			out.Errors = append(out.Errors, channel.ItemError{Index: i, Message: msgs[i], Err: item.Err})
		}
		last = i
	}
	return out
}

// whole is how many of the caller's n messages are among the first sent ones
// with all that stands for them.
func (x *expansion) whole(sent, n int) int {
	if sent >= len(x.origin) {
		return n
	}
	return x.origin[sent]
}
