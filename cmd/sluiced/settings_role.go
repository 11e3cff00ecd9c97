package main

import (
	"fmt"
	"strconv"
	"strings"

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

// asyncWords say what switches are to send of their own accord; none: what they
// choose.
type asyncWords string

func (a *asyncWords) String() string { return string(*a) }
func (*asyncWords) Type() string     { return "WORDS" }

func (a *asyncWords) Set(s string) error {
	masks := ofp.DefaultAsync()
	if err := ofp.ChangeAsync(&masks, s); err != nil {
		return err
	}
	*a = asyncWords(s)
	return nil
}

// masks returns what switches are to be told, or nil.
func (a asyncWords) masks() *ofp.AsyncMasks {
	masks := ofp.DefaultAsync()
	if strings.TrimSpace(string(a)) == "" || ofp.ChangeAsync(&masks, string(a)) != nil {
		return nil // Set has seen to it that it cannot fail
	}
	return &masks
}
