package channel

import (
	"cmp"
	"slices"

	"github.com/sluice-sdn/sluice/ofp"
)

// maxPorts bounds the ports that a switch may describe.
const maxPorts = 1 << 16

func byNumber(a, b ofp.Port) int { return cmp.Compare(a.No, b.No) }

// sortPorts orders ports by number and keeps the last description of each.
func sortPorts(ports []ofp.Port) []ofp.Port {
	slices.SortStableFunc(ports, byNumber)
	slices.Reverse(ports)
	ports = slices.CompactFunc(ports, func(a, b ofp.Port) bool { return a.No == b.No })
	slices.Reverse(ports)
	return slices.Clip(ports)
}

// UpdatePorts returns ports, sorted by number, with the change that m tells of.
// It leaves the slice that it is given as it was.
func UpdatePorts(ports []ofp.Port, m *ofp.PortStatus) []ofp.Port {
	i, found := slices.BinarySearchFunc(ports, m.Port, byNumber)
	ports = slices.Clone(ports)
	switch {
	case m.Reason == ofp.PortDeleted && found:
		return slices.Delete(ports, i, i+1)
	case m.Reason == ofp.PortDeleted:
		return ports
	case found:
		ports[i] = m.Port
		return ports
	}
	if len(ports) >= maxPorts {
		return ports
	}
	return slices.Insert(ports, i, m.Port)
}
