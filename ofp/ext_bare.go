package ofp

// Actions that say all that there is to say by their name.
type (
	// PopQueue undoes what set_queue did (NXAST_POP_QUEUE).
	PopQueue struct{}
	// Exit ends the processing of the packet: neither the actions after it nor
	// those after the resubmits that led here are carried out (NXAST_EXIT).
	Exit struct{}
	// DecNSHTTL takes one from the TTL of the outermost network service header
	// (NXAST_DEC_NSH_TTL; Open vSwitch takes it in 1.3).
	DecNSHTTL struct{}
	// DebugSlow sends the packet through the slow path. Only an Open vSwitch that
	// is started for tests takes it (NXAST_DEBUG_SLOW).
	DebugSlow struct{}
	// DebugRecirc sends the packet around once more. Only an Open vSwitch that is
	// started for tests takes it (NXAST_DEBUG_RECIRC).
	DebugRecirc struct{}
)

func (*PopQueue) walk(*cursor, uint16)    {}
func (*Exit) walk(*cursor, uint16)        {}
func (*DecNSHTTL) walk(*cursor, uint16)   {}
func (*DebugSlow) walk(*cursor, uint16)   {}
func (*DebugRecirc) walk(*cursor, uint16) {}

func (*PopQueue) clone() Extension    { return &PopQueue{} }
func (*Exit) clone() Extension        { return &Exit{} }
func (*DecNSHTTL) clone() Extension   { return &DecNSHTTL{} }
func (*DebugSlow) clone() Extension   { return &DebugSlow{} }
func (*DebugRecirc) clone() Extension { return &DebugRecirc{} }

func (*PopQueue) appendText(b []byte, _ Version, _ *Names) []byte {
	return append(b, "pop_queue"...)
}

func (*Exit) appendText(b []byte, _ Version, _ *Names) []byte {
	return append(b, "exit"...)
}

func (*DecNSHTTL) appendText(b []byte, _ Version, _ *Names) []byte {
	return append(b, "dec_nsh_ttl"...)
}

func (*DebugSlow) appendText(b []byte, _ Version, _ *Names) []byte {
	return append(b, "debug_slow"...)
}

func (*DebugRecirc) appendText(b []byte, _ Version, _ *Names) []byte {
	return append(b, "debug_recirc"...)
}

// bareText reads an action that is its name alone.
func bareText(e Extension) extensionText {
	return func(p *textParser, it textItem, _ *Match) Extension {
		p.noValue(it)
		return e.clone()
	}
}
