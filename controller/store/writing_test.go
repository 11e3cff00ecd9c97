package store

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
)

// A store in a file looks for what is there less often than one in memory. It finds
// the same: whichever keys are put, put again and removed, in one transaction and
// in those that come after it.
func TestFileFindsWhatMemoryFinds(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	file, memory := onDisk(t, filepath.Join(t.TempDir(), "state.db"), Options{}), NewMemory(Options{})
	for range 200 {
		x := Txn{Edits: make([]Edit, 1+rng.IntN(60))}
		for i := range x.Edits {
			key := fmt.Sprintf("%03d", rng.IntN(300))
			if x.Edits[i] = put(key, fmt.Sprint(rng.IntN(3))[:rng.IntN(2)]); rng.IntN(3) == 0 {
				x.Edits[i] = remove(key)
			}
		}
		commit(t, file, x)
		commit(t, memory, x)
	}
	diff(t, "records", scan(t, memory, ""), scan(t, file, ""))
	told := func(s Store) (all []string) {
		err := s.History(t.Context(), 0, func(c Change) error {
			for _, e := range c.Edits {
				all = append(all, fmt.Sprintf("%d: %s %q %t %t", c.Revision, e.Key, e.Before, e.Before == nil, e.Removed))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	diff(t, "history", told(memory), told(file))
}
