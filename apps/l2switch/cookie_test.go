package l2switch

import (
	"testing"

	"github.com/sluice-sdn/sluice/controller"
)

// TestCookieIsTheApps: by their cookies flows are known to be the app's.
func TestCookieIsTheApps(t *testing.T) {
	if want := controller.AppCookie(Name); CookieOwner != want {
		t.Errorf("%#x, want %#x", CookieOwner, want)
	}
}
