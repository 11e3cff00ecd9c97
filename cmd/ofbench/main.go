// Command ofbench measures any OpenFlow controller: it plays switches of
// OpenFlow 1.0, 1.1, 1.2 or 1.3 that shake hands as real ones do, sends
// packet-ins and counts the answers. Its flags and its RESULT line are those of
// cbench.
//
// It promises to count exactly one answer for each packet-in: the first flow-mod
// or packet-out that carries the packet-in's buffer id. A second one, one for a
// packet-in that was given up, or one without a buffer id is reported but never
// counted. It holds a bounded number of packet-ins in flight, waits for nothing
// without a deadline, and ends with an error if the controller refuses, closes a
// connection or answers nothing.
//
// It uses one core unless told otherwise, so that the controller can have
// another one for itself.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/spf13/pflag"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program without the process around it. It returns the exit code: 0
// if the controller answered, 1 if something went wrong, 2 for wrong flags, 130
// if it was interrupted.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parseOptions(args, stdout)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "ofbench: %v (--help tells the flags)\n", err)
		return 2
	}
	if err := openFiles(o.switches); err != nil {
		fmt.Fprintf(stderr, "ofbench: %v\n", err)
		return 1
	}
	procs := o.procs
	if o.looped() {
		// One more, which has next to nothing to do: so nobody takes the processor from
		// a loop that waits in the kernel, which would have to find one again.
		procs++
	}
	runtime.GOMAXPROCS(procs)
	out := &report{options: o, w: stdout}
	if o.hold > 0 {
		err = hold(ctx, o, out)
	} else {
		err = bench(ctx, o, out)
	}
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "ofbench: interrupted")
		return 130
	case err != nil:
		fmt.Fprintf(stderr, "ofbench: %v\n", err)
		return 1
	}
	return 0
}
