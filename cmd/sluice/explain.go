package main

import (
	"context"
	"errors"
	"fmt"
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
	before  int // changes that earlier calls of the same command confirmed
}

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
	var failed *failedLines
	if errors.As(err, &failed) {
		return exitError // each was told when it came
	}
	var fault *flowFault
	errors.As(err, &fault)
	st, ok := status.FromError(err)
	if !ok {
		fmt.Fprintf(c.errOut, "sluice: %v\n", err)
		return exitError
	}
	for _, line := range c.explanation(st, fault) {
		fmt.Fprintln(c.errOut, line)
	}
	return exitError
}

// explanation is what to print about a status: the first line says what went
// wrong, the others give details.
func (c *client) explanation(st *status.Status, fault *flowFault) []string {
	if why := c.unreachable(); why != nil && (st.Code() == codes.Unavailable || st.Code() == codes.DeadlineExceeded) {
		return []string{fmt.Sprintf("sluice: cannot reach sluiced at %s: %v; start it with `sluiced` or name another address with -a", c.target(), root(why))}
	}
	lines := []string{"sluice: " + st.Message()}
	if st.Code() == codes.DeadlineExceeded && strings.HasPrefix(st.Message(), "context deadline") {
		lines[0] = fmt.Sprintf("sluice: no answer from sluiced at %s within %s", c.target(), c.timeout)
	}
	var hint string
	for _, d := range st.Details() {
		switch d := d.(type) {
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				lines = append(lines, pointOut(v, fault)...)
				if len(lines) > 1 {
					lines[0] = "sluice: " + v.GetDescription()
				}
			}
		case *sluicev1.FlowError:
			lines = append(lines, flowErrorLines(d, fault)...)
		case *sluicev1.WriteResult:
			lines = append(lines, resultLine(d, fault))
		case *errdetails.ErrorInfo:
			hint = reasonHints[d.GetReason()]
		}
	}
	if hint == "" {
		hint = codeHints[st.Code()]
	}
	if hint != "" {
		lines = append(lines, "  "+hint)
	}
	return lines
}

// reasonHints say what to do about an error of a switch, codeHints about others.
var (
	reasonHints = map[string]string{
		"OFPFMFC_TABLE_FULL":  "the table has no room: delete flows with `sluice del-flows`, or see `sluice dump-tables`",
		"OFPFMFC_OVERLAP":     "a flow of the same priority overlaps it: see `sluice dump-flows`",
		"OFPBAC_BAD_OUT_PORT": "see `sluice dump-ports-desc` for the switch's ports",
		"OFPBRC_EPERM":        "the switch does not let this controller do that: see its role and settings",
		"OFPBRC_IS_SLAVE":     "another controller is the switch's master",
	}
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
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

var (
	changeIndex = regexp.MustCompile(`^changes\[(\d+)\]`)
	columnText  = regexp.MustCompile(`^col (\d+): `)
)

// pointOut shows the text that a violation is about, with a mark under its
// column.
func pointOut(v *errdetails.BadRequest_FieldViolation, fault *flowFault) []string {
	if fault == nil {
		return nil
	}
	at := 0
	if m := changeIndex.FindStringSubmatch(v.GetField()); m != nil {
		at, _ = strconv.Atoi(m[1])
	} else if !strings.HasPrefix(v.GetField(), "filter") && v.GetField() != "text" {
		return nil
	}
	if at >= len(fault.sources) {
		return nil
	}
	s := fault.sources[at]
	lines := []string{s.label() + s.text}
	if m := columnText.FindStringSubmatch(v.GetDescription()); m != nil {
		if col, err := strconv.Atoi(m[1]); err == nil && col >= 1 && col <= len(s.text)+1 {
			lines = append(lines, strings.Repeat(" ", len(s.label())+len([]rune(s.text[:col-1])))+"^")
		}
	}
	return lines
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
		return append(lines, fmt.Sprintf("    %s (%s type %d, code %d)", d.GetMessage(), d.GetType(), d.GetTypeNumber(), d.GetCodeNumber()))
	}
	return append(lines, "    "+d.GetMessage())
}

func resultLine(d *sluicev1.WriteResult, fault *flowFault) string {
	before := 0
	if fault != nil {
		before = fault.before
	}
	total := int(d.GetTotal())
	if fault != nil {
		total = max(total, len(fault.sources))
	}
	done := int(d.GetConfirmed()) - min(int(d.GetFailed()), int(d.GetConfirmed()))
	return fmt.Sprintf("  of %d: %d done, %d refused, %d sent without an answer, %d not sent", total+before,
		done+before, d.GetFailed(), d.GetSent()-min(d.GetConfirmed(), d.GetSent()), total-int(d.GetSent()))
}
