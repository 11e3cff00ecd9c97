// Command sluiced is the controller daemon: it listens for switches, runs the
// apps, and serves the northbound API over gRPC and JSON.
//
// It reads flags, environment and configuration file (settings.go, resolve.go),
// opens every listener before it serves any (daemon.go), and ends within 5
// seconds of SIGTERM or SIGINT. Exit status: 0 after a clean end, 1 when
// something failed while starting or running, 2 when it was told something wrong.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
)

func main() {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	ctx, stop := context.WithCancelCause(context.Background())
	go func() { // Lives as long as the process.
		stop(fmt.Errorf("signal: %v", <-signals))
		// SIGTERM often comes twice, as timeout(1) sends it to the process and to
		// its group: only SIGINT says that somebody does not want to wait.
		for s := range signals {
			if s == syscall.SIGINT {
				fmt.Fprintf(os.Stderr, "sluiced: signal: %v again: ended at once\n", s)
				os.Exit(1)
			}
		}
	}()
	os.Exit(run(ctx, os.Args[1:], os.LookupEnv, os.Stdout, os.Stderr))
}

// run is main with its surroundings as arguments. It returns the exit status.
func run(ctx context.Context, args []string, lookup func(string) (string, bool), stdout, stderr io.Writer) int {
	cmd := newCommand(lookup)
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(stderr, "sluiced: %s\n", strings.TrimSuffix(line, "\n"))
	}
	if wrong := (usageError{}); errors.As(err, &wrong) {
		fmt.Fprintln(stderr, "sluiced: see sluiced --help")
		return 2
	}
	return 1
}

const long = `sluiced is an SDN controller. Switches connect to it over OpenFlow 1.0, 1.1, 1.2
or 1.3, whichever is the highest that both speak; programs and people talk to it
over gRPC (see sluice --help) or JSON.

Each setting is a flag, an environment variable (SLUICE_ and the flag's name,
such as SLUICE_LOG_LEVEL) and a key of the configuration file (log-level). The
flag goes before the environment, the environment before the file, the file
before the default. An unknown key in the file is an error; an unknown variable
whose name begins with SLUICE_ is a line in the log.

SIGTERM and SIGINT end it within 5 seconds, a SIGINT after that at once. With
TLS, SIGHUP makes it read its certificates again. Exit status: 0 after a clean
end, 1 when something failed, 2 when it was told something wrong.`

const examples = `  # a learning switch for whatever connects to port 6653
  sluiced
  ovs-vsctl set-controller br0 tcp:127.0.0.1:6653

  # no apps: only flows that come over the API
  sluiced --apps none

  # switches over TLS too, each with a certificate (see docs/tls.md)
  sluiced --openflow :6653 --openflow ssl::6654 --tls-cert c.pem --tls-key k.pem --tls-ca ca.pem

  # by configuration file, but with more to read
  sluiced --config /etc/sluice/sluiced.yaml --log-level debug`

func newCommand(lookup func(string) (string, bool)) *cobra.Command {
	s := defaults()
	settingFlags := s.flags()
	var path string
	cmd := &cobra.Command{
		Use:           "sluiced [flags]",
		Short:         "SDN controller for OpenFlow 1.0 to 1.3",
		Long:          long,
		Example:       examples,
		Version:       thisBuild().String(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("unexpected argument %q; all settings are flags", args[0])}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if path == "" {
				path, _ = lookup(envName("config"))
			}
			var file io.Reader
			if path != "" {
				f, err := os.Open(path)
				if err != nil {
					return usageError{fmt.Errorf("reading the configuration: %w", err)}
				}
				defer f.Close()
				file = f
			}
			if err := resolve(settingFlags, lookup, path, file); err != nil {
				return usageError{err}
			}
			if err := s.check(); err != nil {
				return usageError{err}
			}
			log := newLogger(s, cmd.ErrOrStderr())
			for _, name := range strayVariables(settingFlags, os.Environ()) {
				log.WithField("variable", name).Warn("environment variable is no setting; see sluiced --help")
			}
			return serve(cmd.Context(), s, log)
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().AddFlagSet(settingFlags)
	cmd.Flags().StringVar(&path, "config", "", "read settings from this YAML `FILE`; also SLUICE_CONFIG")
	cmd.SetFlagErrorFunc(flagError)
	cmd.SetVersionTemplate("sluiced {{.Version}}\n")
	cmd.CompletionOptions.DisableDefaultCmd = true
	return cmd
}

func newLogger(s *settings, out io.Writer) *logrus.Logger {
	logger := logrus.New()
	logger.SetOutput(out)
	logger.SetLevel(logrus.Level(s.logLevel))
	if s.logFormat.value == "json" {
		logger.SetFormatter(&logrus.JSONFormatter{TimestampFormat: time.RFC3339Nano})
	} else {
		logger.SetFormatter(&logrus.TextFormatter{FullTimestamp: true})
	}
	return logger
}
