package api

import (
	"errors"
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"

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
