package channel

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
)

// classCounts counts packet-ins by class.
type classCounts [NumClasses]uint64

// String lists what is not zero: "1200 ip, 3 arp".
func (n *classCounts) String() string {
	var parts []string
	for k, count := range n {
		if count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count, Class(k)))
		}
	}
	return strings.Join(parts, ", ")
}

// lossReason says why packet-ins of a connection are dropped.
type lossReason uint8

const (
	inboxFull lossReason = iota
	overLimit
	numLossReasons
)

// firstDrop is the Drop of each reason's first class; the others follow.
var firstDrop = [numLossReasons]Drop{inboxFull: DropPacketInARP, overLimit: DropLimitARP}

// lossInterval is the least time between two lines about dropped packet-ins of a
// connection.
const lossInterval = 10 * time.Second

// losses is what a connection has dropped of packet-ins. All but the totals are
// the reader's alone.
type losses struct {
	totals   [numLossReasons][NumClasses]atomic.Uint64
	untold   [numLossReasons]classCounts // since the last line
	anything bool                        // in untold
	told     time.Time                   // the last line
}

// lose counts packet-ins that are dropped, and tells of them.
func (c *Conn) lose(why lossReason, n *classCounts) {
	l := &c.lost
	for k, count := range n {
		if count > 0 {
			c.stats.Drops[firstDrop[why]+Drop(k)].Add(count)
			l.totals[why][k].Add(count)
			l.untold[why][k] += count
			l.anything = true
		}
	}
	c.tellLosses(false)
}

// tellLosses logs what has been dropped since the last line, if that is long
// enough ago or this is the end. It is called for each chunk, so that what a storm
// has cost is told when it is over too.
func (c *Conn) tellLosses(end bool) {
	l := &c.lost
	if !l.anything {
		return
	}
	now := time.Now()
	if !end && !l.told.IsZero() && now.Sub(l.told) < lossInterval {
		return
	}
	fields := logrus.Fields{"dpid": c.features.DPID.String()}
	var advice []string
	if s := l.untold[overLimit].String(); s != "" {
		fields["over_limit"] = s
		advice = append(advice, "--packet-in-rate is the limit")
	}
	if s := l.untold[inboxFull].String(); s != "" {
		fields["apps_too_slow"] = s
		advice = append(advice, "--packet-in-rate bounds what reaches the apps, --controller-meter what a switch sends")
	}
	fields["advice"] = strings.Join(advice, "; ")
	c.log.WithFields(fields).Warn("packet-ins dropped")
	l.told, l.anything, l.untold = now, false, [numLossReasons]classCounts{}
}

// PacketInDrops tells how many packet-ins of a class a connection has dropped.
type PacketInDrops struct {
	Class     Class
	InboxFull uint64 // the apps were too slow
	OverLimit uint64 // Config.PacketInLimits
}

// PacketInDrops returns what has been dropped so far, a row a class.
func (c *Conn) PacketInDrops() []PacketInDrops {
	rows := make([]PacketInDrops, NumClasses)
	for k := range rows {
		rows[k] = PacketInDrops{Class(k), c.lost.totals[inboxFull][k].Load(), c.lost.totals[overLimit][k].Load()}
	}
	return rows
}
