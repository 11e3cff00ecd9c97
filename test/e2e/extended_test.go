package e2e

import (
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/ovs"
)

// openflow10 is a connection of 1.0 to a bridge, with Open vSwitch's extensions.
type openflow10 struct {
	conn net.Conn
	enc  ofp.Encoder
}

func (c *openflow10) send(t *testing.T, m ofp.Message) {
	t.Helper()
	b, err := c.enc.Append(nil, ofp.V10, 1, m)
	if err != nil {
		t.Fatalf("encode %s: %v", m.Type(), err)
	}
	if _, err := c.conn.Write(b); err != nil {
		t.Fatal(err)
	}
}

// settle waits until the bridge has done what it was told, and fails if it
// refused any of it.
func (c *openflow10) settle(t *testing.T) {
	t.Helper()
	c.send(t, &ofp.BarrierRequest{})
	for {
		frame := make([]byte, ofp.HeaderLen)
		if _, err := io.ReadFull(c.conn, frame); err != nil {
			t.Fatal(err)
		}
		h, err := ofp.ParseHeader(frame)
		if err != nil {
			t.Fatal(err)
		}
		frame = append(frame, make([]byte, int(h.Length)-len(frame))...)
		if _, err := io.ReadFull(c.conn, frame[ofp.HeaderLen:]); err != nil {
			t.Fatal(err)
		}
		switch h.Type() {
		case ofp.TypeError:
			t.Fatalf("the bridge refuses: %s", ofp.Print(frame))
		case ofp.TypeBarrierReply:
			return
		}
	}
}

// TestTablesIn10 tells a bridge of 1.0, which was told that flow-mods name their
// tables, to delete flows of all tables and of one.
func TestTablesIn10(t *testing.T) {
	t.Parallel()
	n := ovs.New(t)
	const bridge = "br0"
	if err := n.AddBridge(t.Context(), ovs.Bridge{Name: bridge, Protocols: []string{"OpenFlow10"}}); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("unix", filepath.Join(n.Dir, bridge+".mgmt"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(heal)); err != nil {
		t.Fatal(err)
	}
	c := &openflow10{conn: conn, enc: ofp.Encoder{Extensions: true}}
	c.send(t, &ofp.Hello{})
	c.send(t, &ofp.NXFlowModTableID{Set: 1})

	for _, x := range []struct {
		del  string
		left string
	}{
		{"", ""},
		{"table=255", ""},
		{"tcp", "actions=output:1 table=1, actions=output:1 table=7, reg1=0x7 actions=output:1"},
		{"reg1=7", "actions=output:1 table=1, actions=output:1 cookie=0x5, table=5, tcp actions=output:1"}, // as NXT_FLOW_MOD
		{"table=5", "actions=output:1 table=1, actions=output:1 table=7, reg1=0x7 actions=output:1"},
		{"table=5,reg1=7", "actions=output:1 table=1, actions=output:1 cookie=0x5, table=5, tcp actions=output:1 table=7, reg1=0x7 actions=output:1"},
		{"cookie=0x5/-1", "actions=output:1 table=1, actions=output:1 table=7, reg1=0x7 actions=output:1"}, // as NXT_FLOW_MOD
	} {
		for _, text := range []string{"actions=output:1", "table=1,actions=output:1", "table=5,cookie=5,tcp,actions=output:1", "table=7,reg1=7,actions=output:1"} {
			m, err := ofp.ParseFlow(text, ofp.FlowAdd, nil)
			if err != nil {
				t.Fatal(err)
			}
			c.send(t, m)
		}
		m, err := ofp.ParseFlow(x.del, ofp.FlowDelete, nil)
		if err != nil {
			t.Fatal(err)
		}
		c.send(t, m)
		c.settle(t)
		flows, err := n.Ofctl(t.Context(), "--no-stats", "dump-flows", bridge)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(strings.Fields(flows), " "); got != x.left {
			t.Errorf("delete %q left\n%s\nwant\n%s", x.del, got, x.left)
		}
	}
}
