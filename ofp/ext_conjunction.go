package ofp

import (
	"fmt"
	"strconv"
	"strings"
)

// Conjunction makes its flow one way of satisfying a clause of a conjunctive
// match: packets that satisfy every clause have the conjunction's number in the
// field conj_id (NXAST_CONJUNCTION).
type Conjunction struct {
	ID      uint32 // of the conjunction
	Clause  uint8  // which clause, counted from 0
	Clauses uint8  // how many there are: 2 to 64
}

func (*Conjunction) form(Version, uint16) uint16 { return 34 }

func (e *Conjunction) walk(c *cursor, _ uint16) {
	b := c.fixed(6, "action conjunction")
	c.u8(b, &e.Clause)
	c.u8(b[1:], &e.Clauses)
	c.u32(b[2:], &e.ID)
}

func (e *Conjunction) clone() Extension { o := *e; return &o }

func (e *Conjunction) validate() error {
	switch {
	case e.Clauses < 2 || e.Clauses > 64:
		return fmt.Errorf("%d clauses; want 2 to 64", e.Clauses)
	case e.Clause >= e.Clauses:
		return fmt.Errorf("clause %d of %d", int(e.Clause)+1, e.Clauses)
	}
	return nil
}

func (e *Conjunction) appendText(b []byte, _ Version, _ *Names) []byte {
	b = strconv.AppendUint(append(b, "conjunction("...), uint64(e.ID), 10)
	b = strconv.AppendUint(append(b, ','), uint64(e.Clause)+1, 10)
	b = strconv.AppendUint(append(b, '/'), uint64(e.Clauses), 10)
	return append(b, ')')
}

func conjunctionText(p *textParser, it textItem, _ *Match) Extension {
	e := &Conjunction{}
	args := p.arguments(it)
	if len(args) != 2 || !strings.Contains(args[1].val, "/") {
		p.badValue(it, "want a number, a clause and how many there are, such as conjunction(5,1/2)")
		return e
	}
	clause, count, _ := strings.Cut(args[1].val, "/")
	of, clauses := args[1], args[1]
	of.val = strings.TrimRight(clause, " ")
	clauses.val = strings.TrimLeft(count, " ")
	clauses.valAt += len(args[1].val) - len(clauses.val)
	e.ID = uint32(p.uint(args[0], 1<<32-1))
	which := uint8(p.uint(of, 64))
	e.Clauses = uint8(p.uint(clauses, 64))
	switch {
	case p.err != nil:
	case e.Clauses < 2:
		p.badValue(clauses, "%d clauses; want 2 to 64", e.Clauses)
	case which < 1 || which > e.Clauses:
		p.badValue(of, "clause %d; want 1 to %d", which, e.Clauses)
	}
	e.Clause = which - 1
	return e
}
