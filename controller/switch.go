package controller

import (
	"context"
	"net"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// Switch is a connected, ready switch. All methods may be called from any
// goroutine. When the switch goes away, Done is closed and what waits fails with
// ErrDisconnected; a switch that comes back is another Switch.
type Switch struct{}

// DPID returns the switch's datapath identifier.
func (s *Switch) DPID() ofp.DPID { return 0 }

// Name returns what people call the switch: the name of its local port, which is
// the bridge's name in Open vSwitch; else the datapath description, unless that
// is empty or "None"; else the DPID.
func (s *Switch) Name() string { return "" }

// Version returns the negotiated version.
func (s *Switch) Version() ofp.Version { return 0 }

// Addr returns the switch's end of the connection.
func (s *Switch) Addr() net.Addr { return nil }

// Since returns when the switch became ready.
func (s *Switch) Since() time.Time { return time.Time{} }

// Features returns what the switch told in its handshake; Ports is empty, see
// the method Ports.
func (s *Switch) Features() ofp.FeaturesReply { return ofp.FeaturesReply{} }

// Desc returns the switch's description of itself; it is empty if the switch
// gave none.
func (s *Switch) Desc() ofp.Desc { return ofp.Desc{} }

// Ports returns the ports as they are now, by ascending number. The slice is
// shared with other callers and must not be changed.
func (s *Switch) Ports() []ofp.Port { return nil }

// Port returns one port as it is now.
func (s *Switch) Port(no ofp.PortNo) (ofp.Port, bool) { return ofp.Port{}, false }

// Names translates the names of the switch's ports, as they are at each call of
// its functions.
func (s *Switch) Names() *ofp.Names { return nil }

// Done is closed when the switch is gone.
func (s *Switch) Done() <-chan struct{} { return nil }

// Send encodes m into the switch's outbox and returns without waiting; m may be
// reused at once. What is sent while a handler runs may stay in the outbox until
// the handler's batch of events ends, some milliseconds at most. It fails with an
// *ofp.EncodeError, with ErrDisconnected, or with ErrOverloaded where too much
// waits: packet-outs from the high-water mark on, everything else from twice
// that. What fails is not sent, and counted.
//
// Nothing tells whether the switch carried m out: its error, if any, goes to the
// apps' ErrorHandler. Use Write to know.
func (s *Switch) Send(m ofp.Message) error { return errSkeleton }

// Write sends msgs in order and a barrier after them, and waits for the
// barrier's reply. It returns nil only if the switch confirmed every message;
// else a *WriteError. All messages are encoded before the first is sent: if one
// cannot be, nothing is sent. Messages of others may be sent in between.
func (s *Switch) Write(ctx context.Context, msgs []ofp.Message) error { return errSkeleton }

// Request sends m and returns the reply; a multipart reply is assembled from its
// segments and returned as one. It fails with a *SwitchError if the switch
// answered with an OpenFlow error, and with ErrDisconnected, ErrOverloaded (too
// many requests are in flight) or the context's error.
func (s *Switch) Request(ctx context.Context, m ofp.Message) (ofp.Message, error) {
	return nil, errSkeleton
}

// Barrier returns when the switch has processed all messages sent before.
func (s *Switch) Barrier(ctx context.Context) error { return errSkeleton }

// Flows returns the flows that pass the filter.
func (s *Switch) Flows(ctx context.Context, filter ofp.FlowFilter) ([]ofp.FlowStats, error) {
	return nil, errSkeleton
}

// Aggregate returns the sum over the flows that pass the filter.
func (s *Switch) Aggregate(ctx context.Context, filter ofp.FlowFilter) (ofp.AggregateReply, error) {
	return ofp.AggregateReply{}, errSkeleton
}

// PortStats returns the counters of one port, or of all with ofp.PortAny.
func (s *Switch) PortStats(ctx context.Context, port ofp.PortNo) ([]ofp.PortStats, error) {
	return nil, errSkeleton
}

// TableStats returns the counters of the flow tables.
func (s *Switch) TableStats(ctx context.Context) ([]ofp.TableStats, error) { return nil, errSkeleton }
