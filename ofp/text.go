package ofp

import "fmt"

// Names translates between names and numbers of one switch. Both functions may
// be nil; a nil *Names knows no names.
type Names struct {
	Port     func(name string) (PortNo, bool)
	PortName func(no PortNo) (string, bool)
}

// TextError says where a text could not be read.
type TextError struct {
	Col  int    // of the first byte that is wrong, counted from 1
	Text string // what stands there
	Msg  string // what is wrong with it, and what was expected
}

func (e *TextError) Error() string { return fmt.Sprintf("col %d: %s", e.Col, e.Msg) }

// ParseFlow reads a flow in the syntax of ovs-ofctl(8): what add-flow takes for
// FlowAdd, mod-flows for FlowModify, del-flows for FlowDelete, and the last two
// with --strict for the strict commands. The text of a delete has no actions,
// and may have out_port and out_group. Lines that FlowStats.String printed are
// taken too; their counters are ignored. Errors are of type *TextError.
func ParseFlow(text string, command FlowCommand, n *Names) (*FlowMod, error) {
	return nil, &TextError{Col: 1, Text: text, Msg: "flow text: not yet written"}
}

// ParseMatch reads a match in the syntax of ovs-fields(7), such as
// "tcp,nw_dst=10.0.0.0/8,tp_dst=80". Errors are of type *TextError.
func ParseMatch(text string, n *Names) (Match, error) {
	return Match{}, &TextError{Col: 1, Text: text, Msg: "match text: not yet written"}
}

// ParseActions reads actions and instructions in the syntax of ovs-actions(7),
// such as "set_queue:1,output:2,goto_table:3" or "drop". Errors are of type
// *TextError.
func ParseActions(text string, n *Names) ([]Instruction, error) {
	return nil, &TextError{Col: 1, Text: text, Msg: "action text: not yet written"}
}

// String returns the match as ovs-ofctl prints it, such as
// "tcp,nw_dst=10.0.0.0/8,tp_dst=80".
func (m *Match) String() string { return "" }

// FormatActions returns instructions as ovs-ofctl prints them, such as
// "output:2,goto_table:3", or "drop" for none.
func FormatActions(is []Instruction, n *Names) string { return "" }

// String returns the flow as one line of `ovs-ofctl dump-flows`, which ParseFlow
// and `ovs-ofctl add-flow` take again.
func (f *FlowStats) String() string { return f.Text(nil) }

// Text is String with the port names that n knows.
func (f *FlowStats) Text(n *Names) string { return "" }

// String returns the flow-mod as one line that ParseFlow takes for the same
// command.
func (m *FlowMod) String() string { return "" }

// Print returns what the message that frame holds means, as `ovs-ofctl
// ofp-print` prints it. Bytes that are no message give a text that says so.
func Print(frame []byte) string { return "" }
