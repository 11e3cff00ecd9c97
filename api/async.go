package api

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

func (s *switches) GetAsync(ctx context.Context, r *sluicev1.GetAsyncRequest) (*sluicev1.GetAsyncResponse, error) {
	sw, err := find(s.c, r.GetSwitch())
	if err != nil {
		return nil, err
	}
	masks, err := sw.Async(ctx)
	if err != nil {
		return nil, asyncError(sw, err)
	}
	return &sluicev1.GetAsyncResponse{Config: fromAsync(masks)}, nil
}

func (s *switches) SetAsync(ctx context.Context, r *sluicev1.SetAsyncRequest) (*sluicev1.SetAsyncResponse, error) {
	sw, err := find(s.c, r.GetSwitch())
	if err != nil {
		return nil, err
	}
	var probe ofp.AsyncMasks
	changes, err := changeAsync(&probe, r.GetChange())
	switch {
	case err != nil:
		return nil, invalid(err)
	case !changes && !r.GetDefaults():
		return nil, invalid(bad("change", "is empty: want what to change"))
	}
	var masks ofp.AsyncMasks
	if r.GetDefaults() {
		masks, err = sw.ResetAsync(ctx)
	}
	if err == nil && changes {
		masks, err = sw.UpdateAsync(ctx, func(m *ofp.AsyncMasks) error {
			_, err := changeAsync(m, r.GetChange())
			return err
		})
	}
	if err != nil {
		return nil, asyncError(sw, err)
	}
	return &sluicev1.SetAsyncResponse{Config: fromAsync(masks)}, nil
}

// asyncLists returns the lists of one role, in the order of ofp.AsyncKinds, and
// their names.
func asyncLists(m *sluicev1.AsyncMasks) ([len(ofp.AsyncKinds)]*sluicev1.AsyncReasons, [len(ofp.AsyncKinds)]string) {
	return [...]*sluicev1.AsyncReasons{m.GetPacketIn(), m.GetPortStatus(), m.GetFlowRemoved()},
		[...]string{"packet_in", "port_status", "flow_removed"}
}

// changeAsync changes masks as a request says, and reports whether it says anything.
func changeAsync(m *ofp.AsyncMasks, c *sluicev1.AsyncConfig) (changes bool, err error) {
	for who, role := range [...]struct {
		name  string
		masks *sluicev1.AsyncMasks
	}{{"master", c.GetMaster()}, {"slave", c.GetSlave()}} {
		lists, names := asyncLists(role.masks)
		for i, list := range lists {
			if list == nil {
				continue
			}
			bits, err := ofp.AsyncMask(ofp.AsyncMessage(i), list.GetReasons())
			if err != nil {
				return false, at("change."+role.name+"."+names[i], err)
			}
			m.Mask(ofp.AsyncMessage(i))[who] = bits
			changes = true
		}
	}
	return changes, nil
}

func fromAsync(m ofp.AsyncMasks) *sluicev1.AsyncConfig {
	of := func(who int) *sluicev1.AsyncMasks {
		list := func(kind ofp.AsyncMessage) *sluicev1.AsyncReasons {
			return &sluicev1.AsyncReasons{Reasons: ofp.AsyncReasons(kind, m.Mask(kind)[who])}
		}
		return &sluicev1.AsyncMasks{PacketIn: list(ofp.AsyncPacketIn), PortStatus: list(ofp.AsyncPortStatus), FlowRemoved: list(ofp.AsyncFlowRemoved)}
	}
	return &sluicev1.AsyncConfig{Master: of(0), Slave: of(1)}
}

// asyncError is the status of a failed request about what a switch sends.
func asyncError(sw *controller.Switch, err error) error {
	if errors.Is(err, controller.ErrNoAsync) {
		info := roleInfo(sw, "OPENFLOW_VERSION")
		return withDetails(codes.FailedPrecondition, sw.Name()+": "+err.Error(), info)
	}
	if _, ok := errors.AsType[*controller.WriteError](err); ok {
		return writeError(sw, []ofp.Message{&ofp.SetAsync{}}, err)
	}
	return readError(sw, err)
}
