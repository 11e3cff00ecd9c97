package channel

import (
	"cmp"
	"maps"
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

// UpdatePorts returns ports, sorted by number, with the changes that ms tell of
// in this order. It leaves the slices that it is given as they were. Its cost is
// that of one pass, however many the changes are.
func UpdatePorts(ports []ofp.Port, ms []ofp.PortStatus) []ofp.Port {
	if len(ms) == 0 {
		return ports
	}
	last := make(map[ofp.PortNo]int, len(ms)) // of each port: its last change
	for i := range ms {
		last[ms[i].Port.No] = i
	}
	changed := slices.Sorted(maps.Keys(last))
	out := make([]ofp.Port, 0, min(len(ports)+len(changed), maxPorts))
	for len(ports) > 0 || len(changed) > 0 {
		if len(changed) == 0 || len(ports) > 0 && ports[0].No < changed[0] {
			out = append(out, ports[0])
			ports = ports[1:]
			continue
		}
		no := changed[0]
		changed = changed[1:]
		if len(ports) > 0 && ports[0].No == no {
			ports = ports[1:]
		}
		if m := &ms[last[no]]; m.Reason != ofp.PortDeleted && len(out) < maxPorts {
			out = append(out, m.Port)
		}
	}
	return out
}
