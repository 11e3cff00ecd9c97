package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// levelWords are the words of --level.
var levelWords = []string{"stored", "sent", "confirmed", "verified"}

var levels = map[string]sluicev1.WriteLevel{
	"stored":    sluicev1.WriteLevel_WRITE_LEVEL_STORED,
	"sent":      sluicev1.WriteLevel_WRITE_LEVEL_SENT,
	"confirmed": sluicev1.WriteLevel_WRITE_LEVEL_CONFIRMED,
	"verified":  sluicev1.WriteLevel_WRITE_LEVEL_VERIFIED,
}

// level is the value of --level.
type level string

func (l *level) String() string { return string(*l) }
func (l *level) Type() string   { return "level" }

func (l *level) Set(s string) error {
	if _, ok := levels[s]; !ok {
		return fmt.Errorf("want stored, sent, confirmed or verified")
	}
	*l = level(s)
	return nil
}

func (l level) proto() sluicev1.WriteLevel { return levels[string(l)] }

func (l *level) add(cmd *cobra.Command) {
	*l = "confirmed"
	cmd.Flags().Var(l, "level", "return when it is stored (the switch may be away), sent, confirmed, or verified (read back)")
	complete(cmd, "level", levelWords...)
}

// calls returns what the n-th call of a command carries, counted from 0. Each is a
// request of its own, and only the first one knows what was before.
func (w *writing) calls(cmd *cobra.Command) (func(n int) writing, error) {
	first := *w
	if w.revision != "" {
		n, err := strconv.ParseUint(w.revision, 10, 64)
		if err != nil {
			return nil, usage(cmd, "expected revision %q: want a number that sluice history shows", cut(w.revision))
		}
		first.expected = &n
	}
	return func(n int) writing {
		x := first
		if n > 0 {
			x.expected = nil
			if x.request != "" {
				x.request += " " + strconv.Itoa(n)
			}
		}
		return x
	}, nil
}
