package api

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// toWishes converts what is wished of switches.
func (s *state) toWishes(list []*sluicev1.SwitchWish, wish controller.Wish) ([]controller.SwitchWish, error) {
	if len(list) == 0 {
		return nil, invalid(bad("switches", "is empty: want at least one"))
	}
	st, err := s.c.State()
	if err != nil {
		return nil, noState()
	}
	out := make([]controller.SwitchWish, len(list))
	seen := make(map[ofp.DPID]int)
	for i, x := range list {
		sw, err := findTarget(s.c, x.GetSwitch())
		if err != nil {
			return nil, err
		}
		field := fmt.Sprintf("switches[%d]", i)
		if first, twice := seen[sw.DPID()]; twice {
			return nil, invalid(bad(field+".switch", "%q is the switch of switches[%d] too", clip(x.GetSwitch(), 100), first))
		}
		seen[sw.DPID()] = i
		names := sw.Names()
		w := wish
		if w.Request != "" && len(list) > 1 {
			w.Request += " " + sw.DPID().String() // each switch is a transaction of its own
		}
		for n, f := range x.GetFlows() {
			m, err := toSpec(fmt.Sprintf("flows[%d]", n), f, ofp.FlowAdd, names)
			if err != nil {
				return nil, invalid(at(field, err))
			}
			w.Things = append(w.Things, m)
		}
		for n, g := range x.GetGroups() {
			m, err := toGroupSpec(fmt.Sprintf("groups[%d]", n), g, ofp.GroupAdd, names)
			if err != nil {
				return nil, invalid(at(field, err))
			}
			w.Things = append(w.Things, m)
		}
		for n, g := range x.GetMeters() {
			m, err := toMeterSpec(fmt.Sprintf("meters[%d]", n), g, ofp.MeterAdd)
			if err != nil {
				return nil, invalid(at(field, err))
			}
			w.Things = append(w.Things, m)
		}
		if w.Settings, err = toSettings(sw, st.Settings(sw.DPID()), x.GetSettings()); err != nil {
			return nil, invalid(at(field+".settings", err))
		}
		out[i] = controller.SwitchWish{Switch: sw, Wish: w}
	}
	return out, nil
}

func (s *state) Plan(ctx context.Context, r *sluicev1.PlanRequest) (*sluicev1.PlanResponse, error) {
	st, err := s.c.State()
	if err != nil {
		return nil, noState()
	}
	wishes, err := s.toWishes(r.GetSwitches(), controller.Wish{
		Owner: r.GetOwner(), Prune: r.GetPrune(), Author: author(ctx), Request: r.GetRequestId(), Expected: expectedRevision(r.ExpectedRevision),
	})
	if err != nil {
		return nil, err
	}
	out := &sluicev1.PlanResponse{Revision: uint64(st.Revision())} // before it is worked out: what changes meanwhile is told
	all, err := s.c.PlanWishes(ctx, wishes)
	if err != nil {
		return nil, wishError(wishes, err)
	}
	out.Switches = fromOutlooks(wishes, all)
	return out, nil
}

func (s *state) Apply(ctx context.Context, r *sluicev1.ApplyRequest) (*sluicev1.ApplyResponse, error) {
	if _, err := s.c.State(); err != nil {
		return nil, noState()
	}
	level, err := toLevel(r.GetLevel())
	if err != nil {
		return nil, err
	}
	wishes, err := s.toWishes(r.GetSwitches(), controller.Wish{
		Level: level,
		Owner: r.GetOwner(), Prune: r.GetPrune(), Author: author(ctx), Note: r.GetNote(), Request: r.GetRequestId(), Expected: expectedRevision(r.ExpectedRevision),
	})
	if err != nil {
		return nil, err
	}
	all, err := s.c.FulfilWishes(ctx, wishes)
	if err != nil {
		return nil, wishError(wishes, err)
	}
	return &sluicev1.ApplyResponse{Switches: fromOutlooks(wishes, all)}, nil
}

func (s *state) Rollback(ctx context.Context, r *sluicev1.RollbackRequest) (*sluicev1.RollbackResponse, error) {
	st, err := s.c.State()
	if err != nil {
		return nil, noState()
	}
	out := &sluicev1.RollbackResponse{Revision: uint64(st.Revision())}
	former, err := st.AsOf(ctx, controller.Revision(r.GetRevision()))
	switch {
	case errors.Is(err, controller.ErrFuture), errors.Is(err, controller.ErrCompacted):
		return nil, withDetails(codes.OutOfRange, err.Error())
	case err != nil:
		return nil, withDetails(codes.DataLoss, err.Error())
	}
	refs := r.GetSwitches()
	if len(refs) == 0 {
		for _, dpid := range former.Switches() {
			refs = append(refs, dpid.String())
		}
	}
	level, err := toLevel(r.GetLevel())
	if err != nil {
		return nil, err
	}
	wish := controller.Wish{Level: level, Author: author(ctx), Note: fmt.Sprintf("rollback to revision %d", r.GetRevision()), Former: former, Expected: expectedRevision(r.ExpectedRevision)}
	var wishes []controller.SwitchWish
	for _, ref := range refs {
		sw, err := findTarget(s.c, ref)
		if err != nil {
			return nil, err
		}
		w := wish
		if id := r.GetRequestId(); id != "" {
			w.Request = id + " " + sw.DPID().String() // also for one: how many differ may be another number next time
		}
		wishes = append(wishes, controller.SwitchWish{Switch: sw, Wish: w})
	}
	carry := s.c.FulfilWishes
	if r.GetPlanOnly() {
		carry = s.c.PlanWishes
	}
	all, err := carry(ctx, wishes)
	if err != nil {
		return nil, wishError(wishes, err)
	}
	out.Switches = fromOutlooks(wishes, all)
	return out, nil
}

func expectedRevision(n *uint64) *controller.Revision { return (*controller.Revision)(n) }

func fromOutlooks(wishes []controller.SwitchWish, all []controller.Outlook) (out []*sluicev1.SwitchPlan) {
	for i, x := range all {
		p := &sluicev1.SwitchPlan{Switch: valid(wishes[i].Switch.Name()), Dpid: wishes[i].Switch.DPID().String(), Same: uint32(x.Same), Revision: uint64(x.Revision)}
		_, p.Away = wishes[i].Switch.(*controller.Away)
		for _, s := range x.Steps {
			c := new(sluicev1.PlannedChange)
			if x := s.Setting; x != nil {
				c.Kind, c.Before, c.After = x.Kind, valid(x.Before), valid(x.After)
			}
			if s.Before != nil {
				c.Kind, c.Before = kindOf(s.Before), valid(fmt.Sprint(s.Before))
			}
			if s.After != nil {
				c.Kind, c.After = kindOf(s.After), valid(fmt.Sprint(s.After))
			}
			p.Changes = append(p.Changes, c)
		}
		out = append(out, p)
	}
	return out
}

// kindOf names what a message adds.
func kindOf(m ofp.Message) string {
	switch m.(type) {
	case *ofp.GroupMod:
		return "group"
	case *ofp.MeterMod:
		return "meter"
	}
	return "flow"
}

// thingField is the field of the request that has one of a wish's things.
func thingField(at int, w *controller.Wish, thing int) string {
	kind, n := kindOf(w.Things[thing]), 0
	for _, m := range w.Things[:thing] {
		if kindOf(m) == kind {
			n++
		}
	}
	return fmt.Sprintf("switches[%d].%ss[%d]", at, kind, n)
}

// wishError is the status of wishes that failed. Its text begins with the switch
// and ends with what became of the others.
func wishError(wishes []controller.SwitchWish, err error) error {
	var staged *controller.StagedError
	if !errors.As(err, &staged) {
		return withDetails(codes.Internal, err.Error())
	}
	sw, w := wishes[staged.At].Switch, &wishes[staged.At].Wish
	code, text := codes.FailedPrecondition, ""
	var details []proto.Message
	violations := new(errdetails.BadRequest)
	blame := func(thing int, why string) {
		if thing >= 0 && thing < len(w.Things) && len(violations.FieldViolations) < 20 {
			violations.FieldViolations = append(violations.FieldViolations, &errdetails.BadRequest_FieldViolation{Field: thingField(staged.At, w, thing), Description: clip(why, 300)})
		}
	}
	var thing *controller.ThingError
	var owner *controller.OwnerError
	var quota *controller.QuotaError
	var changed *controller.ChangedError
	var setting *controller.SettingError
	var we *controller.WriteError
	var doubt *controller.InDoubtError
	after := "; nothing was changed"
	switch {
	case errors.As(err, &changed):
		code = codes.Aborted
		text = fmt.Sprintf("what it should have has changed: at revision %d, after the expected %d; plan again", changed.Revision, changed.Expected)
	case errors.Is(err, controller.ErrFuture):
		code = codes.OutOfRange
		text = err.Error() + "; " + otherStore
	case errors.Is(err, controller.ErrTooLarge):
		code = codes.ResourceExhausted
		text = err.Error()
	case errors.As(err, &thing):
		if text = thing.Err.Error(); thing.Thing >= 0 {
			code = codes.InvalidArgument
		}
		blame(thing.Thing, text)
	case errors.As(err, &setting) && !errors.As(err, &we):
		if code, text = codes.FailedPrecondition, setting.Error(); errors.Is(err, ofp.ErrVersion) {
			text += ", the version of " + sw.Name()
		}
	case errors.As(err, &owner):
		code = codes.PermissionDenied
		text = fmt.Sprintf("%s belongs to %s", owner.What, clip(owner.Whose(), 120))
		blame(owner.Index, text)
		details = append(details, ownerInfo(sw, owner))
	case errors.As(err, &quota):
		code, text = codes.ResourceExhausted, quotaText(sw, quota)
		details = append(details, quotaInfo(sw, quota))
	case errors.Is(err, controller.ErrAway):
		code, text = codes.Unavailable, "is away: with level stored (--level stored) what it should have is kept, and carried out when it connects"
		details = append(details, roleInfo(sw, "SWITCH_AWAY"))
	case errors.Is(err, controller.ErrSlave):
		code, text = codes.FailedPrecondition, fmt.Sprintf("this controller is its slave: write through the master, or sluice set-role %s master", sw.Name())
		details = append(details, roleInfo(sw, "SLAVE"))
	case errors.Is(err, controller.ErrReused):
		code, text = codes.AlreadyExists, "request_id: it was used for something else"
	case errors.As(err, &we) && len(we.Errors) > 0:
		code, text, details = refusedThings(sw, we, blame)
	default:
		code = status.Code(readError(sw, err))
		text = ended(staged.Err)
	}
	if errors.As(err, &doubt) {
		after = ""
		if len(wishes) == 1 {
			after = fmt.Sprintf("; stored as revision %d, to which the switch will be brought", doubt.Revision)
		}
	}
	if others := staged.Others(); others != "" {
		after = others
	}
	if len(violations.FieldViolations) > 0 {
		details = append(details, violations)
	}
	return withDetails(code, fmt.Sprintf("%s: %s%s", sw.Name(), text, after), details...)
}

// refusedThings is the code, the text and the details of what a switch refused, or
// has no words for.
func refusedThings(sw controller.Target, we *controller.WriteError, blame func(thing int, why string)) (codes.Code, string, []proto.Message) {
	code, text := codes.FailedPrecondition, ""
	var details []proto.Message
	for i, e := range we.Errors {
		why := e.Err.Error()
		var ee *ofp.EncodeError
		var se *controller.SwitchError
		what := flowText(e.Message)
		if set, ok := errors.AsType[*controller.SettingError](e.Err); ok {
			what, why = set.What(), set.Err.Error()
		}
		switch differ, is := differs(e.Err); {
		case is:
			has := valid(differ.Has)
			details = append(details, &sluicev1.FlowError{Index: uint32(max(e.Index, 0)), Flow: flowText(e.Message), Message: valid(why), Has: &has})
		case errors.As(e.Err, &se):
			why = fmt.Sprintf("refused: %s", se.Reply.Describe())
			if i == 0 {
				code = reasonCode(se.Reply.Reason)
				details = append(details, switchRefused(se.Reply, max(e.Index, 0), e.Message), errorInfo(sw, se.Reply))
			}
		case errors.As(e.Err, &ee) && errors.Is(ee, ofp.ErrVersion):
			why = fmt.Sprintf("%s, the version of %s", ee, sw.Name())
		}
		if i == 0 {
			text = fmt.Sprintf("%s: %s", what, why)
		}
		blame(e.Index, why)
	}
	if n := len(we.Errors); n > 1 {
		text += fmt.Sprintf("; and %d more", n-1)
	}
	return code, text, details
}
