package controller

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// watchTimeout bounds how long a comparison waits for the switch to begin to tell of
// changes.
const watchTimeout = 3 * time.Second

// flowWatch says whether the switch was asked to tell of flows that others delete or
// change. The zero value stands for no.
type flowWatch struct {
	mu    sync.Mutex
	asked bool
}

// watchID is the number of the flow monitor; nobody else numbers them on this
// connection.
const watchID = 1

// watchFlows has Open vSwitch tell of flows that others delete or change, from now on
// (its flow monitor, nx_flow_monitor_request in nicira-ext.h, in all versions):
// FLOW_REMOVED tells of those alone that have send_flow_rem. What is added is not
// told, for the switch would answer each flow-mod that apps send. Others are not
// asked: some take what they do not know amiss. It is called before the switch is
// read, so that nothing changes unseen between the two, and fails only in that the
// switch does not tell.
func (s *Switch) watchFlows(ctx context.Context) {
	w := &s.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.asked || s.Desc().Manufacturer != openVSwitch {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, watchTimeout)
	defer cancel()
	_, err := s.conn.Request(ctx, &ofp.MultipartRequest{Body: &ofp.FlowMonitorRequest{Monitors: []ofp.FlowMonitor{{
		ID: watchID, Flags: ofp.MonitorDelete | ofp.MonitorModify, OutPort: ofp.PortAny, Table: ofp.TableAll,
	}}}})
	w.asked = !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) // else again at the next comparison
	if err != nil && w.asked && !s.ended() {
		s.log.WithField("error", err).Info("switch does not tell which flows others change: that is found when it is compared")
	}
}

// openVSwitch is what Open vSwitch says of its manufacturer.
const openVSwitch = "Nicira, Inc."

// toldOfFlows has the switch compared soon if it tells that somebody else has deleted
// or changed a flow that is wanted.
func (s *Switch) toldOfFlows(m *ofp.FlowMonitorReply) {
	d := s.c.cfg.Desired
	if d == nil {
		return
	}
	room := false
	for i := range m.Updates {
		u := &m.Updates[i]
		switch u.Event {
		case ofp.FlowDeleted:
			room = true
			if u.Reason == uint16(ofp.RemovedIdleTimeout) || u.Reason == uint16(ofp.RemovedHardTimeout) {
				continue // what is wanted has no timeouts
			}
		case ofp.FlowModified:
		default:
			continue
		}
		if d.Wants(s.dpid, u.Table, u.Priority, &u.Match) {
			s.restore.drifted(time.Now(), driftGap)
			return
		}
	}
	if room {
		s.roomMade()
	}
}

// resumed has the switch compared soon that has left out news of flows, because too
// many waited to be sent (NXT_FLOW_MONITOR_RESUMED).
func (s *Switch) resumed() {
	if s.c.cfg.Desired != nil {
		s.restore.drifted(time.Now(), driftGap)
	}
}
