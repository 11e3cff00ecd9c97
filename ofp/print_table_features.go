package ofp

import (
	"encoding/binary"
	"strconv"
	"strings"
)

// featureSet is a set of places in featureNames.
type featureSet [(numFeatureFields + 63) / 64]uint64

func (s *featureSet) add(i uint8)    { s[i/64] |= 1 << (i % 64) }
func (s *featureSet) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }
func (s featureSet) or(o featureSet) featureSet {
	for i := range s {
		s[i] |= o[i]
	}
	return s
}

// tableActs are what actions of one kind can do, tableHalf what the flows of a
// table can do, or its table-miss flow, and tableShape all that is printed of a
// table.
type (
	tableActs struct {
		actions uint32
		fields  featureSet
	}
	tableHalf struct {
		instructions uint32
		next         [4]uint64
		write, apply tableActs
	}
	tableShape struct {
		half                [2]tableHalf // flows, table miss
		match, mask, exactW featureSet
	}
)

// shape reads the properties. The table-miss flow can do what others can where
// no property speaks of it.
func (t *TableFeatures) shape() (s tableShape) {
	var missed [TableApplySetFieldMiss + 1]bool
	for i := range t.Properties {
		p := &t.Properties[i]
		if p.Type > TableApplySetFieldMiss {
			continue
		}
		missed[p.Type] = true
		h := &s.half[p.Type&1]
		switch p.Type &^ 1 {
		case TableInstructions:
			h.instructions = p.types() & 0x7e // goto_table to meter
		case TableNextTables:
			h.next = [4]uint64{}
			for _, n := range p.Data {
				h.next[n/64] |= 1 << (n % 64)
			}
		case TableWriteActions:
			h.write.actions = p.types() & namedActions
		case TableApplyActions:
			h.apply.actions = p.types() & namedActions
		case TableWriteSetField:
			h.write.fields, _ = p.fields()
		case TableApplySetField:
			h.apply.fields, _ = p.fields()
		case TableMatch:
			s.match, s.mask = p.fields()
		case TableWildcards:
			s.exactW, _ = p.fields()
		}
	}
	flows, miss := &s.half[0], &s.half[1]
	if !missed[TableInstructionsMiss] {
		miss.instructions = flows.instructions
	}
	if !missed[TableNextTablesMiss] {
		miss.next = flows.next
	}
	if !missed[TableWriteActionsMiss] {
		miss.write.actions = flows.write.actions
	}
	if !missed[TableApplyActionsMiss] {
		miss.apply.actions = flows.apply.actions
	}
	if !missed[TableWriteSetFieldMiss] {
		miss.write.fields = flows.write.fields
	}
	if !missed[TableApplySetFieldMiss] {
		miss.apply.fields = flows.apply.fields
	}
	s.match, s.exactW = s.match.or(s.mask), s.exactW.or(s.mask)
	return s
}

// namedActions are the bits of the actions of 1.3 that have a name in actionBits.
var namedActions = func() (bits uint32) {
	for _, a := range actionBits {
		if n, ok := actions[a.action].wire.in(V13); ok {
			bits |= 1 << n
		}
	}
	return bits
}()

// types are the numbers, below 32, of a list of instruction or action headers.
func (p *TableProperty) types() (bits uint32) {
	for b := p.Data; len(b) >= 4; {
		if t := binary.BigEndian.Uint16(b); t < 32 {
			bits |= 1 << t
		}
		b = b[min(max(int(binary.BigEndian.Uint16(b[2:])), 4), len(b)):]
	}
	return bits
}

// fields are the known fields of a list of OXM headers, those without a mask and
// those with one.
func (p *TableProperty) fields() (exact, masked featureSet) {
	for b := p.Data; len(b) >= 4; {
		h := binary.BigEndian.Uint32(b)
		key := uint64(h&^0xffff) | uint64(h>>9&0x7f)
		b = b[4:]
		if h>>16 == 0xffff && len(b) >= 4 {
			key |= uint64(binary.BigEndian.Uint32(b)) << 32
			b = b[4:]
		}
		i, known := featureIndex[key]
		switch {
		case !known:
		case h&0x100 != 0:
			masked.add(i)
		default:
			exact.add(i)
		}
	}
	return exact, masked
}

// sameNext compares next tables. That a table cannot go to itself makes it no
// different from the one before it.
func sameNext(a [4]uint64, ta uint8, b [4]uint64, tb uint8) bool {
	if ta == tb+1 {
		a, ta, b, tb = b, tb, a, ta
	}
	if tb == ta+1 {
		bit := uint64(1) << (tb % 64)
		if a[tb/64]&bit != 0 && b[tb/64]&bit == 0 {
			a[tb/64] &^= bit
		}
	}
	return a == b
}

func (h *tableHalf) same(table uint8, o *tableHalf, other uint8) bool {
	return sameNext(h.next, table, o.next, other) && h.instructions == o.instructions && h.write == o.write && h.apply == o.apply
}

// tableFeatures prints tables. One that is like the one before it is not printed
// again.
func (p *printer) tableFeatures(tables []TableFeatures) {
	first, last := -1, 0 // tables that are like the one before
	ditto := func() {
		switch {
		case first < 0:
		case first == last:
			p.f("\n  table %d: ditto\n", first)
		default:
			p.f("\n  tables %d...%d: ditto\n", first, last)
		}
		first = -1
	}
	var before *TableFeatures
	var shape, shapeBefore tableShape
	for i := range tables {
		t := &tables[i]
		shape = t.shape()
		same := before != nil && t.MetadataMatch == before.MetadataMatch && t.MetadataWrite == before.MetadataWrite && t.MaxEntries == before.MaxEntries &&
			shape.match == shapeBefore.match && // how they are matched does not count for Open vSwitch
			shape.half[0].same(t.Table, &shapeBefore.half[0], before.Table) && shape.half[1].same(t.Table, &shapeBefore.half[1], before.Table)
		if same && t.Name == "" {
			if first < 0 {
				first = int(t.Table)
			}
			last = int(t.Table)
		} else {
			ditto()
			p.number("\n  table ", uint64(t.Table))
			if t.Name != "" {
				p.text(` ("` + printable(t.Name) + `")`)
			}
			if same {
				p.text(": ditto\n")
			} else {
				p.text(":\n")
				p.tableShape(t, &shape, before, &shapeBefore)
			}
		}
		before, shapeBefore = t, shape
	}
	ditto()
}

func (p *printer) tableShape(t *TableFeatures, s *tableShape, before *TableFeatures, sb *tableShape) {
	if t.MetadataMatch != 0 || t.MetadataWrite != 0 {
		p.text("    metadata: match=")
		p.b = appendHash(p.b, t.MetadataMatch, 0)
		p.text(" write=")
		p.b = appendHash(p.b, t.MetadataWrite, 0)
		p.text("\n")
	}
	if t.MaxEntries != 0 {
		p.f("    max_entries=%d\n", t.MaxEntries)
	}
	flows, miss := &s.half[0], &s.half[1]
	var flowsBefore, missBefore *tableHalf
	if before != nil {
		flowsBefore, missBefore = &sb.half[0], &sb.half[1]
	}
	switch {
	case before != nil && flows.same(t.Table, flowsBefore, before.Table) && miss.same(t.Table, missBefore, before.Table):
		if *flows != (tableHalf{}) {
			p.text("    (same instructions)\n")
		}
	case *flows != *miss:
		p.text("    instructions (other than table miss):\n")
		p.tableHalf(flows, flowsBefore)
		p.text("    instructions (table miss):\n")
		p.tableHalf(miss, missBefore)
	case *flows != (tableHalf{}):
		p.text("    instructions (table miss and others):\n")
		p.tableHalf(flows, flowsBefore)
	}
	if s.match == (featureSet{}) {
		return
	}
	if before != nil && s.match == sb.match {
		p.text("    (same matching)\n")
		return
	}
	p.text("    matching:\n")
	for _, x := range [...]struct {
		how      string
		mask, wc bool
	}{{"arbitrary mask", true, true}, {"exact match or wildcard", false, true}, {"must exact match", false, false}} {
		var names []string
		for i, name := range featureNames {
			if s.match.has(i) && s.mask.has(i) == x.mask && (x.mask || s.exactW.has(i) == x.wc) {
				names = append(names, name)
			}
		}
		if len(names) > 0 {
			p.text("      " + x.how + ": ")
			p.nameList(names)
			p.text("\n")
		}
	}
}

func (p *printer) tableHalf(h, before *tableHalf) {
	if h.next != ([4]uint64{}) {
		p.text("      next tables: ")
		sep := ""
		for i := 0; i < 255; i++ {
			start := i
			for i < 255 && h.next[i/64]&(1<<(i%64)) != 0 {
				i++
			}
			switch i - start {
			case 0:
				continue
			case 1:
				p.f("%s%d", sep, start)
			default:
				p.f("%s%d-%d", sep, start, i-1)
			}
			sep = ","
		}
		p.text("\n")
	}
	switch {
	case h.instructions == 0:
	case before != nil && h.instructions == before.instructions:
		p.text("      (same instructions)\n")
	default:
		p.text("      instructions: ")
		p.instructionNames(h.instructions)
		p.text("\n")
	}
	switch {
	case before != nil && h.write == before.write && h.apply == before.apply && h.write.fields != (featureSet{}):
		p.text("      (same actions)\n")
	case h.write != h.apply:
		p.text("      Write-Actions features:\n")
		p.tableActs(&h.write)
		p.text("      Apply-Actions features:\n")
		p.tableActs(&h.apply)
	case h.write != (tableActs{}):
		p.text("      Write-Actions and Apply-Actions features:\n")
		p.tableActs(&h.write)
	}
}

func (p *printer) tableActs(a *tableActs) {
	if a.actions != 0 {
		p.text("        actions: ")
		p.actionNames(a.actions)
		p.text("\n")
	}
	if a.fields != (featureSet{}) {
		var names []string
		for i, name := range featureNames {
			if a.fields.has(i) {
				names = append(names, name)
			}
		}
		p.text("        supported on Set-Field: ")
		p.nameList(names)
		p.text("\n")
	}
}

// instructionNames prints instructions in the order in which they are carried
// out.
func (p *printer) instructionNames(bits uint32) {
	sep := ""
	for r := 1; r <= 6; r++ {
		for _, in := range instructions {
			if rank(in.typ) == r && bits&(1<<in.typ) != 0 {
				p.text(sep + in.name)
				sep = " "
			}
		}
	}
}

// nameList prints names with what neighbours share said once: those that count
// up by their first and last, those with a common beginning up to an underscore
// as that with braces.
func (p *printer) nameList(names []string) { p.shortNames(names, " ") }

func (p *printer) shortNames(names []string, sep string) {
	for i := 0; i < len(names); {
		if i > 0 {
			p.text(sep)
		}
		if n := countingUp(names[i:]); n >= 3 {
			p.text(names[i] + "..." + names[i+n-1])
			i += n
			continue
		}
		prefix, _, ok := strings.Cut(names[i], "_")
		n := 1
		for ok && i+n < len(names) && strings.HasPrefix(names[i+n], prefix+"_") {
			n++
		}
		if n == 1 {
			p.text(names[i])
		} else {
			var rest []string
			for _, name := range names[i : i+n] {
				rest = append(rest, name[len(prefix)+1:])
			}
			p.text(prefix + "_{")
			p.shortNames(rest, ",")
			p.text("}")
		}
		i += n
	}
}

// countingUp is how many names, from the first on, are the same word with a
// number that grows by one.
func countingUp(names []string) int {
	word := strings.TrimRight(names[0], "0123456789")
	at, err := strconv.Atoi(names[0][len(word):])
	if err != nil {
		return 1
	}
	n := 1
	for n < len(names) && names[n] == word+strconv.Itoa(at+n) {
		n++
	}
	return n
}
