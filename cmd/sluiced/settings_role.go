package main

import (
	"fmt"
	"strconv"

	"github.com/sluice-sdn/sluice/ofp"
)

// generationID is the generation id of an election, or 0.
type generationID uint64

func (g *generationID) String() string { return strconv.FormatUint(uint64(*g), 10) }
func (*generationID) Type() string     { return "NUMBER" }

func (g *generationID) Set(s string) error {
	n, err := strconv.ParseUint(s, 0, 64)
	if err != nil || n == ofp.NoGeneration {
		return fmt.Errorf("%q is no generation id: want a number, 0 to 18446744073709551614", cut(s))
	}
	*g = generationID(n)
	return nil
}

// roleOf returns the role of a word.
func roleOf(word string) ofp.Role {
	for _, r := range []ofp.Role{ofp.RoleMaster, ofp.RoleSlave} {
		if r.String() == word {
			return r
		}
	}
	return ofp.RoleEqual
}
