package controller

import (
	"context"
	"errors"
	"time"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
)

// Conditions of bundles.
var (
	// ErrNoBundles: the switch has no bundles, or none that are carried out whole
	// and in order.
	ErrNoBundles = channel.ErrNoBundles
	// ErrBundleTooLong: a bundle is longer than a switch is asked to keep.
	ErrBundleTooLong = channel.ErrBundleTooLong
	// ErrBundleAllGroups: a bundle deletes all groups before other changes, and that
	// would crash Open vSwitch if one of those were refused.
	ErrBundleAllGroups = channel.ErrBundleAllGroups
	// ErrBundleLooseFlows: a bundle changes or deletes many flows by what they match,
	// after it has added many.
	ErrBundleLooseFlows = channel.ErrBundleLooseFlows
)

// WriteBundle has the switch carry msgs out in order, all of them or none, and
// returns nil once it has; else a *WriteError. The messages are a bundle, which the
// switch keeps until it is whole: extension 230 of the ONF to OpenFlow 1.3, which
// Open vSwitch has. Where there are none, it fails with ErrNoBundles, and beyond
// 262,144 messages or 64 MiB with ErrBundleTooLong, and nothing is sent. What may
// be in a bundle is for the switch to say: Open vSwitch takes flow-mods, group-mods,
// port-mods and packet-outs, and refuses meter-mods and barriers, of which the order
// leaves no need.
//
// The flows that use a group are deleted by themselves before it, unless nothing but
// deletions of groups follows: Open vSwitch 3.1 crashes when it goes back on the
// deletion of a group that took flows with it. A deletion of all groups before other
// messages, where nobody knows the users, is ErrBundleAllGroups. A message that
// changes or deletes all flows that match is preceded by strict ones for the flows
// that the bundle adds before it, which Open vSwitch 3.1 may not find otherwise;
// where these are too many, it is ErrBundleLooseFlows.
//
// The error is exact. If Untouched is set, the switch has carried nothing out,
// whether it refused some, which stand in Errors as far as it names them (Open
// vSwitch looks no further than the first that it cannot carry out, and tells all
// that it cannot read), or ctx ended, or the connection. Otherwise Err is why the
// answer to the commit has not come, Sent is len(msgs), and nobody knows whether all
// or nothing was carried out.
//
// One bundle of a switch is written at a time; others wait for their turn, as long
// as ctx allows. It takes turns with what others write, and leaves after what was
// given to Send before, as Write does.
func (s *Switch) WriteBundle(ctx context.Context, msgs []ofp.Message) error {
	return s.WriteBundleWhen(ctx, msgs, nil)
}

// WriteBundleWhen is WriteBundle that calls when, if it is not nil, once the switch
// has looked at all messages and before it is told to carry them out: so the switch
// can be given them while it is still being decided whether it shall. If when fails,
// or the switch has refused something, which is not asked about then, it carries
// nothing out; what when says is Err. Switches give up a bundle about which they hear
// nothing for some time, Open vSwitch after 10 s.
func (s *Switch) WriteBundleWhen(ctx context.Context, msgs []ofp.Message, when func() error) error {
	if err := s.permittedAll(ctx, msgs); err != nil {
		return err
	}
	start, off := time.Now(), false
	hold := when
	if when != nil {
		hold = func() error {
			before := time.Now()
			err := when()
			start, off = start.Add(time.Since(before)), err != nil // it is not the switch that takes so long
			return err
		}
	}
	err := s.refusedWrite(msgs)
	if we := (*WriteError)(nil); errors.As(err, &we) {
		we.Untouched = true
	} else {
		err = s.conn.WriteBundleWhen(ctx, msgs, hold)
	}
	if !off {
		s.c.metrics.wrote(time.Since(start), err)
	}
	return err
}

// Bundles reports whether the switch has bundles. The first to ask has the switch
// asked; it is not asked again. It fails with a *WriteError if nothing comes of that.
func (s *Switch) Bundles(ctx context.Context) (bool, error) {
	return s.conn.Bundles(ctx)
}
