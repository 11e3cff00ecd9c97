package main

import (
	"encoding/json"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func (c *client) version() *cobra.Command {
	return &cobra.Command{
		Use:               "version",
		Short:             "Print the version of sluice",
		Example:           "  sluice version",
		Args:              want,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			v := buildVersion()
			if c.output == "text" {
				_, err := fmt.Fprintf(c.out, "sluice %s\n", v)
				return err
			}
			b, err := json.Marshal(map[string]string{"version": v})
			if err != nil {
				return err
			}
			return c.printJSON(b)
		},
	}
}

// buildVersion is what the Go tool stamped into the binary.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(unknown)"
	}
	return info.Main.Version
}
