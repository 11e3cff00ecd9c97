package controller

import "github.com/sluice-sdn/sluice/controller/channel"

// Prompt implements channel.PromptHandler: it reports whether all apps that hear of
// the packet say that they wait for nothing. Each is asked, since the first ones may
// leave it to the others.
func (l *link) Prompt(_ *channel.Conn, b *channel.Batch) (yes bool) {
	s := (*Switch)(l)
	if s.main != nil {
		return false // it waits for room with the main connection
	}
	d := &s.dispatch
	_, frame := b.Event(0)
	if d.dec.Decode(frame, &d.packetIn) != nil {
		return false
	}
	defer func() {
		if p := recover(); p != nil {
			s.recovered(p)
			yes = false
		}
		d.running, d.decoded = nil, yes
	}()
	for i := range d.handlers {
		h := &d.handlers[i]
		if h.packetIn == nil || h.app.disabled.Load() {
			continue
		}
		if d.running = h.app; h.prompt == nil || !h.prompt.Prompt(&d.packetIn) {
			return false
		}
	}
	return true
}
