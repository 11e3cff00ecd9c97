package controller

import (
	"context"
	"io"
	"time"

	"github.com/sluice-sdn/sluice/controller/desired"
	"github.com/sluice-sdn/sluice/controller/store"
)

// What is restored from a backup, see Controller.Recall.
type (
	// Recall says how.
	Recall = desired.Recall
	// Recalled is what that has changed, or would.
	Recalled = desired.Recalled
	// StateItemChange is what a change of the history did to one thing.
	StateItemChange = desired.ItemChange
)

// Errors about backups; test with errors.Is.
var (
	// ErrRecalling: another backup is being restored.
	ErrRecalling = desired.ErrRecalling
	// ErrDamaged: what is stored cannot be what was written.
	ErrDamaged = store.ErrDamaged
	// ErrMoved means that the file of the desired state is no longer at its path.
	ErrMoved = store.ErrMoved
	// ErrBroken means that the file of the desired state is damaged, or that its
	// disk has failed so that nobody knows what of it is kept: nothing more is written to it.
	ErrBroken = store.ErrBroken
	// ErrHangs means that the disk of the desired state has not answered for a time.
	ErrHangs = store.ErrHangs
	// ErrFormat: what is stored is of a format that this version cannot read.
	ErrFormat = store.ErrFormat
	// ErrTooLarge: it is more than is stored, or stored at once.
	ErrTooLarge = store.ErrLimit
)

// Recall has what a backup holds be desired, as desired.State.Recall does, and the
// connected switches be brought to it soon. It fails with ErrNoState, too.
func (c *Controller) Recall(ctx context.Context, backup io.Reader, o Recall) (Recalled, error) {
	d := c.cfg.Desired
	if d == nil {
		return Recalled{}, ErrNoState
	}
	r, err := d.Recall(ctx, backup, o)
	if err != nil || o.PlanOnly {
		return r, err
	}
	for _, x := range r.Switches {
		if s := c.byDPID(x.DPID); s != nil {
			s.restore.soon(time.Now())
		}
	}
	return r, nil
}
