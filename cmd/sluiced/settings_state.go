package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-sdn/sluice/controller/desired"
	"github.com/sluice-sdn/sluice/ofp"
)

// foreignRule is what becomes of foreign flows.
type foreignRule struct{ desired.Foreign }

func (*foreignRule) Type() string { return "RULE" }

func (r *foreignRule) String() string {
	switch {
	case r.Rule == desired.ForeignRemove:
		return "remove"
	case r.Rule != desired.ForeignAdopt:
		return "report"
	case r.Owner != "":
		return "adopt:" + r.Owner
	}
	return "adopt"
}

func (r *foreignRule) Set(s string) error {
	word, owner, named := strings.Cut(s, ":")
	rules := map[string]desired.ForeignRule{"report": desired.ForeignReport, "adopt": desired.ForeignAdopt, "remove": desired.ForeignRemove}
	rule, ok := rules[word]
	if !ok || named && (rule != desired.ForeignAdopt || owner == "") {
		return fmt.Errorf("%q is none of: report, adopt, adopt:OWNER, remove", cut(s))
	}
	r.Rule, r.Owner = rule, owner
	return nil
}

// flowFilters choose flows, in ovs-ofctl's syntax, with ; between them.
type flowFilters string

func (f *flowFilters) String() string { return string(*f) }
func (*flowFilters) Type() string     { return "FLOWS" }

func (f *flowFilters) Set(s string) error {
	if s == "none" {
		s = ""
	}
	if _, err := flowFilters(s).parse(); err != nil {
		return err
	}
	*f = flowFilters(s)
	return nil
}

func (f flowFilters) parse() (all []ofp.FlowFilter, _ error) {
	if f == "" {
		return nil, nil
	}
	for text := range strings.SplitSeq(string(f), ";") {
		text = strings.TrimSpace(text)
		m, err := ofp.ParseFlow(text, ofp.FlowDelete, nil)
		if err == nil && text == "" {
			err = errors.New("is empty, and would be all flows; --foreign report leaves all alone")
		}
		if err != nil {
			return nil, fmt.Errorf("%q: %w", cut(text), err)
		}
		all = append(all, ofp.FlowFilter{Table: m.Table, OutPort: m.OutPort, OutGroup: m.OutGroup, Cookie: m.Cookie, CookieMask: m.CookieMask, Match: m.Match})
	}
	return all, nil
}

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

// every is a time from one comparison of a switch to the next; 0: there are none.
type every time.Duration

func (*every) Type() string { return "TIME" }

func (e *every) String() string {
	switch d := time.Duration(*e); {
	case d == 0:
		return "0"
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	default:
		return d.String()
	}
}

// maxEvery is the longest time between comparisons.
const maxEvery = 7 * 24 * time.Hour

func (e *every) Set(s string) error {
	d, err := time.ParseDuration(s)
	switch {
	case err != nil:
		return fmt.Errorf("%q is no time: want a number with a unit, such as 30s, 5m or 1h, or 0 for never", cut(s))
	case d != 0 && (d < time.Second || d > maxEvery):
		return fmt.Errorf("%q is not from 1s to %s, nor 0 for never", cut(s), new(every(maxEvery)))
	}
	*e = every(d)
	return nil
}

// orNever is the period as the controller takes it.
func (e every) orNever() time.Duration {
	if e == 0 {
		return -1
	}
	return time.Duration(e)
}
