package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// settings tells how a switch was set up, and whether its ports are so. Tables and
// fragments are taken to be, where the switch is connected.
func (s *state) settings(dpid ofp.DPID, waits string) (out []*sluicev1.StateItem) {
	st, err := s.c.State()
	if err != nil {
		return nil
	}
	sw, _ := s.c.Find(dpid.String())
	add := func(kind, text string, settled bool, why string) {
		c := sluicev1.StateCondition_STATE_CONDITION_INSTALLED
		if sw == nil {
			settled, why = false, waits
		}
		if !settled {
			c = sluicev1.StateCondition_STATE_CONDITION_PENDING
		} else {
			why = ""
		}
		out = append(out, &sluicev1.StateItem{Kind: kind, Text: valid(text), Condition: c, Why: why})
	}
	x := st.Settings(dpid)
	for _, one := range x.List() {
		settled, there := true, true
		if p, port := x.Ports[one.Name]; port && sw != nil && one.Kind == controller.PortSettings {
			settled, there = sw.PortSettled(one.Name, p)
		}
		why := "it differs until the next comparison"
		if !there {
			why = "the switch has no such port"
		}
		add(one.Kind, one.Text, settled, why)
	}
	return out
}

func (s *state) ForgetSettings(ctx context.Context, r *sluicev1.ForgetSettingsRequest) (*sluicev1.ForgetSettingsResponse, error) {
	st, err := s.c.State()
	if err != nil {
		return nil, noState()
	}
	kind, name := r.GetKind(), r.GetName()
	switch kind {
	case "", controller.FragmentSettings:
		if name != "" {
			return nil, invalid(bad("name", "%q: only a port or a table has one; say which kind it is", clip(name, 100)))
		}
	case controller.PortSettings, controller.TableSettings:
	default:
		return nil, invalid(bad("kind", "%q: want port, table or fragments, or none for all", clip(kind, 100)))
	}
	dpid, sw, err := s.find(r.GetSwitch())
	if err != nil {
		return nil, err
	}
	what := strings.TrimSpace(kind + " " + name)
	n, rev, err := st.Forget(ctx, dpid, author(ctx), strings.TrimSpace("forget-settings "+valid(what)), kind, name)
	switch {
	case errors.Is(err, controller.ErrNoSetting):
		return nil, withDetails(codes.NotFound, fmt.Sprintf("no setting is kept of %s %s; `sluice status SWITCH` lists what is", cmp.Or(sw, dpid.String()), clip(what, 100)))
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return nil, status.FromContextError(err).Err()
	case err != nil:
		if full := diskError(err); full != nil {
			return nil, full
		}
		return nil, withDetails(codes.Internal, err.Error()+"; nothing was changed")
	}
	return &sluicev1.ForgetSettingsResponse{Forgotten: uint32(n), Revision: uint64(rev)}, nil
}
