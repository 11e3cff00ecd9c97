package ofp

import "bytes"

// walkFields is a match without a length or padding, which fills the structure at
// hand, in the form that Open vSwitch gives the version's own matches; that of
// 1.0 and 1.1 is Nicira's.
func walkFields(c *cursor, m *Match) {
	form := c.v
	if form < V12 {
		form = versionNX
	}
	if c.wr {
		c.buf = append(c.buf, m.fieldsAs(c, form)...)
		return
	}
	body := c.buf[c.off:c.end]
	m.Reset()
	if _, ok := scanOXM(c, body, "match field"); !ok {
		return
	}
	m.oxm = append(m.oxm, body...)
	m.translateNXM()
	w := cursor{wr: true, v: c.v}
	if again := m.fieldsAs(&w, form); w.err != nil || !bytes.Equal(again, body) {
		m.received, m.receivedVersion = append(m.received, body...), form
	}
	c.off = c.end
}

func (m *Match) fieldsAs(c *cursor, form Version) []byte {
	switch {
	case form == versionNX:
		return m.bodyNX(c, 0, 0)
	case len(m.received) > 0 && m.receivedVersion == form:
		return m.received
	case form == V12:
		return m.oxm12(c)
	}
	return m.oxm
}
