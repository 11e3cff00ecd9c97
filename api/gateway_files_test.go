package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// web serves the gateway, with limits for a request that a stream outlasts.
func (r *rig) web(limit time.Duration) (*httptest.Server, func(method, path string, body io.Reader) (*http.Response, string)) {
	r.t.Helper()
	h, err := Gateway(r.t.Context(), r.conn)
	if err != nil {
		r.t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(h)
	s.Config.ReadTimeout, s.Config.WriteTimeout = limit, limit
	s.Start()
	r.t.Cleanup(s.Close)
	return s, func(method, path string, body io.Reader) (*http.Response, string) {
		r.t.Helper()
		ctx, cancel := context.WithTimeout(r.t.Context(), patience)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, method, s.URL+path, body)
		if err != nil {
			r.t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded") // as curl --data-binary
		resp, err := s.Client().Do(req)
		if err != nil {
			r.t.Fatal(err)
		}
		defer resp.Body.Close()
		said, err := io.ReadAll(resp.Body)
		if err != nil {
			r.t.Fatal(err)
		}
		return resp, string(said)
	}
}

// TestBackupByHTTP: a backup comes as a file, and restores as one; what is no backup,
// or has an option that is none, changes nothing.
func TestBackupByHTTP(t *testing.T) {
	r, st, ctx := stateRig(t)
	sim := r.connect(simswitch.Config{Name: "br0"})
	_, do := r.web(time.Minute)
	r.add(ctx, "priority=1,arp,actions=drop")
	resp, backup := do("GET", "/v1/backup", nil)
	_, name, err := mime.ParseMediaType(resp.Header.Get("Content-Disposition"))
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "application/octet-stream" || err != nil || !strings.HasSuffix(name["filename"], ".backup") {
		t.Fatalf("%s, %v: %v", resp.Status, resp.Header, err)
	}
	var whole bytes.Buffer
	if err := st.Backup(&whole); err != nil || backup != whole.String() {
		t.Fatalf("%d bytes, want %d: %v", len(backup), whole.Len(), err)
	}
	r.add(ctx, "priority=2,ip,actions=drop")
	for _, row := range []struct {
		path, body string
		status     int
		says       []string
	}{
		{"/v1/restore?plan_only=true", backup, 200, []string{`"removed":1`, `"backup_revision":"1"`, `"switch":"br0"`}},
		{"/v1/restore?plan_onyl=true", backup, 400, []string{"plan_onyl"}},
		{"/v1/restore?plan_only=perhaps", backup, 400, []string{"plan_only"}},
		{"/v1/restore?expected_revision=1", backup, 409, []string{"nothing was changed"}},
		{"/v1/restore", backup[:len(backup)/2], 400, []string{"take another backup"}},
		{"/v1/restore", "", 400, []string{"nothing was changed"}},
	} {
		resp, said := do("POST", row.path, strings.NewReader(row.body))
		if resp.StatusCode != row.status {
			t.Errorf("%s: %s: %s", row.path, resp.Status, said)
		}
		wantTexts(t, row.path, strings.ReplaceAll(said, ": ", ":"), row.says...)
	}
	if n := len(sim.Flows()); n != 2 {
		t.Errorf("%d flows after what changes nothing", n)
	}
	resp, said := do("POST", "/v1/restore?note=as+it+was&expected_revision=2", strings.NewReader(backup))
	var answer struct{ Revision string }
	if err := json.Unmarshal([]byte(said), &answer); err != nil || resp.StatusCode != 200 || answer.Revision != "3" {
		t.Errorf("%s: %s (%v)", resp.Status, said, err)
	}
	if resp, said := do("POST", "/v1/switches/br0/reconcile", nil); resp.StatusCode != 200 || len(sim.Flows()) != 1 {
		t.Errorf("the switch has %d flows: %s: %s", len(sim.Flows()), resp.Status, said)
	}
	h, err := sluicev1.NewStateServiceClient(r.conn).ListHistory(ctx, &sluicev1.ListHistoryRequest{Limit: 1})
	if err != nil || !strings.Contains(h.GetChanges()[0].GetNote(), "as it was") {
		t.Errorf("history: %v, %v", h, err)
	}
}

// TestRestoreIsCutOff: a body that ends before its length changes nothing, even if what
// came would be a backup.
func TestRestoreIsCutOff(t *testing.T) {
	r, st, ctx := stateRig(t)
	r.connect(simswitch.Config{Name: "br0"})
	s, do := r.web(time.Minute)
	r.add(ctx, "priority=1,arp,actions=drop")
	_, backup := do("GET", "/v1/backup", nil)
	r.add(ctx, "priority=2,ip,actions=drop")
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /v1/restore HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(backup)+1, backup)
	if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	said, _ := io.ReadAll(conn) // an answer, or none
	if strings.Contains(string(said), "200 OK") || st.Revision() != 2 {
		t.Errorf("revision %d; it said %s", st.Revision(), said)
	}
}

// TestWatchByHTTP: changes come as lines of JSON, for longer than a request may take, and
// where the history does not reach back so far, that is the answer's status.
func TestWatchByHTTP(t *testing.T) {
	r, _, ctx := stateRig(t)
	r.connect(simswitch.Config{Name: "br0"})
	const limit = time.Second
	s, do := r.web(limit)
	r.add(ctx, "priority=1,arp,actions=drop")
	req, err := http.NewRequestWithContext(ctx, "GET", s.URL+"/v1/history/watch?after_revision=0", nil)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	resp, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Fatal(resp.Status)
	}
	lines := bufio.NewScanner(resp.Body)
	for n := 1; time.Since(began) < 2*limit; n++ {
		var line struct {
			Result struct {
				Change struct{ Revision string }
				Items  []struct{ After string }
			}
		}
		if !lines.Scan() {
			t.Fatalf("cut after %v: %v", time.Since(began), lines.Err())
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line.Result.Change.Revision != fmt.Sprint(n) || len(line.Result.Items) != 1 {
			t.Fatalf("%s, want revision %d: %v", lines.Bytes(), n, err)
		}
		r.add(ctx, fmt.Sprintf("priority=2,udp,tp_dst=%d,actions=drop", n))
	}
	if resp, said := do("GET", "/v1/history/watch?after_revision=99999999", nil); resp.StatusCode != 400 || !strings.Contains(said, "ListState") {
		t.Errorf("of the future: %s: %s", resp.Status, said)
	}
}

// TestLastingRequests: those that last leave room for others, and one too many is
// refused.
func TestLastingRequests(t *testing.T) {
	r, _, ctx := stateRig(t)
	r.connect(simswitch.Config{Name: "br0"})
	s, do := r.web(time.Minute)
	r.add(ctx, "priority=1,arp,actions=drop")
	for range lastingRequests {
		req, err := http.NewRequestWithContext(ctx, "GET", s.URL+"/v1/history/watch?after_revision=0", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := s.Client().Do(req)
		if err != nil || resp.StatusCode != 200 {
			t.Fatal(resp, err)
		}
		defer resp.Body.Close()
	}
	if resp, said := do("GET", "/v1/backup", nil); resp.StatusCode != 429 || !strings.Contains(said, "limit") {
		t.Errorf("one too many: %s: %s", resp.Status, said)
	}
	if resp, said := do("GET", "/v1/switches/br0", nil); resp.StatusCode != 200 {
		t.Errorf("another request: %s: %s", resp.Status, said)
	}
}
