package main

import (
	"context"
	"time"
)

// paceEvery is how often switches are given leave to send, with --rate.
const paceEvery = 5 * time.Millisecond

// limit sets how many packet-ins each switch may send.
func (f *fleet) limit(credit int) {
	for _, s := range f.switches {
		s.mu.Lock()
		s.traffic.credit = credit
		s.mu.Unlock()
	}
}

// pace lets all switches together send --rate packet-ins a second, until ctx
// ends. What a switch could not send because its window was full it may send
// later, up to the share of one second.
func (f *fleet) pace(ctx context.Context) {
	tick := time.NewTicker(paceEvery)
	defer tick.Stop()
	rate, n := float64(f.options.rate), len(f.switches)
	most := int(rate)/n + 1
	owed, last, next := 0.0, time.Now(), 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		owed += rate * now.Sub(last).Seconds()
		last = now
		due := int(owed)
		owed -= float64(due)
		each, rest := due/n, due%n
		for i := range n {
			credit := each
			if i < rest {
				credit++
			}
			if credit == 0 {
				break // so have all others
			}
			s := f.switches[(next+i)%n]
			s.mu.Lock()
			s.traffic.credit = min(s.traffic.credit+credit, most)
			s.mu.Unlock()
			s.wakeWriter()
		}
		next = (next + rest) % n // the rest goes to others each time
	}
}
