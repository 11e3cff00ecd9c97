package channel

import (
	"fmt"
	"slices"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// Config holds the bounds of a connection. The zero value means the defaults.
type Config struct {
	// Versions are those that may be negotiated; empty means all that package
	// ofp speaks.
	Versions []ofp.Version

	// Extensions lets what the version of a switch cannot say be said with Open
	// vSwitch's extensions, where the switch describes itself as Open vSwitch.
	// Otherwise such things are errors.
	Extensions bool

	// Pins are the certificates that switches must show.
	Pins Pins

	// HelloTimeout bounds the TLS handshake, if there is one, and then the wait
	// for the peer's hello; and FeaturesTimeout that
	// for its features reply. Default 5 s each.
	HelloTimeout    time.Duration
	FeaturesTimeout time.Duration

	// DescribeTimeout bounds the wait for the description, the ports of a 1.3
	// switch and the configuration. A switch that leaves some of them unanswered
	// is taken without, and a line is logged. One that has answered an echo request
	// which came after them, or that sends packets already, is not waited for so
	// long. If its ports are missing, Portless says so. Default 3 s.
	DescribeTimeout time.Duration

	// EchoInterval is how long a peer may be silent before it is asked for an
	// echo; after EchoMisses unanswered ones, and one interval more, it is given
	// up. Default 5 s and 3.
	EchoInterval time.Duration
	EchoMisses   int

	// WriteTimeout is how long the peer may take no byte of what is being
	// written before the connection is closed. Default 10 s.
	WriteTimeout time.Duration

	// RequestTimeout bounds every wait for a reply whose context has no earlier
	// deadline. Default 30 s.
	RequestTimeout time.Duration

	// HighWater is how many bytes given to Send may wait to be written before
	// packet-outs are dropped; everything else is refused at twice as many.
	// Default 1 MiB.
	HighWater int

	// MaxWriteBytes is how many encoded bytes of Writes of more than 64 KiB may wait
	// together. One that does not fit beside others waits for room, behind those
	// that wait already; one that is longer by itself waits until it is alone among
	// them. Default 32 MiB.
	MaxWriteBytes int

	// MaxRequests bounds the requests in flight, MaxReplyBytes the bytes of one
	// assembled multipart reply, and MaxRepliesBytes those of all that are being
	// assembled. What is decoded takes several times as much memory. Default
	// 1,024, 32 MiB and 64 MiB.
	MaxRequests     int
	MaxReplyBytes   int
	MaxRepliesBytes int

	// PacketInLimits bounds the packet-ins of each class that reach the apps from
	// this switch; the others are dropped and counted. Default: no limit.
	PacketInLimits Limits

	// MissSendLen is how many bytes of a packet the switch is told to send.
	// Default: all of it (65,535).
	MissSendLen uint16

	// Recorder writes down what is said; nil: nobody does.
	Recorder Recorder

	// Withhold reports whether the handshake with a switch must send no command
	// that changes it (SET_CONFIG), because this controller's role is not settled
	// then. Nil means that it never does.
	Withhold func(ofp.DPID) bool
}

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// withDefaults returns c with its zero fields filled in.
func (c Config) withDefaults() Config {
	if len(c.Versions) == 0 {
		c.Versions = ofp.Versions()
	}
	c.Versions = slices.DeleteFunc(slices.Clone(c.Versions), func(v ofp.Version) bool { return !v.Supported() })
	slices.Sort(c.Versions)
	c.HelloTimeout = orDefault(c.HelloTimeout, 5*time.Second)
	c.FeaturesTimeout = orDefault(c.FeaturesTimeout, 5*time.Second)
	c.DescribeTimeout = orDefault(c.DescribeTimeout, 3*time.Second)
	c.EchoInterval = orDefault(c.EchoInterval, 5*time.Second)
	c.EchoMisses = orDefault(c.EchoMisses, 3)
	c.WriteTimeout = orDefault(c.WriteTimeout, 10*time.Second)
	c.RequestTimeout = orDefault(c.RequestTimeout, 30*time.Second)
	c.HighWater = orDefault(c.HighWater, 1<<20)
	c.MaxWriteBytes = orDefault(c.MaxWriteBytes, 32<<20)
	c.MaxRequests = orDefault(c.MaxRequests, 1024)
	c.MaxReplyBytes = orDefault(c.MaxReplyBytes, 32<<20)
	c.MaxRepliesBytes = orDefault(c.MaxRepliesBytes, 64<<20)
	c.MissSendLen = orDefault(c.MissSendLen, ofp.ControllerMaxLenNone)
	return c
}

// Check fails if the configuration leaves nothing to negotiate.
func (c Config) Check() error {
	if len(c.withDefaults().Versions) == 0 {
		return fmt.Errorf("versions: none of %v is supported", c.Versions)
	}
	if err := c.PacketInLimits.check(); err != nil {
		return err
	}
	return nil
}
