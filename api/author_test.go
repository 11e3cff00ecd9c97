package api

import (
	"net"
	"testing"

	"google.golang.org/grpc/metadata"
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

// TestAuthorOfJSON: who called the gateway is at the end of what it forwards; nobody
// can say to be somebody else, and who calls over the network is where he is.
func TestAuthorOfJSON(t *testing.T) {
	for _, tt := range []struct {
		addr      net.Addr
		forwarded []string
		want      string
	}{
		{memoryAddr{}, []string{"10.0.0.7"}, "10.0.0.7"},
		{memoryAddr{}, []string{"192.0.2.1, 2001:db8::7"}, "2001:db8::7"},
		{memoryAddr{}, []string{"192.0.2.1", "192.0.2.2, 10.0.0.8"}, "10.0.0.8"},
		{memoryAddr{}, nil, ""},
		{&net.TCPAddr{IP: net.IPv4(10, 0, 0, 9), Port: 40001}, []string{"192.0.2.1"}, "10.0.0.9"},
	} {
		ctx := peer.NewContext(t.Context(), &peer.Peer{Addr: tt.addr})
		ctx = metadata.NewIncomingContext(ctx, metadata.MD{"x-forwarded-for": tt.forwarded})
		if got := author(ctx); got != tt.want {
			t.Errorf("%v, %q: author %q, want %q", tt.addr, tt.forwarded, got, tt.want)
		}
	}
}

// memoryAddr is the address of a connection in memory, see bufconn.Listen.
type memoryAddr struct{}

func (memoryAddr) Network() string { return "bufconn" }
func (memoryAddr) String() string  { return "bufconn" }
