package ofp

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// HashFields are the fields of a packet that are hashed to choose a link
// (NX_HASH_FIELDS_*).
type HashFields uint16

// Hashed fields.
const (
	HashEthSrc           HashFields = iota // the Ethernet source address
	HashSymmetricL4                        // addresses, protocol and ports; the same for both directions
	HashSymmetricL3L4                      // likewise, without the Ethernet addresses and the ports of UDP
	HashSymmetricL3L4UDP                   // likewise, with the ports of UDP
	HashIPSrc                              // the source address of IP
	HashIPDst                              // the destination address of IP
	HashSymmetricL3                        // both addresses of IP; the same for both directions
)

var hashFieldNames = []string{"eth_src", "symmetric_l4", "symmetric_l3l4", "symmetric_l3l4+udp", "nw_src", "nw_dst", "symmetric_l3"}

// MultipathAlgorithm says how a link is chosen by a hash (NX_MP_ALG_*).
type MultipathAlgorithm uint16

// Algorithms of Multipath.
const (
	MultipathModuloN       MultipathAlgorithm = iota // the remainder
	MultipathHashThreshold                           // hashes in ranges of the same size
	MultipathHRW                                     // highest random weight
	MultipathIterHash                                // hashing again until the link exists; Arg: at what count of links to begin
)

var multipathNames = []string{"modulo_n", "hash_threshold", "hrw", "iter_hash"}

// name is the n-th name, or what Open vSwitch prints where there is none.
func nameOf(names []string, n int) string {
	if n < len(names) {
		return names[n]
	}
	return "<unknown>"
}

// Multipath hashes the packet and writes the number of the link that was chosen
// into a field (NXAST_MULTIPATH).
type Multipath struct {
	Fields    HashFields
	Basis     uint16 // of the hash: different ones choose differently
	Algorithm MultipathAlgorithm
	MaxLink   uint16 // the number of links, less 1
	Arg       uint32 // of the algorithm
	Dst       Subfield
}

func (*Multipath) form(Version, uint16) uint16 { return 10 }

func (e *Multipath) walk(c *cursor, _ uint16) {
	const what = "action multipath"
	b := c.fixed(22, what)[:22]
	c.u16(b, (*uint16)(&e.Fields))
	c.u16(b[2:], &e.Basis)
	c.blank(b[4:6])
	c.u16(b[6:], (*uint16)(&e.Algorithm))
	c.u16(b[8:], &e.MaxLink)
	c.u32(b[10:], &e.Arg)
	c.blank(b[14:16])
	e.Dst.header32(c, b[18:], what)
	e.Dst.run(c, b[16:], what)
}

func (e *Multipath) clone() Extension { o := *e; return &o }

func (e *Multipath) validate() error {
	switch {
	case int(e.Fields) >= len(hashFieldNames):
		return fmt.Errorf("unknown fields %d", e.Fields)
	case int(e.Algorithm) >= len(multipathNames):
		return fmt.Errorf("unknown algorithm %d", e.Algorithm)
	case e.Dst.Bits < 16 && int(e.MaxLink) >= 1<<e.Dst.Bits:
		return fmt.Errorf("%d bits of %s cannot hold %d links", e.Dst.Bits, e.Dst, int(e.MaxLink)+1)
	}
	return e.Dst.writable()
}

func (e *Multipath) appendText(b []byte, _ Version, _ *Names) []byte {
	b = append(append(b, "multipath("...), nameOf(hashFieldNames, int(e.Fields))...)
	b = strconv.AppendUint(append(b, ','), uint64(e.Basis), 10)
	b = append(append(b, ','), nameOf(multipathNames, int(e.Algorithm))...)
	b = strconv.AppendUint(append(b, ','), uint64(e.MaxLink)+1, 10)
	b = strconv.AppendUint(append(b, ','), uint64(e.Arg), 10)
	return append(appendSubfield(append(b, ','), e.Dst), ')')
}

func multipathText(p *textParser, it textItem, _ *Match) Extension {
	e := &Multipath{}
	args := p.arguments(it)
	if len(args) != 6 {
		p.badValue(it, "%d arguments; want 6, such as multipath(eth_src,50,modulo_n,4,0,reg0[0..15])", len(args))
		return e
	}
	e.Fields = HashFields(p.oneOf(args[0], hashFieldNames))
	e.Basis = uint16(p.uint(args[1], 0xffff))
	e.Algorithm = MultipathAlgorithm(p.oneOf(args[2], multipathNames))
	links := p.uint(args[3], 1<<16)
	if links == 0 {
		p.badValue(args[3], "no links; want 1 to 65536")
	}
	e.MaxLink = uint16(links - 1)
	e.Arg = uint32(p.uint(args[4], 1<<32-1))
	e.Dst = p.wholeSubfield(args[5])
	return e
}

// oneOf reads an item's value as one of the names, in either case, and returns
// its place.
func (p *textParser) oneOf(it textItem, names []string) int {
	for i, name := range names {
		if strings.EqualFold(it.val, name) {
			return i
		}
	}
	p.badValue(it, "unknown %q; want %s", clip(it.val), strings.Join(names, ", "))
	return 0
}

// BundleAlgorithm says how PortBundle chooses a port (NX_BD_ALG_*).
type BundleAlgorithm uint16

// Algorithms of PortBundle.
const (
	BundleActiveBackup BundleAlgorithm = iota // the first that is up
	BundleHRW                                 // highest random weight among those that are up
)

var bundleNames = []string{"active_backup", "hrw"}

// PortBundle chooses one of several ports that is up, and outputs there
// (NXAST_BUNDLE), or writes its number into a field (NXAST_BUNDLE_LOAD).
type PortBundle struct {
	Algorithm BundleAlgorithm
	Fields    HashFields // the first four only
	Basis     uint16     // of the hash: different ones choose differently
	Ports     []PortNo
	Dst       Subfield // without bits: output
}

const (
	subBundle     = 12
	subBundleLoad = 13
	bundlePort    = 0x00000002 // NXM_OF_IN_PORT, the kind of the members
	maxBundle     = 2048       // members, in Open vSwitch
)

func (e *PortBundle) form(Version, uint16) uint16 {
	if e.Dst.Bits != 0 {
		return subBundleLoad
	}
	return subBundle
}

func (e *PortBundle) walk(c *cursor, subtype uint16) {
	const what = "action bundle"
	n, kind := uint16(len(e.Ports)), uint32(bundlePort)
	if c.wr && len(e.Ports) > 0xffff {
		c.bad(what, "%d members", len(e.Ports))
	}
	b := c.fixed(22, what)[:22]
	c.u16(b, (*uint16)(&e.Algorithm))
	c.u16(b[2:], (*uint16)(&e.Fields))
	c.u16(b[4:], &e.Basis)
	c.u32(b[6:], &kind)
	c.u16(b[10:], &n)
	c.keepRaw(kind != bundlePort)
	if subtype == subBundleLoad {
		e.Dst.header32(c, b[14:], what)
		e.Dst.run(c, b[12:], what)
	} else if !c.wr {
		e.Dst = Subfield{}
		c.blank(b[12:18])
	}
	c.blank(b[18:])
	if c.wr {
		for i := range e.Ports {
			c.port16(c.room(2), &e.Ports[i], what)
		}
		return
	}
	if 2*int(n) > c.left() {
		c.bad(what+" members", "%d, in %d bytes", n, c.left())
		return
	}
	e.Ports = e.Ports[:0]
	for range n {
		c.port16(c.fixed(2, what), extend(&e.Ports), what)
	}
}

func (e *PortBundle) clone() Extension {
	o := *e
	o.Ports = slices.Clone(e.Ports)
	return &o
}

func (e *PortBundle) validate() error {
	switch {
	case e.Fields > HashSymmetricL3L4UDP && e.Fields != HashIPSrc && e.Fields != HashIPDst && e.Fields != HashSymmetricL3:
		return fmt.Errorf("unknown fields %d", e.Fields)
	case int(e.Algorithm) >= len(bundleNames):
		return fmt.Errorf("unknown algorithm %d", e.Algorithm)
	case len(e.Ports) > maxBundle:
		return fmt.Errorf("%d members; want at most %d", len(e.Ports), maxBundle)
	}
	for _, no := range e.Ports {
		if no == PortController {
			return errors.New("the controller cannot be a member")
		}
		if no == PortAny { // a place that no port takes
			continue
		}
		if err := no.validOutput(); err != nil {
			return err
		}
	}
	switch {
	case e.Dst.Bits == 0:
		return nil
	case e.Dst.Bits < 16:
		return fmt.Errorf("%d bits of %s cannot hold the number of a port; want at least 16", e.Dst.Bits, e.Dst)
	}
	return e.Dst.writable()
}

func (e *PortBundle) appendText(b []byte, _ Version, n *Names) []byte {
	b = append(b, "bundle"...)
	if e.Dst.Bits != 0 {
		b = append(b, "_load"...)
	}
	b = append(append(b, '('), nameOf(hashFieldNames, int(e.Fields))...)
	b = strconv.AppendUint(append(b, ','), uint64(e.Basis), 10)
	b = append(append(b, ','), nameOf(bundleNames, int(e.Algorithm))...)
	b = append(b, ",ofport,"...)
	if e.Dst.Bits != 0 {
		b = append(appendSubfield(b, e.Dst), ',')
	}
	b = append(b, "members:"...)
	for i, no := range e.Ports {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendPort(b, no, n)
	}
	return append(b, ')')
}

func bundleText(p *textParser, it textItem, _ *Match) Extension {
	e := &PortBundle{}
	args := p.arguments(it)
	head, example := 4, "bundle(eth_src,0,hrw,ofport,members:1,2)"
	if it.key == "bundle_load" {
		head, example = 5, "bundle_load(eth_src,0,hrw,ofport,reg0[0..15],members:1,2)"
	}
	if len(args) <= head {
		p.badValue(it, "not enough arguments; want %s", example)
		return e
	}
	e.Fields = HashFields(p.oneOf(args[0], hashFieldNames))
	e.Basis = uint16(p.uint(args[1], 0xffff))
	e.Algorithm = BundleAlgorithm(p.oneOf(args[2], bundleNames))
	p.oneOf(args[3], []string{"ofport"})
	if head == 5 {
		e.Dst = p.wholeSubfield(args[4])
	}
	members := args[head:]
	first := &members[0]
	word, port, ok := strings.Cut(first.val, ":")
	if word = strings.TrimSpace(word); !ok || !strings.EqualFold(word, "members") && !strings.EqualFold(word, "slaves") {
		p.badValue(*first, "want members: and ports, such as %s", example)
		return e
	}
	if first.val, first.valAt = port, first.valAt+len(first.val)-len(port); strings.TrimSpace(port) == "" && len(members) == 1 {
		return e
	}
	for _, m := range members {
		t := strings.TrimLeft(m.val, " ")
		m.val, m.valAt = t, m.valAt+len(m.val)-len(t)
		e.Ports = append(e.Ports, p.port(m))
	}
	return e
}
