package api

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// reasonCodes is the table of OpenFlow errors and gRPC codes. An error without a
// row is FAILED_PRECONDITION: the switch understood, and its state or its
// abilities do not allow it. INTERNAL are those that say that Sluice wrote a
// broken message.
var reasonCodes = map[ofp.ErrorReason]codes.Code{
	ofp.FlowModFailedTableFull:            codes.ResourceExhausted,
	ofp.GroupModFailedOutOfGroups:         codes.ResourceExhausted,
	ofp.GroupModFailedOutOfBuckets:        codes.ResourceExhausted,
	ofp.MeterModFailedOutOfMeters:         codes.ResourceExhausted,
	ofp.MeterModFailedOutOfBands:          codes.ResourceExhausted,
	ofp.BundleFailedOutOfBundles:          codes.ResourceExhausted,
	ofp.BundleFailedMsgTooMany:            codes.ResourceExhausted,
	ofp.NXTLVTableModFailedTableFull:      codes.ResourceExhausted,
	ofp.FlowModFailedOverlap:              codes.AlreadyExists,
	ofp.GroupModFailedGroupExists:         codes.AlreadyExists,
	ofp.MeterModFailedMeterExists:         codes.AlreadyExists,
	ofp.GroupModFailedBucketExists:        codes.AlreadyExists,
	ofp.FlowMonitorFailedMonitorExists:    codes.AlreadyExists,
	ofp.BundleFailedBundleExist:           codes.AlreadyExists,
	ofp.NXTLVTableModFailedAlreadyMapped:  codes.AlreadyExists,
	ofp.BadRequestEPERM:                   codes.PermissionDenied,
	ofp.BadActionEPERM:                    codes.PermissionDenied,
	ofp.BadInstructionEPERM:               codes.PermissionDenied,
	ofp.BadMatchEPERM:                     codes.PermissionDenied,
	ofp.FlowModFailedEPERM:                codes.PermissionDenied,
	ofp.GroupModFailedEPERM:               codes.PermissionDenied,
	ofp.PortModFailedEPERM:                codes.PermissionDenied,
	ofp.TableModFailedEPERM:               codes.PermissionDenied,
	ofp.QueueOpFailedEPERM:                codes.PermissionDenied,
	ofp.SwitchConfigFailedEPERM:           codes.PermissionDenied,
	ofp.TableFeaturesFailedEPERM:          codes.PermissionDenied,
	ofp.BadPropertyEPERM:                  codes.PermissionDenied,
	ofp.BundleFailedEPERM:                 codes.PermissionDenied,
	ofp.AsyncConfigFailedEPERM:            codes.PermissionDenied,
	ofp.BadRequestBadVersion:              codes.Internal,
	ofp.BadRequestBadLen:                  codes.Internal,
	ofp.BadActionBadLen:                   codes.Internal,
	ofp.BadInstructionBadLen:              codes.Internal,
	ofp.BadMatchBadType:                   codes.Internal,
	ofp.BadMatchBadLen:                    codes.Internal,
	ofp.BadMatchDupField:                  codes.Internal,
	ofp.FlowModFailedBadCommand:           codes.Internal,
	ofp.GroupModFailedBadCommand:          codes.Internal,
	ofp.MeterModFailedBadCommand:          codes.Internal,
	ofp.SwitchConfigFailedBadLen:          codes.Internal,
	ofp.TableFeaturesFailedBadLen:         codes.Internal,
	ofp.NXBadRequestNXMInvalid:            codes.Internal,
	ofp.NXBadRequestMustBeZero:            codes.Internal,
	ofp.NXBadActionMustBeZero:             codes.Internal,
	ofp.BadInstructionDupInst:             codes.Internal,
	ofp.BundleFailedMsgBadLen:             codes.Internal,
	ofp.BundleFailedMsgBadXID:             codes.Internal,
	ofp.NXTLVTableModFailedBadCommand:     codes.Internal,
	ofp.BadActionTooMany:                  codes.ResourceExhausted,
	ofp.BadRequestMultipartBufferOverflow: codes.ResourceExhausted,
}

func reasonCode(r ofp.ErrorReason) codes.Code {
	if c, ok := reasonCodes[r]; ok {
		return c
	}
	return codes.FailedPrecondition
}

// fieldError says which field of a request makes no sense.
type fieldError struct {
	field string // as in "changes[0].add.flow.match.eth_src"
	err   error
}

func (e *fieldError) Error() string { return e.field + ": " + e.err.Error() }
func (e *fieldError) Unwrap() error { return e.err }

func bad(field, format string, args ...any) error {
	return &fieldError{field, fmt.Errorf(format, args...)}
}

// at puts the name of the enclosing field before that of the error's; a nil
// error stays nil.
func at(field string, err error) error {
	if err == nil {
		return nil
	}
	if inner, ok := err.(*fieldError); ok {
		dot := "."
		if strings.HasPrefix(inner.field, "[") {
			dot = ""
		}
		return &fieldError{field + dot + inner.field, inner.err}
	}
	return &fieldError{field, err}
}

// invalid is INVALID_ARGUMENT about a field of the request.
func invalid(err error) error {
	v := &errdetails.BadRequest_FieldViolation{Description: valid(err.Error())}
	if f, ok := err.(*fieldError); ok {
		v.Field, v.Description = valid(f.field), valid(f.err.Error())
	}
	return withDetails(codes.InvalidArgument, err.Error(),
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{v}})
}

// detailBytes bounds the details of an error: they travel in HTTP/2 trailers, of
// which some clients take no more than 8 KiB, base64 included.
const detailBytes = 4096

// withDetails drops the details that would not fit any more, and those that
// cannot be encoded, each for itself: one that is lost does not take the others
// with it.
func withDetails(code codes.Code, text string, details ...proto.Message) error {
	st := status.New(code, clip(text, 1024))
	left := detailBytes
	for _, d := range details {
		n := proto.Size(d)
		if n > left {
			continue
		}
		if with, err := st.WithDetails(protoadapt.MessageV1Of(d)); err == nil {
			st = with
			left -= n
		}
	}
	return st.Err()
}

// clip cuts a text to n bytes, at a rune, and makes it valid UTF-8, as gRPC
// demands.
func clip(s string, n int) string {
	s = strings.ToValidUTF8(s, "�")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// errorDomain is the domain of the google.rpc.ErrorInfo details.
const errorDomain = "sluice"

// findError is the status of a failed Controller.Find.
func findError(ref string, err error) error {
	switch {
	case ref == "":
		return invalid(bad("switch", "is empty: want a name or a datapath identifier"))
	case errors.Is(err, controller.ErrAmbiguous):
		return invalid(at("switch", err))
	}
	return withDetails(codes.NotFound, fmt.Sprintf("no switch %q is connected", clip(ref, 100)),
		&errdetails.ResourceInfo{ResourceType: "sluice.v1.Switch", ResourceName: clip(ref, 100)})
}

// readError is the status of a failed request for state.
func readError(sw controller.Target, err error) error {
	var se *controller.SwitchError
	var ee *ofp.EncodeError
	switch {
	case errors.Is(err, controller.ErrAway):
		return awayStatus(sw)
	case errors.Is(err, controller.ErrSlave):
		return slaveStatus(sw)
	case errors.As(err, &se):
		return withDetails(reasonCode(se.Reply.Reason), fmt.Sprintf("%s refused: %s", sw.Name(), se.Reply.Describe()),
			switchRefused(se.Reply, 0, nil), errorInfo(sw, se.Reply))
	case errors.As(err, &ee):
		return encodeStatus(sw, ee, 0, nil, nil)
	}
	return withDetails(endCode(err), fmt.Sprintf("%s: %s", sw.Name(), ended(err)))
}

// ended says why waiting for a switch ended.
func ended(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer from the switch in time"
	}
	return err.Error()
}

// endCode is the code of an error that says why waiting ended.
func endCode(err error) codes.Code {
	switch {
	case errors.Is(err, controller.ErrDisconnected), errors.Is(err, controller.ErrOverloaded):
		return codes.Unavailable
	case errors.Is(err, context.DeadlineExceeded):
		return codes.DeadlineExceeded
	case errors.Is(err, context.Canceled):
		return codes.Canceled
	case errors.Is(err, controller.ErrBundleAllGroups):
		return codes.InvalidArgument
	case errors.Is(err, controller.ErrTooLong), errors.Is(err, controller.ErrBundleTooLong), errors.Is(err, controller.ErrBundleLooseFlows):
		return codes.ResourceExhausted
	case misbehaved(err), errors.Is(err, controller.ErrSlave), errors.Is(err, controller.ErrNoBundles):
		return codes.FailedPrecondition
	}
	return codes.Internal
}

// misbehaved reports whether the switch has answered what is no answer. That is
// FAILED_PRECONDITION: the fault is neither the caller's nor ours, and the same
// call will fail again as long as the switch is as it is.
func misbehaved(err error) bool {
	var re *controller.ReplyError
	return errors.As(err, &re) || errors.Is(err, controller.ErrUnreadable)
}

// writeError is the status of a failed write of msgs. Its code is that of the
// reason why the write ended early, else that of the first message that failed.
func writeError(sw controller.Target, msgs []ofp.Message, err error) error {
	var we *controller.WriteError
	if !errors.As(err, &we) {
		return stateError(sw, err)
	}
	result := writeResult(we, len(msgs))
	var doubt *controller.InDoubtError
	if errors.As(err, &doubt) {
		stored := uint64(doubt.Revision)
		result.StoredRevision = &stored
	}
	if errors.Is(err, controller.ErrSlave) && doubt == nil {
		return slaveStatus(sw, result)
	}
	if len(we.Errors) > 0 {
		var ee *ofp.EncodeError
		if first := we.Errors[0]; errors.As(first.Err, &ee) {
			return encodeStatus(sw, ee, first.Index, first.Message, result)
		}
	}
	details := []proto.Message{result}
	code, text := codes.Internal, ""
	if len(we.Errors) > 0 {
		code, text = refusedText(sw, we, len(msgs))
		details = append(details, refusals(sw, we)...)
	}
	var se *controller.SwitchError
	switch {
	case errors.As(we.Err, &se):
		what := "barrier"
		if we.Untouched {
			what = "bundle"
		}
		code = reasonCode(se.Reply.Reason)
		text = join(text, fmt.Sprintf("%s refused the %s: %s", sw.Name(), what, se.Reply.Describe()))
		details = append(details, errorInfo(sw, se.Reply)) // a FlowError would be about a change
	case errors.Is(we.Err, controller.ErrNoBundles):
		code, text = endCode(we.Err), fmt.Sprintf("%s, which speaks OpenFlow %s, has no bundles: send it without", sw.Name(), sw.Version())
	case we.Err != nil && we.Untouched:
		code = endCode(we.Err)
		text = join(text, fmt.Sprintf("%s: %s", sw.Name(), ended(we.Err)))
	case we.Err != nil:
		code = endCode(we.Err)
		text = join(text, fmt.Sprintf("%s: %s: %d of %d were sent, %d are confirmed", sw.Name(), ended(we.Err), we.Sent, len(msgs), result.Confirmed))
	}
	return withDetails(code, text+left(err), details...)
}

// left says what is left of a write that failed, as far as more is known than how
// many of its messages were sent.
func left(err error) string {
	var doubt *controller.InDoubtError
	var undone *controller.UndoneError
	we := (*controller.WriteError)(nil)
	untouched := errors.As(err, &we) && we.Untouched
	switch {
	case errors.As(err, &doubt) && untouched:
		return fmt.Sprintf("; nothing was carried out yet; stored as revision %d, to which the switch will be brought", doubt.Revision)
	case doubt != nil:
		return fmt.Sprintf("; stored as revision %d, to which the switch will be brought", doubt.Revision)
	case errors.As(err, &undone) && undone.Transient:
		return "; what is kept is as it was, flows with timeouts stay until they run out"
	case undone != nil, untouched:
		return "; nothing was changed"
	}
	return ""
}

// writeResult says how far a write of so many messages came. A refusal is
// processed, too, even if nothing confirms the messages before it.
func writeResult(we *controller.WriteError, total int) *sluicev1.WriteResult {
	confirmed := we.Confirmed
	for _, e := range we.Errors {
		if e.Index >= we.Confirmed && e.Index < we.Sent {
			confirmed++
		}
	}
	return &sluicev1.WriteResult{Total: uint32(total), Sent: uint32(we.Sent), Confirmed: uint32(confirmed), Failed: uint32(len(we.Errors))}
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// refusedText is the code and the text of messages that the switch refused.
func refusedText(sw controller.Target, we *controller.WriteError, total int) (codes.Code, string) {
	code, said := endCode(we.Errors[0].Err), we.Errors[0].Err.Error()
	switch _, differ := differs(we.Errors[0].Err); {
	case differ && total == 1:
		return codes.FailedPrecondition, fmt.Sprintf("%s %s", sw.Name(), said)
	case differ:
		return codes.FailedPrecondition, fmt.Sprintf("%s has something else than %d of %d changes said: changes[%d]: %s", sw.Name(), len(we.Errors), total, we.Errors[0].Index, said)
	case errors.Is(we.Errors[0].Err, controller.ErrTransient):
		return codes.InvalidArgument, fmt.Sprintf("changes[%d]: %s; nothing was changed", we.Errors[0].Index, said)
	}
	var se *controller.SwitchError
	if errors.As(we.Errors[0].Err, &se) {
		code, said = reasonCode(se.Reply.Reason), se.Reply.Describe()
	}
	if total == 1 {
		return code, fmt.Sprintf("%s refused: %s", sw.Name(), said)
	}
	return code, fmt.Sprintf("%s refused %d of %d changes: changes[%d]: %s", sw.Name(), len(we.Errors), total, we.Errors[0].Index, said)
}

// refusals are the details of messages that the switch refused, the first ones
// first.
func refusals(sw controller.Target, we *controller.WriteError) []proto.Message {
	var out []proto.Message
	for i, e := range we.Errors {
		var se *controller.SwitchError
		if errors.As(e.Err, &se) {
			out = append(out, switchRefused(se.Reply, e.Index, e.Message))
			if i == 0 {
				out = append(out, errorInfo(sw, se.Reply))
			}
		} else { // the switch's error cannot be read, or there is none
			detail := &sluicev1.FlowError{Index: uint32(e.Index), Flow: flowText(e.Message), Message: valid(e.Err.Error())}
			if differ, ok := differs(e.Err); ok {
				has := valid(differ.Has)
				detail.Has = &has
			}
			out = append(out, detail)
		}
		if i == 20 {
			break // more than fit
		}
	}
	return out
}

// switchRefused is the detail of one message that the switch refused.
func switchRefused(e *ofp.Error, index int, m ofp.Message) *sluicev1.FlowError {
	return &sluicev1.FlowError{
		Index: uint32(index), Flow: flowText(m), Message: valid("the switch answered " + e.Describe()),
		Type: e.Reason.TypeName(), Code: e.Reason.String(),
		TypeNumber: uint32(e.ErrType), CodeNumber: uint32(e.Code), Data: e.Data[:min(len(e.Data), 64)],
	}
}

func flowText(m ofp.Message) string {
	if s, ok := m.(fmt.Stringer); ok {
		return clip(s.String(), 512)
	}
	return ""
}

func errorInfo(sw controller.Target, e *ofp.Error) *errdetails.ErrorInfo {
	reason := e.Reason.String()
	if e.Reason == ofp.ReasonUnknown {
		reason = "UNKNOWN_OPENFLOW_ERROR"
	}
	return &errdetails.ErrorInfo{Reason: reason, Domain: errorDomain, Metadata: map[string]string{
		"switch": valid(sw.Name()), "dpid": sw.DPID().String(), "openflow": sw.Version().String(),
	}}
}

// encodeStatus is the status of a message that cannot be encoded: the version
// lacks something, or a value makes no sense. Nothing was sent.
func encodeStatus(sw controller.Target, e *ofp.EncodeError, index int, m ofp.Message, result *sluicev1.WriteResult) error {
	where := ""
	if result != nil && result.Total > 1 {
		where = fmt.Sprintf("changes[%d]: ", index)
	}
	detail := &sluicev1.FlowError{Index: uint32(index), Flow: flowText(m), Message: valid(e.Error()), Field: valid(e.Field), Version: e.Version.String()}
	details := []proto.Message{detail}
	if result != nil {
		details = append(details, result)
	}
	if !errors.Is(e, ofp.ErrVersion) {
		field := "changes"
		if result != nil && result.Total > 0 {
			field = fmt.Sprintf("changes[%d]", index)
		}
		v := &errdetails.BadRequest_FieldViolation{Field: field, Description: clip(e.Field+": "+e.Err.Error(), 512)}
		details = append(details, &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{v}})
		return withDetails(codes.InvalidArgument, where+e.Error(), details...)
	}
	details = append(details, &errdetails.ErrorInfo{Reason: "OPENFLOW_VERSION", Domain: errorDomain, Metadata: map[string]string{
		"switch": valid(sw.Name()), "dpid": sw.DPID().String(), "openflow": e.Version.String(), "field": valid(e.Field),
	}})
	done := ""
	if result != nil {
		done = "; nothing was changed"
	}
	return withDetails(codes.FailedPrecondition, fmt.Sprintf("%s%s, the version of %s%s", where, e, sw.Name(), done), details...)
}
