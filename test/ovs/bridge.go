package ovs

import (
	"context"
	"fmt"
	"strings"
)

// ControllerAddr is where a controller in the switch's namespace listens by
// default.
const ControllerAddr = "tcp:127.0.0.1:6653"

// AllProtocols is every version that Open vSwitch knows, for its own tools.
const AllProtocols = "OpenFlow10,OpenFlow11,OpenFlow12,OpenFlow13,OpenFlow14,OpenFlow15"

// Bridge says what a bridge is to be. Only the name is needed.
type Bridge struct {
	Name string
	// DPID is the datapath id; 0 leaves the choice to Open vSwitch.
	DPID uint64
	// Protocols are the versions it may speak, as Open vSwitch names them
	// ("OpenFlow13"); none leaves Open vSwitch's default.
	Protocols []string
	// Controllers are addresses such as "tcp:127.0.0.1:6653"; none is
	// [ControllerAddr].
	Controllers []string
}

// AddBridge adds a bridge on the userspace datapath. It forwards nothing by
// itself (fail mode secure), and its controller connection is out of band.
func (n *Net) AddBridge(ctx context.Context, b Bridge) error {
	controllers := b.Controllers
	if len(controllers) == 0 {
		controllers = []string{ControllerAddr}
	}
	args := []string{"add-br", b.Name, "--", "set", "bridge", b.Name, "datapath_type=netdev", "fail_mode=secure", "other_config:disable-in-band=true"}
	if b.DPID != 0 {
		args = append(args, fmt.Sprintf("other_config:datapath-id=%016x", b.DPID))
	}
	if len(b.Protocols) > 0 {
		args = append(args, "protocols="+strings.Join(b.Protocols, ","))
	}
	args = append(args, "--", "set-controller", b.Name)
	args = append(args, controllers...)
	_, err := n.Vsctl(ctx, args...)
	return err
}

// SetProtocols changes the versions that a bridge may speak; it connects anew.
func (n *Net) SetProtocols(ctx context.Context, bridge string, protocols ...string) error {
	_, err := n.Vsctl(ctx, "set", "bridge", bridge, "protocols="+strings.Join(protocols, ","))
	return err
}

// Connected reports whether every controller of the bridge is connected.
func (n *Net) Connected(ctx context.Context, bridge string) (bool, error) {
	uuids, err := n.Vsctl(ctx, "--bare", "get", "bridge", bridge, "controller")
	if err != nil {
		return false, err
	}
	ids := strings.FieldsFunc(uuids, func(r rune) bool { return strings.ContainsRune("[], \n", r) })
	if len(ids) == 0 {
		return false, fmt.Errorf("bridge %s has no controller", bridge)
	}
	for _, id := range ids {
		out, err := n.Vsctl(ctx, "get", "controller", id, "is_connected")
		if err != nil {
			return false, err
		}
		if strings.TrimSpace(out) != "true" {
			return false, nil
		}
	}
	return true, nil
}

// WaitConnected waits until every controller of the bridges is connected.
func (n *Net) WaitConnected(ctx context.Context, bridges ...string) error {
	for _, bridge := range bridges {
		err := Wait(ctx, "the controller of "+bridge, func(ctx context.Context) error {
			ok, err := n.Connected(ctx, bridge)
			if err == nil && !ok {
				err = fmt.Errorf("%s is not connected", bridge)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Vsctl runs ovs-vsctl and waits until the switch has done what was asked.
func (n *Net) Vsctl(ctx context.Context, args ...string) (string, error) {
	return n.Run(ctx, append([]string{"ovs-vsctl", "--timeout=15"}, args...)...)
}

// Ofctl runs ovs-ofctl in any version that the bridge speaks.
func (n *Net) Ofctl(ctx context.Context, args ...string) (string, error) {
	return n.Run(ctx, append([]string{"ovs-ofctl", "--timeout=15", "-O", AllProtocols}, args...)...)
}

// Appctl runs ovs-appctl on ovs-vswitchd.
func (n *Net) Appctl(ctx context.Context, args ...string) (string, error) {
	return n.Run(ctx, append([]string{"ovs-appctl", "--timeout=15", "-t", n.vswitchdSocket()}, args...)...)
}

// Settle waits until the packets follow the flows as they are now. Open vSwitch
// decides about packets in a cache that it brings up to date beside its flow
// tables: a barrier waits for the tables alone.
func (n *Net) Settle(ctx context.Context) error {
	_, err := n.Appctl(ctx, "revalidator/wait")
	return err
}
