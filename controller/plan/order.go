package plan

import (
	"cmp"
	"slices"

	"github.com/sluice-sdn/sluice/ofp"
)

// downwards orders flows that come: those of later tables first, for tables before
// them lead there, and in a table by falling priority. So at every moment a packet
// meets in a table either what it met before or what it is to meet: never a broad
// flow without the narrow one above it that makes an exception from it.
func downwards(all []Change) {
	slices.SortFunc(all, func(a, b Change) int { return cmp.Or(-byPriority(a, b), cmp.Compare(a.Want, b.Want)) })
}

// upwards orders flows that go the other way round, for the same reason.
func upwards(all []Change) {
	slices.SortFunc(all, func(a, b Change) int { return cmp.Or(byPriority(a, b), cmp.Compare(a.Have, b.Have)) })
}

func byPriority(a, b Change) int {
	f, g := a.Message.(*ofp.FlowMod), b.Message.(*ofp.FlowMod)
	return cmp.Or(cmp.Compare(f.Table, g.Table), cmp.Compare(f.Priority, g.Priority))
}
