package api

import (
	"context"
	"fmt"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

type bundles struct {
	sluicev1.UnimplementedBundleServiceServer
	c *controller.Controller
}

func (s *bundles) WriteBundle(ctx context.Context, r *sluicev1.WriteBundleRequest) (*sluicev1.WriteBundleResponse, error) {
	n, rev, err := write(ctx, s.c, wholly{r}, r.ExpectedRevision, r.GetChanges(), toBundled)
	if err != nil {
		return nil, err
	}
	return &sluicev1.WriteBundleResponse{Confirmed: n, Revision: rev}, nil
}

// wholly is a request for a bundle.
type wholly struct{ *sluicev1.WriteBundleRequest }

// GetBundle returns true.
func (wholly) GetBundle() bool { return true }

func toBundled(c *sluicev1.BundleChange, n *ofp.Names) (ofp.Message, error) {
	switch change := c.GetChange().(type) {
	case *sluicev1.BundleChange_Flow:
		m, err := toFlowMod(change.Flow, n)
		return m, at("flow", err)
	case *sluicev1.BundleChange_Group:
		m, err := toGroupMod(change.Group, n)
		return m, at("group", err)
	case *sluicev1.BundleChange_PacketOut:
		m, err := toPacket(change.PacketOut, n)
		return m, at("packet_out", err)
	}
	return nil, fmt.Errorf("no change is set: want one of flow, group, packet_out")
}

func toPacket(p *sluicev1.PacketSpec, n *ofp.Names) (*ofp.PacketOut, error) {
	switch form := p.GetForm().(type) {
	case *sluicev1.PacketSpec_Text:
		m, err := parsePacketOut(form.Text, n)
		return m, at("text", err)
	case *sluicev1.PacketSpec_Packet:
		m, err := toPacketOut(form.Packet, n)
		return m, at("packet", err)
	}
	return nil, fmt.Errorf("no packet is set: want text or packet")
}
