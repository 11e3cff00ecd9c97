package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

type state struct {
	sluicev1.UnimplementedStateServiceServer
	c      *controller.Controller
	ending <-chan struct{}
}

// noState is the status where no desired state is kept.
func noState() error { return withDetails(codes.FailedPrecondition, controller.ErrNoState.Error()) }

func (s *state) GetState(_ context.Context, r *sluicev1.GetStateRequest) (*sluicev1.GetStateResponse, error) {
	st, err := s.c.State()
	if err != nil {
		return nil, noState()
	}
	out := &sluicev1.GetStateResponse{Revision: uint64(st.Revision())}
	if h := st.Health(); h.Err != nil {
		out.StoreFault, out.StoreFaultSince = valid(h.Err.Error()), timestamppb.New(h.Since)
	}
	if ref := r.GetSwitch(); ref != "" {
		dpid, name, err := s.find(ref)
		if err != nil {
			return nil, err
		}
		sum := st.Summary(dpid)
		sw, err := s.c.Find(dpid.String())
		if err == nil {
			if sum, err = sw.StateSummary(); err != nil {
				return nil, noState()
			}
		}
		one := fromSummary(sum, name)
		if sw != nil {
			connectedState(one, sw)
		}
		out.Switches = append(out.Switches, one)
		return out, nil
	}
	names := make(map[ofp.DPID]string)
	for _, sw := range s.c.Switches() {
		names[sw.DPID()] = sw.Name()
		sum, err := sw.StateSummary()
		if err != nil {
			return nil, noState()
		}
		one := fromSummary(sum, sw.Name())
		connectedState(one, sw)
		out.Switches = append(out.Switches, one)
	}
	for _, dpid := range st.Switches() {
		if _, connected := names[dpid]; !connected {
			out.Switches = append(out.Switches, fromSummary(st.Summary(dpid), st.Known(dpid).Name))
		}
	}
	return out, nil
}

// find returns a switch that is connected, or one that is not by its datapath
// identifier.
func (s *state) find(ref string) (dpid ofp.DPID, name string, _ error) {
	sw, err := findTarget(s.c, ref)
	if a, ok := sw.(*controller.Away); err == nil && ok && !a.Met() {
		return sw.DPID(), "", nil
	}
	if err == nil {
		return sw.DPID(), sw.Name(), nil
	}
	if dpid, e := ofp.ParseDPID(ref); e == nil {
		return dpid, "", nil
	}
	return 0, "", err
}

// connectedState fills in what is known of a connected switch alone.
func connectedState(x *sluicev1.SwitchState, sw *controller.Switch) {
	since, taken := sw.RoleSince()
	x.Connected, x.Role, x.RoleTaken = true, fromRole(sw.Role()).GetRole(), taken
	if !since.IsZero() { // else it is not ready yet
		x.RoleSince = timestamppb.New(since)
	}
}

// connected reports whether a switch is.
func (s *state) connected(dpid ofp.DPID) bool {
	_, err := s.c.Find(fmt.Sprintf("%016x", uint64(dpid)))
	return err == nil
}

func fromSummary(x controller.StateSummary, name string) *sluicev1.SwitchState {
	out := &sluicev1.SwitchState{
		Switch: valid(name), Dpid: x.DPID.String(),
		Pending: uint32(x.Pending), Installed: uint32(x.Installed), Degraded: uint32(x.Degraded), Deleting: uint32(x.Tombstones),
		Foreign: uint32(x.Foreign), Fault: valid(x.Fault),
	}
	if !x.Checked.IsZero() {
		out.Checked = timestamppb.New(x.Checked)
	}
	return out
}

var conditions = map[controller.StateCondition]sluicev1.StateCondition{
	controller.StatePending:   sluicev1.StateCondition_STATE_CONDITION_PENDING,
	controller.StateInstalled: sluicev1.StateCondition_STATE_CONDITION_INSTALLED,
	controller.StateDegraded:  sluicev1.StateCondition_STATE_CONDITION_DEGRADED,
}

func (s *state) ListState(r *sluicev1.ListStateRequest, stream grpc.ServerStreamingServer[sluicev1.ListStateResponse]) error {
	st, err := s.c.State()
	if err != nil {
		return noState()
	}
	if _, ok := sluicev1.StateCondition_name[int32(r.GetCondition())]; !ok {
		return invalid(bad("condition", "%d: want STATE_CONDITION_PENDING, _INSTALLED, _DEGRADED or _FOREIGN, or none for all that is wanted", r.GetCondition()))
	}
	if r.GetCondition() == sluicev1.StateCondition_STATE_CONDITION_FOREIGN {
		return s.listForeign(r.GetSwitch(), stream)
	}
	dpid, _, err := s.find(r.GetSwitch())
	if err != nil {
		return err
	}
	out := listing[*sluicev1.StateItem, sluicev1.ListStateResponse]{stream: stream, part: func(list []*sluicev1.StateItem) *sluicev1.ListStateResponse {
		return &sluicev1.ListStateResponse{Items: list}
	}}
	sum := st.Summary(dpid)
	waits := s.pending(&sum, s.connected(dpid))
	for x, err := range st.EachItem(dpid) {
		if err != nil {
			return withDetails(codes.DataLoss, err.Error())
		}
		if x.Condition == controller.StatePending && x.Why == "" {
			x.Why = waits
		}
		if c := conditions[x.Condition]; r.GetCondition() != 0 && c != r.GetCondition() {
			continue
		}
		if err := out.add(fromItem(&x)); err != nil {
			return err
		}
	}
	for _, x := range s.settings(dpid, s.waits(dpid)) {
		if r.GetCondition() == 0 || x.GetCondition() == r.GetCondition() {
			if err := out.add(x); err != nil {
				return err
			}
		}
	}
	return out.end()
}

// waits says what something pending waits for.
func (s *state) waits(dpid ofp.DPID) string {
	st, err := s.c.State()
	switch {
	case err != nil || s.connected(dpid):
		return ""
	case st.Known(dpid).Version == 0:
		return "the switch has never connected"
	}
	return "the switch is away"
}

func fromItem(x *controller.StateItem) *sluicev1.StateItem {
	return &sluicev1.StateItem{
		Kind: kindOf(x.Message), Text: valid(fmt.Sprint(x.Message)), Owner: valid(x.Owner),
		Condition: conditions[x.Condition], Since: timestamppb.New(x.Since), Why: valid(x.Why),
	}
}

func (s *state) Reconcile(ctx context.Context, r *sluicev1.ReconcileRequest) (*sluicev1.ReconcileResponse, error) {
	sw, err := find(s.c, r.GetSwitch())
	if err != nil {
		return nil, err
	}
	x, err := sw.Reconcile(ctx)
	if errors.Is(err, controller.ErrNoState) {
		return nil, noState()
	}
	if un, ok := errors.AsType[*controller.UnsettledError](err); ok {
		return nil, withDetails(codes.FailedPrecondition, fmt.Sprintf("%s: %v", sw.Name(), un))
	}
	if err != nil {
		return nil, readError(sw, err)
	}
	return &sluicev1.ReconcileResponse{
		Same: uint32(x.Same), Changed: uint32(x.Changed), Refused: uint32(x.Refused), Unable: uint32(x.Unable),
		Foreign: uint32(x.Foreign), Removed: uint32(x.Removed), Adopted: uint32(x.Adopted), Seconds: x.Duration.Round(time.Microsecond).Seconds(),
	}, nil
}

// maxHistory bounds the changes that one call tells of.
const maxHistory = 10_000

func (s *state) ListHistory(ctx context.Context, r *sluicev1.ListHistoryRequest) (*sluicev1.ListHistoryResponse, error) {
	st, err := s.c.State()
	if err != nil {
		return nil, noState()
	}
	limit := 100
	if n := r.GetLimit(); n > maxHistory {
		return nil, invalid(bad("limit", "%d: want at most %d", n, maxHistory))
	} else if n > 0 {
		limit = int(n)
	}
	changes, err := st.History(ctx, limit)
	if err != nil {
		return nil, withDetails(codes.DataLoss, err.Error())
	}
	out := new(sluicev1.ListHistoryResponse)
	for i := range changes {
		out.Changes = append(out.Changes, fromChange(&changes[i]))
	}
	return out, nil
}

// backupPart is how many bytes one message of a backup has.
const backupPart = 256 << 10

func (s *state) Backup(_ *sluicev1.BackupRequest, stream grpc.ServerStreamingServer[sluicev1.BackupResponse]) error {
	st, err := s.c.State()
	if err != nil {
		return noState()
	}
	if err := inTime(stream.Context()); err != nil {
		return err
	}
	w := bufio.NewWriterSize(parts{stream}, backupPart)
	if err := st.Backup(w); err != nil {
		return withDetails(codes.Internal, err.Error())
	}
	return w.Flush()
}

// parts sends what is written to it.
type parts struct {
	stream grpc.ServerStreamingServer[sluicev1.BackupResponse]
}

func (p parts) Write(b []byte) (int, error) {
	if err := p.stream.Send(&sluicev1.BackupResponse{Data: b}); err != nil {
		return 0, err
	}
	return len(b), nil
}

// otherStore says what to do about a revision that is not there yet.
const otherStore = "sluiced was begun anew, or from a backup: read what is desired now, and decide again"

// stateError is the status of a transaction that failed for another reason than
// what was sent.
func stateError(sw controller.Target, err error) error {
	var owner *controller.OwnerError
	var changed *controller.ChangedError
	var quota *controller.QuotaError
	switch {
	case errors.As(err, &changed):
		return withDetails(codes.Aborted, fmt.Sprintf("what %s should have has changed: at revision %d, after the expected %d; nothing was changed", sw.Name(), changed.Revision, changed.Expected))
	case errors.Is(err, controller.ErrFuture):
		return withDetails(codes.OutOfRange, fmt.Sprintf("%s: %v; nothing was changed: %s", sw.Name(), err, otherStore))
	case errors.As(err, &quota):
		return withDetails(codes.ResourceExhausted, quotaText(sw, quota)+"; nothing was changed", quotaInfo(sw, quota))
	case errors.As(err, &owner):
		return ownerStatus(sw, owner)
	case errors.Is(err, controller.ErrTooLarge):
		return withDetails(codes.ResourceExhausted, fmt.Sprintf("%s: %v; nothing was changed", sw.Name(), err))
	case errors.Is(err, controller.ErrReused):
		return withDetails(codes.AlreadyExists, "request_id: it was used for other changes; nothing was changed")
	}
	if full := diskError(err); full != nil {
		return full
	}
	return readError(sw, err)
}
