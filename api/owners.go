package api

import (
	"context"
	"fmt"
	"strconv"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

func (s *state) ListOwners(_ context.Context, r *sluicev1.ListOwnersRequest) (*sluicev1.ListOwnersResponse, error) {
	st, err := s.c.State()
	if err != nil {
		return nil, noState()
	}
	var only *ofp.DPID
	if ref := r.GetSwitch(); ref != "" {
		dpid, _, err := s.find(ref)
		if err != nil {
			return nil, err
		}
		only = &dpid
	}
	out := new(sluicev1.ListOwnersResponse)
	for _, o := range st.Owners(only) {
		x := &sluicev1.Owner{Name: valid(o.Name), Cookie: o.Cookie, Flows: uint32(o.Flows), Groups: uint32(o.Groups), Meters: uint32(o.Meters)}
		if o.Limit > 0 {
			limit := uint32(o.Limit)
			x.FlowLimit = &limit
		}
		out.Owners = append(out.Owners, x)
	}
	return out, nil
}

// ownerStatus is the status of changes that are about what somebody else owns.
func ownerStatus(sw controller.Target, e *controller.OwnerError) error {
	text := fmt.Sprintf("%s on %s belongs to %s; nothing was changed", e.What, sw.Name(), clip(e.Whose(), 120))
	field := fmt.Sprintf("changes[%d]", e.Index)
	return withDetails(codes.PermissionDenied, field+": "+text, ownerInfo(sw, e),
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: field, Description: clip(text, 512)}}})
}

// ownerInfo is the detail that names the owner.
func ownerInfo(sw controller.Target, e *controller.OwnerError) *errdetails.ErrorInfo {
	of := "owner"
	if e.App {
		of = "app"
	}
	return &errdetails.ErrorInfo{Reason: "OWNED_BY_ANOTHER", Domain: errorDomain, Metadata: map[string]string{
		"switch": valid(sw.Name()), "dpid": sw.DPID().String(), of: clip(e.Owner, 256), "index": strconv.Itoa(e.Index),
	}}
}

func ownerName(name string) string {
	if name == "" {
		return "the default owner"
	}
	return fmt.Sprintf("%q", clip(name, 100))
}

func quotaText(sw controller.Target, e *controller.QuotaError) string {
	return fmt.Sprintf("%s may have %d flows on a switch, has %d on %s, and would have %d more", ownerName(e.Owner), e.Limit, e.Used, sw.Name(), e.More)
}

// quotaInfo is the detail with the numbers of a quota.
func quotaInfo(sw controller.Target, e *controller.QuotaError) *errdetails.ErrorInfo {
	return &errdetails.ErrorInfo{Reason: "QUOTA_EXCEEDED", Domain: errorDomain, Metadata: map[string]string{
		"switch": valid(sw.Name()), "dpid": sw.DPID().String(), "owner": clip(e.Owner, 256),
		"limit": strconv.Itoa(e.Limit), "used": strconv.Itoa(e.Used), "more": strconv.Itoa(e.More),
	}}
}
