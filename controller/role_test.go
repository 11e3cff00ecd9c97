package controller

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// simulated connects a simulated switch of the version; what it refuses is for the
// test to look at.
func simulated(t testing.TB, c *served, v ofp.Version, cfg simswitch.Config) *simswitch.Switch {
	t.Helper()
	cfg.Versions = []ofp.Version{v}
	s := simswitch.New(cfg)
	t.Cleanup(s.Close)
	if err := s.Dial(t.Context(), c.addr); err != nil {
		t.Fatal(err)
	}
	return s
}

func master(generation uint64) ofp.RoleState {
	return ofp.RoleState{Role: ofp.RoleMaster, Generation: generation}
}

func slave(generation uint64) ofp.RoleState {
	return ofp.RoleState{Role: ofp.RoleSlave, Generation: generation}
}

var equal = ofp.RoleState{Role: ofp.RoleEqual, Generation: ofp.NoGeneration}

// flow is something that a slave must not write.
func aFlow() []ofp.Message { return []ofp.Message{ofp.NewFlowMod(ofp.FlowAdd)} }

func TestRoleOnConnect(t *testing.T) {
	none := ofp.NoGeneration
	for _, v := range ofp.Versions() {
		generation := func(g uint64) uint64 {
			if v < ofp.V12 {
				return none
			}
			return g
		}
		tests := []struct {
			name    string
			cfg     Config
			sim     simswitch.Config
			elected *uint64 // before
			want    ofp.RoleState
			asked   bool
			log     string
		}{
			{name: "nothing asked", want: equal},
			{name: "equal", cfg: Config{Role: ofp.RoleEqual}, want: equal},
			{name: "master of the first election", cfg: Config{Role: ofp.RoleMaster}, want: master(generation(0)), asked: true},
			{name: "master of the next election", cfg: Config{Role: ofp.RoleMaster}, elected: new(uint64(41)), want: master(generation(42)), asked: true},
			{name: "master across the end of the numbers", cfg: Config{Role: ofp.RoleMaster}, elected: new(none - 1), want: master(generation(none)), asked: true},
			{name: "master by a named election", cfg: Config{Role: ofp.RoleMaster, Generation: 50}, elected: new(uint64(41)), want: master(generation(50)), asked: true},
			{name: "slave of no election", cfg: Config{Role: ofp.RoleSlave}, want: slave(generation(0)), asked: true},
			{name: "slave of an election", cfg: Config{Role: ofp.RoleSlave}, elected: new(uint64(41)), want: slave(generation(41)), asked: true},
			{name: "no roles, master", cfg: Config{Role: ofp.RoleMaster}, sim: simswitch.Config{NoRoles: true}, want: equal, asked: true,
				log: "switch has no roles: every controller is equal there"},
			{name: "no roles, slave", cfg: Config{Role: ofp.RoleSlave}, sim: simswitch.Config{NoRoles: true}, want: slave(none), asked: true,
				log: "switch has no roles: this controller keeps from writing"},
		}
		if v >= ofp.V12 {
			tests = append(tests, struct {
				name    string
				cfg     Config
				sim     simswitch.Config
				elected *uint64
				want    ofp.RoleState
				asked   bool
				log     string
			}{name: "stale", cfg: Config{Role: ofp.RoleMaster, Generation: 40}, elected: new(uint64(41)), want: slave(41), asked: true, log: "not elected"})
		}
		for _, tt := range tests {
			t.Run(v.String()+" "+tt.name, func(t *testing.T) {
				// What the app does when it attaches shows that the role is settled.
				attached := make(chan error, 1)
				tt.cfg.Apps = []App{testApp{"writer", func(sw *Switch) Session {
					if sw.Role() != tt.want {
						t.Errorf("the app attaches with the role %+v", sw.Role())
					}
					attached <- sw.Write(context.Background(), aFlow())
					return &testSession{detached: make(chan struct{})}
				}}}
				c := serve(t, tt.cfg)
				tt.sim.Versions = []ofp.Version{v}
				sim := simswitch.New(tt.sim)
				t.Cleanup(sim.Close)
				if tt.elected != nil {
					sim.Elect(*tt.elected)
				}
				var mu sync.Mutex
				var order []ofp.Type
				sim.SetFaults(func(_ int, h ofp.Header, m ofp.Message) simswitch.Fault {
					if m != nil {
						mu.Lock()
						order = append(order, m.Type())
						mu.Unlock()
					}
					return simswitch.Fault{}
				})
				if err := sim.Dial(t.Context(), c.addr); err != nil {
					t.Fatal(err)
				}
				sw := c.sw(t, 1)
				if got := sw.Role(); got != tt.want {
					t.Errorf("role %+v, want %+v", got, tt.want)
				}
				if !tt.sim.NoRoles && sim.Role().Role != tt.want.Role {
					t.Errorf("the switch says %+v", sim.Role())
				}
				if err := <-attached; errors.Is(err, ErrSlave) != (tt.want.Role == ofp.RoleSlave) || err != nil && !errors.Is(err, ErrSlave) {
					t.Errorf("write of the app: %v", err)
				}
				mu.Lock()
				defer mu.Unlock()
				asked, commands := -1, 0
				for i, typ := range order {
					switch {
					case typ == ofp.TypeRoleRequest:
						asked = i
					case channel.Forbidden(&ofp.SetConfig{}) && (typ == ofp.TypeSetConfig || typ == ofp.TypeFlowMod):
						commands++
						if tt.asked && asked < 0 {
							t.Errorf("%v before the role is asked for: %v", typ, order)
						}
					}
				}
				if (asked >= 0) != tt.asked {
					t.Errorf("role asked for: %v, want %v", asked >= 0, tt.asked)
				}
				if slave := tt.want.Role == ofp.RoleSlave; slave && commands > 0 || !slave && commands != 2 {
					t.Errorf("%d commands: %v", commands, order)
				}
				if tt.log != "" && !c.logged(tt.log) {
					t.Errorf("no line %q", tt.log)
				}
			})
		}
	}
}

// logged reports whether a line begins so.
func (s *served) logged(begin string) bool {
	s.logs.mu.Lock()
	defer s.logs.mu.Unlock()
	for _, e := range s.logs.lines {
		if strings.HasPrefix(e.Message, begin) {
			return true
		}
	}
	return false
}

// roleSession notes roles beside what testSession notes.
type roleSession struct{ *testSession }

func (s roleSession) Role(now ofp.RoleState) { s.note("role " + now.Role.String()) }

func TestSetRole(t *testing.T) {
	for _, v := range ofp.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			s := &testSession{detached: make(chan struct{})}
			c := serve(t, Config{Apps: []App{testApp{"watch", func(sw *Switch) Session { return roleSession{s} }}}})
			sim := simulated(t, c, v, simswitch.Config{})
			sw := c.sw(t, 1)
			ctx := t.Context()
			var told []string
			set := func(want ofp.RoleState) ofp.RoleState {
				t.Helper()
				got, err := sw.SetRole(ctx, want)
				if err != nil || got != sw.Role() || got.Role != sim.Role().Role {
					t.Errorf("set %+v: %+v, %v; then %+v, the switch has %+v", want, got, err, sw.Role(), sim.Role())
				}
				told = append(told, "role "+want.Role.String())
				eventually(t, "the app hears of it", func() bool { return cmp.Equal(s.heard(), told) })
				return got
			}
			set(master(ofp.NoGeneration))
			if err := sw.Write(ctx, aFlow()); err != nil {
				t.Error(err)
			}
			set(slave(ofp.NoGeneration))
			err := sw.Write(ctx, []ofp.Message{&ofp.BarrierRequest{}, aFlow()[0]})
			if !errors.Is(err, ErrSlave) || !strings.Contains(err.Error(), "sluice set-role "+sw.Name()+" master") {
				t.Errorf("write as slave: %v", err)
			}
			for _, m := range []ofp.Message{aFlow()[0], &ofp.PacketOut{}, &ofp.PortMod{}, &ofp.SetConfig{}} {
				if err := sw.Send(m); !errors.Is(err, ErrSlave) {
					t.Errorf("send %s as slave: %v", m.Type(), err)
				}
			}
			if _, err := sw.Flows(ctx, ofp.AllFlows()); err != nil {
				t.Errorf("read as slave: %v", err)
			}
			if _, err := sw.PortStats(ctx, ofp.PortAny); err != nil {
				t.Errorf("read as slave: %v", err)
			}
			if err := sw.Barrier(ctx); err != nil {
				t.Errorf("barrier as slave: %v", err)
			}
			set(master(ofp.NoGeneration))
			if err := sw.Write(ctx, aFlow()); err != nil {
				t.Error(err)
			}
			if got := set(ofp.RoleState{Role: ofp.RoleEqual}); v >= ofp.V12 && got.Generation != 1 {
				t.Errorf("generation %d after two elections", got.Generation)
			}
			if refused := sim.Refused(); len(refused) > 0 {
				t.Errorf("the switch refused %v", refused)
			}
			if n := c.stats.Drops[channel.DropSlave].Load(); n != 5 {
				t.Errorf("%d commands of a slave counted", n)
			}
			if _, err := sw.SetRole(ctx, ofp.RoleState{Role: 9}); err == nil || !strings.Contains(err.Error(), "want equal, master or slave") {
				t.Errorf("role 9: %v", err)
			}
		})
	}
}

// TestStepDown: who becomes a slave lets the writes in flight end first.
func TestStepDown(t *testing.T) {
	c := serve(t, Config{})
	sim := simulated(t, c, ofp.V13, simswitch.Config{})
	sw := c.sw(t, 1)
	release := make(chan struct{})
	sim.SetFaults(simswitch.Hold(ofp.TypeFlowMod, release))
	wrote, stepped := make(chan error, 1), make(chan error, 1)
	go func() { wrote <- sw.Write(t.Context(), slices.Repeat(aFlow(), 5000)) }()
	if err := sim.Await(t.Context(), func() bool { return sim.Received(ofp.TypeFlowMod) == 1 }); err != nil {
		t.Fatal(err)
	}
	go func() {
		_, err := sw.SetRole(t.Context(), slave(3))
		stepped <- err
	}()
	eventually(t, "new writes are refused", func() bool { return errors.Is(sw.Send(aFlow()[0]), ErrSlave) })
	close(release)
	if err := <-wrote; err != nil {
		t.Errorf("the write in flight: %v", err)
	}
	if err := <-stepped; err != nil {
		t.Error(err)
	}
	if refused := sim.Refused(); len(refused) > 0 || sim.Role() != slave(3) {
		t.Errorf("the switch says %+v and refused %d", sim.Role(), len(refused))
	}
	// One whose writes do not end is not made a slave, and writes on.
	if _, err := sw.SetRole(t.Context(), equal); err != nil {
		t.Fatal(err)
	}
	release = make(chan struct{})
	sim.SetFaults(simswitch.Hold(ofp.TypeFlowMod, release))
	before := sim.Received(ofp.TypeFlowMod)
	go func() { wrote <- sw.Write(t.Context(), aFlow()) }()
	if err := sim.Await(t.Context(), func() bool { return sim.Received(ofp.TypeFlowMod) > before }); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := sw.SetRole(ctx, slave(4)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("step down behind a write without end: %v", err)
	}
	close(release)
	if err := <-wrote; err != nil || sw.Role().Role != ofp.RoleEqual || sw.Write(t.Context(), aFlow()) != nil {
		t.Errorf("%v; %+v", err, sw.Role())
	}
}

// TestStale: a generation id that was named is not replaced, one that was chosen
// is.
func TestStale(t *testing.T) {
	for _, v := range []ofp.Version{ofp.V12, ofp.V13} {
		t.Run(v.String(), func(t *testing.T) {
			c := serve(t, Config{})
			sim := simulated(t, c, v, simswitch.Config{})
			sw := c.sw(t, 1)
			sim.Elect(1 << 63)
			if _, err := sw.SetRole(t.Context(), master(7)); !errors.Is(err, ErrStale) || !strings.Contains(err.Error(), "9223372036854775808") {
				t.Errorf("stale: %v", err)
			}
			if sw.Role().Role != ofp.RoleEqual {
				t.Errorf("after a refusal: %+v", sw.Role())
			}
			// Another election between question and request, once, and then always.
			next := uint64(1<<63 + 10)
			var elections atomic.Int64
			elections.Store(1)
			sim.SetFaults(func(_ int, _ ofp.Header, m ofp.Message) simswitch.Fault {
				if q, ok := m.(*ofp.RoleRequest); ok && q.Role == ofp.RoleMaster && elections.Load() > 0 {
					elections.Add(-1)
					sim.Elect(next)
					next += 10
				}
				return simswitch.Fault{}
			})
			got, err := sw.SetRole(t.Context(), master(ofp.NoGeneration))
			if err != nil || got != master(1<<63+11) {
				t.Errorf("overcome: %+v, %v", got, err)
			}
			elections.Store(1000)
			if _, err := sw.SetRole(t.Context(), master(ofp.NoGeneration)); !errors.Is(err, ErrStale) {
				t.Errorf("elections without end: %v", err)
			}
			if n := elections.Load(); n != 998 {
				t.Errorf("tried %d times", 1000-n)
			}
		})
	}
	c := serve(t, Config{})
	simulated(t, c, ofp.V10, simswitch.Config{})
	if _, err := c.sw(t, 1).SetRole(t.Context(), master(7)); !errors.Is(err, ofp.ErrVersion) {
		t.Errorf("generation id in 1.0: %v", err)
	}
}

// TestDemoted: another controller becomes the master; the first command that is
// refused tells it, item by item, and no more are sent.
func TestDemoted(t *testing.T) {
	for _, v := range ofp.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			s := &testSession{detached: make(chan struct{})}
			c := serve(t, Config{Role: ofp.RoleMaster, Apps: []App{testApp{"watch", func(*Switch) Session { return roleSession{s} }}}})
			sim := simulated(t, c, v, simswitch.Config{})
			sw := c.sw(t, 1)
			state, why := func(r ofp.Role, g uint64) ofp.RoleState { return ofp.RoleState{Role: r, Generation: g} }, ofp.BadRequestIsSlave
			if v < ofp.V12 { // which have neither generation ids nor an error of their own
				state, why = func(r ofp.Role, _ uint64) ofp.RoleState { return ofp.RoleState{Role: r, Generation: ofp.NoGeneration} }, ofp.BadRequestEPERM
			}
			master, slave := func(g uint64) ofp.RoleState { return state(ofp.RoleMaster, g) }, func(g uint64) ofp.RoleState { return state(ofp.RoleSlave, g) }
			if sw.Role() != master(0) {
				t.Fatalf("role %+v", sw.Role())
			}
			sim.Elect(5)
			err := sw.Write(t.Context(), []ofp.Message{&ofp.BarrierRequest{}, aFlow()[0], aFlow()[0]})
			we, ok := errors.AsType[*WriteError](err)
			if !ok || len(we.Errors) != 2 || we.Errors[0].Index != 1 || reason(we.Errors[0].Err) != why || we.Errors[1].Index != 2 {
				t.Fatalf("write: %v", err)
			}
			eventually(t, "the app hears of it", func() bool { return cmp.Equal(s.heard(), []string{"role slave"}) })
			if !c.logged("role changed without asking") || sw.Role().Role != ofp.RoleSlave {
				t.Errorf("role %+v", sw.Role())
			}
			refused := len(sim.Refused())
			if err := sw.Write(t.Context(), aFlow()); !errors.Is(err, ErrSlave) || len(sim.Refused()) != refused {
				t.Errorf("the next write: %v", err)
			}
			if got, err := sw.AskRole(t.Context()); err != nil || got != slave(5) || sw.Role() != got {
				t.Errorf("asked: %+v, %v", got, err)
			}
			// It comes back as what it was made, though the configuration says master.
			if err := sim.Dial(t.Context(), c.addr); err != nil {
				t.Fatal(err)
			}
			<-sw.Done()
			if sw = c.after(t, sw); sw.Role() != slave(5) {
				t.Errorf("after reconnecting: %+v", sw.Role())
			}
			if got, err := sw.SetRole(t.Context(), ofp.RoleState{Role: ofp.RoleMaster, Generation: ofp.NoGeneration}); err != nil || got != master(6) {
				t.Errorf("taken back: %+v, %v", got, err)
			}
		})
	}
}

// TestAway: a master that was away while another was elected comes back as slave;
// one that was away for nothing is the master again, by the same election.
func TestAway(t *testing.T) {
	c := serve(t, Config{Role: ofp.RoleMaster})
	sim := simulated(t, c, ofp.V13, simswitch.Config{})
	sw := c.sw(t, 1)
	for _, want := range []ofp.RoleState{master(0), slave(9), slave(9)} {
		sim.Disconnect()
		<-sw.Done()
		eventually(t, "gone", func() bool { return len(c.Switches()) == 0 })
		if want.Generation == 9 {
			sim.Elect(9)
		}
		if err := sim.Dial(t.Context(), c.addr); err != nil {
			t.Fatal(err)
		}
		if sw = c.sw(t, 1); sw.Role() != want {
			t.Errorf("role %+v, want %+v", sw.Role(), want)
		}
	}
	if n := len(c.logs.with("not elected: this controller is slave until it is given a role")); n != 1 {
		t.Errorf("%d lines", n)
	}
}

func TestRoleConfig(t *testing.T) {
	if _, err := New(Config{Role: 7}); err == nil || !strings.Contains(err.Error(), "want equal, master or slave") {
		t.Errorf("role 7: %v", err)
	}
}
