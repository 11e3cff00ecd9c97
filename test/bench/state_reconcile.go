package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"

	"github.com/sluice-sdn/sluice/test/ovs"
)

// Ways to compare a switch with what it should have.
const (
	bySwitch    = "sluiced, when the switch reconnects"
	byReconcile = "`sluice reconcile`"
	byDiff      = "`ovs-ofctl diff-flows`"
	byReplace   = "`ovs-ofctl replace-flows`"
)

const reconciled, peerReconciled = "re13", "peer-re13"

// reconcile compares a bridge that has all its flows with what it should have,
// when it reconnects and when somebody asks; then one of which one flow in a
// hundred was taken or changed by others.
func (l *stateLab) reconcile(ctx context.Context, w io.Writer) (aims []aim, err error) {
	file, err := l.file("flows", l.p.flows, stateLine)
	if err != nil {
		return nil, err
	}
	if err := l.bridge(ctx, reconciled, "OpenFlow13"); err != nil {
		return nil, err
	}
	if _, err := l.sluice(ctx, "--timeout", "60s", "add-flows", reconciled, file); err != nil {
		return nil, err
	}
	if _, err := l.ofctl(ctx, "OpenFlow13", "--bundle", "add-flows", peerReconciled, file); err != nil {
		return nil, err
	}
	var same series
	sent := 0.0
	for range l.p.repeat {
		n, err := l.sending(ctx, func() error { return l.again(ctx, &same) })
		if err != nil {
			return nil, err
		}
		sent += n
		n, err = l.sending(ctx, func() error { return l.asked(ctx, &same) })
		if err != nil {
			return nil, err
		}
		sent += n
		took, err := l.timed(func() error {
			_, err := l.ofctl(ctx, "OpenFlow13", "diff-flows", peerReconciled, file)
			return err
		})
		if err != nil {
			return nil, err
		}
		same.add(byDiff, took)
	}
	same.print(w, fmt.Sprintf("compare %d flows, no difference", l.p.flows), byDiff)
	aims = append(aims,
		same.ratio("no difference", bySwitch, byDiff, 1.5),
		same.ratio("no difference", byReconcile, byDiff, 1.5),
		aim{what: "no difference: flow-mods sent", got: sent, want: 0})

	var differ series
	changes := l.p.flows / 100
	edits, err := l.file("edits", changes, func(i int) string {
		what := stateLine(i * 100)
		if i%2 == 0 {
			match, _, _ := strings.Cut(what, ",actions=")
			return "delete_strict " + match
		}
		return "modify_strict " + what + ",output:9"
	})
	if err != nil {
		return aims, err
	}
	sent = 0
	for range l.p.repeat {
		for _, bridge := range []string{reconciled, peerReconciled} {
			if _, err := l.ofctl(ctx, "OpenFlow13", "--bundle", "add-flows", bridge, edits); err != nil {
				return aims, err
			}
			if err := l.expect(ctx, "OpenFlow13", bridge, l.p.flows-(changes+1)/2); err != nil {
				return aims, err
			}
		}
		n, err := l.sending(ctx, func() error { return l.asked(ctx, &differ) })
		if err != nil {
			return aims, err
		}
		sent += n
		took, err := l.timed(func() error {
			_, err := l.ofctl(ctx, "OpenFlow13", "replace-flows", peerReconciled, file)
			return err
		})
		if err != nil {
			return aims, err
		}
		differ.add(byReplace, took)
		for _, bridge := range []string{reconciled, peerReconciled} {
			if out, err := l.ofctl(ctx, "OpenFlow13", "diff-flows", bridge, file); err != nil {
				return aims, fmt.Errorf("%s is not as it should be: %w: %.200s", bridge, err, out)
			}
		}
	}
	if sent < float64(changes*l.p.repeat) {
		return aims, fmt.Errorf("%v flow-mods were counted, and %d repaired: the count is wrong", sent, changes*l.p.repeat)
	}
	differ.print(w, fmt.Sprintf("compare %d flows and repair %d", l.p.flows, changes), byReplace)
	return append(aims,
		differ.ratio("1 % differs", byReconcile, byReplace, 1.5),
		aim{what: "1 % differs: flow-mods sent, × the difference", got: sent / float64(changes*l.p.repeat), want: 1}), nil
}

// sending returns how many flow-mods sluiced sends while f runs.
func (l *stateLab) sending(ctx context.Context, f func() error) (float64, error) {
	before, err := l.flowMods(ctx)
	if err != nil {
		return 0, err
	}
	if err := f(); err != nil {
		return 0, err
	}
	after, err := l.flowMods(ctx)
	return after - before, err
}

// again has the bridge lose its connection and make it anew, and notes how long
// the comparison takes that follows, as sluiced tells.
func (l *stateLab) again(ctx context.Context, s *series) error {
	const count, sum, done = "sluice_reconcile_seconds_count", "sluice_reconcile_seconds_sum", `result="`
	before, err := l.metric(ctx, count, done)
	if err != nil {
		return err
	}
	seconds, err := l.metric(ctx, sum, done)
	if err != nil {
		return err
	}
	all, ovsTime, err := l.used()
	if err != nil {
		return err
	}
	// A bridge that has no controller at all any more loses its flows.
	if _, err := l.net.Vsctl(ctx, "set-controller", reconciled, "tcp:127.0.0.1:1"); err != nil {
		return err
	}
	if _, err := l.net.Vsctl(ctx, "set-controller", reconciled, ovs.ControllerAddr); err != nil {
		return err
	}
	wait, cancel := context.WithTimeout(ctx, commandDeadline)
	defer cancel()
	err = ovs.Wait(wait, "the comparison", func(ctx context.Context) error {
		now, err := l.metric(ctx, count, done)
		if err == nil && now != before+1 {
			err = fmt.Errorf("%v comparisons, want one more than %v", now, before)
		}
		return err
	})
	if err != nil {
		return err
	}
	now, err := l.metric(ctx, sum, done)
	if err != nil {
		return err
	}
	allNow, ovsNow, err := l.used()
	s.add(bySwitch, cost{now - seconds, allNow - all, ovsNow - ovsTime})
	return err
}

// asked has the bridge compared by command.
func (l *stateLab) asked(ctx context.Context, s *series) error {
	var out string
	took, err := l.timed(func() (err error) {
		out, err = l.sluice(ctx, "--timeout", "60s", "reconcile", reconciled)
		return err
	})
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return fmt.Errorf("reconcile: %w: %s", err, out)
	}
	s.add(byReconcile, took)
	return err
}
