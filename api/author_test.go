package api

import (
	"net"
	"testing"

	"google.golang.org/grpc/peer"
)

func TestAuthorIsTheMachine(t *testing.T) {
	for _, tt := range []struct {
		addr net.Addr
		want string
	}{
		{&net.TCPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 40001}, "10.0.0.7"},
		{&net.TCPAddr{IP: net.ParseIP("2001:db8::7"), Port: 40002}, "2001:db8::7"},
		{&net.UnixAddr{Name: "/run/sluice.sock"}, "/run/sluice.sock"},
		{nil, ""},
	} {
		if got := author(peer.NewContext(t.Context(), &peer.Peer{Addr: tt.addr})); got != tt.want {
			t.Errorf("%v: author %q, want %q", tt.addr, got, tt.want)
		}
	}
	if got := author(t.Context()); got != "" {
		t.Errorf("nobody is %q", got)
	}
}
