package channel

import (
	"net"

	"golang.org/x/sys/unix"
)

// limitUnsent has the system take no more of what is written while unsentBytes
// wait in the socket that were never sent (TCP_NOTSENT_LOWAT). An urgent message
// stands behind those, whatever the outbox does; without the limit they may be
// megabytes. A socket that knows no such limit, such as one that is not TCP, has
// none.
func limitUnsent(nc net.Conn) {
	if raw := rawOf(nc); raw != nil {
		_ = raw.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsentBytes)
		})
	}
}
