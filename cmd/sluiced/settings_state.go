package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-sdn/sluice/controller/desired"
)

// quotas are how many flows owners may have on a switch.
type quotas struct{ desired.Quotas }

func (*quotas) Type() string { return "QUOTAS" }

func (q *quotas) String() string {
	var parts []string
	if q.Each > 0 {
		parts = append(parts, strconv.Itoa(q.Each))
	}
	for _, name := range slices.Sorted(maps.Keys(q.Of)) {
		parts = append(parts, fmt.Sprintf("%s=%d", name, q.Of[name]))
	}
	return strings.Join(parts, ",")
}

// maxFlows is the largest quota.
const maxFlows = 100_000_000

func (q *quotas) Set(s string) error {
	var x desired.Quotas
	if s == "" || s == "none" {
		q.Quotas = x
		return nil
	}
	each := false
	for part := range strings.SplitSeq(s, ",") {
		name, number, named := strings.Cut(strings.TrimSpace(part), "=")
		if !named {
			name, number = "", name
		}
		n, err := strconv.ParseUint(number, 10, 32)
		_, twice := x.Of[name]
		switch {
		case err != nil || n > maxFlows:
			return fmt.Errorf("%q: %q is no number from 0 to %d", cut(part), cut(number), maxFlows)
		case named && name == "":
			return fmt.Errorf("%q: the name of the owner is missing; a number alone is for each owner", cut(part))
		case named && twice:
			return fmt.Errorf("owner %q is there twice", cut(name))
		case !named && each:
			return fmt.Errorf("%q: there is a number for each owner already", cut(part))
		case !named:
			x.Each, each = int(n), true
		default:
			if x.Of == nil {
				x.Of = make(map[string]int)
			}
			x.Of[name] = int(n)
		}
	}
	q.Quotas = x
	return nil
}
