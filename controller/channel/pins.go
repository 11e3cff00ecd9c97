package channel

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-sdn/sluice/ofp"
)

// Pins say which certificate a switch must show. The zero value asks for none.
type Pins struct {
	// Names are those of which the certificate of a DPID must have one, as its
	// common name or as a DNS or URI name. Such a switch is refused without TLS.
	Names map[ofp.DPID][]string
	// ByDPID asks every switch that comes over TLS and is not in Names for a
	// certificate one of whose names is its DPID: sixteen hexadecimal digits, with
	// or without colons.
	ByDPID bool
}

// Any reports whether a certificate is asked for at all.
func (p Pins) Any() bool { return p.ByDPID || len(p.Names) > 0 }

// check says why a peer may not be the switch of that DPID, or "".
func (p Pins) check(dpid ofp.DPID, who identity) string {
	names, pinned := p.Names[dpid]
	switch {
	case pinned && len(who.names) == 0:
		return fmt.Sprintf("dpid %s is accepted over TLS with the certificate %s only", dpid, strings.Join(names, " or "))
	case pinned && !slices.ContainsFunc(who.names, func(n string) bool { return slices.Contains(names, n) }):
		return fmt.Sprintf("dpid %s is accepted with the certificate %s only, this is %s", dpid, strings.Join(names, " or "), shown(who))
	case pinned || !p.ByDPID || who.transport != TransportTLS:
		return ""
	case !slices.ContainsFunc(who.names, func(n string) bool { return isDPID(n, dpid) }):
		return fmt.Sprintf("the name of the certificate must be the dpid %s, it is %s", dpid, shown(who))
	}
	return ""
}

// shown are the names of a certificate, for people.
func shown(who identity) string {
	if len(who.names) == 0 {
		return "missing"
	}
	some := make([]string, 0, 3)
	for _, n := range who.names {
		// The common name often comes again as a DNS name.
		if n := strconv.QuoteToASCII(short(n)); len(some) < cap(some) && !slices.Contains(some, n) {
			some = append(some, n)
		}
	}
	return strings.Join(some, ", ")
}

// isDPID reports whether a name is that DPID written in full.
func isDPID(name string, dpid ofp.DPID) bool {
	got, err := ofp.ParseDPID(name)
	return err == nil && got == dpid && len(strings.NewReplacer(":", "", "-", "").Replace(name)) == 16
}
