package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

// haveLoops says that connections in throughput mode are a loop's.
const haveLoops = true

const (
	loopIn     = 1 << 18                // bytes read at a time, beside what was left of a message
	loopOut    = 1 << 17                // bytes of packet-ins written at a time
	loopEvents = 64                     // sockets looked at between two waits
	checkEvery = time.Second            // for writes that the controller does not take
	napMost    = 400 * time.Microsecond // see rest
	napLeast   = 100 * time.Microsecond // the kernel makes it up to 60 µs longer
	napWindow  = 256                    // packet-ins that a switch may have unanswered, for a nap to be worth it
	rateEvery  = time.Millisecond

	// The runtime takes the processor from a goroutine that has not given it back for
	// 10 ms, in the midst of a system call, too, and then watches the goroutine
	// closely for a while: 20 µs at a time, on the core that the loop runs on.
	yieldEvery = 4 * time.Millisecond
)

// loop serves connections in throughput mode: one goroutine reads, counts, fills
// windows and writes for all of them, with buffers that they share, in place of
// two goroutines for each. So an answer costs ofbench a third, and where it
// shares the controller's cores these have more of them.
//
// It never waits for a socket to take bytes: what one does not take waits in its
// member, and until it is written nothing more is made for that switch. Reading
// goes on meanwhile, so that no two buffers full of bytes can wait for each other.
//
// start starts its goroutine, and close ends it and waits for it.
type loop struct {
	epoll   int
	bell    [2]int // a pipe: a byte in it wakes the loop
	ended   chan struct{}
	in      []byte
	sheet   []byte
	members map[int32]*member // by descriptor
	window  int               // of all members together
	flying  int               // packet-ins of theirs that wait for an answer
	heard   uint64            // answers since ratedAt
	ratedAt time.Time
	rate    float64 // answers a nanosecond, of late

	mu     sync.Mutex // guards what follows
	calls  []*member  // that have something to do, each once
	rang   bool
	closed bool
}

// member is a connection that the loop serves. But for what is said otherwise its
// fields are the loop's.
type member struct {
	s       *fakeSwitch
	fd      int
	end     chan error // takes one: why it ended
	rest    []byte     // the beginning of a message, which was read
	out     []byte     // what is still to be written
	stuck   time.Time  // since when the socket takes nothing
	flying  int        // its part of loop.flying
	started bool
	over    bool

	called bool // guarded by loop.mu: it is in calls
	leave  bool // the same: nobody waits for it any more
}

// startLoop starts a loop. On systems without epoll there is none.
func startLoop() (*loop, error) {
	l := &loop{ended: make(chan struct{}), in: make([]byte, loopIn), members: map[int32]*member{}}
	var err error
	if l.epoll, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err = syscall.Pipe2(l.bell[:], syscall.O_CLOEXEC|syscall.O_NONBLOCK); err != nil {
		_ = syscall.Close(l.epoll)
		return nil, os.NewSyscallError("pipe2", err)
	}
	if err = l.watch(syscall.EPOLL_CTL_ADD, l.bell[0], syscall.EPOLLIN); err != nil {
		l.free()
		return nil, err
	}
	go l.run()
	return l, nil
}

// free closes descriptors; that these are closed is all that is wanted.
func (l *loop) free() {
	_ = syscall.Close(l.epoll)
	_ = syscall.Close(l.bell[0])
	_ = syscall.Close(l.bell[1])
}

// close ends the loop, which has no members any more, and waits for it.
func (l *loop) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.ring()
	<-l.ended
	l.free()
}

func (l *loop) watch(op, fd int, events uint32) error {
	return os.NewSyscallError("epoll_ctl", syscall.EpollCtl(l.epoll, op, fd, &syscall.EpollEvent{Events: events, Fd: int32(fd)}))
}

func (l *loop) ring() {
	for {
		if _, err := syscall.Write(l.bell[1], []byte{0}); err != syscall.EINTR {
			return // a full pipe rings all the same
		}
	}
}

// serve serves a connection until it ends and returns why. When ctx ends, it
// does, and with it the wait.
func (l *loop) serve(ctx context.Context, s *fakeSwitch) error {
	m := &member{s: s, end: make(chan error, 1)}
	var err error
	if m.fd, err = takeOver(s.conn); err != nil {
		return fmt.Errorf("take over the connection: %w", err)
	}
	s.mu.Lock()
	s.poke = func() { l.call(m) }
	s.mu.Unlock()
	l.call(m)
	select {
	case err = <-m.end:
	case <-ctx.Done():
		l.mu.Lock()
		m.leave = true
		l.mu.Unlock()
		l.call(m)
		err = <-m.end
	}
	s.mu.Lock()
	s.poke = nil
	s.mu.Unlock()
	return err
}

// takeOver returns a descriptor of the connection's socket, and closes the
// connection, so that the runtime watches it no more.
func takeOver(conn net.Conn) (fd int, err error) {
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return 0, err
	}
	var dupErr error
	if err = raw.Control(func(of uintptr) {
		fd, dupErr = syscall.Dup(int(of))
	}); err == nil {
		err = dupErr
	}
	if err != nil {
		return 0, err
	}
	syscall.CloseOnExec(fd)
	conn.Close()
	return fd, nil
}

// call has the loop look at a member.
func (l *loop) call(m *member) {
	l.mu.Lock()
	ring := false
	if !m.called {
		m.called = true
		l.calls = append(l.calls, m)
		ring, l.rang = !l.rang, true
	}
	l.mu.Unlock()
	if ring {
		l.ring()
	}
}

func (l *loop) run() {
	defer close(l.ended)
	events := make([]syscall.EpollEvent, loopEvents)
	checked := time.Now()
	yielded := checked
	for {
		n, err := syscall.EpollWait(l.epoll, events, int(checkEvery/time.Millisecond))
		if err != nil && err != syscall.EINTR {
			l.fail(os.NewSyscallError("epoll_wait", err))
			if l.answerCalls() {
				return
			}
			pause(napMost)
		}
		for _, e := range events[:max(n, 0)] {
			if int(e.Fd) == l.bell[0] {
				if l.answerCalls() {
					return
				}
			} else if m := l.members[e.Fd]; m != nil {
				l.visit(m, e.Events)
			}
		}
		now := time.Now()
		if now.Sub(checked) >= checkEvery {
			checked = now
			l.check(now)
		}
		if now.Sub(yielded) >= yieldEvery {
			yielded = now
			runtime.Gosched()
		}
		l.rest(now)
	}
}

// check ends the connections whose writes the controller has not taken for too
// long.
func (l *loop) check(now time.Time) {
	for _, m := range l.members {
		if !m.stuck.IsZero() && now.Sub(m.stuck) > writeDeadline {
			l.drop(m, fmt.Errorf("send to the controller: it has taken nothing for %v", writeDeadline))
		}
	}
}

// rest lets answers gather for a moment: the fewer the wakings, the cheaper an
// answer, for the controller's writes too, which then find nobody to wake.
func (l *loop) rest(now time.Time) {
	if since := now.Sub(l.ratedAt); since >= rateEvery {
		l.rate = (l.rate + float64(l.heard)/float64(since)) / 2
		l.heard, l.ratedAt = 0, now
	}
	if d := nap(len(l.members), l.window, l.flying, l.rate); d > 0 {
		pause(d)
	}
}

// nap returns how long so many members may rest, whose windows have room for so
// many packet-ins in all and of which so many wait for an answer: a quarter of the
// time for which the controller has work at the rate at which it has answered of
// late, in answers a nanosecond. It is 0 where that is not worth it, or most
// windows are open.
func nap(members, window, flying int, rate float64) time.Duration {
	if members == 0 || window < napWindow*members || flying < window/2 || rate <= 0 {
		return 0
	}
	if d := time.Duration(min(float64(flying)/4/rate, float64(napMost))); d >= napLeast {
		return d
	}
	return 0
}

func pause(d time.Duration) {
	t := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&t, nil) // a signal may cut it short
}

// fail ends all connections.
func (l *loop) fail(err error) {
	for _, m := range l.members {
		l.drop(m, err)
	}
}

// answerCalls looks at those who called, and reports whether the loop is to end.
func (l *loop) answerCalls() (closed bool) {
	var b [64]byte
	for {
		if n, err := syscall.Read(l.bell[0], b[:]); err != syscall.EINTR && n < len(b) {
			break
		}
	}
	l.mu.Lock()
	calls := l.calls
	l.calls, l.rang = nil, false
	for _, m := range calls {
		m.called = false
	}
	closed = l.closed
	l.mu.Unlock()
	for _, m := range calls {
		l.mu.Lock()
		leave := m.leave
		l.mu.Unlock()
		switch {
		case leave:
			l.drop(m, context.Canceled)
		case !m.started:
			l.join(m)
		default:
			l.visit(m, 0)
		}
	}
	return closed
}

func (l *loop) join(m *member) {
	m.started = true
	t := m.s.traffic
	if l.sheet == nil {
		l.sheet = t.newSheet(loopOut)
	}
	m.s.mu.Lock()
	t.sheet = l.sheet
	m.s.mu.Unlock()
	l.members[int32(m.fd)] = m
	l.window += len(t.slots)
	if err := l.watch(syscall.EPOLL_CTL_ADD, m.fd, syscall.EPOLLIN); err != nil {
		l.drop(m, err)
		return
	}
	l.visit(m, 0)
}

// drop ends a connection.
func (l *loop) drop(m *member, why error) {
	if m.over {
		return
	}
	m.over = true
	if m.started {
		delete(l.members, int32(m.fd))
		l.window -= len(m.s.traffic.slots)
		l.flying -= m.flying
	}
	_ = syscall.Close(m.fd) // the last descriptor of the socket: nothing watches it any more
	m.end <- why
}

// visit reads once, counts, and writes until the window is full or the socket
// takes no more. What is left to be read the kernel tells again.
func (l *loop) visit(m *member, events uint32) {
	if m.over {
		return
	}
	err := l.hear(m, events)
	for more := true; more && err == nil; {
		more, err = l.talk(m)
	}
	if err != nil {
		l.drop(m, err)
	}
}

// hear reads and counts.
func (l *loop) hear(m *member, events uint32) error {
	if events&^syscall.EPOLLOUT == 0 {
		return nil
	}
	b, err := l.read(m)
	if len(b) == 0 || err != nil {
		return err
	}
	s := m.s
	now := s.now()
	s.mu.Lock()
	before := s.traffic.Answered
	used, _, err := s.absorb(b, now)
	l.heard += s.traffic.Answered - before
	s.mu.Unlock()
	m.rest = append(m.rest[:0], b[used:]...)
	return err
}

// talk writes replies and packet-ins, and reports whether there may be more. If
// something waits for the socket, it writes that alone.
func (l *loop) talk(m *member) (more bool, err error) {
	if len(m.out) > 0 {
		if err = l.send(m, nil); err != nil || len(m.out) > 0 {
			return false, err
		}
	}
	s := m.s
	var b []byte
	now := s.now()
	s.mu.Lock()
	m.out, s.pending = append(m.out, s.pending...), s.pending[:0]
	if s.running && s.featuresAt != 0 {
		b = s.traffic.write(now, loopOut)
	}
	l.flying += s.traffic.waiting - m.flying
	m.flying = s.traffic.waiting
	s.mu.Unlock()
	err = l.send(m, b)
	return len(b) > 0 && len(m.out) == 0, err
}

// read reads once, behind what is left of a message, into a buffer that is good
// until the next read. It returns nil if there is nothing to read.
func (l *loop) read(m *member) (b []byte, err error) {
	at := len(m.rest)
	l.in = slices.Grow(l.in[:0], at+loopIn)
	copy(l.in[:at], m.rest)
	n, err := syscall.Read(m.fd, l.in[at:at+loopIn])
	switch {
	case err == syscall.EAGAIN || err == syscall.EINTR:
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read from the controller: %w", os.NewSyscallError("read", err))
	case n == 0:
		return nil, errors.New("the controller closed the connection")
	}
	return l.in[:at+n], nil
}

// send writes what waits, and then b.
func (l *loop) send(m *member, b []byte) error {
	if len(m.out) > 0 {
		n, err := l.push(m, m.out)
		if err != nil {
			return err
		}
		if m.out = m.out[:copy(m.out, m.out[n:])]; len(m.out) > 0 {
			m.out = append(m.out, b...)
			return l.wait(m, n)
		}
	}
	n, err := l.push(m, b)
	if err != nil {
		return err
	}
	if m.out = append(m.out, b[n:]...); len(m.out) > 0 {
		return l.wait(m, n)
	}
	if !m.stuck.IsZero() {
		m.stuck = time.Time{}
		return l.watch(syscall.EPOLL_CTL_MOD, m.fd, syscall.EPOLLIN)
	}
	return nil
}

// wait has the kernel tell when the socket takes bytes again, of which it took n
// just now.
func (l *loop) wait(m *member, n int) error {
	was := m.stuck
	if n > 0 || was.IsZero() {
		m.stuck = time.Now()
	}
	if was.IsZero() {
		return l.watch(syscall.EPOLL_CTL_MOD, m.fd, syscall.EPOLLIN|syscall.EPOLLOUT)
	}
	return nil
}

// push writes as much of b as the socket takes.
func (l *loop) push(m *member, b []byte) (n int, err error) {
	for n < len(b) {
		k, err := syscall.Write(m.fd, b[n:])
		n += max(k, 0)
		switch {
		case err == syscall.EAGAIN:
			return n, nil
		case err != nil && err != syscall.EINTR:
			return n, fmt.Errorf("send to the controller: %w", os.NewSyscallError("write", err))
		}
	}
	return n, nil
}
