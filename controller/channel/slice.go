package channel

import "time"

// How long the apps of one switch have a processor before others have their turn,
// about; with how many events that is found out; and of how many it is not.
const (
	sliceTime  = time.Millisecond
	sliceFirst = 64
	sliceLeast = 8
)

// handle gives a batch to the handler: at once if the apps are quick, and else in
// slices of about sliceTime, after each of which all who wait for the network are
// heard (turnstile). It is the dispatcher's.
func (c *Conn) handle(h Handler, b *Batch) {
	all := b.events
	if len(all) < sliceLeast && c.slice > len(all) {
		h.Events(c, b)
		return
	}
	for from := 0; from < len(all); {
		n := min(len(all)-from, c.slice)
		b.events = all[from : from+n]
		from += n
		begin := time.Now()
		h.Events(c, b)
		took := time.Since(begin)
		switch {
		case took > sliceTime:
			c.slice = max(1, int(time.Duration(n)*sliceTime/took))
			turns.pass()
		case n == c.slice && took < sliceTime/2:
			c.slice = min(2*c.slice, largeChunk)
		}
	}
	b.events = all
}
