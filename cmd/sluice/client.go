package main

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// client is what all verbs share: the global flags, the streams, and the
// connection, which is made when first needed.
type client struct {
	in          io.Reader
	out, errOut io.Writer

	address string
	output  string
	timeout time.Duration
	writing writing // of the verb that runs

	conn *grpc.ClientConn

	mu      sync.Mutex
	dialErr error // of the last try to connect
}

// maxMessage bounds an answer, in bytes.
const maxMessage = 256 << 20

// target is the address with its port.
func (c *client) target() string {
	if _, _, err := net.SplitHostPort(c.address); err == nil {
		return c.address
	}
	_, port, _ := net.SplitHostPort(defaultAddress)
	return net.JoinHostPort(strings.Trim(c.address, "[]"), port)
}

func (c *client) dial() (*grpc.ClientConn, error) {
	if c.conn != nil {
		return c.conn, nil
	}
	conn, err := grpc.NewClient("passthrough:///"+c.target(),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			var d net.Dialer
			nc, err := d.DialContext(ctx, "tcp", address)
			c.mu.Lock()
			c.dialErr = err
			c.mu.Unlock()
			return nc, err
		}))
	if err != nil {
		return nil, err
	}
	c.conn = conn
	return conn, nil
}

// unreachable returns why sluiced could not be reached, or nil.
func (c *client) unreachable() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dialErr
}

func (c *client) close() {
	if c.conn != nil {
		_ = c.conn.Close() // nothing is left to be said
	}
}

// call runs f with a connection and within the time that --timeout gives.
func (c *client) call(cmd *cobra.Command, f func(ctx context.Context, conn *grpc.ClientConn) error) error {
	return c.callFor(cmd, 0, f)
}

// perItem is how much longer a call may take for each of the things that it is
// about, unless --timeout says how long: some times what a slow switch needs.
const perItem = 2 * time.Millisecond

// callFor is call for work on so many things.
func (c *client) callFor(cmd *cobra.Command, items int, f func(ctx context.Context, conn *grpc.ClientConn) error) error {
	conn, err := c.dial()
	if err != nil {
		return err
	}
	timeout := c.timeout
	if !cmd.Flags().Changed("timeout") {
		timeout += time.Duration(items) * perItem
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
	defer cancel()
	return f(ctx, conn)
}

// completeSwitch offers the names of the connected switches as the first
// argument, and nothing as the others.
func (c *client) completeSwitch(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	const none = cobra.ShellCompDirectiveNoFileComp
	if len(args) > 0 {
		return nil, none
	}
	return c.switchNames(cmd), none
}

// completeSwitchAndFile offers switches as the first argument and files as the
// second.
func (c *client) completeSwitchAndFile(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) == 1 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return c.completeSwitch(cmd, args, begun)
}

// completionTimeout is how long a person who pressed the tab key waits at most.
const completionTimeout = time.Second

func (c *client) switchNames(cmd *cobra.Command) []cobra.Completion {
	conn, err := c.dial()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTimeout)
	defer cancel()
	r, err := sluicev1.NewSwitchServiceClient(conn).ListSwitches(ctx, &sluicev1.ListSwitchesRequest{})
	if err != nil {
		return nil // no sluiced, nothing to offer
	}
	var names []cobra.Completion
	for _, s := range r.GetSwitches() {
		if printable(s.GetName()) != s.GetName() {
			// The shell would put it on the terminal as it is.
			names = append(names, cobra.CompletionWithDesc(s.GetDpid(), "OpenFlow "+s.GetVersion()))
			continue
		}
		names = append(names, cobra.CompletionWithDesc(s.GetName(), "OpenFlow "+s.GetVersion()+", "+s.GetDpid()))
	}
	return names
}
