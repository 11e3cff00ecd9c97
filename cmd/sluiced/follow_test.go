package main

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// TestEndWhileFollowedByHTTP: who follows by HTTP does not hold up the end, and is told
// of it.
func TestEndWhileFollowedByHTTP(t *testing.T) {
	p := launch(t, buildBinary(t), "--apps", "none", "--state", t.TempDir())
	flows, _ := p.clients(t)
	patience, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := flows.WriteFlows(patience, &sluicev1.WriteFlowsRequest{Switch: "00000000000000aa", Level: sluicev1.WriteLevel_WRITE_LEVEL_STORED, Changes: []*sluicev1.FlowChange{
		{Change: &sluicev1.FlowChange_Add{Add: &sluicev1.FlowSpec{Form: &sluicev1.FlowSpec_Text{Text: "actions=drop"}}}},
	}}); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(patience, http.MethodGet, "http://"+p.addrs["http"]+"/v1/history/watch?after_revision=0", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	if !lines.Scan() || !strings.Contains(lines.Text(), `"revision":"1"`) {
		t.Fatalf("%s, %v", lines.Text(), lines.Err())
	}
	p.signal(t, syscall.SIGTERM)
	if !lines.Scan() || !strings.Contains(lines.Text(), `"code":14`) || lines.Scan() || lines.Err() != nil {
		t.Errorf("at the end it is told %s, %v", lines.Text(), lines.Err())
	}
	if rest, status, took := p.end(t); status != 0 || took > 5*time.Second {
		t.Errorf("exit status %d after %v; it wrote:\n%s", status, took, strings.Join(rest, "\n"))
	}
}
