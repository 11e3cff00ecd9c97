package channel

import (
	"bytes"
	"fmt"
	"net"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/ofp"
)

// notebook is a Recorder of one connection.
type notebook struct {
	mu             sync.Mutex
	received, sent []byte
	order          []string
}

func (n *notebook) Record(net.Conn) Recording { n.note("open"); return n }
func (n *notebook) Known(v ofp.Version, dpid ofp.DPID, name string) {
	n.note(fmt.Sprintf("known %s %s %s", v, dpid, name))
}
func (n *notebook) End(why string) { n.note("end " + why) }

func (n *notebook) Received(b []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.received = append(n.received, b...)
	n.order = append(n.order, fmt.Sprintf("< %d", b[1]))
}

func (n *notebook) Sent(b []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sent = append(n.sent, b...)
	for len(b) >= ofp.HeaderLen { // whole messages
		n.order = append(n.order, fmt.Sprintf("> %d", b[1]))
		b = b[min(len(b), max(8, int(b[2])<<8|int(b[3]))):]
	}
}

func (n *notebook) note(s string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.order = append(n.order, s)
}

// witness keeps what a peer reads and writes.
type witness struct {
	net.Conn
	mu         sync.Mutex
	read, gave []byte
}

func (w *witness) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.read = append(w.read, b[:n]...)
	return n, err
}

func (w *witness) Write(b []byte) (int, error) {
	n, err := w.Conn.Write(b)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gave = append(w.gave, b[:n]...)
	return n, err
}

// TestRecord: a recorder is given every byte of a connection, both ways and from
// the first, a request before its reply, and who it is and why it ends.
func TestRecord(t *testing.T) {
	var book notebook
	ours, theirs := net.Pipe()
	w := &witness{Conn: theirs}
	r := startOver(t, ours, w, ofp.V13, Config{Recorder: &book})
	c := r.ready()
	for _, n := range []int{60, 3000, 60_000} {
		r.send(&ofp.PacketIn{Data: make([]byte, n)})
	}
	r.w.events(t, 3)
	for range 100 {
		if err := c.Send(ofp.NewFlowMod(ofp.FlowAdd)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Request(t.Context(), &ofp.BarrierRequest{}); err != nil {
		t.Fatal(err)
	}
	// The peer's last word is half a message.
	r.raw([]byte{4, 10, 0, 100, 0, 0})
	theirs.Close()
	r.ended()

	w.mu.Lock()
	defer w.mu.Unlock()
	if !bytes.Equal(book.received, w.gave) {
		t.Errorf("recorded %d bytes from the switch, which has written %d", len(book.received), len(w.gave))
	}
	if !bytes.Equal(book.sent, w.read) {
		t.Errorf("recorded %d bytes to the switch, which has read %d", len(book.sent), len(w.read))
	}
	if book.order[0] != "open" {
		t.Errorf("recorded first: %s", book.order[0])
	}
	if got := book.order[len(book.order)-1]; got != "end peer_closed: EOF" {
		t.Errorf("recorded last: %s", got)
	}
	var got []string
	for _, s := range book.order[1:] {
		switch s {
		case "> 5", "< 6", "known 1.3 0000000000001234 br0", "> 20", "< 21":
			got = append(got, s)
		}
	}
	if d := cmp.Diff([]string{"> 5", "< 6", "known 1.3 0000000000001234 br0", "> 20", "< 21"}, got); d != "" {
		t.Errorf("order (-want +got):\n%s\nof %q", d, book.order)
	}
}
