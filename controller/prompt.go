package controller

import (
	"time"

	"github.com/sluice-sdn/sluice/controller/channel"
)

// promptMost is how long an app may take for a packet of which it has said that it
// will wait for nothing: far more than any work on a packet, and less than a switch
// takes to give up a controller that answers no echo.
const promptMost = time.Second

// Prompt implements channel.PromptHandler: it reports whether all apps that hear of
// the packet, or of the end of its batch, say that they wait for nothing. Each is
// asked, since the first ones may leave it to the others.
func (l *link) Prompt(_ *channel.Conn, b *channel.Batch) bool {
	s := (*Switch)(l)
	if s.main != nil {
		return false // it waits for room with the main connection
	}
	_, frame := b.Event(0)
	return s.prompt(frame)
}

// prompt is Prompt for a frame. If it says no, the frame may be gone before the next
// one is handled, and with it what it was decoded to.
func (s *Switch) prompt(frame []byte) (yes bool) {
	d := &s.dispatch
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
		if h.packetIn == nil && h.batch == nil || h.app.disabled.Load() {
			continue
		}
		if d.running = h.app; h.prompt == nil || h.app.waits.Load() || !h.prompt.Prompt(&d.packetIn) {
			return false
		}
	}
	return true
}

// kept ends the turn of an app that has said that it waits for nothing. One that took
// too long is not asked again, on any switch: the dispatcher, which may wait, handles
// what it hears of.
func (s *Switch) kept(a *app) {
	d := &s.dispatch
	begun := d.turn
	d.turn = time.Now()
	if took := d.turn.Sub(begun); took >= promptMost && !a.waits.Swap(true) {
		s.log.WithField("app", a.Name()).WithField("took", took.Round(time.Millisecond)).
			Warn("app waited for something although its Prompt had said that it would not; it is not asked any more, and lone packets take longer")
	}
}
