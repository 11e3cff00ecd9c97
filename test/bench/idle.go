package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// idle connects many switches that say nothing of their own accord and holds
// them: sluiced asks each for an echo every five seconds, the floor never does.
func idle(ctx context.Context, p *plan, w io.Writer) ([]aim, error) {
	fmt.Fprintf(w, "%d switches of OpenFlow 1.3, held for %v.\n\n", p.idle, p.hold)
	fmt.Fprintf(w, "| controller | all ready after | RSS each | connections lost |\n|---|---|---|---|\n")
	var aims []aim
	for _, name := range []string{"floor", "sluiced"} {
		fmt.Fprintf(os.Stderr, "bench: idle %s, %v\n", name, p.hold)
		h, seen, err := holdIdle(ctx, p, name)
		if err != nil && h.Dropped == 0 {
			return aims, fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintf(w, "| %s | %.2f s | %.1f KB | %d |\n", name, h.Ready, h.PerSwitch/1e3, h.Dropped)
		if name != "sluiced" {
			continue
		}
		aims = []aim{
			{what: fmt.Sprintf("%d idle switches: all ready after", p.idle), got: h.Ready, unit: " s", want: 10},
			{what: fmt.Sprintf("%d idle switches: memory each", p.idle), got: h.PerSwitch / 1e3, unit: " KB", want: 24},
			{what: fmt.Sprintf("%d idle switches: connections lost in %v", p.idle, p.hold), got: float64(h.Dropped), want: 0},
			{what: "the most that sluice_switches_connected told of them", got: float64(seen), want: float64(p.idle), least: true},
		}
	}
	fmt.Fprintln(w)
	return aims, nil
}

// holdIdle holds idle switches on one controller, and returns besides what it
// measured how many switches sluiced counted at most.
func holdIdle(ctx context.Context, p *plan, name string) (h held, seen int, err error) {
	with := *p
	if with.http, err = freePort(); err != nil {
		return h, 0, err
	}
	c, err := start(ctx, &with, name, p.cores[0])
	if err != nil {
		return h, 0, err
	}
	defer c.stop()
	ended := make(chan struct{})
	watched := make(chan int, 1)
	go func() {
		most := 0
		defer func() { watched <- most }()
		for name == "sluiced" {
			most = max(most, connected(with.http))
			select {
			case <-ended:
				return
			case <-time.After(time.Second):
			}
		}
	}()
	err = c.ofbench(ctx, p, p.cores[1], &h, "--of", "1.3", "-s", strconv.Itoa(p.idle), "--hold", p.hold.String(), "--ready-timeout", "60s")
	close(ended)
	return h, <-watched, err
}

// connected is what sluiced says on its HTTP port of the switches it has; 0 if it
// says nothing.
func connected(port int) int {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d/metrics", port))
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if n, ok := strings.CutPrefix(line, "sluice_switches_connected "); ok {
			x, _ := strconv.ParseFloat(strings.TrimSpace(n), 64)
			return int(x)
		}
	}
	return 0
}
