//go:build !linux

package channel

import "net"

// limitUnsent does nothing: the system decides how much it takes.
func limitUnsent(net.Conn) {}
