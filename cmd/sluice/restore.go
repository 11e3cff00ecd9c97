package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

func (c *client) restore() *cobra.Command {
	var yes, planOnly bool
	var note string
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Have again what a backup holds, while sluiced runs",
		Long: `Shows what would change, asks, and has all switches have what a file that
sluice backup has made says. sluiced checks the whole file before it changes
anything. This is one change like any other, with a revision of its own; the
history stays, and sluice rollback undoes it. How ports, tables and fragments were set
comes back with the backup. Connected switches are brought to it
at once by what differs, the others when they connect; sluice status tells how far
that is.`,
		Example: "  sluice restore sluice-state.backup --plan\n  sluice restore sluice-state.backup --yes",
		Args:    want,
		RunE: func(cmd *cobra.Command, args []string) error {
			o := &sluicev1.RestoreOptions{PlanOnly: true, Note: cmp.Or(note, "restore of "+filepath.Base(args[0]))}
			r, err := c.sendBackup(cmd, args[0], o)
			if err != nil {
				return err
			}
			if planOnly || c.output == "text" {
				err := c.print(r, func(w io.Writer) { printRestore(w, r) })
				if err != nil || planOnly || len(r.GetSwitches()) == 0 {
					return err
				}
			}
			if err := c.sure(yes, "Restore it?"); err != nil {
				return err
			}
			o.PlanOnly, o.ExpectedRevision = false, &r.Revision
			if r, err = c.sendBackup(cmd, args[0], o); err != nil {
				return err
			}
			return c.print(r, func(w io.Writer) {
				fmt.Fprintf(w, "restored as revision %d; sluice status tells how far the switches are\n", r.GetRevision())
			})
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&planOnly, "plan", false, "tell only what would change")
	cmd.Flags().StringVar(&note, "note", "", "`text` for the history (default: the file's name)")
	complete(cmd, "note")
	return cmd
}

const (
	restorePart = 256 << 10 // bytes of a request
	restoreRate = 10_000    // bytes that take at most perItem, unless --timeout says how long
)

// sendBackup sends a file and returns what changes by it.
func (c *client) sendBackup(cmd *cobra.Command, name string, o *sluicev1.RestoreOptions) (r *sluicev1.RestoreResponse, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	err = c.callFor(cmd, int(info.Size()/restoreRate), func(ctx context.Context, conn *grpc.ClientConn) error {
		stream, err := sluicev1.NewStateServiceClient(conn).Restore(ctx)
		if err != nil {
			return err
		}
		for part := make([]byte, restorePart); ; o = nil {
			n, err := f.Read(part)
			if n == 0 && err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			if n == 0 && o == nil {
				break
			}
			// If sluiced has ended the call already its answer says why.
			if err := stream.Send(&sluicev1.RestoreRequest{Options: o, Data: part[:n]}); err != nil {
				break
			}
		}
		r, err = stream.CloseAndRecv()
		return err
	})
	return r, err
}

func printRestore(w io.Writer, r *sluicev1.RestoreResponse) {
	if len(r.GetSwitches()) == 0 {
		fmt.Fprintf(w, "nothing to do: all is as in the backup, which is of revision %d\n", r.GetBackupRevision())
		return
	}
	rows := [][]string{{"SWITCH", "DPID", "ADD", "CHANGE", "REMOVE", "SAME", "SETTINGS"}}
	for _, s := range r.GetSwitches() {
		settings := "same"
		if s.GetSettings() {
			settings = "change"
		}
		rows = append(rows, []string{
			cmp.Or(s.GetSwitch(), "(not connected)"), s.GetDpid(), number(s.GetAdded()), number(s.GetChanged()), number(s.GetRemoved()), number(s.GetSame()), settings,
		})
	}
	table(w, rows)
	fmt.Fprintf(w, "the backup is of revision %d\n", r.GetBackupRevision())
}
