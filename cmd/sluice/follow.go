package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// follow prints changes as they come, until it is interrupted: those after a revision,
// or after the last one if that is nil. A connection that ends is made again, from the
// last change on.
func (c *client) follow(cmd *cobra.Command, after *uint64) error {
	ctx := cmd.Context()
	if after == nil {
		after = new(uint64)
		err := c.call(cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
			r, err := sluicev1.NewStateServiceClient(conn).ListHistory(ctx, &sluicev1.ListHistoryRequest{Limit: 1})
			for _, x := range r.GetChanges() {
				*after = x.GetRevision()
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	for tries := 0; ; tries++ {
		began := time.Now()
		err := c.followOnce(ctx, after)
		switch {
		case ctx.Err() != nil:
			return nil // interrupted, as was to be
		case status.Code(err) != codes.Unavailable && !errors.Is(err, io.EOF):
			return err
		}
		if time.Since(began) > followPatience {
			tries = 0
		}
		if tries >= followTries {
			return err
		}
		fmt.Fprintf(c.errOut, "sluice: %v; trying again after revision %d\n", err, *after)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(followPause):
		}
	}
}

const (
	followTries    = 30 // in a row
	followPause    = time.Second
	followPatience = 10 * time.Second
)

// followOnce follows over one connection. after becomes the last change that was
// printed whole.
func (c *client) followOnce(ctx context.Context, after *uint64) error {
	conn, err := c.dial()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := sluicev1.NewStateServiceClient(conn).WatchHistory(ctx, &sluicev1.WatchHistoryRequest{AfterRevision: after})
	if err != nil {
		return err
	}
	var rev uint64
	for {
		r, err := stream.Recv()
		if err != nil {
			return err
		}
		if err := c.print(r, func(w io.Writer) { printChange(w, r) }); err != nil {
			return err
		}
		if r.GetChange() != nil {
			rev = r.GetChange().GetRevision()
		}
		if !r.GetMore() {
			*after = rev
		}
	}
}

func printChange(w io.Writer, r *sluicev1.WatchHistoryResponse) {
	if x := r.GetChange(); x != nil {
		note := ""
		if x.GetNote() != "" {
			note = ": " + printable(x.GetNote())
		}
		fmt.Fprintf(w, "revision %d, %s, by %s%s\n", x.GetRevision(), x.GetTime().AsTime().Local().Format(time.DateTime), cmp.Or(printable(x.GetAuthor()), "-"), note)
	}
	for _, x := range r.GetItems() {
		what, mark := cmp.Or(x.GetAfter(), x.GetBefore()), "~"
		switch {
		case x.GetBefore() == "":
			mark = "+"
		case x.GetAfter() == "" && !x.GetSuperseded():
			mark = "-"
		}
		later := ""
		if x.GetSuperseded() {
			later = " (changed again later)"
		}
		if what == "" {
			what = "that has changed again"
		}
		fmt.Fprintf(w, "  %s %s %s %s%s\n", mark, x.GetDpid(), cmp.Or(x.GetKind(), "thing"), printable(what), later)
	}
}
