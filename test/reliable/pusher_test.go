package reliable

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// view is what a switch has, or is to have: for each flow and group a number that
// no other write has used.
type view map[string]thing

// thing is a flow or group.
type thing struct {
	value uint64 // 0: it is not there
	group uint32 // that a flow uses
}

var (
	flowKey   = regexp.MustCompile(`dl_vlan=(\d+),dl_dst=02:00:00:00:([0-9a-f]{2}):([0-9a-f]{2})`)
	groupKey  = regexp.MustCompile(`group_id=(\d+)`)
	valueText = regexp.MustCompile(`(?i)(?:load|set_field):(0x[0-9a-f]+|\d+)->(?:NXM_NX_)?REG0`)
	usesGroup = regexp.MustCompile(`group:(\d+)`)
)

// see reads a flow or group from its text, Open vSwitch's or Sluice's.
func see(text string) (string, thing, error) {
	key, x := "", thing{}
	if m := flowKey.FindStringSubmatch(text); m != nil {
		key = "flow " + m[1] + " " + m[2] + m[3]
	} else if m := groupKey.FindStringSubmatch(text); m != nil {
		key = "group " + m[1]
	}
	v := valueText.FindStringSubmatch(text)
	if key == "" || v == nil {
		return "", x, fmt.Errorf("who has written %q?", text)
	}
	var err error
	if x.value, err = strconv.ParseUint(v[1], 0, 64); err != nil {
		return "", x, err
	}
	if m := usesGroup.FindStringSubmatch(text); m != nil && strings.HasPrefix(key, "flow") {
		id, _ := strconv.ParseUint(m[1], 10, 32)
		x.group = uint32(id)
	}
	return key, x, nil
}

// request is one call of a pusher, and what it makes of each switch: for every
// flow and group that it is about what is there after it.
type request struct {
	id       string // "" if it has none
	what     string
	after    map[string]view
	poisoned string // key of what the switch refuses; "": nothing
	call     func(context.Context, *grpc.ClientConn) (map[string]uint64, error)
}

// pusher writes flows and groups of its own, one call after the other. What it
// knows to be there is model; what it does not know any more is doubt.
type pusher struct {
	number   int
	owner    string
	rnd      *rand.Rand
	serial   *serial
	switches []string // the last one speaks 1.0
	model    map[string]view

	past    map[string][]string // what became of each flow and group, in words
	doubt   *request
	acked   []*acked
	refused int
}

// acked is a call that was acknowledged, and the revisions that it was told of.
type acked struct {
	*request
	revisions map[string]uint64
	again     bool // it was sent before
}

func (p *pusher) key(n int) string        { return fmt.Sprintf("flow %d %04x", p.number, n) }
func (p *pusher) group(n int) uint32      { return uint32(p.number*100 + n) }
func (p *pusher) groupKey(n int) string   { return fmt.Sprintf("group %d", p.group(n)) }
func (p *pusher) hasGroups(s string) bool { return s != p.switches[len(p.switches)-1] }

const (
	keysEach   = 60 // flows of a pusher on a switch
	groupsEach = 4
	noGroup    = 999999 // is never there: the switch refuses what uses it
)

// match is that of a flow.
func (p *pusher) match(n int) string {
	return fmt.Sprintf("priority=100,dl_vlan=%d,dl_dst=02:00:00:00:%02x:%02x", p.number, n>>8, n&255)
}

// flow is the text of a flow; x says what it does.
func (p *pusher) flow(n int, x thing) string {
	out := "output:1"
	if x.group != 0 {
		out = fmt.Sprintf("group:%d", x.group)
	}
	return fmt.Sprintf("%s,actions=load:%d->NXM_NX_REG0[],%s", p.match(n), x.value, out)
}

// something is what a new flow of a switch is to do.
func (p *pusher) something(sw string) thing {
	x := thing{value: p.serial.next()}
	if n := p.rnd.IntN(groupsEach); p.hasGroups(sw) && p.rnd.IntN(3) == 0 && p.model[sw][p.groupKey(n)].value != 0 {
		x.group = p.group(n)
	}
	return x
}

func spec(text string) *sluicev1.FlowSpec {
	return &sluicev1.FlowSpec{Form: &sluicev1.FlowSpec_Text{Text: text}}
}

func groupSpec(text string) *sluicev1.GroupSpec {
	return &sluicev1.GroupSpec{Form: &sluicev1.GroupSpec_Text{Text: text}}
}

func addFlow(text string) *sluicev1.FlowChange {
	return &sluicev1.FlowChange{Change: &sluicev1.FlowChange_Add{Add: spec(text)}}
}

// next makes up a call.
func (p *pusher) next() *request {
	r := &request{after: make(map[string]view)}
	if p.rnd.IntN(5) > 0 {
		r.id = fmt.Sprintf("request %d", p.serial.next())
	}
	sw := p.switches[p.rnd.IntN(len(p.switches))]
	switch n := p.rnd.IntN(10); {
	case n < 6:
		p.flows(r, sw)
	case n < 8 && p.hasGroups(sw):
		p.groups(r, sw)
	default:
		p.apply(r)
	}
	return r
}

// flows makes up a WriteFlows: one change, or a batch.
func (p *pusher) flows(r *request, sw string) {
	now := maps.Clone(p.model[sw])
	if now == nil {
		now = make(view)
	}
	after := make(view)
	set := func(n int, x thing) { now[p.key(n)], after[p.key(n)] = x, x }
	count := 1
	if p.rnd.IntN(2) == 0 {
		count = 2 + p.rnd.IntN(40)
	}
	var changes []*sluicev1.FlowChange
	all := false
	for range count {
		n := p.rnd.IntN(keysEach)
		switch there, kind := now[p.key(n)].value != 0, p.rnd.IntN(20); {
		case there && kind < 6: // modify keeps what is there, but for the actions
			x := p.something(sw)
			changes = append(changes, &sluicev1.FlowChange{Change: &sluicev1.FlowChange_ModifyStrict{ModifyStrict: spec(p.flow(n, x))}})
			set(n, x)
		case there && kind < 10:
			changes = append(changes, &sluicev1.FlowChange{Change: &sluicev1.FlowChange_DeleteStrict{DeleteStrict: spec(p.match(n))}})
			set(n, thing{})
		case kind == 19: // all flows of this pusher
			all = true
			changes = append(changes, &sluicev1.FlowChange{Change: &sluicev1.FlowChange_Delete{Delete: spec(fmt.Sprintf("dl_vlan=%d", p.number))}})
			for k, x := range now {
				if strings.HasPrefix(k, "flow") && x.value != 0 {
					now[k], after[k] = thing{}, thing{}
				}
			}
		default:
			x := p.something(sw)
			changes = append(changes, addFlow(p.flow(n, x)))
			set(n, x)
		}
	}
	if p.hasGroups(sw) && p.rnd.IntN(8) == 0 {
		n, x := p.rnd.IntN(keysEach), thing{value: p.serial.next(), group: noGroup}
		at := p.rnd.IntN(len(changes) + 1)
		if all {
			at = len(changes) // else it might be deleted in turn
		}
		if _, twice := after[p.key(n)]; !twice {
			changes = slices.Insert(changes, at, addFlow(p.flow(n, x)))
			r.poisoned = p.key(n)
			after[p.key(n)] = x
		}
	}
	r.what, r.after[sw] = fmt.Sprintf("%d changes of flows of %s", len(changes), sw), after
	r.call = func(ctx context.Context, conn *grpc.ClientConn) (map[string]uint64, error) {
		out, err := sluicev1.NewFlowServiceClient(conn).WriteFlows(ctx, &sluicev1.WriteFlowsRequest{Switch: sw, Changes: changes, Owner: p.owner, RequestId: r.id})
		return map[string]uint64{r.id: out.GetRevision()}, err
	}
}

// groups makes up a WriteGroups.
func (p *pusher) groups(r *request, sw string) {
	n, after := p.rnd.IntN(groupsEach), make(view)
	x := thing{value: p.serial.next()}
	text := fmt.Sprintf("group_id=%d,type=all,bucket=load:%d->NXM_NX_REG0[],output:1", p.group(n), x.value)
	change := &sluicev1.GroupChange{Change: &sluicev1.GroupChange_Add{Add: groupSpec(text)}}
	if p.model[sw][p.groupKey(n)].value != 0 {
		change = &sluicev1.GroupChange{Change: &sluicev1.GroupChange_Modify{Modify: groupSpec(text)}}
		if p.rnd.IntN(3) == 0 {
			x = thing{}
			change = &sluicev1.GroupChange{Change: &sluicev1.GroupChange_Delete{Delete: groupSpec(fmt.Sprintf("group_id=%d", p.group(n)))}}
			for k, f := range p.model[sw] { // which go with it
				if f.group == p.group(n) {
					after[k] = thing{}
				}
			}
		}
	}
	after[p.groupKey(n)] = x
	r.what, r.after[sw] = fmt.Sprintf("%v of %s", change, sw), after
	r.call = func(ctx context.Context, conn *grpc.ClientConn) (map[string]uint64, error) {
		out, err := sluicev1.NewGroupServiceClient(conn).WriteGroups(ctx, &sluicev1.WriteGroupsRequest{Switch: sw, Changes: []*sluicev1.GroupChange{change}, Owner: p.owner, RequestId: r.id})
		return map[string]uint64{r.id: out.GetRevision()}, err
	}
}

// apply makes up an Apply over some switches, now and then with prune.
func (p *pusher) apply(r *request) {
	req := &sluicev1.ApplyRequest{Owner: p.owner, RequestId: r.id, Prune: p.owner != "" && p.rnd.IntN(3) == 0}
	for _, at := range p.rnd.Perm(len(p.switches))[:1+p.rnd.IntN(len(p.switches))] {
		sw, after, wish := p.switches[at], make(view), &sluicev1.SwitchWish{Switch: p.switches[at]}
		for _, n := range p.rnd.Perm(keysEach)[:1+p.rnd.IntN(20)] {
			x := thing{value: p.serial.next()}
			if g := p.rnd.IntN(groupsEach); p.hasGroups(sw) && p.rnd.IntN(4) == 0 {
				x.group = p.group(g)
				if _, there := after[p.groupKey(g)]; !there {
					v := thing{value: p.serial.next()}
					wish.Groups = append(wish.Groups, groupSpec(fmt.Sprintf("group_id=%d,type=all,bucket=load:%d->NXM_NX_REG0[],output:1", p.group(g), v.value)))
					after[p.groupKey(g)] = v
				}
			}
			wish.Flows = append(wish.Flows, spec(p.flow(n, x)))
			after[p.key(n)] = x
		}
		if req.Prune {
			for k, x := range p.model[sw] {
				if _, wished := after[k]; !wished && x.value != 0 {
					after[k] = thing{}
				}
			}
		}
		req.Switches, r.after[sw] = append(req.Switches, wish), after
	}
	r.what = fmt.Sprintf("Apply over %d switches, prune %v", len(req.Switches), req.Prune)
	r.call = func(ctx context.Context, conn *grpc.ClientConn) (map[string]uint64, error) {
		out, err := sluicev1.NewStateServiceClient(conn).Apply(ctx, req)
		revisions := make(map[string]uint64)
		for _, sw := range out.GetSwitches() {
			id := r.id
			if r.id != "" && len(req.Switches) > 1 {
				id += " " + sw.GetDpid()
			}
			revisions[id] = sw.GetRevision()
		}
		return revisions, err
	}
}

// tell notes what became of a call.
func (p *pusher) tell(r *request, outcome string) {
	if p.past == nil {
		p.past = make(map[string][]string)
	}
	for sw, after := range r.after {
		for k, x := range after {
			p.past[sw+k] = append(p.past[sw+k], fmt.Sprintf("%s: %s (%q, poisoned: %q): from %v to %v", outcome, r.what, r.id, r.poisoned, p.model[sw][k], x))
		}
	}
}

// take notes that a call was carried out.
func (p *pusher) take(r *request, sw string) {
	if p.model[sw] == nil {
		p.model[sw] = make(view)
	}
	for k, x := range r.after[sw] {
		if x.value == 0 {
			delete(p.model[sw], k)
		} else {
			p.model[sw][k] = x
		}
	}
}

// push makes calls until one is cut short.
func (p *pusher) push(ctx context.Context, conn *grpc.ClientConn) error {
	for ctx.Err() == nil {
		r := p.next()
		revisions, err := r.call(ctx, conn)
		switch status.Code(err) {
		case codes.OK:
			if r.poisoned != "" {
				return fmt.Errorf("%s: succeeds, with what the switch cannot have", r.what)
			}
			p.tell(r, "acknowledged")
			p.acked = append(p.acked, &acked{r, revisions, false})
			for sw := range r.after {
				p.take(r, sw)
			}
		case codes.FailedPrecondition, codes.NotFound, codes.AlreadyExists, codes.PermissionDenied, codes.InvalidArgument, codes.ResourceExhausted, codes.Aborted:
			if r.poisoned == "" {
				return fmt.Errorf("%s: refused: %w", r.what, err)
			}
			p.tell(r, "refused")
			p.refused++
		default: // cut short
			p.tell(r, "in doubt")
			p.doubt = r
			return nil
		}
	}
	return nil
}
