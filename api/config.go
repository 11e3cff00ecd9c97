package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

type config struct {
	sluicev1.UnimplementedConfigServiceServer
	c *controller.Controller
}

// versioned is a message that can say what a version lacks of it.
type versioned interface {
	ofp.Message
	CheckVersion(ofp.Version) error
}

// writeOne makes one change by send, and returns the revision of the outcome.
func writeOne(sw *controller.Switch, m versioned, send func() (controller.Revision, error)) (uint64, error) {
	msgs := []ofp.Message{m}
	if err := m.CheckVersion(sw.Version()); err != nil {
		return 0, writeError(sw, msgs, &controller.WriteError{Errors: []controller.ItemError{{Message: m, Err: err}}})
	}
	rev, err := send()
	if errors.Is(err, controller.ErrNoState) {
		return 0, noState()
	}
	if err != nil {
		return 0, writeError(sw, msgs, err)
	}
	return uint64(rev), nil
}

func (s *config) ModifyPort(ctx context.Context, r *sluicev1.ModifyPortRequest) (*sluicev1.ModifyPortResponse, error) {
	sw, err := find(s.c, r.GetSwitch())
	if err != nil {
		return nil, err
	}
	no, err := toPort(r.GetPort(), sw.Names())
	if err != nil {
		return nil, invalid(at("port", err))
	}
	p, ok := sw.Port(no)
	if !ok {
		return nil, invalid(bad("port", "the switch has no port %q", clip(r.GetPort(), 100)))
	}
	set, cleared, err := changedBits(r.GetSet(), r.GetClear())
	if err != nil {
		return nil, invalid(err)
	}
	m := &ofp.PortMod{Port: no, HWAddr: p.HWAddr, Config: set, Mask: set | cleared}
	rev, err := writeOne(sw, m, func() (controller.Revision, error) {
		return sw.KeepPort(ctx, settingTxn(ctx, r.ExpectedRevision, r.GetRequestId()), m)
	})
	return &sluicev1.ModifyPortResponse{Revision: rev}, err
}

// settingTxn is what a change of settings has besides.
func settingTxn(ctx context.Context, expected *uint64, request string) controller.SettingTxn {
	return controller.SettingTxn{Author: author(ctx), Request: request, Expected: expectedRevision(expected)}
}

func portBits(field string, names []string) (ofp.PortConfig, error) {
	var bits ofp.PortConfig
	for i, n := range names {
		bit := slices.Index(portConfigNames, n)
		if bit < 0 || n == "" {
			return 0, bad(fmt.Sprintf("%s[%d]", field, i), "no configuration bit is called %q: want %s", clip(n, 100), strings.Join(portConfigNames, ", "))
		}
		bits |= 1 << bit
	}
	return bits, nil
}

func (s *config) ModifyTable(ctx context.Context, r *sluicev1.ModifyTableRequest) (*sluicev1.ModifyTableResponse, error) {
	sw, err := find(s.c, r.GetSwitch())
	if err != nil {
		return nil, err
	}
	m, err := tableMod(r.Table, r.GetMiss())
	if err != nil {
		return nil, invalid(err)
	}
	rev, err := writeOne(sw, m, func() (controller.Revision, error) {
		return sw.KeepTable(ctx, settingTxn(ctx, r.ExpectedRevision, r.GetRequestId()), m)
	})
	return &sluicev1.ModifyTableResponse{Revision: rev}, err
}

func (s *config) ListTableFeatures(ctx context.Context, r *sluicev1.ListTableFeaturesRequest) (*sluicev1.ListTableFeaturesResponse, error) {
	sw, err := find(s.c, r.GetSwitch())
	if err != nil {
		return nil, err
	}
	list, err := sw.TableFeatures(ctx)
	if err != nil {
		return nil, readError(sw, err)
	}
	out := &sluicev1.ListTableFeaturesResponse{Text: partText(sw, &ofp.TableFeaturesReply{Tables: list})}
	for i := range list {
		t := &list[i]
		x := &sluicev1.TableFeatures{Table: uint32(t.Table), Name: valid(t.Name), MetadataMatch: t.MetadataMatch, MetadataWrite: t.MetadataWrite, MaxEntries: t.MaxEntries}
		for _, p := range t.Properties {
			x.Properties = append(x.Properties, &sluicev1.TableProperty{Type: uint32(p.Type), Payload: p.Data})
		}
		out.Tables = append(out.Tables, x)
	}
	return out, nil
}

// fragmentFlags are the bits of the configuration's flags that are about
// fragments; FragmentHandling has their values and 1 more.
const fragmentFlags = ofp.FragDrop | ofp.FragReasm | ofp.FragNXMatch

func fromConfig(c ofp.SwitchConfig) *sluicev1.SwitchConfig {
	return &sluicev1.SwitchConfig{Fragments: sluicev1.FragmentHandling(c.Flags&fragmentFlags) + 1, MissSendLen: uint32(c.MissSendLen)}
}

func (s *config) GetSwitchConfig(ctx context.Context, r *sluicev1.GetSwitchConfigRequest) (*sluicev1.GetSwitchConfigResponse, error) {
	sw, err := find(s.c, r.GetSwitch())
	if err != nil {
		return nil, err
	}
	c, err := sw.Config(ctx)
	if err != nil {
		return nil, readError(sw, err)
	}
	return &sluicev1.GetSwitchConfigResponse{Config: fromConfig(c)}, nil
}

func (s *config) SetSwitchConfig(ctx context.Context, r *sluicev1.SetSwitchConfigRequest) (*sluicev1.SetSwitchConfigResponse, error) {
	sw, err := find(s.c, r.GetSwitch())
	if err != nil {
		return nil, err
	}
	how, err := toFragments(r.GetFragments())
	if err != nil {
		return nil, invalid(at("fragments", err))
	}
	c, rev, err := sw.KeepFragments(ctx, settingTxn(ctx, r.ExpectedRevision, r.GetRequestId()), how)
	now := fromConfig(c)
	switch {
	case errors.Is(err, controller.ErrNoState):
		return nil, noState()
	case errors.As(err, new(*controller.UnsettledError)):
		return nil, withDetails(codes.FailedPrecondition, fmt.Sprintf("%s does not do that: its way with fragments is %s", sw.Name(),
			strings.ToLower(strings.TrimPrefix(now.GetFragments().String(), "FRAGMENT_HANDLING_"))))
	case err != nil:
		return nil, stateError(sw, err)
	}
	return &sluicev1.SetSwitchConfigResponse{Config: now, Revision: uint64(rev)}, nil
}

// queuePort reads the port of a request about queues, where none means all. One
// that the switch does not have is told here, better than a switch does.
func queuePort(name string, sw *controller.Switch) (ofp.PortNo, error) {
	if name == "" {
		return ofp.PortAny, nil
	}
	no, err := toPort(name, sw.Names())
	if err != nil {
		return 0, invalid(at("port", err))
	}
	if _, ok := sw.Port(no); !ok {
		return 0, invalid(bad("port", "the switch has no port %q", clip(name, 100)))
	}
	return no, nil
}

func (s *config) ListQueues(ctx context.Context, r *sluicev1.ListQueuesRequest) (*sluicev1.ListQueuesResponse, error) {
	sw, err := find(s.c, r.GetSwitch())
	if err != nil {
		return nil, err
	}
	port, err := queuePort(r.GetPort(), sw)
	if err != nil {
		return nil, err
	}
	list, err := sw.Queues(ctx, port)
	if err != nil {
		return nil, readError(sw, err)
	}
	out := &sluicev1.ListQueuesResponse{Text: queueText(sw.Version(), list)}
	for i := range list {
		x := &sluicev1.Queue{Port: uint32(list[i].Port), Id: list[i].ID}
		for _, p := range list[i].Properties {
			rate := uint32(p.Rate)
			switch {
			case rate >= ofp.QueueRateUnknown:
			case p.Type == ofp.QueueMinRate:
				x.MinRate = &rate
			case p.Type == ofp.QueueMaxRate:
				x.MaxRate = &rate
			}
		}
		out.Queues = append(out.Queues, x)
	}
	return out, nil
}

// queueText prints queues a port at a time, as ovs-ofctl does where it asks for
// one port: what it prints of several names none of them.
func queueText(v ofp.Version, list []ofp.Queue) string {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b ofp.Queue) int { return cmp.Compare(a.Port, b.Port) })
	var b strings.Builder
	for len(list) > 0 {
		port := list[0].Port
		n := slices.IndexFunc(list, func(q ofp.Queue) bool { return q.Port != port })
		if n < 0 {
			n = len(list)
		}
		b.WriteString(ofp.PrintBody(v, &ofp.QueueGetConfigReply{Port: port, Queues: list[:n]}) + "\n")
		list = list[n:]
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (s *config) ListQueueStats(ctx context.Context, r *sluicev1.ListQueueStatsRequest) (*sluicev1.ListQueueStatsResponse, error) {
	sw, err := find(s.c, r.GetSwitch())
	if err != nil {
		return nil, err
	}
	port, err := queuePort(r.GetPort(), sw)
	if err != nil {
		return nil, err
	}
	list, err := sw.QueueStats(ctx, port, or(r.Queue, ofp.QueueAll))
	if err != nil {
		return nil, readError(sw, err)
	}
	out := &sluicev1.ListQueueStatsResponse{Text: partText(sw, &ofp.QueueStatsReply{Queues: list})}
	for _, q := range list {
		x := &sluicev1.QueueStats{Port: uint32(q.Port), Id: q.Queue, TxBytes: counter(q.TxBytes), TxPackets: counter(q.TxPackets), TxErrors: counter(q.TxErrors)}
		if q.DurationSec != unknownSeconds && (q.DurationSec != 0 || q.DurationNsec != 0) {
			d := seconds(q.DurationSec, q.DurationNsec)
			x.DurationSeconds = &d
		}
		out.Queues = append(out.Queues, x)
	}
	return out, nil
}
