// Command sluice is the command line of the Sluice controller: a client of its
// gRPC API with the verbs of ovs-ofctl. It knows nothing that any other client
// could not know.
//
// It exits with status 0 if everything was done and, where a switch was to
// change, the switch confirmed it; with 1 if not; with 2 if the command line
// makes no sense. diff-flows exits with 2 if its sources differ, as ovs-ofctl does.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Exit statuses.
const (
	exitDone  = 0
	exitError = 1
	exitUsage = 2

	exitDiffer = 2 // of diff-flows
)

// run carries out one command line and returns the exit status.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	c := &client{in: in, out: out, errOut: errOut}
	defer c.close()
	root := newRoot(c)
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	return c.explain(err)
}
