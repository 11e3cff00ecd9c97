package api

import (
	"errors"
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"

	"github.com/sluice-sdn/sluice/controller"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// levels are the engine's words for those of the API.
var levels = map[sluicev1.WriteLevel]controller.Level{
	sluicev1.WriteLevel_WRITE_LEVEL_UNSPECIFIED: controller.LevelConfirmed,
	sluicev1.WriteLevel_WRITE_LEVEL_STORED:      controller.LevelStored,
	sluicev1.WriteLevel_WRITE_LEVEL_SENT:        controller.LevelSent,
	sluicev1.WriteLevel_WRITE_LEVEL_CONFIRMED:   controller.LevelConfirmed,
	sluicev1.WriteLevel_WRITE_LEVEL_VERIFIED:    controller.LevelVerified,
}

func toLevel(x sluicev1.WriteLevel) (controller.Level, error) {
	l, ok := levels[x]
	if !ok {
		return 0, invalid(bad("level", "%d: want WRITE_LEVEL_STORED, _SENT, _CONFIRMED or _VERIFIED, or none for confirmed", x))
	}
	return l, nil
}

// acknowledged is how many of n changes the switch has confirmed when a call with
// that level returns.
func acknowledged(n int, l controller.Level) uint32 {
	if l == controller.LevelStored || l == controller.LevelSent {
		return 0
	}
	return uint32(n)
}

// needsState is the status of a request for what only a store can give.
func needsState(what string) error {
	return withDetails(codes.FailedPrecondition, what+": "+controller.ErrNoState.Error()+"; nothing was changed")
}

// differs returns what the switch has instead of what it has confirmed.
func differs(err error) (*controller.DifferError, bool) {
	return errors.AsType[*controller.DifferError](err)
}

// findTarget returns the switch that a request names, connected or not, or a status.
func findTarget(c *controller.Controller, ref string) (controller.Target, error) {
	sw, err := c.FindTarget(ref)
	if err != nil {
		return nil, findError(ref, err)
	}
	return sw, nil
}

// awayStatus is the status of what only a connected switch can do.
func awayStatus(sw controller.Target) error {
	const kept = "with level stored (--level stored) it is kept, and carried out when the switch connects; nothing was changed"
	if a, ok := sw.(*controller.Away); ok && !a.Met() {
		return withDetails(codes.NotFound, fmt.Sprintf("no switch %q is connected: %s", sw.DPID(), kept),
			&errdetails.ResourceInfo{ResourceType: "sluice.v1.Switch", ResourceName: sw.DPID().String()})
	}
	return withDetails(codes.Unavailable, fmt.Sprintf("%s is away: %s", sw.Name(), kept), roleInfo(sw, "SWITCH_AWAY"))
}
