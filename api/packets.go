package api

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

type packets struct {
	sluicev1.UnimplementedPacketServiceServer
	c *controller.Controller
}

func (s *packets) SendPacket(ctx context.Context, r *sluicev1.SendPacketRequest) (*sluicev1.SendPacketResponse, error) {
	sw, err := find(s.c, r.GetSwitch())
	if err != nil {
		return nil, err
	}
	var m *ofp.PacketOut
	switch form := r.GetForm().(type) {
	case *sluicev1.SendPacketRequest_Text:
		m, err = parsePacketOut(form.Text, sw.Names())
		err = at("text", err)
	case *sluicev1.SendPacketRequest_Packet:
		m, err = toPacketOut(form.Packet, sw.Names())
		err = at("packet", err)
	default:
		err = fmt.Errorf("no packet is set: want text or packet")
	}
	if err != nil {
		return nil, invalid(err)
	}
	msgs := []ofp.Message{m}
	if err := sw.Write(ctx, msgs); err != nil {
		return nil, writeError(sw, msgs, err)
	}
	return &sluicev1.SendPacketResponse{}, nil
}

func toPacketOut(p *sluicev1.PacketOut, n *ofp.Names) (*ofp.PacketOut, error) {
	m := &ofp.PacketOut{BufferID: ofp.NoBuffer, InPort: ofp.PortController, Data: p.GetData()}
	if p.BufferId != nil {
		m.BufferID = p.GetBufferId()
	}
	var err error
	if p.GetInPort() != "" {
		if m.InPort, err = toPort(p.GetInPort(), n); err != nil {
			return nil, at("in_port", err)
		}
	}
	switch {
	case m.BufferID == ofp.NoBuffer && len(m.Data) == 0:
		return nil, bad("data", "is empty: want a packet, or buffer_id")
	case m.BufferID != ofp.NoBuffer && len(m.Data) > 0:
		return nil, bad("data", "want either data or buffer_id")
	}
	m.Actions, err = toActions(p.GetActions(), n)
	return m, at("actions", err)
}

// parsePacketOut reads "in_port=PORT,packet=HEX,actions=ACTIONS", the syntax of
// ovs-ofctl packet-out, and "buffer_id=NUMBER" in place of the packet. in_port
// is CONTROLLER where it is missing. Errors are of type *ofp.TextError.
func parsePacketOut(text string, n *ofp.Names) (*ofp.PacketOut, error) {
	m := &ofp.PacketOut{BufferID: ofp.NoBuffer, InPort: ofp.PortController}
	for i := 0; i < len(text); {
		if strings.ContainsRune(", \t\r\n", rune(text[i])) {
			i++
			continue
		}
		end := len(text)
		if k := strings.IndexAny(text[i:], ", \t\r\n"); k >= 0 {
			end = i + k
		}
		key, value, _ := strings.Cut(text[i:end], "=")
		if key == "actions" || key == "action" {
			// Actions hold commas: they are all that is left.
			return m, setPacketActions(m, text, i+len(key)+1, n)
		}
		if err := setPacketOut(m, key, value, n); err != nil {
			return nil, &ofp.TextError{Col: i + 1, Text: text[i:end], Msg: err.Error()}
		}
		i = end
	}
	return nil, &ofp.TextError{Col: len(text) + 1, Msg: "no actions: want actions=…, such as actions=output:1"}
}

func setPacketOut(m *ofp.PacketOut, key, value string, n *ofp.Names) (err error) {
	switch key {
	case "in_port":
		m.InPort, err = toPort(value, n)
	case "packet":
		if m.Data, err = hex.DecodeString(value); err != nil || len(m.Data) == 0 {
			return errors.New("packet: want the packet's bytes in hexadecimal")
		}
	case "buffer_id":
		id, e := strconv.ParseUint(value, 0, 32)
		if e != nil {
			return fmt.Errorf("buffer_id %q: want a number", value)
		}
		m.BufferID = uint32(id)
	default:
		return fmt.Errorf("unknown field %q: want in_port, packet, buffer_id or actions", clip(key, 40))
	}
	return err
}

// setPacketActions reads the actions, which begin at the byte at of text, and
// checks that there is a packet.
func setPacketActions(m *ofp.PacketOut, text string, at int, n *ofp.Names) error {
	at = min(at, len(text))
	is, err := ofp.ParseActions(text[at:], n)
	var te *ofp.TextError
	if errors.As(err, &te) {
		return &ofp.TextError{Col: at + te.Col, Text: te.Text, Msg: te.Msg}
	}
	for _, i := range is {
		if i.Type != ofp.InstructionApplyActions {
			return &ofp.TextError{Col: at + 1, Text: text[at:], Msg: i.Type.String() + " is for flows: a packet takes actions only"}
		}
		m.Actions = append(m.Actions, i.Actions...)
	}
	switch {
	case m.BufferID == ofp.NoBuffer && len(m.Data) == 0:
		return &ofp.TextError{Col: 1, Text: text, Msg: "no packet: want packet=HEX, or buffer_id=NUMBER"}
	case m.BufferID != ofp.NoBuffer && len(m.Data) > 0:
		return &ofp.TextError{Col: 1, Text: text, Msg: "want either packet or buffer_id"}
	}
	return err
}
