package reliable

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/ovs"
)

// Of a flow in the pool: table, priority and match, the version of OpenFlow from
// which it can be said, and what it may do. The flows overlap, have twins in other
// tables, and are told by Open vSwitch in other words than these. None matches what
// has no VLAN tag: for Open vSwitch that is one flow if 1.0 or 1.1 adds it and another
// if 1.2 or 1.3 does, and each hides the other.
var pool = []struct {
	from, match string
	actions     []string
}{
	{"1.0", "table=0,priority=5,ip,nw_src=10.1.2.3/255.255.0.0", []string{"output:1", "drop", "mod_nw_dst:10.9.9.9,output:2"}},
	{"1.0", "table=0,priority=5,ip,nw_dst=10.0.0.0/8", []string{"output:2", "NORMAL"}},
	{"1.0", "table=0,priority=9,tcp,tp_dst=80", []string{"mod_tp_dst:8080,output:1", "output:1,output:2"}},
	{"1.0", "table=0,priority=9,ip", []string{"drop", "output:3"}},
	{"1.0", "table=0,priority=7,dl_vlan=7,dl_vlan_pcp=3", []string{"strip_vlan,output:2", "mod_vlan_vid:9,mod_vlan_pcp:2,output:ALL"}},
	{"1.0", "table=0,priority=7,dl_vlan=8", []string{"mod_vlan_vid:9,output:1", "drop"}},
	{"1.0", "table=0,priority=6,arp,arp_tpa=10.0.0.1,arp_op=1", []string{"CONTROLLER:128", "FLOOD"}},
	{"1.0", "table=0,priority=8,icmp,icmp_type=8,icmp_code=0,nw_tos=32", []string{"mod_nw_tos:40,IN_PORT", "drop"}},
	{"1.0", "table=0,priority=9,in_port=LOCAL,dl_src=02:00:00:00:00:01", []string{"enqueue:1:2", "output:LOCAL"}},
	{"1.0", "table=0,priority=12,ip,nw_proto=47", []string{"resubmit:2,load:5->NXM_NX_REG1[0..3],move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],output:NXM_NX_REG0[]", "dec_ttl,resubmit(,1)"}},
	{"1.0", "table=1,priority=9,ip", []string{"drop", "output:3", "output:1"}},
	{"1.0", "table=1,priority=5,ip,nw_dst=10.0.0.0/8", []string{"output:2", "NORMAL"}},
	{"1.0", "table=2,priority=9,ip", []string{"drop", "output:3"}},
	{"1.0", "table=1,priority=0", []string{"drop", "CONTROLLER"}},
	{"1.1", "table=0,priority=20,in_port=1", []string{"clear_actions,goto_table:1", "write_actions(output:1),goto_table:1"}},
	{"1.1", "table=1,priority=21,metadata=5/7", []string{"write_actions(output:1),write_metadata:3/15,goto_table:2", "drop"}},
	{"1.1", "table=0,priority=22,ip,nw_dst=10.0.0.1", []string{"group:1", "group:2", "group:1,output:2"}},
	{"1.1", "table=1,priority=22,ip,nw_dst=10.0.0.1", []string{"group:3", "write_actions(group:1)"}},
	{"1.2", "table=0,priority=70,ipv6,ipv6_dst=2001:db8::/32", []string{"set_field:2001:db8::1->ipv6_src,dec_ttl,output:1", "output:1"}},
	{"1.2", "table=0,priority=71,ip,nw_ecn=1", []string{"push_vlan:0x8100,set_field:4097->vlan_vid,output:2", "output:2"}},
	{"1.2", "table=2,priority=72,mpls,mpls_label=9", []string{"pop_mpls:0x0800,output:1", "drop"}},
	{"1.2", "table=2,priority=73,reg3=5/0xff,tun_id=9,ct_state=+trk-new,ip", []string{"set_field:5->reg1,set_field:1/1->reg2,ct(commit,zone=5,nat(src=10.0.0.1)),output:1", "output:3"}},
	{"1.3", "table=0,priority=90,ip,nw_src=10.0.0.1", []string{"meter:1,output:1", "meter:2,group:1", "output:2"}},
	{"1.3", "table=1,priority=90,ip,nw_src=10.0.0.1", []string{"meter:1,goto_table:2", "drop"}},
	{"1.3", "table=0,priority=91,udp,tp_dst=0x1000/0xf000", []string{"meter:2,output:3", "output:1"}},
}

// Buckets of groups, of which the ones of a lower number may use those of a higher.
var poolGroups = [][]string{
	1: {"type=all,bucket=group:2", "type=select,bucket=weight:3,group:3,bucket=weight:1,output:2", "type=all,bucket=output:1,bucket=output:2"},
	2: {"type=indirect,bucket=group:3", "type=ff,bucket=watch_port:1,output:1,bucket=watch_port:2,output:2"},
	3: {"type=all,bucket=output:3", "type=indirect,bucket=mod_dl_src:02:00:00:00:00:09,output:1"},
}

var poolMeters = [][]string{
	1: {"kbps,burst,stats,band=type=drop,rate=100,burst_size=10", "kbps,band=type=drop,rate=7"},
	2: {"pktps,band=type=drop,rate=5", "pktps,stats,band=type=drop,rate=50"},
}

// Cookies say whose a flow is: that of the pool, by its place, or somebody else's.
const (
	ourCookie   = 0xabc0000
	otherCookie = 0xf00d
)

// random is a bridge to which everything happens.
type random struct {
	*lab
	rnd *rand.Rand
	v   version
	did []string // the last steps
}

// TestRandom does at random what users, other controllers, ovs-ofctl and crashes do
// to a bridge, and looks again and again whether it comes to have what it should,
// and nothing is left to be sent then. What it should have is put on a second
// bridge by ovs-ofctl and read from there: so Open vSwitch itself says how it tells
// that, and nothing of Sluice's own comparison is used.
func TestRandom(t *testing.T) {
	l := newLab(t, "--extensions")
	r := &random{lab: l, rnd: chance(t), v: versions[3]}
	l.bridge("br0", 1, r.v.protocol)
	l.check(l.AddBridge(t.Context(), ovs.Bridge{Name: "ref", DPID: 2, Protocols: []string{r.v.protocol}}))
	_, err := l.Vsctl(t.Context(), "del-controller", "ref")
	l.check(err)
	for i := range 3 {
		_, err := l.AddHost(t.Context(), "br0", fmt.Sprintf("h%d", i+1), fmt.Sprintf("10.0.0.%d/24", i+1))
		l.check(err)
	}
	l.start()
	l.ready("br0")
	begin, looks := time.Now(), times(3, 60)
	for look := range looks {
		r.did = nil
		for range 4 + r.rnd.IntN(12) {
			r.step()
		}
		r.settled(look)
		if t.Failed() {
			t.Fatalf("OpenFlow %s, look %d, after\n%s", r.v.name, look, strings.Join(r.did, "\n"))
		}
	}
	t.Logf("%d times desired = actual, and nothing to send, in %.0f s", looks, time.Since(begin).Seconds())
}

// note keeps what is done, for who has to find out why.
func (r *random) note(format string, args ...any) {
	r.did = append(r.did, fmt.Sprintf(format, args...))
}

func pick[T any](r *random, from []T) T { return from[r.rnd.IntN(len(from))] }

// flow is one of the pool that the version can say: its match, and all of it.
func (r *random) flow() (match, whole string) {
	for {
		n := r.rnd.IntN(len(pool))
		if f := pool[n]; f.from <= r.v.name {
			return f.match, fmt.Sprintf("cookie=%#x,%s,actions=%s", ourCookie+n, f.match, pick(r, f.actions))
		}
	}
}

// step does one thing.
func (r *random) step() {
	switch n := r.rnd.IntN(100); {
	case n < 30:
		r.writeFlows()
	case n < 40 && r.v.name > "1.0":
		r.writeGroup()
	case n < 46 && r.v.name == "1.3":
		r.writeMeter()
	case n < 58:
		r.apply()
	case n < 63:
		r.rollback()
	case n < 90:
		r.foreign()
	case n < 94:
		r.note("kill -9 sluiced")
		r.kill()
		r.start()
		r.ready("br0")
	case n < 96:
		r.note("kill -9 ovs-vswitchd")
		r.KillVswitchd()
		r.check(r.StartVswitchd(r.within(patience)))
		r.ready("br0")
	case n < 98:
		r.v = pick(r, versions)
		r.older = r.v.name < "1.3"
		r.note("OpenFlow %s", r.v.name)
		for _, b := range []string{"br0", "ref"} {
			r.check(r.SetProtocols(r.t.Context(), b, r.v.protocol))
		}
		r.speaks()
		r.ready("br0")
	}
}

// speaks waits until the bridge speaks the version.
func (r *random) speaks() {
	r.t.Helper()
	r.check(ovs.Wait(r.within(patience), "the version", func(ctx context.Context) error {
		out, err := sluicev1.NewSwitchServiceClient(r.conn).ListSwitches(ctx, &sluicev1.ListSwitchesRequest{})
		if err != nil {
			return err
		}
		for _, sw := range out.GetSwitches() {
			if sw.GetName() == "br0" && sw.GetVersion() == r.v.name {
				return nil
			}
		}
		return fmt.Errorf("%v", out)
	}))
}

// done demands that a call has succeeded, or was refused with a reason.
func (r *random) done(err error) {
	r.t.Helper()
	switch status.Code(err) {
	case codes.OK:
	case codes.FailedPrecondition, codes.AlreadyExists, codes.InvalidArgument, codes.OutOfRange, codes.NotFound:
		r.note("  refused: %s", status.Convert(err).Message())
	default:
		r.t.Errorf("%v, after\n%s", err, strings.Join(r.did, "\n"))
	}
}

func (r *random) writeFlows() {
	req := &sluicev1.WriteFlowsRequest{Switch: "br0"}
	for range 1 + r.rnd.IntN(6) {
		match, whole := r.flow()
		c := new(sluicev1.FlowChange)
		switch n := r.rnd.IntN(10); {
		case n < 5:
			c.Change = &sluicev1.FlowChange_Add{Add: spec(whole)}
		case n < 7:
			c.Change = &sluicev1.FlowChange_ModifyStrict{ModifyStrict: spec(whole)}
		case n < 9:
			c.Change = &sluicev1.FlowChange_DeleteStrict{DeleteStrict: spec(match)}
		default: // what the match covers
			c.Change = &sluicev1.FlowChange_Delete{Delete: spec(regexp.MustCompile(`priority=\d+,?`).ReplaceAllString(match, ""))}
		}
		r.note("WriteFlows %v", c)
		req.Changes = append(req.Changes, c)
	}
	_, err := sluicev1.NewFlowServiceClient(r.conn).WriteFlows(r.within(patience), req)
	r.done(err)
}

func (r *random) group() string {
	id := 1 + r.rnd.IntN(len(poolGroups)-1)
	return fmt.Sprintf("group_id=%d,%s", id, pick(r, poolGroups[id]))
}

func (r *random) writeGroup() {
	c := new(sluicev1.GroupChange)
	switch n := r.rnd.IntN(10); {
	case n < 5:
		c.Change = &sluicev1.GroupChange_Add{Add: groupSpec(r.group())}
	case n < 8:
		c.Change = &sluicev1.GroupChange_Modify{Modify: groupSpec(r.group())}
	default:
		c.Change = &sluicev1.GroupChange_Delete{Delete: groupSpec(fmt.Sprintf("group_id=%d", 1+r.rnd.IntN(3)))}
	}
	r.note("WriteGroups %v", c)
	_, err := sluicev1.NewGroupServiceClient(r.conn).WriteGroups(r.within(patience), &sluicev1.WriteGroupsRequest{Switch: "br0", Changes: []*sluicev1.GroupChange{c}})
	r.done(err)
}

func meterSpec(text string) *sluicev1.MeterSpec {
	return &sluicev1.MeterSpec{Form: &sluicev1.MeterSpec_Text{Text: text}}
}

func (r *random) meter() string {
	id := 1 + r.rnd.IntN(len(poolMeters)-1)
	return fmt.Sprintf("meter=%d,%s", id, pick(r, poolMeters[id]))
}

func (r *random) writeMeter() {
	c := new(sluicev1.MeterChange)
	switch n := r.rnd.IntN(10); {
	case n < 5:
		c.Change = &sluicev1.MeterChange_Add{Add: meterSpec(r.meter())}
	case n < 8:
		c.Change = &sluicev1.MeterChange_Modify{Modify: meterSpec(r.meter())}
	default:
		c.Change = &sluicev1.MeterChange_Delete{Delete: meterSpec(fmt.Sprintf("meter=%d", 1+r.rnd.IntN(2)))}
	}
	r.note("WriteMeters %v", c)
	_, err := sluicev1.NewMeterServiceClient(r.conn).WriteMeters(r.within(patience), &sluicev1.WriteMetersRequest{Switch: "br0", Changes: []*sluicev1.MeterChange{c}})
	r.done(err)
}

func (r *random) apply() {
	w, seen := &sluicev1.SwitchWish{Switch: "br0"}, make(map[string]bool)
	for range r.rnd.IntN(12) {
		if match, whole := r.flow(); !seen[match] {
			seen[match] = true
			w.Flows = append(w.Flows, spec(whole))
		}
	}
	if r.v.name > "1.0" && r.rnd.IntN(3) > 0 {
		for id := 1; id < len(poolGroups); id++ {
			w.Groups = append(w.Groups, groupSpec(fmt.Sprintf("group_id=%d,%s", id, pick(r, poolGroups[id]))))
		}
	}
	if r.v.name == "1.3" && r.rnd.IntN(3) > 0 {
		for id := 1; id < len(poolMeters); id++ {
			w.Meters = append(w.Meters, meterSpec(fmt.Sprintf("meter=%d,%s", id, pick(r, poolMeters[id]))))
		}
	}
	req := &sluicev1.ApplyRequest{Switches: []*sluicev1.SwitchWish{w}, Prune: r.rnd.IntN(2) == 0}
	r.note("Apply %v", req)
	_, err := r.states().Apply(r.within(patience), req)
	r.done(err)
}

func (r *random) rollback() {
	s, err := r.states().GetState(r.within(patience), &sluicev1.GetStateRequest{})
	r.check(err)
	req := &sluicev1.RollbackRequest{Revision: s.GetRevision() - min(s.GetRevision(), uint64(r.rnd.IntN(10)))}
	r.note("Rollback %v", req)
	_, err = r.states().Rollback(r.within(patience), req)
	r.done(err)
}

// foreign changes the bridge behind Sluice's back.
func (r *random) foreign() {
	match, whole := r.flow()
	theirs := regexp.MustCompile(`cookie=\w+`).ReplaceAllString(whole, fmt.Sprintf("cookie=%#x", otherCookie))
	var args []string
	switch n := r.rnd.IntN(13); {
	case n < 2:
		args = []string{"add-flow", "br0", theirs}
	case n < 4:
		args = []string{"--strict", "del-flows", "br0", match}
	case n < 5:
		args = []string{"del-flows", "br0"}
	case n < 7:
		args = []string{"--strict", "mod-flows", "br0", theirs}
	case n < 8:
		args = []string{"del-flows", "br0", "ip"}
	case n < 9 && r.v.name > "1.0":
		args = []string{"del-groups", "br0", fmt.Sprintf("group_id=%d", 1+r.rnd.IntN(3))}
	case n < 10 && r.v.name > "1.0":
		args = []string{"mod-group", "br0", r.group()}
	case n < 11 && r.v.name > "1.0":
		args = []string{"add-group", "br0", fmt.Sprintf("group_id=%d,type=all,bucket=output:1", 500+r.rnd.IntN(5))}
	case n < 12 && r.v.name == "1.3":
		args = []string{"del-meter", "br0", fmt.Sprintf("meter=%d", 1+r.rnd.IntN(2))}
	case r.v.name == "1.3":
		args = []string{"mod-meter", "br0", r.meter()}
	default:
		return
	}
	r.note("ovs-ofctl %s", strings.Join(args, " "))
	if _, err := r.Ofctl(r.t.Context(), args...); err != nil {
		r.note("  refused: %v", err)
	}
}

var (
	cookieText = regexp.MustCompile(`cookie=(0x[0-9a-f]+)`)
	lacks      = regexp.MustCompile(`BAD_OUT_GROUP|INVALID_METER|UNKNOWN_METER`)
)

// settled has the bridge compared, and demands that it has what it should, that
// all that it has not is degraded for a good reason, and that comparing it again
// sends nothing.
func (r *random) settled(look int) {
	t := r.t
	_, err := r.states().Reconcile(r.within(patience), &sluicev1.ReconcileRequest{Switch: "br0"})
	r.check(err)
	r.ready("br0")
	flows, groups, meters := "", []string{}, []string{}
	degraded := make(map[string]bool) // cookies, and names of groups and meters
	lacking := false
	for _, x := range r.listState("br0") {
		if x.GetCondition() == sluicev1.StateCondition_STATE_CONDITION_DEGRADED {
			switch why := x.GetWhy(); {
			case strings.Contains(why, "not in OpenFlow"):
			case lacks.MatchString(why) && x.GetKind() == "flow": // a group or meter that was another's
				lacking = true
			default:
				t.Errorf("look %d: %v", look, x)
			}
			degraded[name(x.GetText())] = true
			continue
		}
		switch x.GetKind() {
		case "flow":
			flows += x.GetText() + "\n"
		case "group":
			groups = append(groups, x.GetText())
		case "meter":
			meters = append(meters, x.GetText())
		}
	}
	has, wants := r.all("br0"), r.reference(flows, groups, meters)
	unsayable := r.deleting() // which must be what the version has no words for
	for _, line := range has {
		if _, wanted := slices.BinarySearch(wants, line); wanted || degraded[name(line)] || isForeign(line) {
			continue
		}
		if unsayable > 0 && r.later(line) {
			unsayable--
			continue
		}
		t.Errorf("look %d: br0 has, and should not have: %s", look, line)
	}
	for _, line := range wants {
		if _, there := slices.BinarySearch(has, line); !there {
			t.Errorf("look %d: br0 has not, and should have: %s", look, line)
		}
	}
	if lacking {
		return // which is tried again each time
	}
	sent := r.sent()
	again, err := r.states().Reconcile(r.within(patience), &sluicev1.ReconcileRequest{Switch: "br0"})
	r.check(err)
	if now := r.sent(); again.GetChanged()+again.GetRefused() > 0 || now != sent {
		t.Errorf("look %d: a second time: %v; messages were\n%s, and are\n%s", look, again, sent, now)
	}
}

// deleting is how much is to go that the switch could not be told.
func (r *random) deleting() uint32 {
	r.t.Helper()
	s, err := r.states().GetState(r.within(patience), &sluicev1.GetStateRequest{Switch: "br0"})
	r.check(err)
	return s.GetSwitches()[0].GetDeleting()
}

// later reports whether a line is a flow of the pool that only versions later than
// the bridge's can say.
func (r *random) later(line string) bool {
	for n, f := range pool {
		if f.from > r.v.name && strings.Contains(line, fmt.Sprintf("cookie=%#x,", ourCookie+n)) {
			return true
		}
	}
	return false
}

// name is what a flow, group or meter is called here: by its cookie or its number.
func name(line string) string {
	for _, x := range []*regexp.Regexp{cookieText, groupKey, regexp.MustCompile(`meter=\d+`)} {
		if m := x.FindString(line); m != "" {
			return m
		}
	}
	return line
}

func isForeign(line string) bool {
	return strings.Contains(line, fmt.Sprintf("cookie=%#x,", otherCookie)) || strings.HasPrefix(line, "group_id=50")
}

// reference puts flows, groups and meters on a bridge of which Sluice knows
// nothing, by ovs-ofctl, and returns what that bridge then has.
func (r *random) reference(flows string, groups, meters []string) []string {
	r.t.Helper()
	ofctl := func(args ...string) {
		r.t.Helper()
		if _, err := r.Ofctl(r.t.Context(), args...); err != nil {
			r.t.Fatalf("OpenFlow %s: a bridge of its own cannot have what is installed: %v\n%s\n%s\n%s\nbr0 has %s\nafter\n%s", r.v.name, err,
				flows, groups, meters, strings.Join(r.all("br0"), "\n"), strings.Join(r.did, "\n"))
		}
	}
	for table := range 3 { // OpenFlow 1.1 cannot say all tables
		ofctl("del-flows", "ref", fmt.Sprintf("table=%d", table))
	}
	ofctl("del-groups", "ref") // in 1.0 by an extension
	if r.v.name == "1.3" {
		ofctl("del-meters", "ref")
	}
	for _, m := range meters {
		ofctl("add-meter", "ref", m)
	}
	slices.Reverse(groups) // those that are used first
	for _, g := range groups {
		ofctl("add-group", "ref", g)
	}
	file := filepath.Join(r.t.TempDir(), "flows")
	r.check(os.WriteFile(file, []byte(flows), 0o644))
	ofctl("add-flows", "ref", file)
	return r.all("ref")
}

// all is what a bridge has, by ovs-ofctl.
func (r *random) all(bridge string) []string {
	r.t.Helper()
	all := r.dump("dump-flows", bridge)
	for i, line := range all {
		// What OpenFlow 1.0 to 1.2 have added keeps this flag, which is about the adding
		// alone (section 7.3.4.1 of 1.3.5).
		line = strings.Replace(line, "reset_counts ", "", 1)
		all[i] = line
		if !cookieText.MatchString(line) {
			all[i] = "cookie=0x0, " + line
		}
	}
	all = append(all, r.dump("dump-groups", bridge)...)
	if r.v.name == "1.3" {
		lines := r.dump("dump-meters", bridge)
		for i, line := range lines {
			if strings.HasPrefix(line, "meter=") && i+1 < len(lines) {
				all = append(all, line+" "+lines[i+1])
			}
		}
	}
	slices.Sort(all)
	return all
}

// sent are the counters of the messages that change a switch.
func (r *random) sent() string {
	r.t.Helper()
	_, body, err := r.HTTP(r.t.Context(), "/metrics")
	r.check(err)
	var lines []string
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, "sluice_openflow_messages_sent_total") && (strings.Contains(line, "mod") || strings.Contains(line, "vendor") || strings.Contains(line, "experimenter") || strings.Contains(line, "bundle")) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}
