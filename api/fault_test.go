package api

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sluice-sdn/sluice/controller"
)

// TestSwitchAtFault: what a switch answers that is no answer is neither the
// caller's fault nor Sluice's.
func TestSwitchAtFault(t *testing.T) {
	for _, err := range []error{
		&controller.ReplyError{What: "experimenter"},
		&controller.ReplyError{What: "multipart_reply", Err: errors.New("flow: length 7")},
		controller.ErrUnreadable,
	} {
		if got := endCode(fmt.Errorf("multipart_request: %w", err)); got != codes.FailedPrecondition {
			t.Errorf("%v: %s", err, got)
		}
	}
}

// TestFullDisk: a store that cannot be written is no fault of the caller's nor of
// the program's, and the text says what to do.
func TestFullDisk(t *testing.T) {
	for errno, want := range map[syscall.Errno]codes.Code{
		syscall.ENOSPC: codes.ResourceExhausted, syscall.EDQUOT: codes.ResourceExhausted, syscall.EROFS: codes.Unavailable,
		syscall.EACCES: codes.Unavailable, syscall.EPERM: codes.Unavailable, syscall.EIO: codes.Unavailable, syscall.EFBIG: codes.Unavailable, syscall.ENOMEM: codes.Unavailable,
	} {
		for _, f := range []func(error) error{func(err error) error { return stateError(nil, err) }, recallError} {
			err := f(fmt.Errorf("store: %w: %w", controller.ErrBroken, controller.ErrDamaged))
			if status.Code(err) != codes.DataLoss || strings.Contains(err.Error(), "nothing was changed") {
				t.Errorf("the store is damaged: %v", err)
			}
		}
		err := stateError(nil, fmt.Errorf("store: %w", &fs.PathError{Op: "write", Path: "state.db", Err: errno}))
		if said := status.Convert(err).Message(); status.Code(err) != want || !strings.Contains(said, "nothing was changed") || !strings.Contains(said, "--state") {
			t.Errorf("%v: %v", errno, err)
		}
	}
	for _, f := range []func(error) error{func(err error) error { return stateError(nil, err) }, recallError} {
		err := f(fmt.Errorf("store: %w: %w", controller.ErrBroken, controller.ErrDamaged))
		if status.Code(err) != codes.DataLoss || strings.Contains(err.Error(), "nothing was changed") {
			t.Errorf("the store is damaged: %v", err)
		}
	}
	err := stateError(nil, fmt.Errorf("store: %w: move it back", controller.ErrMoved))
	if said := status.Convert(err).Message(); status.Code(err) != codes.Unavailable || !strings.Contains(said, "move it back; nothing was changed") {
		t.Errorf("the file is gone: %v", err)
	}
}
