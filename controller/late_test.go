package controller

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
)

// TestLateDescription: what a switch tells of itself after the handshake is taken,
// once, and with it its name; extensions that it would have had are told of and not
// used.
func TestLateDescription(t *testing.T) {
	for _, v := range ofp.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			c := serve(t, Config{Channel: channel.Config{Extensions: true}})
			p := newPeer(t, v, 1)
			asked := make(chan uint32, 10)
			p.reply = func(xid uint32, m ofp.Message) []ofp.Message {
				q, ok := m.(*ofp.MultipartRequest)
				if !ok || q.Body.Kind() != ofp.PartDesc {
					return nil
				}
				asked <- xid
				return []ofp.Message{} // not now
			}
			p.dial(c.addr)
			s := c.sw(t, 1)
			if s.Desc() != (ofp.Desc{}) || s.MissesExtensions() {
				t.Errorf("before: %+v, misses extensions: %v", s.Desc(), s.MissesExtensions())
			}
			xid := <-asked
			want := ofp.Desc{Manufacturer: openVSwitch, Software: "3.1.0", Datapath: "br-late"}
			p.send(xid+100, &ofp.MultipartReply{Body: &ofp.Desc{Datapath: "not asked for"}})
			p.send(xid, &ofp.MultipartReply{Body: &want})
			p.send(xid, &ofp.MultipartReply{Body: &ofp.Desc{Datapath: "twice"}})
			eventually(t, "a line", func() bool { return len(c.logs.with("switch has described itself late")) == 1 })
			eventually(t, "two that are late", func() bool { return c.stats.Drops[channel.DropLateReply].Load() == 2 })
			if diff := cmp.Diff(want, s.Desc()); diff != "" || s.Name() != "br-late" {
				t.Errorf("name %s, description: %s", s.Name(), diff)
			}
			if s.Extended() || !s.MissesExtensions() {
				t.Errorf("extended: %v, misses extensions: %v", s.Extended(), s.MissesExtensions())
			}
			eventually(t, "a warning", func() bool {
				return len(c.logs.with("Open vSwitch's extensions are not used until the switch connects again: it has described itself late")) == 1
			})
			if len(asked) > 0 {
				t.Error("it is asked again")
			}
		})
	}
}
