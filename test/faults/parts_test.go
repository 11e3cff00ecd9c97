package faults

import (
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/faultproxy"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// TestRoleReplyCutShort: a connection that ends in the midst of a role reply, or
// loses the rest of it, ends the request for the role with an error that says so,
// and the switch is as good as new afterwards.
func TestRoleReplyCutShort(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"half-close@up@byte:12", "reset@up@byte:12", "cut@up@byte:12"} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, 1, simswitch.Config{Versions: []ofp.Version{ofp.V13}})
			s := l.connect()
			faults, err := faultproxy.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			l.proxy.Set(faults...)
			if got, err := s.SetRole(t.Context(), ofp.RoleState{Role: ofp.RoleMaster, Generation: 7}); err == nil {
				t.Errorf("the role is %v after half a reply", got)
			} else {
				wantEnd(t, "role", err)
			}
			if !until(patience, func() bool { return l.find(theVictim) != s }) {
				t.Error("the connection does not end")
			}
			l.proxy.Set()
			l.settles(l.victim, l.comeBack())
			l.unharmed()
			l.logged(20)
		})
	}
}

// TestHalfDeadAuxiliary: an auxiliary connection that dies in silence, or in the
// midst of a message, takes neither the main connection nor a push with it.
func TestHalfDeadAuxiliary(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"cut@up", "cut@down,cut@up", "half-close@up", "half-close@down", "reset@up"} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, 1, simswitch.Config{Versions: []ofp.Version{ofp.V13}})
			// The main connection goes past the proxy, the auxiliary one through it.
			if err := l.victim.Dial(t.Context(), l.addr); err != nil {
				t.Fatal(err)
			}
			s := l.await(theVictim, nil)
			if err := l.victim.DialAuxiliary(t.Context(), l.proxy.Addr(), 1); err != nil {
				t.Fatal(err)
			}
			if !until(patience, func() bool { return len(s.Auxiliaries()) == 1 }) {
				t.Fatal("the auxiliary connection is not known")
			}
			faults, err := faultproxy.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			l.proxy.Set(faults...)
			if err := s.Write(t.Context(), theFlows(pushed)); err != nil {
				t.Errorf("the push: %v", err)
			}
			if !until(patience, func() bool { return len(s.Auxiliaries()) == 0 }) {
				t.Error("the controller keeps the dead auxiliary connection")
			}
			if l.find(theVictim) != s || !l.victim.Connected() {
				t.Error("the main connection has ended with it")
			}
			l.proxy.Set()
			l.settles(l.victim, s)
			l.unharmed()
			l.logged(20)
		})
	}
}
