package channel

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestAnswersAreBounded: a switch that asks faster than it reads takes no more memory
// than two answers, is counted, and is answered again once it reads.
func TestAnswersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		slow := &slowConn{Conn: theirs}
		r := startOver(t, ours, slow, ofp.V13, Config{WriteTimeout: time.Hour, EchoInterval: time.Hour})
		c := r.ready()
		synctest.Wait()
		slow.pause.Store(int64(time.Second))
		const asked = 100
		question := &ofp.EchoRequest{Data: make([]byte, 60_000)}
		most := 0
		for range asked {
			r.send(question)
			synctest.Wait()
			most = max(most, c.out.waiting())
		}
		// What is over the bound is not encoded; the one that reached it is.
		if bound := urgentLimit + 1<<16; most > bound {
			t.Errorf("%d bytes of answers wait, at most %d may", most, bound)
		}
		dropped := r.stats.Drops[DropAnswer].Load()
		if dropped == 0 {
			t.Error("no answer was dropped")
		}
		slow.pause.Store(0)
		for range asked - int(dropped) {
			r.want(ofp.TypeEchoReply)
		}
		r.send(question)
		r.want(ofp.TypeEchoReply)
		if now := r.stats.Drops[DropAnswer].Load(); now != dropped {
			t.Errorf("%d answers dropped of a switch that reads", now-dropped)
		}
	})
}
