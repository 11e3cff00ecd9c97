// Command demo shows Sluice at work on four real Open vSwitch bridges, one a
// version of OpenFlow, and checks at every step that what it tells is true.
//
// It uses the sluiced and sluice beside its own binary; demo/run builds them and
// starts it. It needs root.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/sluice-sdn/sluice/test/ovs"
)

// limit is how long the demonstration may take, without a stay.
const limit = 2 * time.Minute

func main() {
	keep := flag.Bool("keep", false, "end in a shell beside the switches")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, *keep)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "\ndemo: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, keep bool) (err error) {
	if err := ovs.Available(); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	start := time.Now()
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	n, err := ovs.Start(bounded)
	if err != nil {
		return err
	}
	defer func() {
		stopped := n.Stop()
		err = errors.Join(err, stopped)
		if stopped == nil {
			fmt.Println("\nSwitches, hosts, controller and files of the demonstration are gone again.")
		}
	}()

	s := &stage{Net: n, bin: filepath.Dir(self)}
	err = s.play(bounded)
	if err != nil && ctx.Err() != nil {
		return errors.New("interrupted")
	}
	if err == nil && keep {
		err = s.stay()
	}
	if err != nil {
		return err
	}
	if len(s.wrong) > 0 {
		return fmt.Errorf("%d of %d steps did not go as told:\n%w", len(s.wrong), s.checks, errors.Join(s.wrong...))
	}
	fmt.Printf("\nAll %d checks passed in %.0f seconds.\n", s.checks, time.Since(start).Seconds())
	return nil
}

// stay gives the user a shell beside the switches. The terminal's interrupts
// are the shell's.
func (s *stage) stay() error {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, syscall.SIGINT)
	defer signal.Stop(interrupts)
	fmt.Print("\nThis shell is beside the switches and the controller. Some things to try:\n\n",
		"  sluice switches\n  sluice dump-flows of13\n  ovs-vsctl show\n",
		"  sluice add-flow of13 'priority=60000,icmp,actions=drop'\n",
		"  ip netns exec ", s.Name, "-of13-h1 ping 10.0.13.2\n  curl -s http://", ovs.HTTPAddr, "/metrics\n\n",
		"Leaving it (exit) removes everything.\n")
	shell := s.Command(context.Background(), "bash", "--norc")
	shell.Env = append(shell.Env, "PATH="+s.bin+":"+os.Getenv("PATH"), `PS1=sluice demo \$ `)
	shell.SysProcAttr = nil // it shares our terminal
	shell.Cancel = nil
	shell.Stdin, shell.Stdout, shell.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := s.Net.Start(shell); err != nil {
		return err
	}
	_ = shell.Wait() // its status is that of the user's last command
	return nil
}
