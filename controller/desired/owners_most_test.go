package desired

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
)

// TestMostOwners: one more owner than cookies can tell apart is refused with the limit,
// and changes nothing; those that there are go on.
func TestMostOwners(t *testing.T) {
	r := newRig(t, ofp.V13)
	if err := r.try("ann", "add-flow priority=1,ip,actions=output:1"); err != nil {
		t.Fatal(err)
	}
	r.d.mu.Lock()
	for id := ownerID(1); id < maxOwners; id++ {
		if _, taken := r.d.names[id]; !taken {
			r.d.names[id] = fmt.Sprint("owner ", id)
			r.d.owners[r.d.names[id]] = id
		}
	}
	r.d.mu.Unlock()
	before, rev := r.sw.all(), r.st.Revision()
	err := r.try("one too many", "add-flow priority=2,ip,actions=output:1")
	if !errors.Is(err, store.ErrLimit) || !strings.Contains(err.Error(), "32767") || !strings.Contains(err.Error(), "one too many") {
		t.Errorf("one too many: %v", err)
	}
	r.has(before...)
	if r.st.Revision() != rev {
		t.Error("something is stored")
	}
	if err := r.try("ann", "add-flow priority=3,ip,actions=output:1"); err != nil {
		t.Errorf("one of them: %v", err)
	}
}
