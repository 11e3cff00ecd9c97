package controller

import (
	"context"

	"github.com/sirupsen/logrus"

	"github.com/sluice-sdn/sluice/controller/desired"
)

// What nobody wants of a switch, and what becomes of it.
type (
	// ForeignItem is something on a switch that nobody wants.
	ForeignItem = desired.ForeignItem
	// Adoption is who adopts what is foreign on a switch.
	Adoption = desired.Adoption
	// Adopted is what was adopted.
	Adopted = desired.Adopted
)

// AppCookie returns what the cookies of the flows of the app of that name have in
// their upper 16 bits. A lasting flow with another cookie is foreign to the desired
// state.
func AppCookie(name string) uint64 { return desired.AppCookie(name) }

// Foreign reads the switch and returns what is on it and wanted by nobody: flows
// without timeouts that are no app's, groups and meters. It fails with ErrNoState,
// and else as requests do.
func (s *Switch) Foreign(ctx context.Context) ([]ForeignItem, error) {
	d := s.c.cfg.Desired
	if d == nil {
		return nil, ErrNoState
	}
	return d.ForeignItems(ctx, s)
}

// Adopt takes what is foreign on the switch into the desired state. It fails with
// ErrNoState, a *QuotaError, what the store says, and else as requests do.
func (s *Switch) Adopt(ctx context.Context, a Adoption) (Adopted, error) {
	d := s.c.cfg.Desired
	if d == nil {
		return Adopted{}, ErrNoState
	}
	return d.Adopt(ctx, s, a)
}

// told logs and counts what a comparison did about foreign flows.
func (s *Switch) toldForeign(r *desired.Report) {
	m := s.c.metrics.foreign
	if r.Removed > 0 {
		m.WithLabelValues("removed").Add(float64(r.Removed))
		s.log.WithFields(logrus.Fields{"flows": r.Removed, "first": r.RemovedFlows}).Warn("foreign flows are removed")
	}
	if r.Adopted > 0 {
		m.WithLabelValues("adopted").Add(float64(r.Adopted))
		s.log.WithField("count", r.Adopted).Info("foreign flows are adopted")
	}
	if r.Fault != nil {
		s.log.WithField("error", r.Fault).Warn("foreign flows stay foreign")
	}
}
