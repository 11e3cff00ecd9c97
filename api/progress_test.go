package api

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/sluice-sdn/sluice/controller"
)

// TestProgressHoldsNobodyUp: work goes on while what it tells cannot be sent; then
// the newest is sent, and what is older is not.
func TestProgressHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads, worked := make(chan struct{}), make(chan struct{})
		var sent []int
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			relay(func(p controller.Progress) {
				<-reads
				sent = append(sent, p.Confirmed)
			}, func(told func(controller.Progress)) {
				told(controller.Progress{Confirmed: 1})
				synctest.Wait() // the sender has it
				for i := 2; i < 100; i++ {
					told(controller.Progress{Confirmed: i})
				}
				close(worked)
				reads <- struct{}{}
				reads <- struct{}{}
			})
		}()
		<-worked
		<-ended
		if !slices.Equal(sent, []int{1, 99}) {
			t.Errorf("sent: %v", sent)
		}
	})
}
