package desired

import (
	"context"
	"errors"
	"testing"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/controller/plan"
	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// fake is a simulated switch without a connection, in the test's goroutine. All
// messages go through the bytes of its version.
type fake struct {
	t       testing.TB
	dp      *simswitch.Datapath
	v       ofp.Version
	sent    []ofp.Message // what changes something
	away    int           // after so many messages it is gone; 0: it stays
	refuse  func(i int, m ofp.Message) ofp.ErrorReason
	unread  error                 // of Flows
	untold  map[plan.Object]error // of Groups and Meters, which tell nothing then
	entered func()
	few     int      // tables; 0: nobody knows
	staged  func()   // a bundle was given to it
	bundles bool     // it has some
	bundled int      // so many were begun
	answers []func() // of WriteSent

	unsettled func(Settings) error // what it says of how it is to be set up; nil: it takes it
	settled   []Settings           // that it has taken
}

func newFake(t testing.TB, v ofp.Version) *fake {
	d := simswitch.NewDatapath(simswitch.Config{})
	d.Version = v
	return &fake{t: t, dp: d, v: v}
}

func (f *fake) DPID() ofp.DPID       { return 1 }
func (f *fake) Version() ofp.Version { return f.v }
func (f *fake) Extended() bool       { return false }

func (f *fake) Write(_ context.Context, msgs []ofp.Message) error {
	if f.entered != nil {
		f.entered()
	}
	var we channel.WriteError
	for i, m := range msgs {
		if f.away > 0 && i >= f.away {
			we.Err, we.Sent, we.Confirmed = channel.ErrDisconnected, len(msgs), 0
			return &we
		}
		frame, err := ofp.Append(nil, f.v, 1, m)
		if err != nil {
			f.t.Fatalf("what cannot be said was sent: %v", err)
		}
		_, m, err = ofp.Decode(frame)
		if err != nil {
			f.t.Fatal(err)
		}
		why := ofp.ReasonUnknown
		if f.refuse != nil {
			why = f.refuse(i, m)
		}
		if why == ofp.ReasonUnknown {
			if m.Type() == ofp.TypeBarrierRequest {
				continue
			}
			why = f.do(m)
			f.sent = append(f.sent, m)
		}
		if why != ofp.ReasonUnknown {
			we.Errors = append(we.Errors, channel.ItemError{Index: i, Message: msgs[i], Err: &channel.SwitchError{Reply: ofp.NewError(why, frame)}})
		}
	}
	we.Sent, we.Confirmed = len(msgs), len(msgs)
	if len(we.Errors) > 0 {
		return &we
	}
	return nil
}

func (f *fake) Bundles(context.Context) (bool, error) { return f.bundles, nil }

// WriteBundleWhen carries all out or none, and tells of the first that is refused, as
// Open vSwitch does. What is away goes before the commit, or between it and its
// answer.
func (f *fake) WriteBundleWhen(_ context.Context, msgs []ofp.Message, when func() error) error {
	if !f.bundles {
		return &channel.WriteError{Err: channel.ErrNoBundles, Untouched: true}
	}
	f.bundled++
	if f.staged != nil {
		f.staged()
	}
	away := f.away > 0 && len(msgs) >= f.away
	if away && f.away%2 == 0 {
		return &channel.WriteError{Err: channel.ErrDisconnected, Untouched: true}
	}
	if err := permit(when); err != nil {
		return err
	}
	if f.entered != nil {
		f.entered()
	}
	before := f.snapshot()
	for i, m := range msgs {
		why := ofp.ReasonUnknown
		if f.refuse != nil {
			why = f.refuse(i, m)
		}
		if why == ofp.ReasonUnknown {
			why = ofp.BundleFailedMsgUnsup
			if bundlable(m) && m.Type() != ofp.TypeBarrierRequest {
				why = f.do(m)
			}
		}
		if why != ofp.ReasonUnknown {
			f.dp.Restart()
			for _, m := range before {
				f.do(m)
			}
			return &channel.WriteError{Errors: []channel.ItemError{{Index: i, Message: m, Err: &channel.SwitchError{Reply: ofp.NewError(why, nil)}}}, Untouched: true}
		}
	}
	f.sent = append(f.sent, msgs...)
	if away {
		return &channel.WriteError{Err: channel.ErrDisconnected, Sent: len(msgs)}
	}
	return nil
}

// snapshot returns messages that bring an empty switch to what this one has.
func (f *fake) snapshot() (all []ofp.Message) {
	for _, m := range f.dp.Meters(ofp.MeterAll) {
		all = append(all, &ofp.MeterMod{Command: ofp.MeterAdd, Flags: m.Flags, Meter: m.Meter, Bands: m.Bands})
	}
	for _, g := range f.dp.Groups() {
		all = append(all, &ofp.GroupMod{Command: ofp.GroupAdd, GroupType: g.GroupType, Group: g.Group, Buckets: g.Buckets})
	}
	q := ofp.AllFlows()
	for _, s := range f.dp.Flows(&q) {
		m := ofp.NewFlowMod(ofp.FlowAdd)
		m.Table, m.Priority, m.Cookie, m.IdleTimeout, m.HardTimeout, m.Flags, m.Match, m.Instructions = s.Table, s.Priority, s.Cookie, s.IdleTimeout, s.HardTimeout, s.Flags, s.Match, s.Instructions
		all = append(all, m)
	}
	return all
}

// do has the switch carry m out.
func (f *fake) do(m ofp.Message) (why ofp.ErrorReason) {
	switch m := m.(type) {
	case *ofp.FlowMod:
		why = f.dp.FlowMod(m)
	case *ofp.GroupMod:
		why = f.dp.GroupMod(m)
	case *ofp.MeterMod:
		why = f.dp.MeterMod(m)
	}
	return why
}

func (f *fake) WriteSent(ctx context.Context, msgs []ofp.Message, then func(error)) error {
	err := f.Write(ctx, msgs)
	f.answers = append(f.answers, func() { then(err) })
	return nil
}

// answer has the switch answer what was sent with WriteSent.
func (f *fake) answer() {
	for _, a := range f.answers {
		a()
	}
	f.answers = nil
}

func (f *fake) Flows(_ context.Context, q ofp.FlowFilter) ([]ofp.FlowStats, error) {
	return f.dp.Flows(&q), f.unread
}

func (f *fake) Groups(context.Context, uint32) ([]ofp.GroupDesc, error) {
	if err := f.untold[plan.Group]; err != nil {
		return nil, err
	}
	return f.dp.Groups(), nil
}

func (f *fake) Meters(_ context.Context, id uint32) ([]ofp.MeterConfig, error) {
	if err := f.untold[plan.Meter]; err != nil {
		return nil, err
	}
	return f.dp.Meters(id), nil
}

// all returns what the switch has, a line each, flows first.
func (f *fake) all() []string {
	var out []string
	q := ofp.AllFlows()
	for _, s := range f.dp.Flows(&q) {
		m := ofp.FlowMod{Table: s.Table, Priority: s.Priority, Cookie: s.Cookie, IdleTimeout: s.IdleTimeout, Match: s.Match, Instructions: s.Instructions, BufferID: ofp.NoBuffer, OutPort: ofp.PortAny, OutGroup: ofp.GroupAny}
		out = append(out, m.String())
	}
	for _, g := range f.dp.Groups() {
		out = append(out, g.String())
	}
	for _, m := range f.dp.Meters(ofp.MeterAll) {
		out = append(out, m.String())
	}
	return out
}

var errUnread = errors.New("the switch does not answer")

// yesSwitch is a switch that takes everything, and has what it is said to have.
type yesSwitch struct{ has []ofp.FlowStats }

func (yesSwitch) DPID() ofp.DPID                             { return 1 }
func (yesSwitch) Version() ofp.Version                       { return ofp.V13 }
func (yesSwitch) Extended() bool                             { return true }
func (yesSwitch) Write(context.Context, []ofp.Message) error { return nil }
func (yesSwitch) Bundles(context.Context) (bool, error)      { return true, nil }

func (y yesSwitch) Flows(context.Context, ofp.FlowFilter) ([]ofp.FlowStats, error) {
	return y.has, nil
}
func (yesSwitch) Groups(context.Context, uint32) ([]ofp.GroupDesc, error)   { return nil, nil }
func (yesSwitch) Meters(context.Context, uint32) ([]ofp.MeterConfig, error) { return nil, nil }

func (yesSwitch) WriteBundleWhen(_ context.Context, _ []ofp.Message, when func() error) error {
	if when == nil {
		return nil
	}
	return when()
}

func (yesSwitch) WriteSent(_ context.Context, _ []ofp.Message, then func(error)) error {
	then(nil)
	return nil
}

func (f *fake) Tables() int { return f.few }

func (yesSwitch) Tables() int { return 0 }

// Settle notes how the fake is to be set up.
func (f *fake) Settle(_ context.Context, s Settings) error {
	if f.unsettled != nil {
		if err := f.unsettled(s); err != nil {
			return err
		}
	}
	f.settled = append(f.settled, s.clone())
	return nil
}

func (yesSwitch) Settle(context.Context, Settings) error { return nil }
