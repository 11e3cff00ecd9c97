package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// flowFault is a failed call with the texts that it was about.
type flowFault struct {
	err     error
	sources []source
	before  int    // changes that earlier calls of the same command confirmed
	after   int    // changes that are left for calls that will not be made
	look    string // the verb that shows what there is; "": dump-flows
	whole   bool   // all changes are made, or none
}

// oneOfSeveral reports whether the command needed more than one call.
func (e *flowFault) oneOfSeveral() bool { return e != nil && e.before+e.after > 0 }

func (e *flowFault) Error() string { return e.err.Error() }
func (e *flowFault) Unwrap() error { return e.err }

// explain prints what went wrong, where, and what to do next, and returns the
// exit status.
func (c *client) explain(err error) int {
	var u *usageError
	if errors.As(err, &u) {
		fmt.Fprintf(c.errOut, "sluice: %s\nsee %s --help\n", u.text, u.command)
		return exitUsage
	}
	if errors.Is(err, differError{}) {
		return exitDiffer // how was told
	}
	var failed *failedLines
	if errors.As(err, &failed) {
		return exitError // each was told when it came
	}
	var fault *flowFault
	errors.As(err, &fault)
	// status.FromError would put the wrapping into the message.
	of, ok := errors.AsType[interface {
		error
		GRPCStatus() *status.Status
	}](err)
	if !ok {
		fmt.Fprintf(c.errOut, "sluice: %v\n", err)
		return exitError
	}
	for _, line := range c.explanation(of.GRPCStatus(), fault) {
		fmt.Fprintln(c.errOut, printable(line))
	}
	var net *netFault
	if errors.As(err, &net) {
		for _, d := range of.GRPCStatus().Details() {
			if d, ok := d.(*errdetails.BadRequest); ok {
				for _, v := range d.GetFieldViolations() {
					for _, line := range net.file.locate(v.GetField(), v.GetDescription()) {
						fmt.Fprintln(c.errOut, printable(line))
					}
				}
			}
		}
	}
	return exitError
}

// noAnswer says why there is no answer of sluiced's at all, or "".
func (c *client) noAnswer(st *status.Status) string {
	switch {
	case len(st.Details()) > 0:
		return ""
	case st.Code() != codes.Unavailable && st.Code() != codes.DeadlineExceeded:
		return ""
	}
	if why := c.unreachable(); why != nil {
		return fmt.Sprintf("cannot reach sluiced at %s: %v; start it with `sluiced` or name another address with -a", c.target(), root(why))
	}
	switch text := st.Message(); {
	case strings.HasPrefix(text, "context deadline"):
		return fmt.Sprintf("no answer from sluiced at %s within %s", c.target(), c.timeout)
	case strings.Contains(text, "server preface"):
		return fmt.Sprintf("what listens at %s does not speak gRPC; -a wants the address that sluiced's --grpc has", c.target())
	case strings.HasPrefix(text, "connection error"), strings.HasPrefix(text, "error reading from server"), strings.HasPrefix(text, "closing transport"):
		return fmt.Sprintf("the connection to sluiced at %s broke before the answer: %s", c.target(), text)
	}
	return ""
}

// explanation is what to print about a status: the first line says what went
// wrong, the others give details.
func (c *client) explanation(st *status.Status, fault *flowFault) []string {
	text := changePrefix.ReplaceAllString(st.Message(), "")
	if fault.oneOfSeveral() {
		// The counts are those of one call, of which people know nothing.
		text = sentCounts.ReplaceAllString(refusedCount.ReplaceAllString(text, "refused $1"), "")
	}
	lines := []string{"sluice: " + text}
	if why := c.noAnswer(st); why != "" {
		lines[0] = "sluice: " + why
	}
	var result, hint string
	differs := false
	for _, d := range st.Details() {
		switch d := d.(type) {
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				shown, ok := pointOut(v, fault)
				lines = append(lines, shown...)
				if ok || isArgument(v.GetField()) {
					lines[0] = "sluice: " + v.GetDescription()
				}
			}
		case *sluicev1.FlowError:
			lines = append(lines, flowErrorLines(d, fault)...)
			differs = differs || d.Has != nil
		case *sluicev1.WriteResult:
			if fault != nil && d.GetFailed() > 0 && strings.Contains(text, " refused ") && strings.HasSuffix(text, "; nothing was changed") {
				fault.whole = true
			}
			result = resultLine(d, fault)
		case *errdetails.ErrorInfo:
			hint = cmp.Or(reasonHints[d.GetReason()], ownHints[d.GetReason()])
			if _, app := d.GetMetadata()["app"]; app {
				hint = appHint
			}
		}
	}
	if result == "" && fault != nil && fault.before > 0 {
		result = resultLine(withoutResult(st.Code(), len(fault.sources)), fault)
	}
	if differs {
		result = strings.Replace(result, " refused", " not as written", 1)
	}
	if result != "" {
		lines = append(lines, result)
	}
	if hint == "" {
		hint = codeHints[st.Code()]
	}
	if hint != "" {
		lines = append(lines, "  "+hint)
	}
	return lines
}

// reasonHints say what to do about an error of a switch, ownHints about one of
// sluiced's, codeHints about others.
var (
	reasonHints = map[string]string{
		"OFPFMFC_TABLE_FULL":    "the table has no room: delete flows with `sluice del-flows`, or see `sluice dump-tables`",
		"OFPFMFC_OVERLAP":       "a flow of the same priority overlaps it: see `sluice dump-flows`",
		"OFPBAC_BAD_OUT_PORT":   "see `sluice dump-ports-desc` for the switch's ports",
		"OFPBAC_BAD_OUT_GROUP":  "the switch has no such group: add it with `sluice add-group`",
		"OFPGMFC_GROUP_EXISTS":  "to change a group that is there use `sluice mod-group`",
		"OFPGMFC_UNKNOWN_GROUP": "see `sluice dump-groups`; to add a group use `sluice add-group`",
		"OFPMMFC_METER_EXISTS":  "to change a meter that is there use `sluice mod-meter`",
		"OFPMMFC_UNKNOWN_METER": "see `sluice dump-meters`; to add a meter use `sluice add-meter`",
		"OFPFMFC_BAD_TABLE_ID":  "see `sluice show` for how many tables the switch has",
		"OFPBIC_BAD_TABLE_ID":   "goto_table leads to a later table only: see `sluice show` for how many the switch has",
		"OFPBRC_EPERM":          "the switch does not let this controller do that: see `sluice get-role`, and the switch's settings",
		"OFPBRC_IS_SLAVE":       "another controller is the switch's master: write through that one, or take its place with `sluice set-role SWITCH master`",
	}
	ownHints = map[string]string{
		"OWNED_BY_ANOTHER": "change what you own, or write as that owner: --owner NAME; `sluice owners` lists them",
		"QUOTA_EXCEEDED":   "delete flows that are not needed any more, or give the owner more: sluiced --owner-flows",
	}
	appHint   = "nobody else can write as an app: choose another table, priority or match, or run sluiced without it (--apps)"
	codeHints = map[codes.Code]string{
		codes.NotFound:         "`sluice switches` lists those that are connected",
		codes.DeadlineExceeded: "to wait longer use --timeout",
	}
)

// root is the innermost of wrapped errors: "connection refused" without the
// address, which is said already.
func root(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("no answer")
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return errors.New(e.Err) // without the name server's address
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

var (
	changeIndex  = regexp.MustCompile(`^changes\[(\d+)\]`)
	changePrefix = regexp.MustCompile(`\bchanges\[\d+\]: `) // people read lines and texts
	sentCounts   = regexp.MustCompile(`: \d+ of \d+ were sent, \d+ are confirmed\b`)
	refusedCount = regexp.MustCompile(`\brefused (\d+) of \d+ changes\b`)
	columnText   = regexp.MustCompile(`^col (\d+): `)
)

// isArgument reports whether a field of a request is an argument of the command
// line as it stands: what is wrong with it can be said without the field's name.
func isArgument(field string) bool {
	return field == "switch" || field == "port" || field == "text"
}

// pointOut shows the text that a violation is about, with a mark under its
// column, and reports whether it is about a text of the command line's. One that
// is empty shows nothing.
func pointOut(v *errdetails.BadRequest_FieldViolation, fault *flowFault) (lines []string, ok bool) {
	if fault == nil {
		return nil, false
	}
	at := 0
	if m := changeIndex.FindStringSubmatch(v.GetField()); m != nil {
		at, _ = strconv.Atoi(m[1])
	} else if !strings.HasPrefix(v.GetField(), "filter") && v.GetField() != "text" {
		return nil, false
	}
	if at >= len(fault.sources) {
		return nil, false
	}
	s := fault.sources[at]
	if s.text == "" && s.line == 0 {
		return nil, true
	}
	lines = []string{s.label() + s.text}
	if m := columnText.FindStringSubmatch(v.GetDescription()); m != nil {
		if col, err := strconv.Atoi(m[1]); err == nil && col >= 1 && col <= len(s.text)+1 {
			lines = append(lines, strings.Repeat(" ", len(s.label())+len([]rune(printable(s.text[:col-1]))))+"^")
		}
	}
	return lines, true
}

// label says where a text came from.
func (s source) label() string {
	if s.line == 0 {
		return "  "
	}
	return fmt.Sprintf("  line %d: ", s.line)
}

func flowErrorLines(d *sluicev1.FlowError, fault *flowFault) []string {
	s := source{text: d.GetFlow()}
	if i := int(d.GetIndex()); fault != nil && i < len(fault.sources) {
		s = fault.sources[i]
	}
	var lines []string
	if s.text != "" {
		lines = append(lines, s.label()+s.text)
	}
	if d.GetCode() != "" {
		lines = append(lines, fmt.Sprintf("    %s (%s type %d, code %d)", d.GetMessage(), d.GetType(), d.GetTypeNumber(), d.GetCodeNumber()))
	}
	if d.Has != nil && fault != nil && len(fault.sources) > 1 {
		lines = append(lines, "    "+d.GetMessage())
	}
	return lines // another message without a code is the status's own
}

// withoutResult is what is known of a call of total changes that failed without
// a result: where sluiced or the way to it failed, all may have been sent; else
// it refused the call as a whole.
func withoutResult(code codes.Code, total int) *sluicev1.WriteResult {
	r := &sluicev1.WriteResult{Total: uint32(total)}
	switch code {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled, codes.Internal, codes.Unknown:
		r.Sent = r.Total
	}
	return r
}

// resultLine says how far a write came, over all calls of the command, where that
// is not plain: "" for a single change that was refused.
func resultLine(d *sluicev1.WriteResult, fault *flowFault) string {
	total, sent, confirmed, failed := int(d.GetTotal()), int(d.GetSent()), int(d.GetConfirmed()), int(d.GetFailed())
	before, after, look := 0, 0, "dump-flows"
	if fault != nil {
		look = cmp.Or(fault.look, look)
		before, after, total = fault.before, fault.after, max(total, len(fault.sources))
	}
	all := before + total + after
	unknown := max(sent-confirmed, 0)
	if all == 1 && unknown == 0 {
		return ""
	}
	left, stored := total-sent+after, 0
	if sent == 0 {
		left -= failed // what was refused here is not waiting to be sent
	}
	if fault != nil && fault.whole && unknown == 0 {
		left, confirmed = 0, 0 // they came to nothing, sent or not
	}
	if d.StoredRevision != nil { // of this call alone: later ones were never made
		left, stored = after, total-sent
	}
	parts := []string{fmt.Sprintf("%d done", max(confirmed-failed, 0)+before)}
	for _, x := range []struct {
		n    int
		what string
	}{
		{failed, "%d refused"},
		{unknown, "%d sent but not confirmed: done or not, see `sluice " + look + "`"},
		{stored, "%d stored but not sent"},
		{left, "%d not sent"},
	} {
		if x.n > 0 {
			parts = append(parts, fmt.Sprintf(x.what, x.n))
		}
	}
	noun := "changes"
	if all == 1 {
		noun = "change"
	}
	return fmt.Sprintf("  of %d %s: %s", all, noun, strings.Join(parts, ", "))
}
