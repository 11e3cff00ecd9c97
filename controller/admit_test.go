package controller

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-sdn/sluice/controller/channel"
)

func newAdmission(t *testing.T, cfg Config) *admission {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &c.admission
}

func tcpAddr(ip string) net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(ip), 1234))
}

// enter is what Serve does with a connection.
func enter(a *admission, from string) (leave func(), refused channel.Reason, ok bool) {
	if !a.next(context.Background()) {
		return nil, channel.ReasonCrowded, false
	}
	return a.admit(context.Background(), tcpAddr(from))
}

// crowd asks for n connections at once, and tells how many are let in or refused,
// by when, in seconds.
func crowd(a *admission, n int, from string) (in, refused map[int]int, reasons map[channel.Reason]int) {
	in, refused, reasons = map[int]int{}, map[int]int{}, map[channel.Reason]int{}
	began := time.Now()
	var mu sync.Mutex
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			leave, reason, ok := enter(a, from)
			mu.Lock()
			defer mu.Unlock()
			after := int(time.Since(began) / time.Second)
			if ok {
				in[after]++
				leave()
			} else {
				refused[after]++
				reasons[reason]++
			}
		})
	}
	all.Wait()
	return in, refused, reasons
}

// TestConnectRate: a source that connects too often waits, and then is refused;
// another one does not notice.
func TestConnectRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAdmission(t, Config{ConnectRate: 10, MaxPending: 1000, AdmitTimeout: 5050 * time.Millisecond})
		done := make(chan string)
		go func() {
			in, refused, reasons := crowd(a, 100, "10.0.0.1")
			done <- fmt.Sprint(in, refused, reasons)
		}()
		synctest.Wait()
		if in, _, _ := crowd(a, 20, "10.0.0.2"); in[0] != 20 {
			t.Errorf("of another source came in: %v", in)
		}
		// 20 at once, then 10 a second for five seconds; the others are told at once
		// that it would take longer.
		if got, want := <-done, fmt.Sprint(map[int]int{0: 29, 1: 10, 2: 10, 3: 10, 4: 10, 5: 1}, map[int]int{0: 30}, map[channel.Reason]int{channel.ReasonRate: 30}); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

// TestConnectRateTotal: all sources together wait for their turn, and nobody is
// refused for it.
func TestConnectRateTotal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAdmission(t, Config{ConnectRateTotal: 10, MaxPending: 1000})
		var mu sync.Mutex
		var all sync.WaitGroup
		total, late := map[int]int{}, 0
		for _, from := range []string{"10.0.0.1", "10.0.0.2"} {
			all.Go(func() {
				in, refused, _ := crowd(a, 25, from)
				mu.Lock()
				defer mu.Unlock()
				for after, n := range in {
					total[after] += n
				}
				late += len(refused)
			})
		}
		all.Wait()
		// 20 at once, then 10 a second.
		if got, want := fmt.Sprint(total), fmt.Sprint(map[int]int{0: 29, 1: 10, 2: 10, 3: 1}); got != want || late > 0 {
			t.Errorf("came in: %s, want %s; refused: %d", got, want, late)
		}
	})
}

// TestThousandsAtOnce: with the defaults 5,000 switches of one address are let in
// within three seconds, and when they come again at once too.
func TestThousandsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAdmission(t, Config{})
		for range 3 {
			began := time.Now()
			in, refused, _ := crowd(a, 5000, "127.0.0.1")
			n := 0
			for _, k := range in {
				n += k
			}
			if n != 5000 || len(refused) > 0 || time.Since(began) > 3*time.Second {
				t.Errorf("%d came in within %v, refused: %v", n, time.Since(began), refused)
			}
		}
	})
}

// TestShare: peers of one source that say nothing leave room for others, who
// wait for theirs as long as need be, and no longer.
func TestShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAdmission(t, Config{MaxPending: 8})
		var leave []func()
		for range 6 {
			l, _, ok := enter(a, "10.0.0.1")
			if !ok {
				t.Fatal("refused")
			}
			leave = append(leave, l)
		}
		began := time.Now()
		if _, reason, ok := enter(a, "10.0.0.1"); ok || reason != channel.ReasonCrowded || time.Since(began) != 5*time.Second {
			t.Errorf("after %v: %v, %v", time.Since(began), ok, reason)
		}
		for _, from := range []string{"2001:db8::1", "2001:db8::2"} {
			if _, _, ok := enter(a, from); !ok {
				t.Error("there is no room for another source")
			}
		}
		// Now all room is taken, until somebody leaves.
		let := make(chan bool)
		go func() {
			_, _, ok := enter(a, "10.0.0.3")
			let <- ok
		}()
		time.Sleep(3 * time.Second)
		leave[0]()
		if !<-let {
			t.Error("who waited for room did not get it")
		}
		if n := a.pending.Load(); n != 8 {
			t.Errorf("%d pending", n)
		}
		// Those who wait are bounded too.
		in, refused, _ := crowd(a, 40, "10.0.0.4")
		if len(in) != 0 || refused[0] != 8 || refused[5] != 32 {
			t.Errorf("let in %v, refused %v", in, refused)
		}
	})
}

// TestSourcesAreForgotten: many sources leave nothing behind.
func TestSourcesAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAdmission(t, Config{MaxPending: 10})
		for i := range 10 * leastSources {
			leave, _, ok := enter(a, fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255))
			if !ok {
				t.Fatal("refused")
			}
			leave()
			time.Sleep(time.Millisecond)
		}
		if n := len(a.sources); n > leastSources {
			t.Errorf("%d sources are remembered", n)
		}
	})
}

func TestSourceOf(t *testing.T) {
	for _, test := range []struct{ a, b string }{
		{"10.0.0.1", "::ffff:10.0.0.1"}, {"2001:db8:0:1::1", "2001:db8:0:1:ffff::"}, {"fe80::1%eth0", "fe80::2%eth1"},
	} {
		if a, b := sourceOf(tcpAddr(test.a)), sourceOf(tcpAddr(test.b)); a != b {
			t.Errorf("%s and %s are %v and %v", test.a, test.b, a, b)
		}
	}
	for _, test := range []struct{ a, b string }{{"10.0.0.1", "10.0.0.2"}, {"2001:db8:0:1::1", "2001:db8:0:2::1"}} {
		if a, b := sourceOf(tcpAddr(test.a)), sourceOf(tcpAddr(test.b)); a == b {
			t.Errorf("%s and %s are both %v", test.a, test.b, a)
		}
	}
	if a := sourceOf(&net.UnixAddr{Name: "x", Net: "unix"}); a.IsValid() {
		t.Errorf("a unix socket is %v", a)
	}
}

// TestQuiet: many lines of a kind are few, those of others are not, and memory is
// bounded.
func TestQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q quiet
		lines, more := 0, 0
		for range 1000 { // ten seconds
			if held, ok := q.pass("loop"); ok {
				lines, more = lines+1, more+held
			}
			time.Sleep(10 * time.Millisecond)
		}
		if lines < 19 || lines > 20 || more < 880 {
			t.Errorf("%d lines of 1,000, which tell of %d more", lines, more)
		}
		if held, ok := q.pass("other"); !ok || held != 0 {
			t.Errorf("another kind: %v, %d", ok, held)
		}
		lines = 0
		for i := range 50_000 {
			if _, ok := q.pass(fmt.Sprint(i)); ok {
				lines++
			}
		}
		if lines > quietBurstAll || len(q.kinds) > quietKinds {
			t.Errorf("%d lines of 50,000 kinds, %d kinds", lines, len(q.kinds))
		}
	})
}

// TestQuietRemembers: what was held back is remembered among as many kinds as there
// is room for.
func TestQuietRemembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q quiet
		for range quietBurst + 5 {
			q.pass("loop")
		}
		for i := range quietKinds - 1 {
			q.pass(fmt.Sprint(i))
		}
		time.Sleep(2 * time.Second)
		if held, ok := q.pass("loop"); !ok || held != 5 {
			t.Errorf("%v, %d held back", ok, held)
		}
	})
}
