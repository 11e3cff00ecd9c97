package api

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

func TestGateway(t *testing.T) {
	r := newRig(t, Config{})
	r.bridge(ofp.V13)
	h, err := Gateway(t.Context(), r.conn)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, method, path, body string
		header                   http.Header
		status                   int
		says                     []string
	}{
		{"switches", "GET", "/v1/switches", "", nil, 200, []string{`"name":"br0"`, `"version":"1.3"`, `"port_count":4`}},
		{"one switch", "GET", "/v1/switches/br0", "", nil, 200, []string{`"dpid":"0000000000000001"`}},
		{"by identifier", "GET", "/v1/switches/00:00:00:00:00:00:00:01", "", nil, 200, []string{`"name":"br0"`}},
		{"add", "POST", "/v1/switches/br0/flows", `{"changes":[{"add":{"text":"priority=3,arp,actions=output:2"}}]}`, nil, 200, []string{`"confirmed":1`}},
		{"add structured", "POST", "/v1/switches/br0/flows", `{"changes":[{"add":{"flow":{"priority":4,"match":{"eth_type":2048,"ipv4_dst":"10.0.0.0/8"},"actions":[{"output":{"port":3}}]}}}]}`, nil, 200, []string{`"confirmed":1`}},
		{"flows", "GET", "/v1/switches/br0/flows?filter.text=arp", "", nil, 200, []string{`priority=3`, `"eth_type":2054`}},
		{"sum", "GET", "/v1/switches/br0/flow-aggregate", "", nil, 200, []string{`"flow_count":2`}},
		{"packet", "POST", "/v1/switches/br0/packets", `{"text":"packet=ffffffffffff0000000000010806,actions=output:1"}`, nil, 200, []string{`{}`}},
		{"barrier", "POST", "/v1/switches/br0/barrier", "", nil, 200, []string{`{}`}},
		{"set role", "POST", "/v1/switches/br0/role", `{"role":"CONTROLLER_ROLE_MASTER","generation_id":"7"}`, nil, 200, []string{`"generation_id":"7"`}},
		{"role", "GET", "/v1/switches/br0/role", "", nil, 200, []string{`"role":"CONTROLLER_ROLE_MASTER"`}},
		{"ports", "GET", "/v1/switches/br0/ports", "", nil, 200, []string{`"eth4"`}},
		{"port statistics", "GET", "/v1/switches/br0/port-stats?port=eth2", "", nil, 200, []string{`"name":"eth2"`}},
		{"table statistics", "GET", "/v1/switches/br0/table-stats", "", nil, 200, []string{`"active_flows":2`}},
		{"no such switch", "GET", "/v1/switches/nosuch", "", nil, 404, []string{"nosuch"}},
		{"a name that is not UTF-8", "GET", "/v1/switches/%ff", "", nil, 400, []string{`"code":3`, "%ff", "UTF-8"}},
		{"a percent sign", "GET", "/v1/switches/%25ff", "", nil, 404, []string{"%ff"}},
		{"a query that is not UTF-8", "GET", "/v1/switches/br0/port-stats?port=%c3&port=%a9", "", nil, 400, []string{`"code":3`, "port", "UTF-8"}},
		{"a flow that is not UTF-8", "GET", "/v1/switches/br0/flows?filter.text=%fe", "", nil, 400, []string{`"code":3`, "filter.text", "UTF-8"}},
		{"a change that is not UTF-8", "POST", "/v1/switches/br0/flows", "{\"changes\":[{\"add\":{\"text\":\"\xff\"}}]}", nil, 400, []string{`"code":3`}},
		{"bad flow", "POST", "/v1/switches/br0/flows", `{"changes":[{"add":{"text":"nonsense"}}]}`, nil, 400, []string{"changes[0].add.text", "BadRequest"}},
		{"unknown field", "POST", "/v1/switches/br0/flows", `{"chnges":[]}`, nil, 400, []string{"chnges"}},
		{"no JSON", "POST", "/v1/switches/br0/flows", `]`, nil, 400, nil},
		{"two objects", "POST", "/v1/switches/br0/flows", `{"changes":[{"add":{"text":"arp,actions=drop"}}]} {"changes":[{"add":{"text":"ip,actions=drop"}}]}`, nil, 400, []string{`"code":3`, "more follows"}},
		{"garbage behind an object", "POST", "/v1/switches/br0/flows", `{"changes":[{"add":{"text":"arp,actions=drop"}}]}}`, nil, 400, []string{`"code":3`, "behind"}},
		{"from another site", "POST", "/v1/switches/br0/flows", `{"changes":[{"delete":{}}]}`, http.Header{"Sec-Fetch-Site": {"cross-site"}}, 403, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			req := httptest.NewRequest(row.method, row.path, strings.NewReader(row.body))
			for k, v := range row.header {
				req.Header[k] = v
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, req)
			if w.Code != row.status {
				t.Errorf("status %d, want %d: %s", w.Code, row.status, w.Body)
			}
			body := w.Body.String()
			var compact strings.Builder
			for dec := json.NewDecoder(strings.NewReader(body)); w.Code == 200; {
				var v json.RawMessage
				if err := dec.Decode(&v); err == io.EOF {
					break
				} else if err != nil {
					t.Fatalf("%v in %s", err, body)
				}
				var x any
				_ = json.Unmarshal(v, &x)
				b, _ := json.Marshal(x)
				compact.Write(b)
			}
			if w.Code == 200 {
				body = compact.String()
			}
			wantTexts(t, "body", body, row.says...)
		})
	}
}

func TestHealth(t *testing.T) {
	r := newRig(t, Config{})
	r.eventually("the controller listens", r.c.Ready)
	h := healthpb.NewHealthClient(r.conn)
	for _, service := range []string{"", "sluice.v1.FlowService"} {
		got, err := h.Check(t.Context(), &healthpb.HealthCheckRequest{Service: service})
		if err != nil || got.GetStatus() != healthpb.HealthCheckResponse_SERVING {
			t.Errorf("%q: %v, %v, want SERVING", service, got, err)
		}
	}
	if _, err := h.Check(t.Context(), &healthpb.HealthCheckRequest{Service: "nosuch"}); status.Code(err) != codes.NotFound {
		t.Errorf("nosuch: %v, want NOT_FOUND", err)
	}
	idle, err := controller.New(controller.Config{Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	if got := (&health{c: idle}).status(""); got != healthpb.HealthCheckResponse_NOT_SERVING {
		t.Errorf("a controller that does not listen is %s", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	w, err := h.Watch(ctx, &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := w.Recv(); err != nil || got.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("watch: %v, %v", got, err)
	}
}

func TestReflectionListsTheServices(t *testing.T) {
	r := newRig(t, Config{})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s, err := reflectionpb.NewServerReflectionClient(r.conn).ServerReflectionInfo(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(&reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Recv()
	if err != nil {
		t.Fatal(err)
	}
	var names strings.Builder
	for _, x := range got.GetListServicesResponse().GetService() {
		names.WriteString(x.GetName() + " ")
	}
	wantTexts(t, "services", names.String(), sluicev1.SwitchService_ServiceDesc.ServiceName, sluicev1.FlowService_ServiceDesc.ServiceName,
		sluicev1.PacketService_ServiceDesc.ServiceName, "grpc.health.v1.Health")
}
