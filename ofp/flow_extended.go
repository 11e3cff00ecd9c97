package ofp

import (
	"encoding/binary"
	"errors"
)

// nxtFlowMod is the number of Nicira's flow-mod (NXT_FLOW_MOD).
const nxtFlowMod = 13

// sayFlowMod10 writes a flow-mod again, which 1.0 could not say, as Nicira's
// flow-mod: its match has every field. It reports whether m is such a flow-mod;
// the cursor then holds that message, or why it cannot be said either.
func (c *cursor) sayFlowMod10(m Message) bool {
	mod, ok := m.(*FlowMod)
	if !ok || c.v != V10 || !c.say.extensions || !errors.Is(c.err, ErrVersion) {
		return false
	}
	c.err = nil
	c.buf = c.buf[:c.base+HeaderLen]
	c.buf[c.base+1] = kindOfExperimenter
	binary.BigEndian.PutUint64(c.space(8), niciraID<<32|nxtFlowMod)
	mod.nicira().walk(c)
	return true
}

// nicira is the flow-mod as Nicira's. The cookies that flows must have stand in the
// match; a modify by cookie leaves the flows' cookies as they are, as it does in 1.1
// and later.
func (m *FlowMod) nicira() *NXFlowMod {
	nx := &NXFlowMod{FlowMod: *m}
	nx.CookieMask = 0
	if m.CookieMask == 0 || m.Command == FlowAdd {
		return nx
	}
	nx.Cookie, nx.MatchCookie, nx.MatchCookieMask = 0, m.Cookie, m.CookieMask
	if m.Command <= FlowModifyStrict {
		nx.Cookie = ^uint64(0)
	}
	return nx
}
