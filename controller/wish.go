package controller

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/sluice-sdn/sluice/controller/desired"
	"github.com/sluice-sdn/sluice/controller/store"
)

// What is wished of switches, see Controller.Plan and Controller.Fulfil.
type (
	// Wish is what an owner wants of a switch.
	Wish = desired.Wish
	// Outlook is what a wish comes to.
	Outlook = desired.Outlook
	// WishStep is what a wish changes about one flow, group or meter.
	WishStep = desired.Step
	// ThingError says that something of a wish cannot be.
	ThingError = desired.ThingError
	// ChangedError says that what is desired has changed since a revision.
	ChangedError = desired.ChangedError
	// Revision numbers the changes of what is desired.
	Revision = store.Revision
	// Former is what was desired at a revision.
	Former = desired.Former
)

// Errors about revisions; test with errors.Is.
var (
	// ErrFuture: there is no such revision yet.
	ErrFuture = desired.ErrFuture
	// ErrCompacted: the history does not reach back so far.
	ErrCompacted = store.ErrCompacted
)

// SwitchWish is a wish about a switch, which need not be connected if no more is
// asked than that the wish be stored, or planned.
type SwitchWish struct {
	Switch Target
	Wish   Wish
}

// StagedError is that of a Fulfil or Plan over several switches: which one failed,
// and what became of the others.
type StagedError struct {
	At  int   // index of the wish that failed
	Err error // why
	// Returned are the names of the switches that had been brought to their wishes
	// and were brought back; Left those that could not be, with the reasons; Untried
	// those whose turn did not come.
	Returned, Left, Untried []string
}

// Error says what became of each switch but the one that failed, and why that did.
func (e *StagedError) Error() string { return e.Err.Error() + e.Others() }

// Others says what became of the other switches; "" if there are none.
func (e *StagedError) Others() string {
	var b strings.Builder
	for _, x := range []struct {
		names []string
		what  string
	}{
		{e.Returned, "brought back to what was desired before"},
		{e.Left, "NOT brought back"},
		{e.Untried, "not tried"},
	} {
		if len(x.names) > 0 {
			fmt.Fprintf(&b, "; %s: %s", x.what, strings.Join(x.names, ", "))
		}
	}
	return b.String()
}

// Unwrap returns why it failed.
func (e *StagedError) Unwrap() error { return e.Err }

// PlanWishes works out what FulfilWishes would do, and does nothing. It fails with
// ErrNoState, or with a *StagedError.
func (c *Controller) PlanWishes(ctx context.Context, all []SwitchWish) ([]Outlook, error) {
	d := c.cfg.Desired
	if d == nil {
		return nil, ErrNoState
	}
	out := make([]Outlook, len(all))
	for i, w := range all {
		x, err := d.Plan(ctx, w.Switch, w.Wish)
		if err != nil {
			return nil, &StagedError{At: i, Err: err}
		}
		out[i] = x
	}
	return out, nil
}

// returnTimeout bounds what brings one switch back after another has failed.
const returnTimeout = 10 * time.Second

// FulfilWishes has switches and the store have what is wished, one switch after
// the other. All wishes are looked at before the first one is carried out, and whether
// the switches are there and may be written to. If one
// fails, the switches before it are brought back to what was desired of them, as
// long as nobody has changed that meanwhile, and so is the one that failed if its
// outcome was left in doubt. It fails with ErrNoState, or with a *StagedError.
func (c *Controller) FulfilWishes(ctx context.Context, all []SwitchWish) ([]Outlook, error) {
	d := c.cfg.Desired
	if d == nil {
		return nil, ErrNoState
	}
	for i, w := range all {
		if _, away := w.Switch.(*Away); away && w.Wish.Level != LevelStored {
			return nil, &StagedError{At: i, Err: ErrAway}
		}
		if w.Switch.slave() && w.Wish.Level != LevelStored { // it may become one later, too
			return nil, &StagedError{At: i, Err: (*slaveError)(w.Switch.(*Switch))}
		}
	}
	if len(all) > 1 { // else looking at it and carrying it out are one
		if _, err := c.PlanWishes(ctx, all); err != nil {
			return nil, err
		}
	}
	out := make([]Outlook, len(all))
	for i, w := range all {
		err := error(nil)
		if w.Switch.slave() && w.Wish.Level != LevelStored {
			err = (*slaveError)(w.Switch.(*Switch))
		}
		if err == nil {
			out[i], err = d.Fulfil(stage(ofOwners(ctx), w.Switch, i, len(all)), w.Switch, w.Wish)
		}
		if err == nil {
			if w.Wish.Level == LevelStored {
				w.Switch.soon()
			} else if sw, ok := w.Switch.(*Switch); ok && len(out[i].Steps) > 0 {
				sw.roomMade() // perhaps
			}
			continue
		}
		e := &StagedError{At: i, Err: err}
		for _, x := range all[i+1:] {
			e.Untried = append(e.Untried, x.Switch.Name())
		}
		doubt := errors.As(err, new(*InDoubtError))
		if doubt {
			w.Switch.soon()
		}
		if len(all) == 1 {
			return out, e // what is in doubt is stored, and will be done, as with Apply
		}
		back := i - 1
		if doubt {
			back = i
		}
		for ; back >= 0; back-- {
			sw := all[back].Switch
			switch err := c.bringBack(ctx, sw, &out[back], all[back].Wish.Level, all[i].Switch.Name()); {
			case err != nil:
				e.Left = append(e.Left, fmt.Sprintf("%s (%v)", sw.Name(), err))
			default:
				e.Returned = append(e.Returned, sw.Name())
			}
		}
		return out, e
	}
	return out, nil
}

// bringBack has what was desired of a switch before be desired again. If the
// switch is away it gets it when it is back, which is no error.
func (c *Controller) bringBack(ctx context.Context, sw Target, o *Outlook, level Level, failed string) error {
	if len(o.Steps) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), returnTimeout)
	defer cancel()
	w := o.Back("brought back, since " + failed + " failed")
	if level == LevelStored {
		w.Level = level // it was not sent, or will be as it is then
	}
	_, err := c.cfg.Desired.Fulfil(ofOwners(ctx), sw, w)
	if errors.As(err, new(*InDoubtError)) {
		sw.soon()
		return nil
	}
	if err != nil {
		c.log.WithFields(logrus.Fields{"dpid": sw.DPID().String(), "error": err, "failed": failed}).Warn("switch is not brought back after another one failed")
	}
	return err
}
