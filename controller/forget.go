package controller

import (
	"context"

	"github.com/sluice-sdn/sluice/controller/desired"
	"github.com/sluice-sdn/sluice/ofp"
)

// Forgotten counts what was forgotten with a switch.
type Forgotten = desired.Forgotten

// Errors of Controller.Forget; test with errors.Is.
var (
	// ErrConnected means that a switch is connected, and cannot be forgotten.
	ErrConnected = desired.ErrConnected
	// ErrUnknown means that there is nothing about a switch to be forgotten.
	ErrUnknown = desired.ErrUnknown
)

// Forget forgets a switch that never comes back, as desired.State.ForgetSwitch does,
// and which role and which messages it was asked for. It fails with ErrNoState, too.
func (c *Controller) Forget(ctx context.Context, dpid ofp.DPID, author string) (Forgotten, error) {
	if c.cfg.Desired == nil {
		return Forgotten{}, ErrNoState
	}
	out, err := c.cfg.Desired.ForgetSwitch(ctx, dpid, author, "forget")
	if err == nil {
		c.roles.forget(dpid)
		c.asyncs.forget(dpid)
	}
	return out, err
}
