package channel

import (
	"os"
	"sync"
	"sync/atomic"
)

// turnstile shares the processors among connections. Go's scheduler looks at the
// network when a processor has nothing to run, or when nobody has looked for
// 10 ms. A switch that always has something to read keeps its reader, dispatcher
// and writer running in turns, so that a processor never has nothing to run: with
// one processor, all other switches would be heard a hundred times a second.
//
// So a reader that has read much passes the turnstile: it parks until the runtime
// has looked at the network, and so everybody for whom something has come by then
// runs before it reads again. Where nobody waits that costs a microsecond or two.
//
// The zero value is ready. It holds two descriptors from its first use on, for
// the life of the process; without them (none is left) nobody parks.
type turnstile struct {
	light atomic.Uint32 // counts reads by those who are calm

	mu     sync.Mutex
	passed chan struct{} // closed when the one who parks is back; nil if nobody does
	file   *os.File      // the pipe's end that is waited at
	bell   *os.File      // the other end
	rang   bool
}

// turns is that of all connections: they share the processors of one process.
var turns turnstile

// How much a reader reads before it passes the turnstile: longTurn while nobody
// else reads, or all read much; shortTurn, shortTurns times, once somebody else has
// read who is calm, and so has perhaps waited. A short turn is also the most that is
// read at once then, so that the turn is the dispatcher's and the writer's too. Who
// has read less than smallChunk calmReads times in a row is calm.
const (
	shortTurn  = 16 << 10
	shortTurns = 64
	longTurn   = 1 << 20
	calmReads  = 4
)

// turn is what one reader knows of its turn. It is the reader's alone.
type turn struct {
	read  int    // bytes since the last pass
	calm  int    // reads of little in a row
	light uint32 // turnstile.light at the last pass, and what this reader has added since
	short int    // so many short turns are left
}

// most cuts a buffer to what may be read at once.
func (own *turn) most(b []byte) []byte {
	if own.short > 0 && len(b) > shortTurn {
		return b[:shortTurn]
	}
	return b
}

// took counts n bytes that were read, and passes the turnstile where it is time.
func (t *turnstile) took(own *turn, n int) {
	if n >= smallChunk {
		own.calm = 0
	} else if own.calm++; own.calm >= calmReads {
		t.light.Add(1)
		own.light++ // not by others
	}
	length := longTurn
	if own.short > 0 {
		length = shortTurn
	}
	if own.read += max(n, smallChunk/4); own.read < length {
		return
	}
	t.pass()
	if light := t.light.Load(); light != own.light {
		own.light, own.short = light, shortTurns
	} else {
		own.short = max(own.short-1, 0)
	}
	own.read = 0
}

// pass returns when the runtime has looked at the network after it was called, or
// while it was. One of those who call it parks, the others wait for that one.
func (t *turnstile) pass() {
	t.mu.Lock()
	if passed := t.passed; passed != nil {
		t.mu.Unlock()
		<-passed
		return
	}
	if t.file == nil {
		var err error
		if t.file, t.bell, err = os.Pipe(); err != nil {
			t.file = nil
			t.mu.Unlock()
			return
		}
	}
	passed := make(chan struct{})
	t.passed = passed
	t.mu.Unlock()

	t.rang = false
	if raw, err := t.file.SyscallConn(); err == nil && raw.Read(t.ring) == nil {
		var b [1]byte
		_, _ = t.file.Read(b[:]) // there is one
	}

	t.mu.Lock()
	t.passed = nil
	t.mu.Unlock()
	close(passed)
}

// ring is called before the wait and after it. The bell is rung when the runtime
// has begun to watch the pipe: so the byte is found by looking at the network, and
// in no other way.
func (t *turnstile) ring(uintptr) (done bool) {
	if t.rang {
		return true
	}
	t.rang = true
	_, err := t.bell.Write([]byte{0})
	return err != nil
}
